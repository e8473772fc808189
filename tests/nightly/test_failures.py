"""A night that goes wrong: said where people look, and told to those who do not."""

import json
from collections.abc import Iterator

import pytest

from tests.nightly.chat import Chat, open_chat
from tests.nightly.terminals import Terminals, until

pytestmark = pytest.mark.slow


@pytest.fixture
def chat() -> Iterator[Chat]:
    """Open a chat."""
    with open_chat() as opened:
        yield opened


def test_a_failed_run_is_told_and_shown(terminals: Terminals, chat: Chat) -> None:
    """State, artifact and message say in one line what was wrong; the message links to the run."""
    chat.subscribe(terminals)
    (terminals.folder / "table.csv").write_text("x,y\n1,2\n2,3\ninf,5\n4,4\n")
    given = json.dumps({"input": {"data": "table.csv", "target": "y"}})
    done = terminals.run(f"prefect deployment run regression/nightly -p 'settings={given}' --watch")
    assert done.returncode == 1, done.stdout

    run = terminals.runs("nightly")[-1]
    reason = run["state"]["message"]
    assert run["state"]["name"] == "Failed"
    assert "\n" not in reason
    assert "BadTable" in reason
    assert "'x'" in reason
    assert "row 3" in reason

    page = terminals.artifact(run["id"], "markdown")
    assert page["key"] == "table-y-report"
    assert page["data"].startswith("# Stage ingest failed\n")
    assert "prefect flow-run retry" not in page["data"]  # the same table would fail again

    message = until(lambda: chat.heard)[0]
    assert message.splitlines() == [
        "regression: Failed",
        reason,
        f"http://{terminals.address}/runs/flow-run/{run['id']}",
    ]
