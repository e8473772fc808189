"""Prefect's UI in a browser: what is waited for, what is clicked on, what does not count as a complaint."""

from contextlib import suppress
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.nightly.terminals import Terminals, until
from tests.page.browser import Tab

# Pictures of its own that Prefect's UI asks for in vain.
OWN_MISSES = ("/favicon.ico", "/ico/undefined.svg")

FIGURES = '[...document.images].filter(i => i.src.startsWith("data:"))'
PANEL = 'document.querySelector(".flow-run-graph-selection-panel")?.innerText'
CANVAS = "document.querySelector('canvas')?.getBoundingClientRect()"
# Pixels along the graph's lower edge, green as the bars are.
TIMELINE = 30

SUBMIT = '[...document.querySelectorAll("button")].find(b => b.innerText.trim() === "Submit").click()'


def open_artifact(tab: Tab, terminals: Terminals, artifact: str) -> None:
    """Show an artifact's page."""
    tab.show(f"http://{terminals.address}/artifacts/artifact/{artifact}", 1280, "light")


def open_run(tab: Tab, terminals: Terminals, run: str, stages: int) -> list[tuple[float, float]]:
    """Show a flow run's page; return the middle of each bar of its graph, once all are there and stand still."""
    tab.show(f"http://{terminals.address}/runs/flow-run/{run}", 1280, "light")
    tab.wait(f"!!{CANVAS}")
    return until(lambda: found if len(found := _bars(tab)) == stages and found == _bars(tab) else [])


def open_form(tab: Tab, terminals: Terminals, deployment: str) -> None:
    """Show the form that asks for a run's parameters."""
    tab.show(f"http://{terminals.address}/deployments/deployment/{deployment}/run", 1280, "light")


def choose(tab: Tab, option: str) -> None:
    """Choose an option in the select that has it."""
    tab.value(f"""(() => {{
      const selects = [...document.querySelectorAll("select")];
      const select = selects.find(each => [...each.options].some(o => o.text === "{option}"));
      select.value = "{option}";
      for (const event of ["input", "change"]) select.dispatchEvent(new Event(event, {{bubbles: true}}));
    }})()""")


def submit(tab: Tab) -> None:
    """Send the form, again where the server was too busy to take it: SQLite lets one write at a time."""
    for _ in range(5):
        tab.value(SUBMIT)
        with suppress(TimeoutError):
            tab.wait("!location.pathname.endsWith('/run')", 5)
            return
    raise TimeoutError(str(tab.complaints))


def errors(tab: Tab) -> list[str]:
    """Return what the page has complained of, but for what Prefect's UI always complains of."""
    entries = [event["params"]["entry"] for event in tab.complaints if event["method"] == "Log.entryAdded"]
    others = [str(event) for event in tab.complaints if event["method"] != "Log.entryAdded"]
    bad = [each for each in entries if each["level"] == "error"]
    return others + [str(each) for each in bad if not each.get("url", "").endswith(OWN_MISSES)]


def elsewhere(tab: Tab, terminals: Terminals) -> list[str]:
    """Return the addresses outside the server that the page has asked for."""
    own = (f"http://{terminals.address}/", f"blob:http://{terminals.address}/", "data:")
    return [url for url in tab.requests if not url.startswith(own)]


def _bars(tab: Tab) -> list[tuple[float, float]]:
    """Find the graph's bars, which are drawn, by their green; two may stand in one row, a gap apart."""
    left, top, width, height = tab.value(
        f"(r => [r.left, r.top, r.width, r.height].map(Math.round))({CANVAS})"
    )
    picture = np.asarray(Image.open(BytesIO(tab.picture())).convert("RGB"), dtype=int)
    red, green, blue = np.moveaxis(picture[top : top + height - TIMELINE, left : left + width], 2, 0)
    vivid = (green > red + 60) & (green > blue + 40)
    return [
        (left + float(columns.mean()), top + float(rows.mean()))
        for rows in _together(vivid.any(axis=1))
        for columns in _together(vivid[rows].any(axis=0))
    ]


def _together(marks: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the places of marks, those that stand side by side together."""
    places = np.flatnonzero(marks)
    return np.split(places, np.flatnonzero(np.diff(places) > 2) + 1) if len(places) else []
