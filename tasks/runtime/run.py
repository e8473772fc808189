"""Calls the stages of one run, and records what each did, why and in how many seconds."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.client.schemas.objects import State
from prefect.context import TagsContext
from prefect.logging import get_run_logger

from tasks.outputs.result import Change, RunFile, Stage
from tasks.runtime.caching import (
    CacheStatus,
    artifacts_in,
    cache_status,
    forget,
    key_for,
    of_several,
    remember,
    written_components,
)
from tasks.runtime.memory import release_memory
from tasks.runtime.progress import Activity
from tasks.runtime.records import Records
from tasks.store.artifact import Artifact
from tasks.store.checkpoints import drop as drop_checkpoint
from tasks.store.folders import is_open_to_others
from tasks.store.leases import Lease
from tasks.store.locks import has_locks, locked
from tasks.store.pieces import drop as drop_pieces
from tasks.store.remote import behind, record_path
from tasks.store.remote_leases import LeaseRequest, leased
from tasks.store.verification import Verification, unseal
from tasks.store.writing import sweep


@dataclass(frozen=True, slots=True)
class _Call:
    """What became of one call of a stage."""

    ran: bool
    reason: str
    changes: Sequence[Change]
    artifact: Artifact


@dataclass
class _Account:
    """What became of the calls of one stage, by key."""

    seconds: float = 0.0
    calls: dict[str, _Call] = field(default_factory=dict)

    @property
    def stage(self) -> Stage:
        every = list(self.calls.values())
        telling = [call for call in every if call.ran] or every
        files = {
            file.path: RunFile(**file.model_dump()) for call in every for file in call.artifact.files.values()
        }
        return Stage(
            state="ran" if telling[0].ran else "cached",
            reason=of_several([call.reason for call in telling], len(every)),
            changes=list(telling[0].changes),
            seconds=round(self.seconds, 3),
            files=list(files.values()),
        )


class Run:
    """Calls stages against one store and keeps an account of them."""

    def __init__(self, root: Path, held: Lease) -> None:
        """Start an account of a run in the store at `root`, which may use what it claims on the lease `held`.

        The remote behind the store, if there is one, is the one that is in use now.

        What killed runs have left unfinished in the store is removed. What cannot be theirs is left and named.
        """
        self.root = root
        self.held = held
        self.remote = behind()
        self.at: str | None = None  # the stage that is being called; None between stages
        self._verification = Verification(root)
        self._inputs: dict[str, dict[str, Any]] = {}  # by stage
        self._accounts: dict[str, _Account] = {}  # by stage
        self._makers: dict[
            str, tuple[Task[..., Artifact], dict[str, Any]]
        ] = {}  # by the folder that a call leaves

        for path in sweep(root):
            get_run_logger().warning("%s is not what belongs there, and is passed over; remove it", path)
        if root.is_dir() and not has_locks(root):
            get_run_logger().warning(
                "%s has no file locks; let no two runs use it at once, or name a folder on another file system",
                root,
            )
        if is_open_to_others(root):
            get_run_logger().warning(
                "every user of this machine can write to %s, and so change what later runs read", root
            )

    @property
    def stages(self) -> dict[str, Stage]:
        """Return what each stage did, in the order in which they were first called."""
        return {name: account.stage for name, account in self._accounts.items()}

    @property
    def notes(self) -> list[str]:
        """The stages' notes in their order; of a stage that was called several times, those of the first call."""
        firsts = (next(iter(account.calls.values())) for account in self._accounts.values())
        return [note for call in firsts for note in call.artifact.notes]

    def __call__(self, stage: Task[..., Artifact], **inputs: Any) -> Artifact:
        """Call a stage, or take its finished artifact from the store, and note which it was.

        A record whose files are missing or altered is dropped first, with a warning, so that its stage runs again.
        Of several processes that need the same artifact one computes it, while the others wait.

        Raises:
            OSError: the stage's record could not be written, or a damaged input could not be made again.
        """
        return self._noted(stage, [inputs])[0]

    def each(
        self, stage: Task[..., Artifact], name: str, values: Iterable[Any], **inputs: Any
    ) -> list[Artifact]:
        """Call a stage once for every value of the input called `name`, side by side, with one account of them all.

        Raises:
            OSError: as above.
        """
        return self.every(stage, [{**inputs, name: value} for value in values])

    def every(self, stage: Task[..., Artifact], calls: Sequence[dict[str, Any]]) -> list[Artifact]:
        """Call a stage once for each of these inputs, side by side, with one account of them all.

        Raises:
            OSError: as above.
        """
        return self._noted(stage, calls)

    def require(self, *artifacts: Artifact) -> None:
        """Have the files of artifacts whole in the store: read, fetched from the remote, or made again.

        Raises:
            OSError: a file cannot be had.
        """
        for artifact in artifacts:
            for folder in sorted(artifact.folders()):
                part = artifact.inside(folder)
                if harm := self._harm_of(part):
                    self._make_again(part, folder, harm)

    def input_of(self, stage: str, name: str) -> Any:
        """Return what a stage was called with under this name; None where it was not called."""
        return self._inputs.get(stage, {}).get(name)

    def _noted(self, stage: Task[..., Artifact], calls: Sequence[dict[str, Any]]) -> list[Artifact]:
        self.at = stage.name
        self._inputs[stage.name] = calls[0]
        with Activity(stage.name):
            artifacts = self._results(stage, [{**call, "root": self.root} for call in calls])
        self.at = None
        done = self._accounts[stage.name].stage
        line = "cached" if done.state == "cached" else f"{done.seconds:.1f} s"
        get_run_logger().info("%s %s", stage.name, line, extra={"stage": stage.name})
        return artifacts

    def _results(
        self, stage: Task[..., Artifact], calls: Sequence[dict[str, Any]], harm: str | None = None
    ) -> list[Artifact]:
        """Return the artifacts of a stage's calls; with `harm`, say that this is why one had to be made again."""
        started = time.perf_counter()
        with ExitStack() as held:
            # Always in one order, so that no two runs wait for each other.
            for key in sorted({key_for(stage.fn, call) for call in calls}):
                held.enter_context(locked(self.root, key, _wait_of(stage.name)))

            statuses = self._looked_up(stage, calls, held)
            for status, call in zip(statuses, calls, strict=True):
                if status.damage:
                    again = "runs" if status.artifact is None else "is fetched"
                    get_run_logger().warning("%s %s again: %s", stage.name, again, status.damage)
                    forget(self.root, status.key)
                if status.artifact is None:
                    get_run_logger().info("%s runs: %s", stage.name, status.reason)
                    self.require(*artifacts_in(call))

            states = self._called(stage, calls, statuses)
            if any(status.artifact is None for status in statuses):
                release_memory()
            for state, status, call in zip(states, statuses, calls, strict=True):
                self._note(stage, call, status, state, harm)

        self._accounts[stage.name].seconds += time.perf_counter() - started
        return [state.result() for state in states]

    def _looked_up(
        self, stage: Task[..., Artifact], calls: Sequence[dict[str, Any]], held: ExitStack
    ) -> list[CacheStatus]:
        """Look up a stage's calls; those that must run hold a lease on the remote, if there is one, until `held` ends.

        Another machine may have been quicker, and so they are looked up once more.
        """
        statuses = [cache_status(stage.fn, call, self.root) for call in calls]
        missing = [status.key for status in statuses if status.artifact is None]
        if self.remote and missing:
            request = LeaseRequest(missing, self.root, self.remote.has, _wait_of(stage.name))
            held.enter_context(leased(self.remote.objects, request))
            quicker = {key for key in missing if self.remote.has(key)}
            statuses = [
                cache_status(stage.fn, call, self.root) if status.key in quicker else status
                for status, call in zip(statuses, calls, strict=True)
            ]
        self._warn_of_remote()
        return statuses

    def _called(
        self, stage: Task[..., Artifact], calls: Sequence[dict[str, Any]], statuses: Sequence[CacheStatus]
    ) -> list[State[Artifact]]:
        """Have Prefect call the stage; return the states, all of them good."""
        sent = statuses if self.remote else ()
        beside = {status.key: written_components(stage.name, status) for status in sent}
        storage = Records.at(self.root, self.remote, beside)
        task = stage.with_options()
        # Set afterwards, since `with_options` takes only storage that is saved on Prefect's server.
        task.result_storage = storage

        # The flow's run has the tags. For each tag of a task, Prefect would ask its server whether it may begin.
        with TagsContext(current_tags=set()):
            if len(calls) == 1:
                states: list[State[Artifact]] = [task(**calls[0], return_state=True)]
            else:
                several: dict[str, Any] = {name: [call[name] for call in calls] for name in calls[0]}
                states = task.map(**several, return_state=True)

        for state in states:
            state.result()  # raises what the stage raised
        if storage.failure:
            raise storage.failure
        return states

    def _note(
        self,
        stage: Task[..., Artifact],
        call: dict[str, Any],
        status: CacheStatus,
        state: State[Artifact],
        harm: str | None,
    ) -> None:
        """Add an artifact to the account, to this run's lease and to what later runs compare with."""
        artifact, ran = state.result(), state.name != "Cached"
        for folder in artifact.folders():
            self.held.claim(folder)
            self._makers.setdefault(folder, (stage, call))
        if ran:
            self._verification.note(artifact)
        elif self.remote and not status.is_shared and not self._verification.before_use(artifact):
            # From before the remote, or from a run that was killed in between.
            self.remote.write(*written_components(stage.name, status))
            self.remote.keep(record_path(status.key), artifact, self.root)
        remember(self.root, stage.name, status)
        drop_checkpoint(self.root, status.key)
        drop_pieces(self.root, status.key)
        noted = _Call(ran, harm or status.reason, () if harm else status.changes, artifact)
        self._accounts.setdefault(stage.name, _Account()).calls[status.key] = noted

    def _harm_of(self, part: Artifact) -> str | None:
        """Read an artifact, and fetch what the store lacks of it; say what cannot be had, or None."""
        harm = self._verification.before_use(part)
        if harm and self.remote:
            harm = self.remote.fetch(part, self.root)
            if harm is None:
                self._verification.note(part)
        return harm

    def _warn_of_remote(self) -> None:
        for harm in self.remote.noticed() if self.remote else ():
            get_run_logger().warning("%s, and is written anew", harm)

    def _make_again(self, part: Artifact, folder: str, harm: str) -> None:
        stage, call = self._makers[folder]
        get_run_logger().warning("%s runs again: %s", stage.name, harm)
        key = key_for(stage.fn, call)
        forget(self.root, key)
        if self.remote:
            self.remote.doubt(record_path(key))
        unseal(self.root, folder)
        (again,) = self._results(stage, [call], harm)
        if any(file not in again.files.values() for file in part.files.values()):
            raise OSError(f"{harm}, and `{stage.name}`, run again, left other contents; start the run again")


def _wait_of(stage: str) -> Callable[[str], None]:
    return lambda owner: get_run_logger().warning("%s waits for %s, which computes the same", stage, owner)
