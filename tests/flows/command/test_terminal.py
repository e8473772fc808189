"""What Python says arrives, whatever its encoding, while native code's greetings are held back."""

from tests.processes import python

PROGRAM = """
import os, sys
from flows.command.terminal import keep_stderr
from tasks.runtime.native_noise import without_greetings
keep_stderr()
with without_greetings():
    print("python within", file=sys.stderr)
print("python after \\udcff", file=sys.stderr)
"""


def test_what_python_says_arrives() -> None:
    """Text that cannot be encoded is written with a mark in its place."""
    assert python("-c", PROGRAM).stderr.splitlines() == ["python within", "python after ?"]
