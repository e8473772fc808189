"""The terminal's streams: output arrives whatever their encoding, and whatever native code does to descriptor 2."""

import io
import os
import sys

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
    """Give Python's messages a descriptor of their own, which arrive while `without_greetings` holds back the rest."""
    sys.stderr = io.TextIOWrapper(
        os.fdopen(os.dup(STDERR), "wb", buffering=0), errors="replace", write_through=True
    )
