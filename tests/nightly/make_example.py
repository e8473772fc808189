"""`make example`: a week of nights in miniature, whose last report and looks go into artifacts/example/."""

import json
import shutil
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.nightly.conftest import Ticks
from tests.nightly.terminals import Terminals
from tests.nightly.ui import FIGURES, open_artifact, open_form, open_run
from tests.page.browser import Tab
from tests.paths import ROOT

SPLIT = '[...document.querySelectorAll("*")].findLast(e => e.innerText?.startsWith("Split (Optional)"))'
EXAMPLE = ROOT / "artifacts" / "example"


@pytest.fixture(scope="session", autouse=True)
def nights(terminals: Terminals) -> None:
    """Let the nights before have had other data, so that there is a trend."""
    for seed in (5, 4, 3, 2, 1):
        done = terminals.run(f"linear-neuron run --seed {seed}")
        assert done.returncode == 0, done.stdout


@pytest.fixture(scope="session")
def report(terminals: Terminals, ticks: Ticks) -> str:
    """Replace the example by the run of the first tick; return the address of its page."""
    (run,) = terminals.folder.glob(f"artifacts/runs/*-{ticks.first[:8]}")
    shutil.rmtree(EXAMPLE)
    shutil.copytree(run, EXAMPLE)
    return (EXAMPLE / "report.html").as_uri()


def keep(tab: Tab, name: str) -> None:
    """Store what can be seen with a palette, a third of full colour's bytes; rare colours keep their place in it."""
    seen = Image.open(BytesIO(tab.picture())).convert("RGB")
    palette = seen.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    palette.save(EXAMPLE / f"{name}.png", optimize=True)


def test_report(tab: Tab, report: str) -> None:
    """The first screen, on a desktop by day and on a phone by night."""
    for width, theme, name in ((1280, "light", "report-desktop"), (390, "dark", "report-phone")):
        tab.show(report, width, theme)
        keep(tab, name)


def test_artifact(tab: Tab, terminals: Terminals, ticks: Ticks, report: str) -> None:
    """The report in Prefect's UI."""
    open_artifact(tab, terminals, terminals.artifact(ticks.first, "markdown")["id"])
    tab.wait(f"{FIGURES}.length === 5 && {FIGURES}.every(i => i.complete)")
    keep(tab, "prefect-report")


def test_run(tab: Tab, terminals: Terminals, ticks: Ticks, report: str) -> None:
    """The graph of a night on which nothing had changed, and the list of its tasks."""
    open_run(tab, terminals, ticks.second, stages=5)
    tab.value('document.querySelector("#task-runs").click()')
    tab.wait("(document.body.innerText.match(/\\nCached\\n\\d+s/g) || []).length === 5")
    keep(tab, "prefect-run")


def test_form(tab: Tab, terminals: Terminals, report: str) -> None:
    """The form that asks for a run's settings."""
    nightly = terminals.ask("deployments/name/regression/nightly")
    open_form(tab, terminals, nightly["id"])
    tab.wait('["Rows to draw", "Initial weights"].every(text => document.body.innerText.includes(text))')
    tab.value(f"{SPLIT}.scrollIntoView()")
    tab.wait(f"{SPLIT}.getBoundingClientRect().top < 300")
    keep(tab, "prefect-form")


def test_nothing_of_this_machine_is_in_the_example(terminals: Terminals, report: str) -> None:
    texts = [path.read_text(encoding="utf-8") for path in EXAMPLE.iterdir() if path.suffix != ".png"]
    assert not any(str(place) in text for text in texts for place in (terminals.folder, ROOT, Path.home()))
    assert json.loads((EXAMPLE / "result.json").read_text(encoding="utf-8"))["verdict"]["converged"]
