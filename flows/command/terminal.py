"""Keep the terminal readable: TensorFlow's native code greets on descriptor 2 whatever its log level is set to."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2


def keep_stdout() -> None:
    """Have stdout replace what its encoding cannot show: a result in ASCII is better than none."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def discard_stdout() -> None:
    """Lead stdout nowhere, after it could not be written: Python would try again when it ends."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def keep_stderr() -> None:
    """Give Python's messages a descriptor of their own, which `native_silence` leaves alone."""
    sys.stderr = io.TextIOWrapper(
        os.fdopen(os.dup(STDERR), "wb", buffering=0), errors="replace", write_through=True
    )


@contextmanager
def native_silence() -> Iterator[None]:
    """Discard what native code writes to descriptor 2 meanwhile; what Python says still arrives."""
    kept = os.dup(STDERR)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STDERR)
    try:
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(nowhere)
        os.close(kept)
