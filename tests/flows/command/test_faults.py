"""Faults of the machine are said in one line: what, where, why and what to do, with the right status."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from flows.command.exits import Exit
from flows.command.folders import require_readable, require_writable
from flows.command.messages import Unusable
from tests.processes import environment, python

# As root, but without root's privilege to read and write everything.
ORDINARY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """Return a folder on a disk that is full."""
    folder = tmp_path / "full"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("needs the right to mount")
    (folder / "filling").write_bytes(bytes(90 * 1024))
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def assert_refused(
    arguments: Sequence[object], home: Path, status: int, *said: str, server: str | None = None
) -> None:
    """Run the command; hold against the promise what it says, in one line, and its status."""
    variables = {"PREFECT_API_URL": server} if server else {}
    done = python("-m", "flows", *arguments, env=environment(home, **variables), status=status, timeout=60)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("linear-neuron: ")
    assert [each for each in said if each not in done.stderr] == [], done.stderr


def test_prefects_folder_on_a_full_disk(full: Path, tmp_path: Path) -> None:
    run = "run", "--artifacts", tmp_path / "store"
    assert_refused(run, full, 1, f"`PREFECT_HOME` of '{full}'", "No space left on device", "make room")
    assert not (tmp_path / "store").exists()


def test_prefects_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    run = "run", "--artifacts", tmp_path / "store"
    assert_refused(run, tmp_path / "home", 2, f"`PREFECT_HOME` of '{tmp_path / 'home'}'", "Not a directory")


@pytest.mark.slow
def test_a_temporary_server_that_cannot_start(tmp_path: Path) -> None:
    """Its reason is said, without its tracebacks."""
    home = tmp_path / "home"
    (home / "prefect.db").mkdir(parents=True)
    database = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db"}
    run = "-m", "flows", "run", "--artifacts", tmp_path / "store"
    done = python(*run, env=environment(home, **database), status=1)
    assert done.stderr.count("\n") == 1
    assert "unable to open database file" in done.stderr
    assert str(home) in done.stderr


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    run = "run", "--artifacts", tmp_path / "store"
    address = "http://127.0.0.1:9/api"
    said = f"`PREFECT_API_URL` of '{address}' does not answer", "Connection refused", "unset it"
    assert_refused(run, tmp_path, 1, *said, server=address)


@pytest.mark.parametrize("command", [["run"], ["plan"], ["cache", "list"], ["cache", "clean"]])
@pytest.mark.parametrize(
    ("artifacts", "reason"),
    [
        ("file", "Not a directory"),
        pytest.param("file/below", "Not a directory", marks=pytest.mark.slow),
        pytest.param("x" * 300, "File name too long", marks=pytest.mark.slow),
    ],
)
def test_artifacts_that_can_be_no_folder(
    tmp_path: Path, command: list[str], artifacts: str, reason: str
) -> None:
    (tmp_path / "file").touch()
    given = [*command, "--artifacts", tmp_path / artifacts]
    assert_refused(given, tmp_path / "home", 2, f"`artifacts` of '{tmp_path / artifacts}'", reason)


def test_artifacts_on_a_full_disk(full: Path, tmp_path: Path) -> None:
    with pytest.raises(
        Unusable, match=r"`artifacts` of .* cannot be used: No space left on device; make room"
    ):
        require_writable("artifacts", full / "store", 2**20)
    require_readable("artifacts", full / "store")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root's right to give up its privileges")
def test_folders_of_another_user(tmp_path: Path) -> None:
    """Neither Prefect's folder nor the artifacts' can be written, and the latter not be listed."""
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    os.chown(foreign, 12345, 12345)
    foreign.chmod(0o700)
    program = (
        "import sys; from pathlib import Path; from flows.command import folders\n"
        "for check in folders.require_writable, folders.require_readable:\n"
        "    try: check('artifacts', Path(sys.argv[1]))\n"
        "    except folders.Unusable as error: print(error.status, error)\n"
    )
    command = [*ORDINARY, sys.executable, "-c", program, str(foreign)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.count(f"1 `artifacts` of '{foreign}' cannot be used: Permission denied") == 2


def test_a_folder_that_can_be_made_is_not_made(tmp_path: Path) -> None:
    require_writable("artifacts", tmp_path / "a" / "b")
    require_readable("artifacts", tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


PRINTING = (
    "import sys; from flows.command.messages import print_result\n"
    "from flows.command.terminal import keep_stdout; keep_stdout()\n"
    "raise SystemExit(print_result('D ≤ 0.01, −1\\n' * int(sys.argv[1]), *sys.argv[2:]))"
)


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "D ? 0.01, ?1"), ("utf-8", "D ≤ 0.01, −1")])
def test_signs_that_cannot_be_shown_are_replaced(encoding: str, shown: str) -> None:
    command = [sys.executable, "-c", PRINTING, "1"]
    env = environment(PYTHONIOENCODING=encoding)
    done = subprocess.run(command, env=env, capture_output=True, check=True)
    assert done.stdout.decode(encoding).split("\n")[0] == shown
    assert done.stderr == b""


@pytest.mark.parametrize("rows", ["1", "100000"])
def test_a_reader_that_went_away_ends_a_command_quietly(rows: str) -> None:
    """As in `cache list | head`; but where work was done it is said that it is stored."""
    reading, writing = os.pipe()
    os.close(reading)
    for otherwise, status, said in (
        ([], Exit.BROKEN_PIPE, ""),
        (["; stored"], Exit.FAILED, "Broken pipe; stored\n"),
    ):
        command = [sys.executable, "-c", PRINTING, rows, *otherwise]
        done = subprocess.run(command, env=environment(), stdout=writing, stderr=subprocess.PIPE, check=False)
        assert done.returncode == status
        assert done.stderr.decode().removeprefix("linear-neuron: standard output cannot be written: ") == said
    os.close(writing)


@pytest.mark.parametrize(
    ("redirected", "reason"), [(">/dev/full", "No space left on device"), (">&-", "it is closed")]
)
def test_a_result_that_cannot_be_printed_is_stored(redirected: str, reason: str) -> None:
    command = [
        "bash",
        "-c",
        f'"$@" {redirected}',
        "bash",
        sys.executable,
        "-c",
        PRINTING,
        "1",
        "; it is stored",
    ]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"linear-neuron: standard output cannot be written: {reason}; it is stored\n"
