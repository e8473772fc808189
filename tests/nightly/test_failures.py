"""A night that goes wrong: said where people look, and told to those who do not."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.nightly.readme import program
from tests.nightly.terminals import ADDRESS, Terminals, until

pytestmark = pytest.mark.slow


class Chat(BaseHTTPRequestHandler):
    """A chat's incoming webhook; `heard` are the texts that were sent to it."""

    heard: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append(json.loads(body)["text"])
        self.send_response(200)
        self.end_headers()


@pytest.fixture
def chat() -> Iterator[tuple[str, list[str]]]:
    """Open a chat; give its webhook's address, and what it will have heard."""
    Chat.heard = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Chat) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/hook", Chat.heard
        server.shutdown()


def test_a_failed_run_is_told_and_shown(terminals: Terminals, chat: tuple[str, list[str]]) -> None:
    """State, artifact and message say in one line what was wrong; the message links to the run."""
    address, heard = chat
    notify = re.sub(r"https://[^\"]+", address, program("Every night")).replace(ADDRESS, terminals.address)
    (terminals.folder / "notify.py").write_text(notify)
    assert terminals.run("python notify.py").returncode == 0
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
    assert page["key"] == "regression-report"
    assert page["data"].startswith("# Stage ingest failed\n")
    assert f"prefect flow-run retry {run['id']}" in page["data"]

    message = until(lambda: heard)[0]
    assert message.splitlines() == [
        "regression: Failed",
        reason,
        f"http://{terminals.address}/runs/flow-run/{run['id']}",
    ]
