"""A program that runs the stages again and again, killed each time at another point; see `test_kill.py`.

    python kills.py STORE [REMOTE] > points.json

Every change to the store goes by an audit event of Python's own or by `os.fsync`; the n-th is where the n-th run is
killed, just before it. Then a run that nobody disturbs finishes the work. With a folder for a remote, a run is killed
before, and in the midst of every change to that instead, and the work is finished twice: in the same store, and
in an empty one. To be quick about it, runs are forked from a process that has read the stages' code, the training is a
least-squares fit, figures are a few bytes, and Prefect's engine is a few lines that call its result store as it does.
"""

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from prefect.logging import disable_run_logger
from prefect.results import ResultStore
from prefect.states import Completed

from flows.regression import stages
from tasks.config import Settings, Training
from tasks.outputs import model
from tasks.outputs.model import ModelFacts, TrainedModel
from tasks.outputs.parts import TRAIN, read_held, read_parts
from tasks.page.figures import catalogue
from tasks.page.figures.plot import Drawing
from tasks.runtime.caching import key_for
from tasks.runtime.provenance import provenance
from tasks.runtime.records import RecordSerializer
from tasks.runtime.run import Run
from tasks.store.artifact import Artifact
from tasks.store.leases import lease
from tasks.store.objects import Objects
from tasks.store.remote import using
from tasks.store.writing import draft, publish

EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"}
# Of so many points one is tried: all of them take a quarter of an hour.
EVERY = int(os.environ.get("EVERY", "3"))
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def train(rows: Artifact, training: Training, seed: int, root: Path) -> Artifact:
    """Stand in for the stage: the same files, from a fit that needs no TensorFlow."""
    whole = read_held(read_parts(rows, root, TRAIN)[0]).whole
    fitted = np.asarray(
        np.linalg.lstsq(np.column_stack([whole.matrix, np.ones(whole.rows)]), whole.target)[0], np.float64
    )
    with draft(root) as folder:
        model.write(
            folder, fitted.tobytes(), TrainedModel(fitted[:-1], float(fitted[-1])), np.array([2.0, 1.0])
        )
        facts = ModelFacts(recipe="calibrated", bias=True, learning_rate=0.1, stable_limit=0.2)
        return publish(folder, root, "train", facts.as_json())


train.__module__ = "tasks.train"


class Task:
    """What `Run` needs of a Prefect task: look for the record, else call the function and write the record."""

    def __init__(self, task: Any) -> None:
        self.name = task.name
        self.fn = train if task.name == "train" else task.fn
        self.result_storage: Any = None

    def with_options(self) -> "Task":
        return self

    def __call__(self, return_state: bool, **inputs: Any) -> Any:
        store = ResultStore(result_storage=self.result_storage, serializer=RecordSerializer())
        key = key_for(self.fn, inputs)
        if store.exists(key):
            return Completed(name="Cached", data=store.read(key).result)
        result = self.fn(**inputs)
        store.write(result, key=key)
        return Completed(data=result)


class Calls:
    """Hand a run the stand-ins in place of the stages."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def __call__(self, stage: Any, **inputs: Any) -> Artifact:
        return self.run(Task(stage), **inputs)  # type: ignore[arg-type]

    def each(self, stage: Any, name: str, values: Iterable[Any], **inputs: Any) -> list[Artifact]:
        return self.run.each(Task(stage), name, values, **inputs)  # type: ignore[arg-type]


class Enough(Exception):
    """The training is there, which is as far as a run needs to go."""


class ToTraining(Calls):
    """End after the training, whose files are fetched where they are not in the store."""

    def each(self, stage: Any, name: str, values: Iterable[Any], **inputs: Any) -> list[Artifact]:
        self.run.require(*super().each(stage, name, values, **inputs))
        raise Enough


def run(root: Path, remote: Path | None = None) -> None:
    settings = Settings.model_validate({"artifacts": str(root), "problem": {"rows": 200}})
    with disable_run_logger(), using(f"file://{remote}" if remote else None), lease(root) as held:
        calls = (ToTraining if remote else Calls)(Run(root, held))
        with suppress(Enough):
            stages(calls, settings)  # type: ignore[arg-type]


def point_at(last: int, told: int) -> Callable[[str], None]:
    """Return what dies when it is called for the `last` time, after writing what for to `told`."""
    seen, former = 0, ""

    def point(what: str) -> None:
        nonlocal seen, former
        seen += 1
        if seen == last:
            os.write(told, f"{what}\n{former}".encode())
            os.kill(os.getpid(), signal.SIGKILL)
        former = what

    return point


def watch_remote(remote: Path, last: int, told: int) -> None:
    """Die before or amid a change to the remote: the `last`. Amid it half of an object is there."""
    point = point_at(last, told)

    def half(path: str, content: Any) -> None:
        point(f"before {path}")
        whole = content if isinstance(content, bytes) else content.read()
        place = remote / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(whole[: len(whole) // 2])
        point(f"amid {path}")
        place.write_bytes(whole)

    def created(_: Objects, path: str, content: bytes) -> bool:
        point(f"before {path}")
        is_new = create(_, path, content)
        point(f"holding {path}")
        return is_new

    def removed(_: Objects, path: str) -> None:
        point(f"before the end of {path}")
        (remote / path).unlink(missing_ok=True)

    create = Objects.create
    patched = {"write": lambda _, *given: half(*given), "create": created, "remove": removed}
    for name, method in patched.items():
        setattr(Objects, name, method)


def watch(root: Path, last: int, told: int) -> None:
    """Die just before the change to the store that is the `last`; write what it would have been to `told`."""
    point = point_at(last, told)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in EVENTS or (event == "open" and not arguments[2] & WRITING):
            return
        path = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes | os.PathLike) else ""
        if path.startswith(str(root)):
            point(f"{event} {path.removeprefix(str(root))}")

    fsync = os.fsync

    def flush(handle: Any) -> None:
        point("fsync")
        fsync(handle)

    vars(os)["fsync"] = flush
    sys.addaudithook(hook)


def forked(
    root: Path, last: int = 0, work: Callable[[Path], None] = run, remote: Path | None = None
) -> tuple[int, str, str]:
    """Run, or do other `work`, in a process of its own; return how it ended and, if it was killed, between what."""
    inlet, outlet = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(inlet)
        try:
            if last and remote:
                watch_remote(remote, last, outlet)
            elif last:
                watch(root, last, outlet)
            if remote:
                run(root, remote)
            else:
                work(root)
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    os.close(outlet)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with os.fdopen(inlet, "rb") as stream:
        what, _, former = stream.read().decode().partition("\n")
    return status, what, former


def remote_points(root: Path, remote: Path) -> Iterator[dict[str, Any]]:
    """Kill a run at each change to the remote in turn; yield what the next ones made of it."""
    assert forked(root, remote=remote)[0] == 0
    shutil.rmtree(remote / "leases")
    undisturbed, here = contents(remote), contents(root)
    for last in count(1, EVERY):
        for folder in (root, remote):
            shutil.rmtree(folder)
        ended, what, _ = forked(root, last, remote=remote)
        if ended == 0:
            return
        again = forked(root, remote=remote)[0]
        empty = root.with_name("empty")
        beside = forked(empty, remote=remote)[0]
        shutil.rmtree(empty)
        # A lease whose result is ready is nobody's: no one waits for it, and `cache clean` removes it.
        shutil.rmtree(remote / "leases", ignore_errors=True)
        wrong = [*differing(undisturbed, contents(remote)), *differing(here, contents(root))]
        yield {
            "killed before": what,
            "ended": ended,
            "next run": again,
            "in an empty store": beside,
            "differs": wrong,
        }


def differing(undisturbed: dict[str, str], after: dict[str, str]) -> list[str]:
    return sorted(name for name in {*undisturbed, *after} if undisturbed.get(name) != after.get(name))


def contents(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): path.read_bytes().hex() if path.is_file() else "a folder"
        for path in root.rglob("*")
    }


def prepare() -> None:
    """Do once what each run would do again: read the code of the stages; and draw nothing."""
    for stage in ("generate", "split", "train", "evaluate", "report"):
        provenance(f"tasks.{stage}", stage)
    drawing = Drawing(image=b"a picture", caption="a caption", alt="what it shows")
    plots = tuple(replace(plot, draw=lambda _: drawing) for plot in catalogue.PLOTS)
    vars(catalogue)["PLOTS"] = plots


def main(root: Path) -> None:
    points = []
    assert forked(root)[0] == 0
    undisturbed = contents(root)
    for last in count(1, EVERY):
        shutil.rmtree(root)
        root.mkdir()
        ended, what, former = forked(root, last)
        if ended == 0:
            break
        again = forked(root)[0]
        wrong = differing(undisturbed, contents(root))
        points.append(
            {"killed before": what, "after": former, "ended": ended, "next run": again, "differs": wrong}
        )
    json.dump(points, sys.stdout)


if __name__ == "__main__":
    prepare()
    if len(sys.argv) > 2:
        json.dump([*remote_points(*(Path(folder).resolve() for folder in sys.argv[1:]))], sys.stdout)
    else:
        main(Path(sys.argv[1]).resolve())
