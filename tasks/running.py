"""One run's dealings with its stages: where their records lie, what each did, why and in how many seconds."""

import time
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger

from tasks.caching import forget, key_for, outlook, records, remember
from tasks.page.result import File, Stage
from tasks.store.artifact import Artifact
from tasks.store.locks import locked


class Run:
    """Calls stages against one store and keeps an account of them."""

    def __init__(self, root: Path) -> None:
        """Start an account of a run in the store at `root`."""
        self.root = root
        self.stages: dict[str, Stage] = {}

    def __call__(self, stage: Task[..., Artifact], **inputs: Any) -> Artifact:
        """Call a stage, or take its finished artifact from the store, and note which it was.

        A record whose files are missing or altered is dropped first, with a warning, so that its stage runs again.
        Of several processes that need the same artifact one computes it, while the others wait.
        """
        started = time.perf_counter()
        inputs["root"] = self.root
        with locked(self.root, key_for(stage.fn, inputs)):
            look = outlook(stage.fn, inputs, self.root)
            if look.damage:
                get_run_logger().warning("%s runs again: %s", stage.name, look.damage)
                forget(self.root, look.key)
            remember(self.root, stage.name, look)
            state: State[Artifact] = stage.with_options(result_storage=records(self.root))(
                **inputs, return_state=True
            )
            artifact = state.result()
        self.stages[stage.name] = Stage(
            state="cached" if state.name == "Cached" else "ran",
            reason=look.reason,
            seconds=round(time.perf_counter() - started, 3),
            files=[File(**file.model_dump()) for file in artifact.files.values()],
        )
        return artifact
