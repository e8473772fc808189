"""A headless Chromium, driven through its own protocol: Debian's package, and the websockets that Prefect brings."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from websockets.sync.client import connect
from websockets.sync.connection import Connection

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
]
COMPLAINTS = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")


class Tab:
    """One page of the browser; `events` are what it reported."""

    def __init__(self, connection: Connection) -> None:
        """Listen to a tab."""
        self._connection = connection
        self._calls = 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Log", "Runtime", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """Call a method of the protocol and wait for its answer."""
        self._calls += 1
        self._connection.send(json.dumps({"id": self._calls, "method": method, "params": params}))
        while (message := self._next()).get("id") != self._calls:
            self.events.append(message)
        return dict(message["result"])

    def show(self, url: str, width: int, theme: str) -> None:
        """Load a page at a width in pixels, in the `light` or the `dark` theme."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 800,
        )
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def value(self, script: str) -> Any:
        """Evaluate a script's expression on the page."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def wait(self, script: str, seconds: float = 60) -> Any:
        """Evaluate a script's expression until it is true of the page; return its value.

        Raises:
            TimeoutError: it did not come to that; the error has what the page shows instead.
        """
        end = time.monotonic() + seconds
        while not (value := self.value(script)):
            if time.monotonic() > end:
                raise TimeoutError(f"{script}\n{self.value('document.body.innerText')}")
            time.sleep(0.1)
        return value

    def click(self, x: float, y: float) -> None:
        """Press and release the mouse at a place."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for what in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=what, x=x, y=y, button="left", clickCount=1)

    def picture(self) -> bytes:
        """Return what can be seen without scrolling, as a PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """Whatever the page put on the console: errors, warnings, refused loads."""
        return [event for event in self.events if event.get("method") in COMPLAINTS]

    @property
    def requests(self) -> list[str]:
        """The addresses that the page asked for."""
        sent = [
            event["params"] for event in self.events if event.get("method") == "Network.requestWillBeSent"
        ]
        return [str(each["request"]["url"]) for each in sent]

    def _next(self) -> dict[str, Any]:
        return dict(json.loads(self._connection.recv(timeout=60)))


@contextmanager
def browsing(program: str, home: Path) -> Iterator[Tab]:
    """Run a browser with an empty profile in `home`, and give its first tab."""
    command = [program, *FLAGS, f"--user-data-dir={home}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            with urlopen(f"http://127.0.0.1:{_port(process, home)}/json") as answer:
                tabs = json.load(answer)
            address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
            # Nobody reads what the tab reports while a test does something else; unread pongs would end the connection.
            with connect(address, max_size=None, ping_interval=None) as connection:
                yield Tab(connection)
        finally:
            process.terminate()


def _port(process: subprocess.Popen[bytes], home: Path) -> str:
    """Wait for the port that the browser notes in its profile."""
    note = home / "DevToolsActivePort"
    end = time.monotonic() + 60
    while not (note.exists() and (lines := note.read_text().splitlines())):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the browser opened no port (exit status {process.returncode})")
        time.sleep(0.05)
    return lines[0]
