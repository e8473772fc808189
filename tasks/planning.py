"""What a run would do: the same wiring as the flow's, called with a forecast in place of the stages."""

from pathlib import Path
from typing import Any, Literal

from prefect import Task

from tasks.caching import outlook
from tasks.store.artifact import Artifact


class Forecast:
    """Looks at each stage that the wiring calls, and runs none."""

    def __init__(self, root: Path) -> None:
        """Start a forecast over the store at `root`."""
        self.root = root
        self.stages: dict[str, tuple[Literal["cached", "will run"], str]] = {}
        """By stage: its state, and why."""

    def __call__(self, stage: Task[..., Artifact], **inputs: Any) -> Artifact:
        """Return the stage's finished artifact, or a pending one where the stage would run."""
        waiting = [each.stage for each in inputs.values() if isinstance(each, Artifact) and each.pending]
        if waiting:
            self.stages[stage.name] = ("will run", f"unless `{waiting[0]}` leaves the same files as before")
            return Artifact(stage=stage.name, files={})
        look = outlook(stage.fn, {**inputs, "root": self.root}, self.root)
        self.stages[stage.name] = ("cached" if look.artifact else "will run", look.reason)
        return look.artifact or Artifact(stage=stage.name, files={})
