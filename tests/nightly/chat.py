"""A chat with an incoming webhook, on a free port."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.nightly.readme import program
from tests.nightly.terminals import ADDRESS, Terminals


@dataclass(frozen=True, slots=True)
class Chat:
    """The webhook's address, and the texts that were sent to it."""

    address: str
    heard: list[str] = field(default_factory=list)

    def subscribe(self, terminals: Terminals) -> None:
        """Run the page's program that has Prefect's server tell the chat of bad nights."""
        notify = re.sub(r"https://[^\"]+", self.address, program("docs/nights.md", "In a chat"))
        (terminals.folder / "notify.py").write_text(notify.replace(ADDRESS, terminals.address))
        done = terminals.run("python notify.py")
        assert done.returncode == 0, done.stdout


@contextmanager
def open_chat() -> Iterator[Chat]:
    """Open a chat, and close it at the end."""
    heard: list[str] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield Chat(f"http://127.0.0.1:{server.server_port}/hook", heard)
        finally:
            server.shutdown()
