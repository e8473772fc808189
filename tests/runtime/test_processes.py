"""Processes side by side: results in order, and one that is killed is replaced, its thing done again."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from subprocess import PIPE, Popen
from sys import executable

import pytest

from tasks.runtime.failures import WorkersFailed
from tasks.runtime.processes import Processes
from tests.processes import environment


@pytest.fixture(scope="module")
def two() -> Iterator[Processes]:
    processes = Processes(2)
    yield processes
    processes.close()


def noted(folder: Path, number: int) -> int:
    """Write down that this was done, and by whom."""
    with (folder / str(number)).open("a") as file:
        file.write(f"{os.getpid()}\n")
    return number**2


def killed_once(folder: Path, number: int) -> int:
    """Kill the process at the third thing, and at the last one, the first time."""
    found = noted(folder, number)
    if number in {2, 5} and len((folder / str(number)).read_text().split()) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return found


def killed_always(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_results_come_in_order_from_other_processes(two: Processes, tmp_path: Path) -> None:
    assert list(two(partial(noted, tmp_path), range(20))) == [number**2 for number in range(20)]
    done = [(tmp_path / str(number)).read_text().split() for number in range(20)]
    assert all(len(each) == 1 for each in done)
    assert {each[0] for each in done}.isdisjoint({str(os.getpid())})


def test_a_killed_process_is_replaced_and_its_thing_done_again(two: Processes, tmp_path: Path) -> None:
    """No result is lost, doubled or out of order."""
    assert list(two(partial(killed_once, tmp_path), range(6))) == [number**2 for number in range(6)]
    assert len((tmp_path / "2").read_text().split()) == 2


def test_stages_side_by_side_share_the_processes_and_their_losses(two: Processes, tmp_path: Path) -> None:
    """What one of them loses, the other one loses too; both have it done again."""
    stages = [(noted, tmp_path / "a"), (killed_once, tmp_path / "b"), (noted, tmp_path / "c")]
    for _, folder in stages:
        folder.mkdir()
    with ThreadPoolExecutor(len(stages)) as threads:
        begun = [threads.submit(_all, two, partial(fn, folder)) for fn, folder in stages]
    assert [each.result() for each in begun] == [[number**2 for number in range(6)]] * len(stages)


def test_processes_that_always_die_are_given_up(two: Processes) -> None:
    with pytest.raises(
        WorkersFailed, match=r"worker processes were lost 3 times in a row; .* lower `workers`"
    ):
        list(two(killed_always, range(3)))


def test_an_error_arrives_and_the_rest_is_not_begun(two: Processes) -> None:
    with pytest.raises(ZeroDivisionError):
        list(two((1).__truediv__, [1, 0, 2]))
    assert list(two(abs, [-1, -2])) == [1, 2]


@pytest.mark.slow
def test_no_process_outlives_its_parent() -> None:
    """However that ends, here by being killed."""
    code = (
        "import time\n"
        "from tasks.runtime.processes import Processes\n"
        "from tests.runtime.test_processes import slow_pid\n"
        "print(*Processes(2)(slow_pid, range(8)), flush=True)\n"
        "time.sleep(60)\n"
    )
    with Popen([executable, "-c", code], stdout=PIPE, text=True, env=environment()) as parent:
        assert parent.stdout is not None
        pids = {int(pid) for pid in parent.stdout.readline().split()}
        assert pids
        parent.kill()
    end = time.monotonic() + 20
    while any(map(_is_alive, pids)):
        assert time.monotonic() < end
        time.sleep(0.05)


def _all(work: Processes, fn: Callable[[int], int]) -> list[int]:
    return list(work(fn, range(6)))


def slow_pid(_number: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def _is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
