"""A table that grows or changes between the runs of one name."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flows.regression import regression
from tasks.config import Settings, overlaid
from tasks.outputs import registry
from tasks.outputs.registry import NamedModel
from tasks.outputs.result import Decision, Result


class Shop:
    """A table that grows or changes between runs of one name."""

    def __init__(self, folder: Path) -> None:
        """Begin in an empty folder."""
        self.folder = folder
        self.rng = np.random.default_rng(0)

    def rows(self, count: int, slope: float = 2.0, noise: float = 1.0) -> pd.DataFrame:
        x = self.rng.normal(size=count)
        island = self.rng.choice(["a", "b", "c"], count)
        base = pd.Series(island).map({"a": 0.0, "b": 3.0, "c": -2.0})
        y = slope * x + base + noise * self.rng.normal(size=count)
        return pd.DataFrame({"day": np.repeat(np.arange(count // 10), 10), "x": x, "island": island, "y": y})

    def night(self, rows: pd.DataFrame, **changes: Any) -> Result:
        """Retrain on these rows."""
        rows.to_csv(self.folder / "sales.csv", index=False)
        given = {
            "name": "sales",
            "artifacts": str(self.folder / "store"),
            "input": {
                "data": str(self.folder / "sales.csv"),
                "target": "y",
                "exclude": "day",
                "categorical": "island",
            },
            "training": {"epochs": 20},
            "gate": {"promote_if": "better"},
        }
        return regression(Settings.model_validate(overlaid(given, changes)))

    @property
    def known(self) -> NamedModel:
        found = registry.read(self.folder / "store", "sales")
        assert found is not None
        return found

    def champion(self) -> int | None:
        return self.known.champion.number if self.known.champion else None


def decision(result: Result) -> Decision:
    """Return what the gate decided."""
    assert result.decision is not None
    return result.decision
