"""Which server a run uses, and what is said where it does not work."""

import pytest

from flows.command.connection import _reason


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([], "no answer within 7 seconds"),
        (["\n", "  \n"], "no answer within 7 seconds"),
        (["starting\n", "cannot go on  \n"], "cannot go on"),
        (
            ["Traceback\n", "  File x\n", "sqlite3.OperationalError: disk is full\n", "more\n"],
            "disk is full",
        ),
        (
            ["sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) unable to open database file\n"],
            "unable to open database file",
        ),
        (["ValueError: first\n", "RuntimeError: second\n"], "second"),
        (["OSError: " + "x" * 500], "x" * 200),
    ],
)
def test_why_a_server_did_not_start_is_its_last_error(said: list[str], reason: str) -> None:
    """Out of pages of traceback."""
    assert _reason(said, 7.0) == reason
