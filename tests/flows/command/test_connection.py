"""Which server a run uses, and what is said where it does not work."""

import pytest

from flows.command.connection import _reason, version_gap


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


@pytest.mark.parametrize(("server", "said"), [("3.9.4", False), ("3.8.8", True), ("4.9.1", True)])
def test_a_server_of_another_version_is_named_in_one_line(server: str, said: bool) -> None:
    gap = version_gap(server, "3.9.1")
    assert (gap is not None) == said
    if gap:
        assert f"the server is Prefect {server}, this is 3.9.1; " in gap
        assert "\n" not in gap
