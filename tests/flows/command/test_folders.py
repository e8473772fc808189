"""Folders that a command needs: each obstacle is one line, with the setting, the folder, the reason and the remedy."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.command.exits import Exit
from flows.command.folders import require_readable, require_writable, unusable
from flows.command.messages import Unusable


def loop(folder: Path) -> Path:
    (folder / "loop").symlink_to("loop")
    return folder / "loop"


def file(folder: Path) -> Path:
    (folder / "file").touch()
    return folder / "file"


MISNAMED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a file": (file, "Not a directory"),
    "below a file": (lambda folder: file(folder) / "a" / "b", "Not a directory"),
    "a name too long": (lambda folder: folder / ("x" * 300), "File name too long"),
    "a link to itself": (loop, "Too many levels of symbolic links"),
}


@pytest.mark.parametrize("require", [require_writable, require_readable])
@pytest.mark.parametrize("case", MISNAMED)
def test_what_can_be_no_folder_is_bad_input(
    tmp_path: Path, case: str, require: Callable[[str, Path], None]
) -> None:
    make, reason = MISNAMED[case]
    folder = make(tmp_path)
    with pytest.raises(Unusable) as caught:
        require("artifacts", folder)
    assert str(caught.value) == f"`artifacts` of '{folder}' cannot be used: {reason}; name another folder"
    assert caught.value.status == Exit.BAD_INPUT


@pytest.mark.parametrize("inside", [".", "new", "new/er"])
def test_a_folder_that_is_there_or_can_be_made_will_do(tmp_path: Path, inside: str) -> None:
    """Nothing is left in it, and nothing made."""
    require_writable("artifacts", tmp_path / inside, 2**16)
    require_readable("artifacts", tmp_path / inside)
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_the_machine_is_a_failure(tmp_path: Path) -> None:
    error = unusable("artifacts", tmp_path, OSError(28, "No space left on device"))
    assert error.status == Exit.FAILED
    assert str(error).endswith(
        "No space left on device; make room, change its permissions, or name another folder"
    )
    assert "cannot be used: odd; " in str(unusable("artifacts", tmp_path, OSError("odd")))
