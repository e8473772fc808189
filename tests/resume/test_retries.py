"""What passes is tried again, what does not is not; and each way to take a run up again finds the finished stages."""

import errno
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State

from flows import regression as flow_module
from flows.regression import regression
from tasks import generate as module
from tasks.config import Settings
from tasks.generate import generate
from tasks.neuron.recipe import Diverged
from tasks.outputs import runs
from tasks.outputs.result import Result
from tasks.runtime.stage import RETRIES
from tasks.table.errors import BadTable
from tests.paths import ROOT
from tests.processes import environment, python, started

pytestmark = pytest.mark.usefixtures("prefect_server")

STAGES = ["generate", "split", "train", "evaluate", "report"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"artifacts": str(tmp_path / "artifacts"), "training": {"epochs": 5}})


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception, int], list[int]]:
    """Return a function that lets `generate` fail a number of times; it returns a list that grows with each try."""
    drawn = module.drawn
    monkeypatch.setattr(flow_module, "generate", generate.with_options(retry_delay_seconds=0.01))

    def failing(error: Exception, times: int) -> list[int]:
        tries: list[int] = []

        def draw(*arguments: Any) -> Any:
            tries.append(len(tries))
            if len(tries) <= times:
                raise error
            return drawn(*arguments)

        monkeypatch.setattr(module, "drawn", draw)
        return tries

    return failing


def test_an_error_that_passes_is_tried_again(
    settings: Settings, failing: Callable[[Exception, int], list[int]]
) -> None:
    tries = failing(OSError(errno.EIO, "Input/output error"), 2)
    result = regression(settings)
    assert len(tries) == 3
    assert {stage.state for stage in result.stages.values()} == {"ran"}


def test_it_is_tried_a_bounded_number_of_times(
    settings: Settings, failing: Callable[[Exception, int], list[int]]
) -> None:
    tries = failing(ConnectionResetError("gone"), 100)
    with pytest.raises(ConnectionResetError):
        regression(settings)
    assert len(tries) == 1 + RETRIES


@pytest.mark.parametrize(
    "error",
    [
        BadTable("bad"),
        Diverged(3, 1.0, 0.02),
        TypeError("wrong"),
        FileNotFoundError(errno.ENOENT, "absent"),
        OSError(errno.ENOSPC, "No space left on device"),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_stays_is_not_tried_again_and_leaves_nothing(
    settings: Settings, failing: Callable[[Exception, int], list[int]], error: Exception
) -> None:
    """Prefect would keep the exception as a file under a random name; no one would ever read it."""
    tries = failing(error, 100)
    with pytest.raises(type(error)):
        regression(settings)
    assert len(tries) == 1
    root = Path(settings.artifacts)
    left = {path.name for path in root.rglob("*") if path.is_file() and path.parent.name != "leases"}
    assert left <= {runs.FAILURE, runs.REPORT, runs.PAGE}  # the failed run's own page


def test_the_waits_grow_and_are_jittered() -> None:
    """After 2, 4 and 8 seconds, each up to half longer or shorter."""
    assert generate.retry_delay_seconds == [2, 4, 8]
    assert generate.retry_jitter_factor == 0.5


# Stands for a disk that is full when `evaluate` wants a folder, for as long as the file `obstacle` is there.
FULL_DISK = """
import errno, os
make = os.mkdir
def mkdir(path, *rest, **more):
    if os.path.basename(path) == "evaluate" and os.path.exists(os.environ["OBSTACLE"]):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return make(path, *rest, **more)
os.mkdir = mkdir
"""


@contextmanager
def obstacle(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep `evaluate` from making its folder, here and in processes that know of `path`, while the block lasts."""
    path.touch()
    with monkeypatch.context() as changed:
        changed.setenv("OBSTACLE", str(path))
        changed.setattr(os, "mkdir", os.mkdir)  # so that it is as before afterwards
        exec(FULL_DISK, {})  # noqa: S102 - the program is the test's own, and runs in other processes too
        yield
    path.unlink()


def resumed(root: Path, run: UUID, expected: Result) -> None:
    """Check that a run was taken up: finished stages cached, the others run, the same numbers."""
    wait(lambda: latest(run) == dict(zip(STAGES, ["Cached"] * 3 + ["Completed"] * 2, strict=True)))
    (result,) = (root / "runs").glob("*/result.json")
    after = Result.model_validate_json(result.read_bytes())
    assert [stage.state for stage in after.stages.values()] == ["cached"] * 3 + ["ran"] * 2
    assert (after.model, after.metrics, after.verdict) == (expected.model, expected.metrics, expected.verdict)


def latest(run: UUID) -> dict[str, str | None]:
    """Return the state of each stage's latest task run, once the server knows of it."""
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
    with get_client(sync_client=True) as client:
        tasks = client.read_task_runs(flow_run_filter=wanted)
    begun = sorted((each for each in tasks if each.start_time), key=lambda each: str(each.start_time))
    return {each.name.rsplit("-", 1)[0]: each.state_name for each in begun}


def prefect(server: str, home: Path, *arguments: str) -> None:
    python("-m", "prefect", *arguments, env=environment(home, server))


@pytest.mark.slow
def test_prefects_own_retry_takes_a_local_run_up(
    settings: Settings, tmp_path: Path, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`prefect flow-run retry NAME --entrypoint flows/regression.py:regression`."""
    root = Path(settings.artifacts)
    with obstacle(tmp_path / "obstacle", monkeypatch):
        state: State[Result] = regression(settings, return_state=True)
    assert state.is_failed()
    assert state.state_details.flow_run_id is not None
    run = state.state_details.flow_run_id
    expected = regression(settings.model_copy(update={"artifacts": str(tmp_path / "undisturbed")}))
    entrypoint = "flows/regression.py:regression"
    prefect(prefect_server, tmp_path, "flow-run", "retry", str(run), "--entrypoint", entrypoint)
    resumed(root, run, expected)


@pytest.mark.slow
def test_prefects_own_retry_takes_a_workers_run_up(
    settings: Settings, tmp_path: Path, prefect_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`prefect flow-run retry NAME` on a deployment's run; a worker of a process pool executes both attempts."""
    root, home = Path(settings.artifacts), tmp_path / "home"
    prefect(prefect_server, home, "work-pool", "create", "resume", "--type", "process", "--overwrite")
    entrypoint = "flows/regression.py:regression"
    deploy = ["deploy", "--no-prompt", entrypoint, "--name", "resume", "--pool", "resume"]
    prefect(prefect_server, home, *deploy)
    expected = regression(settings.model_copy(update={"artifacts": str(tmp_path / "undisturbed")}))
    known = {"OBSTACLE": str(tmp_path / "obstacle"), "PYTHONPATH": f"{home}:{ROOT}"}
    (home / "sitecustomize.py").write_text(FULL_DISK)
    env = environment(home, prefect_server, PREFECT_WORKER_QUERY_SECONDS="1", **known)
    worker = started("-m", "prefect", "worker", "start", "--pool", "resume", env=env, quiet=True, apart=True)
    try:
        with obstacle(tmp_path / "obstacle", monkeypatch), get_client(sync_client=True) as client:
            deployment = client.read_deployment_by_name("regression/resume")
            parameters = {"settings": settings.model_dump(mode="json", exclude_unset=True)}
            run = client.create_flow_run_from_deployment(deployment.id, parameters=parameters).id
            wait(lambda: client.read_flow_run(run).state_name == "Failed")
        prefect(prefect_server, home, "flow-run", "retry", str(run))
        with get_client(sync_client=True) as client:
            wait(lambda: client.read_flow_run(run).state_name == "Completed")
    finally:
        os.killpg(worker.pid, signal.SIGTERM)
        worker.wait(60)
    resumed(root, run, expected)


def wait(done: Callable[[], bool]) -> None:
    """Wait for something, two minutes at most."""
    end = time.monotonic() + 120
    while not done():
        assert time.monotonic() < end, "waited for two minutes"
        time.sleep(0.5)


PROGRAM = """
import json, sys
from flows.regression import regression
from tasks.config import Settings
result = regression(Settings.model_validate({"artifacts": sys.argv[1], "training": {"epochs": 5}}))
print(json.dumps([result.model_dump(mode="json")[each] for each in ("stages", "model", "verdict")]))
"""


@pytest.mark.slow
def test_eight_processes_at_once_train_once(tmp_path: Path, prefect_server: str) -> None:
    """None fails, each gets the same numbers, every stage is computed by one of them alone, and nothing is left."""
    root = tmp_path / "store"
    env = environment(tmp_path / "home", prefect_server, PREFECT_LOGGING_LEVEL="WARNING")
    together = [started("-c", PROGRAM, root, env=env) for _ in range(8)]
    ended = [(*process.communicate(timeout=240), process.returncode) for process in together]
    assert [(error, code) for _, error, code in ended if code != 0] == []
    results = [json.loads(output) for output, _, _ in ended]
    states = [[stages[name]["state"] for name in STAGES] for stages, _, _ in results]
    assert [sum(state == "ran" for state in column) for column in zip(*states, strict=True)] == [1] * len(
        STAGES
    )
    assert all(rest == results[0][1:] for _, *rest in results)
    assert all(list((root / litter).iterdir()) == [] for litter in ("drafts", "locks", "leases"))
    again = regression(Settings.model_validate({"artifacts": str(root), "training": {"epochs": 5}}))
    assert {stage.state for stage in again.stages.values()} == {"cached"}
