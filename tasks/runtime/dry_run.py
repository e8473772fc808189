"""What a run would do: the flow's own wiring, called with a dry run in place of the stages."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from prefect import Task

from tasks.runtime.caching import artifacts_in, cache_status, of_several
from tasks.runtime.checkpoints import begun
from tasks.runtime.table_layout import files_to_read
from tasks.runtime.user_table import UserTable
from tasks.store.artifact import Artifact


class DryRun:
    """Looks at each stage that the wiring calls, and runs none."""

    def __init__(self, root: Path) -> None:
        """Start a dry run over the store at `root`."""
        self.root = root
        # By stage: its state, and why.
        self.stages: dict[str, tuple[Literal["cached", "will run"], str]] = {}

    @property
    def waiting(self) -> set[str]:
        """The stages that would run."""
        return {name for name, (state, _) in self.stages.items() if state != "cached"}

    def __call__(self, stage: Task[..., Artifact], **inputs: Any) -> Artifact:
        """Return the stage's finished artifact, or a pending one where the stage would run."""
        artifact, reason = self._look(stage, inputs)
        self._note(stage, [artifact], [reason])
        return artifact

    def each(
        self, stage: Task[..., Artifact], name: str, values: Iterable[Any], **inputs: Any
    ) -> list[Artifact]:
        """Return the artifact of each call of a stage: once for every value of the input called `name`."""
        looks = [self._look(stage, {**inputs, name: value}) for value in values]
        self._note(stage, [artifact for artifact, _ in looks], [reason for _, reason in looks])
        return [artifact for artifact, _ in looks]

    def _look(self, stage: Task[..., Artifact], inputs: dict[str, Any]) -> tuple[Artifact, str]:
        waiting = [each.stage for each in artifacts_in(inputs) if each.pending]
        pending = Artifact(stage=stage.name, files={})
        if waiting:
            return pending, f"unless `{waiting[0]}` leaves the same files as before"

        status = cache_status(stage.fn, {**inputs, "root": self.root}, self.root)
        if status.artifact is not None:
            return status.artifact, status.reason
        said = [
            status.reason,
            begun(self.root, status.key),
            *(files_to_read(each, self.root) for each in inputs.values() if isinstance(each, UserTable)),
        ]
        return pending, "; ".join(filter(None, said))

    def _note(
        self, stage: Task[..., Artifact], artifacts: Sequence[Artifact], reasons: Sequence[str]
    ) -> None:
        waiting = [reason for artifact, reason in zip(artifacts, reasons, strict=True) if artifact.pending]
        state: Literal["cached", "will run"] = "will run" if waiting else "cached"
        self.stages[stage.name] = state, of_several(waiting or reasons, len(reasons))
