"""Native code is silenced on descriptor 2, and what Python says still arrives."""

from tests.processes import python

PROGRAM = """
import os, sys
from flows.command.terminal import keep_stderr, native_silence
keep_stderr()
os.write(2, b"native before\\n")
with native_silence():
    os.write(2, b"native within\\n")
    print("python within", file=sys.stderr)
os.write(2, b"native after\\n")
print("python after \\udcff", file=sys.stderr)
"""


def test_only_native_code_is_silenced_and_only_meanwhile() -> None:
    """Text that cannot be encoded is written with a mark in its place."""
    said = python("-c", PROGRAM).stderr.splitlines()
    assert said == ["native before", "python within", "native after", "python after ?"]
