"""One run's dealings with its stages: where their records lie, what each did, why and in how many seconds."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger

from tasks.caching import Outlook, forget, key_for, outlook, records, remember
from tasks.page.result import File, Stage
from tasks.persistence import Records
from tasks.store.artifact import Artifact
from tasks.store.leases import Lease
from tasks.store.locks import locked
from tasks.store.verification import Verification
from tasks.store.writing import sweep


class Run:
    """Calls stages against one store and keeps an account of them."""

    def __init__(self, root: Path, held: Lease) -> None:
        """Start an account of a run in the store at `root`, which may use what it claims on the lease `held`.

        What killed runs have left unfinished in the store is removed.
        """
        self.root = root
        self.held = held
        self.at: str | None = None
        """The stage that is being called; None between stages."""
        self.stages: dict[str, Stage] = {}
        self._verification = Verification(root)
        self._calls: dict[str, tuple[Task[..., Artifact], dict[str, Any]]] = {}
        sweep(root)

    def __call__(self, stage: Task[..., Artifact], **inputs: Any) -> Artifact:
        """Call a stage, or take its finished artifact from the store, and note which it was.

        A record whose files are missing or altered is dropped first, with a warning, so that its stage runs again.
        Of several processes that need the same artifact one computes it, while the others wait.

        Raises:
            OSError: the stage's record could not be written, or a damaged input could not be made again.
        """
        self.at = stage.name
        inputs["root"] = self.root
        self._calls[stage.name] = stage, inputs
        artifact = self._result(stage, inputs)
        self.at = None
        return artifact

    def given(self, stage: str, name: str) -> Any:
        """Return what a stage was called with under this name; None where it was not called."""
        return self._calls[stage][1].get(name) if stage in self._calls else None

    def _result(
        self, stage: Task[..., Artifact], inputs: dict[str, Any], harm: str | None = None
    ) -> Artifact:
        """Return a stage's artifact; with `harm`, say that this is why it had to be made again."""
        started = time.perf_counter()
        with locked(self.root, key_for(stage.fn, inputs), _wait_of(stage.name)):
            look = outlook(stage.fn, inputs, self.root)
            if look.damage:
                get_run_logger().warning("%s runs again: %s", stage.name, look.damage)
                forget(self.root, look.key)
            if look.artifact is None:
                self._check(inputs)
            artifact, state = self._called(stage, inputs, look)
        self.stages[stage.name] = Stage(
            state="cached" if state.name == "Cached" else "ran",
            reason=harm or look.reason,
            seconds=round(time.perf_counter() - started, 3),
            files=[File(**file.model_dump()) for file in artifact.files.values()],
        )
        return artifact

    def _called(
        self, stage: Task[..., Artifact], inputs: dict[str, Any], look: Outlook
    ) -> tuple[Artifact, State[Artifact]]:
        storage = Records(basepath=str(records(self.root)))
        task = stage.with_options()
        task.result_storage = (
            storage  # `with_options` takes only blocks that are saved on the server, which this need not be
        )
        state: State[Artifact] = task(**inputs, return_state=True)
        artifact = state.result()
        if storage.failure:
            raise storage.failure
        for home in artifact.homes():
            self.held.claim(home)
        if state.name != "Cached":
            self._verification.note(artifact)
        remember(self.root, stage.name, look)
        return artifact, state

    def _check(self, inputs: dict[str, Any]) -> None:
        """Read what a stage is about to use; what turns out to be damaged is made again by the stage it is from."""
        for artifact in (each for each in inputs.values() if isinstance(each, Artifact)):
            harm = self._verification.before_use(artifact)
            if harm:
                stage, given = self._calls[artifact.stage]
                get_run_logger().warning("%s runs again: %s", stage.name, harm)
                forget(self.root, key_for(stage.fn, given))
                again = self._result(stage, given, harm)
                if any(file not in again.files.values() for file in artifact.files.values()):
                    raise OSError(
                        f"{harm}, and `{stage.name}`, run again, left other contents; start the run again"
                    )


def _wait_of(stage: str) -> Callable[[str], None]:
    return lambda owner: get_run_logger().warning("%s waits for %s, which computes the same", stage, owner)
