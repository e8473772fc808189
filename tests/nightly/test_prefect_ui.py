"""What people see of a night in Prefect's UI: the report, the run's graph, the form, as Chromium shows them."""

import json
from contextlib import suppress
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tasks.config import Settings
from tests.nightly.conftest import Ticks
from tests.nightly.terminals import Terminals, until
from tests.page.browser import Tab

pytestmark = pytest.mark.slow

STAGES = ["generate", "split", "train", "evaluate", "report"]
PREFECTS_OWN = ("/favicon.ico", "/ico/undefined.svg")
"""Pictures of its own that Prefect's UI asks for in vain."""

FIGURES = '[...document.images].filter(i => i.src.startsWith("data:"))'
CHOOSE = """(() => {
  const select = [...document.querySelectorAll("select")].find(s => [...s.options].some(o => o.text === "article"));
  select.value = "article";
  for (const event of ["input", "change"]) select.dispatchEvent(new Event(event, {bubbles: true}));
})()"""
SUBMIT = '[...document.querySelectorAll("button")].find(b => b.innerText.trim() === "Submit").click()'
PANEL = 'document.querySelector(".flow-run-graph-selection-panel")?.innerText'


def errors(tab: Tab) -> list[str]:
    """Return what the page has complained of, but for what Prefect's UI always complains of."""
    entries = [event["params"]["entry"] for event in tab.complaints if event["method"] == "Log.entryAdded"]
    others = [str(event) for event in tab.complaints if event["method"] != "Log.entryAdded"]
    bad = [each for each in entries if each["level"] == "error"]
    return others + [str(each) for each in bad if not each.get("url", "").endswith(PREFECTS_OWN)]


def elsewhere(tab: Tab, terminals: Terminals) -> list[str]:
    """Return the addresses outside the server that the page has asked for."""
    own = (f"http://{terminals.address}/", f"blob:http://{terminals.address}/", "data:")
    return [url for url in tab.requests if not url.startswith(own)]


def test_the_report_is_shown_with_its_figures(tab: Tab, terminals: Terminals, ticks: Ticks) -> None:
    """All five pictures, the trend among them, are drawn, each with words for those who do not see it."""
    page = terminals.page(ticks.second)
    tab.show(f"http://{terminals.address}/artifacts/artifact/{page['id']}", 1280, "light")
    tab.wait(f"{FIGURES}.length === 5 && {FIGURES}.every(i => i.complete && i.naturalWidth > 0)")
    assert tab.value(f"{FIGURES}.filter(i => i.alt.length < 20).length") == 0
    assert tab.value("document.querySelectorAll('table').length") > 7
    titles = tab.value('[...document.querySelectorAll("h2")].map(h => h.innerText)')
    assert titles[:3] == ["Trend", "Weights and bias", "Fit"]
    assert "5 cached, 0 ran" in tab.value("document.body.innerText")
    assert errors(tab) == []
    assert elsewhere(tab, terminals) == []


def test_the_runs_graph_shows_the_cached_stages(tab: Tab, terminals: Terminals, ticks: Ticks) -> None:
    """Five bars; whoever clicks on one reads which stage it is, and that it was cached."""
    told = {}
    for bar in range(len(STAGES)):  # a click moves the graph, so each one gets a fresh page
        tab.show(f"http://{terminals.address}/runs/flow-run/{ticks.second}", 1280, "light")
        tab.wait('!!document.querySelector("canvas")')
        bars = until(lambda: found if len(found := bars_of(tab)) == len(STAGES) else [], seconds=60)
        tab.click(*bars[bar])
        stage, _, state, *_ = tab.wait(PANEL).splitlines()
        told[stage.rpartition("-")[0]] = state
    assert told == dict.fromkeys(STAGES, "Cached")
    assert errors(tab) == []


def bars_of(tab: Tab) -> list[tuple[float, float]]:
    """Return the middle of each green bar of the graph; two bars may stand in one row, a gap apart."""
    area = "document.querySelector('canvas').getBoundingClientRect()"
    left, top, width, height = tab.value(f"(r => [r.left, r.top, r.width, r.height].map(Math.round))({area})")
    timeline = 30  # pixels along the lower edge, green as well
    picture = np.asarray(Image.open(BytesIO(tab.picture())).convert("RGB"), dtype=int)
    red, green, blue = np.moveaxis(picture[top : top + height - timeline, left : left + width], 2, 0)
    vivid = (green > red + 60) & (green > blue + 40)
    return [
        (left + float(columns.mean()), top + float(rows.mean()))
        for rows in together(vivid.any(axis=1))
        for columns in together(vivid[rows].any(axis=0))
    ]


def together(marks: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Return the places of marks, those that stand side by side together."""
    places = np.flatnonzero(marks)
    return np.split(places, np.flatnonzero(np.diff(places) > 2) + 1) if len(places) else []


def test_the_form_has_help_and_sends_the_preset_that_was_chosen(
    tab: Tab, terminals: Terminals, ticks: Ticks
) -> None:
    """Whoever chooses `article` and leaves the rest as it stands gets the preset's settings."""
    nightly = terminals.ask("deployments/name/regression/nightly")
    tab.show(f"http://{terminals.address}/deployments/deployment/{nightly['id']}/run", 1280, "light")
    groups = nightly["parameter_openapi_schema"]["definitions"]
    texts = [field["description"] for group in groups.values() for field in group["properties"].values()]
    assert len(texts) > 15
    shown = json.dumps([text.replace("`", "") for text in texts])  # help is markdown
    tab.wait(f"{shown}.every(text => document.body.innerText.includes(text))")
    titles = tab.value("document.body.innerText")
    assert all(f"\n{group} (Optional)\n" in titles for group in ("Problem", "Input", "Split", "Training"))
    assert errors(tab) == []
    before = {run["id"] for run in terminals.runs("nightly")}
    tab.value(CHOOSE)
    submit(tab)
    (new,) = (run for run in terminals.runs("nightly") if run["id"] not in before)
    assert Settings.model_validate(new["parameters"]["settings"]) == Settings.model_validate(
        {"preset": "article"}
    )


def submit(tab: Tab) -> None:
    """Press the button, again where the server was too busy to answer: SQLite lets one write at a time."""
    for _ in range(5):
        tab.value(SUBMIT)
        with suppress(TimeoutError):
            tab.wait("!location.pathname.endsWith('/run')", 5)
            return
    raise TimeoutError(str(tab.complaints))
