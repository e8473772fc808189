"""Reads of what lies in a folder that others may write to: regular files alone, up to a size.

Opening a pipe or a device would wait for ever, a link may lead anywhere, and a file may be larger than the memory.
"""

import os
import stat
from pathlib import Path


def read_regular(path: Path, most: int) -> bytes:
    """Return the bytes of a regular file.

    Args:
        path: The file.
        most: Bytes that it may have.

    Raises:
        OSError: it is not there, no regular file, larger than that, or cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(f"{path} is no regular file")
        content = stream.read(most + 1)
    if len(content) > most:
        raise OSError(f"{path} has more than {most:,} bytes")
    return content
