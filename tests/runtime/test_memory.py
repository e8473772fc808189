"""Limits of memory are asked for before TensorFlow would end the process without a line."""

import ctypes
import gc
import resource
import sys
from contextlib import nullcontext
from pathlib import Path
from subprocess import run

import pytest

from tasks.runtime import memory
from tasks.runtime.memory import MemoryTooSmall, check_memory, group_limit, importing, release_memory
from tests.processes import environment, python

LIMITED = """
import resource, sys
resource.setrlimit(getattr(resource, sys.argv[1]), (int(sys.argv[2]), resource.RLIM_INFINITY))
from tasks.runtime import memory
from tasks.runtime.memory import MemoryTooSmall, check_memory
memory.group_limit = lambda: None  # whatever this machine has
try:
    print(*check_memory(int(sys.argv[3])), sep="\\n")
except MemoryTooSmall as error:
    sys.exit(str(error))
"""


def limited(kind: str, limit: int, rows: int = 0) -> tuple[int, str]:
    """Return exit status and output of a process that asks under a limit."""
    done = python("-c", LIMITED, kind, limit, rows, status=None)
    return done.returncode, (done.stdout + done.stderr).strip()


@pytest.mark.parametrize(
    ("kind", "name", "flag"),
    [
        ("RLIMIT_AS", "the limit of the address space", "-v"),
        ("RLIMIT_DATA", "the limit of the data segment", "-d"),
    ],
)
def test_a_limit_that_is_too_low_is_named_with_need_and_remedy(kind: str, name: str, flag: str) -> None:
    status, told = limited(kind, 500 * 10**6)
    assert status == 1
    assert told.startswith("training needs about ")
    assert told.endswith(f" GB of memory, but {name} allows 0.5 GB; raise it (`ulimit {flag}`)")


@pytest.mark.parametrize("kind", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_rows_in_memory_are_part_of_the_need(kind: str) -> None:
    """Enough for a small table is too little for a large one; far more than enough is not worth a note."""
    assert limited(kind, 20 * 10**9) == (0, "")
    status, told = limited(kind, 20 * 10**9, rows=10 * 10**9)
    assert (status, "allows 20.0 GB" in told) == (1, True)


def test_a_limit_just_above_the_need_is_worth_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    monkeypatch.setattr(memory, "_taken", lambda: {"RssAnon": 10**9})
    needed = 10**9 + sum(step[2] for step in (memory.IMPORTED, memory.TRAINED))
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    for limit, notes in ((needed - 1, None), (needed, 1), (2 * needed, 0)):
        monkeypatch.setattr(memory, "group_limit", lambda limit=limit: limit)
        if notes is None:
            with pytest.raises(MemoryTooSmall, match="the limit of the control group allows"):
                check_memory()
        else:
            told = check_memory()
            assert len(told) == notes
            assert all(each.startswith("memory is tight: training needs about ") for each in told)


@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        ("0::/a/b\n", {"a/b/memory.max": "max", "a/memory.max": "900", "memory.max": "1000"}, 900),
        ("0::/\n", {"memory.max": "700"}, 700),
        ("5:cpu,memory:/x\n1:cpu:/y\n", {"memory/x/memory.limit_in_bytes": "800"}, 800),
        ("5:memory:/x\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
        ("", {}, None),
    ],
    ids=["of a group above", "of a container", "version 1", "none that counts", "no groups"],
)
def test_the_lowest_limit_of_the_control_groups_counts(
    tmp_path: Path, own: str, files: dict[str, str], limit: int | None
) -> None:
    for name, text in files.items():
        place = tmp_path / "groups" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{text}\n", encoding="ascii")
    (tmp_path / "cgroup").write_text(own, encoding="ascii")
    assert group_limit(tmp_path / "groups", tmp_path / "cgroup") == limit


@pytest.mark.slow
def test_a_run_under_a_low_limit_says_so_in_one_line(tmp_path: Path) -> None:
    """Where TensorFlow would abort."""
    command = f"ulimit -v 4000000; exec '{sys.executable}' -m flows run"
    done = run(
        ["bash", "-c", command],
        cwd=tmp_path,
        env=environment(tmp_path / "prefect"),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "the limit of the address space allows 4.1 GB" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("error", [None, ImportError])
def test_what_was_imported_is_not_searched_for_garbage_again(error: type[Exception] | None) -> None:
    """Garbage collection is off meanwhile, on again afterwards whatever happens, and passes over what was there."""
    before = gc.get_freeze_count()
    with nullcontext() if error is None else pytest.raises(error), importing():
        assert not gc.isenabled()
        kept = [[number] for number in range(100)]
        if error:
            raise error
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(kept)
    gc.unfreeze()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="not glibc")
def test_memory_that_is_free_goes_back_to_the_system() -> None:
    """Also what lies below memory that is still in use."""
    some = [b"1" * 100_000 for _ in range(1000)]
    kept, held = some[-1], memory._taken()["VmRSS"]
    del some
    release_memory()
    assert memory._taken()["VmRSS"] < held - 80_000_000
    assert len(kept) == 100_000
