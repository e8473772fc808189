"""Which errors a stage is tried again for."""

import errno

import pytest

from tasks.neuron.recipe import Diverged
from tasks.runtime.stage import is_passing
from tasks.table.errors import BadTable


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EIO, "input/output error"),
        OSError(errno.ETIMEDOUT, "timed out"),
        BlockingIOError(errno.EAGAIN, "try again"),
        ConnectionResetError(),
        BrokenPipeError(),
        TimeoutError(),
    ],
)
def test_what_passes_by_itself_is_tried_again(error: Exception) -> None:
    assert is_passing(error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "no space left on device"),
        FileNotFoundError(errno.ENOENT, "no such file"),
        PermissionError(errno.EACCES, "permission denied"),
        BadTable("column 'x' is constant; drop it"),
        Diverged(3, 1.0, 0.02),
        ValueError("a programming error"),
        MemoryError(),
        KeyboardInterrupt(),
        None,
    ],
)
def test_what_stays_as_it_is_fails_at_once(error: object) -> None:
    assert not is_passing(error)
