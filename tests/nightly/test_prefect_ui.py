"""What people see of a night in Prefect's UI: the report, the run's graph, the form, as Chromium shows them."""

import json

import pytest

from tasks.config import Settings
from tests.nightly.conftest import Ticks
from tests.nightly.terminals import Terminals
from tests.nightly.ui import (
    FIGURES,
    PANEL,
    choose,
    elsewhere,
    errors,
    open_artifact,
    open_form,
    open_run,
    submit,
)
from tests.page.browser import Tab

pytestmark = pytest.mark.slow

STAGES = ["generate", "split", "train", "evaluate", "report"]


def test_the_report_is_shown_with_its_figures(tab: Tab, terminals: Terminals, ticks: Ticks) -> None:
    """All six pictures, the trend among them, are drawn, each with words for those who do not see it."""
    open_artifact(tab, terminals, terminals.artifact(ticks.second, "markdown")["id"])
    tab.wait(f"{FIGURES}.length === 6 && {FIGURES}.every(i => i.complete && i.naturalWidth > 0)")
    assert tab.value(f"{FIGURES}.filter(i => i.alt.length < 20).length") == 0
    assert tab.value("document.querySelectorAll('table').length") > 7
    titles = tab.value('[...document.querySelectorAll("h2")].map(h => h.innerText)')
    assert titles[:3] == ["Trend", "Weights and bias", "Fit"]
    assert "5 cached, 0 ran" in tab.value("document.body.innerText")
    assert errors(tab) == []
    assert elsewhere(tab, terminals) == []


def test_the_coefficients_are_shown_as_a_table(tab: Tab, terminals: Terminals, ticks: Ticks) -> None:
    open_artifact(tab, terminals, terminals.artifact(ticks.second, "table")["id"])
    rows = '[...document.querySelectorAll("tr")].map(row => row.innerText.split("\\t")[0].trim())'
    tab.wait(f'["name", "x", "z", "bias"].every(name => {rows}.includes(name))')
    assert errors(tab) == []


def test_the_runs_graph_shows_the_cached_stages(tab: Tab, terminals: Terminals, ticks: Ticks) -> None:
    """Five bars; whoever clicks on one reads which stage it is, and that it was cached."""
    told = {}
    for bar in range(len(STAGES)):  # a click moves the graph, so each one gets a fresh page
        tab.click(*open_run(tab, terminals, ticks.second, len(STAGES))[bar])
        stage, _, state, *_ = tab.wait(PANEL).splitlines()
        told[stage.rpartition("-")[0]] = state
    assert told == dict.fromkeys(STAGES, "Cached")
    assert errors(tab) == []


def test_the_form_has_help_and_sends_the_preset_that_was_chosen(
    tab: Tab, terminals: Terminals, ticks: Ticks
) -> None:
    """Whoever chooses `article` and leaves the rest as it stands gets the preset's settings."""
    nightly = terminals.ask("deployments/name/regression/nightly")
    open_form(tab, terminals, nightly["id"])
    groups = nightly["parameter_openapi_schema"]["definitions"]
    helps = [field["description"] for group in groups.values() for field in group["properties"].values()]
    assert len(helps) > 15
    shown = json.dumps([text.replace("`", "") for text in helps])  # help is markdown
    tab.wait(f"{shown}.every(text => document.body.innerText.includes(text))")
    text = tab.value("document.body.innerText")
    assert all(f"\n{group} (Optional)\n" in text for group in ("Problem", "Input", "Split", "Training"))
    assert errors(tab) == []

    before = {run["id"] for run in terminals.runs("nightly")}
    choose(tab, "article")
    submit(tab)
    sent, *_ = (run["parameters"] for run in terminals.runs("nightly") if run["id"] not in before)
    assert Settings.model_validate(sent["settings"]) == Settings.model_validate({"preset": "article"})
