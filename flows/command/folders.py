"""Folders that a command needs: an unusable one is refused before the work begins, by setting and name."""

import errno
import tempfile
from pathlib import Path

from flows.command.exits import Exit
from flows.command.messages import Unusable

# What can only be mended by naming another folder; the rest is a fault of the machine.
MISNAMED = {errno.EEXIST, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP}


def require_writable(setting: str, folder: Path, room: int = 1) -> None:
    """Check that a folder, or the first one above it that exists, takes a file of `room` bytes.

    Raises:
        Unusable: it does not.
    """
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)) as probe:
            probe.write(bytes(room))
            probe.flush()
    except OSError as error:
        raise unusable(setting, folder, error) from error


def require_readable(setting: str, folder: Path) -> None:
    """Check that a folder can be listed; one that does not exist is an empty one.

    Raises:
        Unusable: it cannot.
    """
    try:
        next(_existing(folder).iterdir(), None)
    except OSError as error:
        raise unusable(setting, folder, error) from error


def unusable(setting: str, folder: Path, error: OSError) -> Unusable:
    """Return the refusal of a folder, with the reason that the system gave."""
    what = f"`{setting}` of {str(folder)!r} cannot be used: {error.strerror or error}"
    if error.errno in MISNAMED:
        return Unusable(f"{what}; name another folder", Exit.BAD_INPUT)
    return Unusable(f"{what}; make room, change its permissions, or name another folder")


def _existing(folder: Path) -> Path:
    """Return the folder, or the first one above it that exists."""
    try:
        folder.stat()
    except FileNotFoundError:
        return _existing(folder.parent)
    return folder
