"""A shop's table that is retrained on again and again by the nightly deployment, one run after the other."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.config import overlaid
from tasks.outputs import registry, runs
from tasks.outputs.registry import NamedModel
from tasks.outputs.result import Decision, Result
from tests.nightly.terminals import Terminals, until

ENDED = {"Completed", "Rejected", "Failed", "Crashed", "Cancelled"}


class Shop:
    """A folder of tables, `sales/1.csv` and so on, in the terminals' checkout, and the models of its name."""

    def __init__(self, terminals: Terminals, name: str) -> None:
        """Begin without a table."""
        self.terminals = terminals
        self.name = name
        self.table = terminals.folder / name
        self.table.mkdir()
        self.store = terminals.folder / f"{name}-store"
        self._rng = np.random.default_rng(0)

    def add(self, file: int, rows: int = 300, *, slope: float = 2.0, shift: float = 0.0) -> None:
        """Write a file of rows: y = slope·x + noise, with x around `shift`."""
        x = self._rng.normal(size=rows) + shift
        y = slope * x + self._rng.normal(size=rows)
        lines = "".join(f"{a:.6f},{b:.6f}\n" for a, b in zip(x, y, strict=True))
        (self.table / f"{file}.csv").write_text(f"x,y\n{lines}")

    def remove(self, *files: int) -> None:
        """Take files out of the table."""
        for file in files:
            (self.table / f"{file}.csv").unlink()

    def start(self, **changes: Any) -> str:
        """Trigger the deployment; return the run's id."""
        given = {
            "name": self.name,
            "artifacts": self.store.name,
            "input": {"data": self.table.name, "target": "y"},
            "training": {"epochs": 5},
            "gate": {"promote_if": "better", "max_rmse": 5.0},
        }
        nightly = self.terminals.ask("deployments/name/regression/nightly")
        settings = overlaid(given, changes)
        made = self.terminals.ask(
            f"deployments/{nightly['id']}/create_flow_run", parameters={"settings": settings}
        )
        return str(made["id"])

    def state(self, run: str, *wanted: str) -> dict[str, Any]:
        """Wait until a run is in one of these states; return it."""

        def look() -> dict[str, Any]:
            found: dict[str, Any] = self.terminals.ask(f"flow_runs/{run}")["state"]
            return found if found["name"] in wanted else {}

        return until(look, seconds=180)

    def night(self, **changes: Any) -> tuple[str, str]:
        """Run once, to its end; return its state's name and id."""
        run = self.start(**changes)
        return str(self.state(run, *ENDED)["name"]), run

    def ran(self, run: str) -> set[str]:
        """Return the stages that a run did not take from the cache."""
        return {name for name, state in self.terminals.stages(run).items() if state != "Cached"}

    @property
    def known(self) -> NamedModel:
        """Return what the registry holds."""
        found = registry.read(self.store, self.name)
        assert found is not None
        return found

    @property
    def champion(self) -> int | None:
        """Return the version in use."""
        return self.known.champion.number if self.known.champion else None

    def result(self, run: str) -> Result:
        """Return what a run has found."""
        (folder,) = (self.store / "runs").glob(f"*-{run[:8]}")
        result = runs.read(self.store, folder.name)
        assert result is not None
        return result

    def decision(self, run: str) -> Decision:
        """Return what was decided about a run."""
        decision = self.result(run).decision
        assert decision is not None
        return decision

    def events(self, prefix: str = "linear-neuron.model.") -> Sequence[str]:
        """Return the kinds of the events that the server has heard of this name's models so far, the oldest first."""
        asked = {"resource": {"id": [f"linear-neuron.model.{self.name}"]}, "order": "ASC"}
        found = self.terminals.ask("events/filter", filter=asked)["events"]
        return [each["event"].removeprefix(prefix) for each in found if each["event"].startswith(prefix)]
