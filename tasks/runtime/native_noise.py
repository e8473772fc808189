"""Keeps the greetings of TensorFlow's native code out of terminals, logs and notebooks.

They go to descriptor 2 before any setting is read, a dozen lines with every import. What else is written there
meanwhile, by Python's loggers or by other threads, is held back and follows.
"""

import os
import pickle
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T")

STDERR = 2

# Of the log of Google's libraries, such as `I0000 00:00:1795798779.267624   27024 port.cc:153] …`, and what it adds.
_GREETING = re.compile(
    rb"[IWE]\d{4} [\d:.]+ +\d+ [\w./-]+:\d+\]"
    rb"|WARNING: All log messages before absl::InitializeLog\(\)"
    rb"|To enable the following instructions:"
)


@contextmanager
def without_greetings() -> Iterator[None]:
    """Hold back what is written to descriptor 2, and afterwards let pass all but the greetings.

    A process without a descriptor 2 has nothing to keep clean.
    """
    try:
        kept = os.dup(STDERR)
    except OSError:
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), STDERR)
        try:
            yield
        finally:
            os.dup2(kept, STDERR)
            held.seek(0)
            with suppress(OSError):  # a full disk or a reader that went away, as for any other message
                _write_all(kept, b"".join(line for line in held if not _GREETING.match(line)))
            os.close(kept)


def quiet(value: T) -> T:
    """Return a stand-in for something that goes to another process: it arrives as itself, imported in silence."""
    return cast("T", _Quiet(value))


@dataclass(frozen=True, slots=True)
class _Quiet:
    held: Any

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        """Pickle what is held by itself, so that it is unpacked in a call of its own."""
        return _unpacked, (pickle.dumps(self.held),)


def _unpacked(content: bytes) -> Any:
    with _UNPACKING, without_greetings():
        return pickle.loads(content)  # noqa: S301 - what another process of the same run has packed


# Descriptor 2 is the whole process's.
_UNPACKING = threading.Lock()


def _write_all(descriptor: int, text: bytes) -> None:
    while text:
        text = text[os.write(descriptor, text) :]
