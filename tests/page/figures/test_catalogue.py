"""A plot is one module and one line: it finds its section, and leaves a page that is too large by its worth."""

import os
from collections.abc import Iterator

import pytest

from tasks.outputs.result import Figure, ReportSection
from tasks.page.blocks import Block, Heading, Picture
from tasks.page.figures import catalogue
from tasks.page.figures.plot import Drawing, Plot, PlotData
from tasks.page.report import report
from tasks.page.size_limit import fitted_markdown
from tests.page.examples import PNG, plot_data, result_of


def plot(section: ReportSection, worth: int) -> Plot:
    """Make a plot as a module would."""

    def draw(data: PlotData) -> Drawing:
        return Drawing(PNG, caption="A new plot.", alt=f"New, of {data.evaluation.target}.")

    return Plot("new.png", section=section, worth=worth, draw=draw)


def figures_of(monkeypatch: pytest.MonkeyPatch, *plots: Plot) -> list[Figure]:
    """Draw with other plots in the list."""
    monkeypatch.setattr(catalogue, "PLOTS", plots)
    return [figure for _, figure in catalogue.draw_all(plot_data(result_of()))]


def places(blocks: list[Block]) -> Iterator[tuple[str, str]]:
    """Yield each picture's file with the section that it stands in."""
    section = ""
    for block in blocks:
        if isinstance(block, Heading):
            section = block.text
        if isinstance(block, Picture):
            yield block.file, section


@pytest.mark.parametrize(
    ("section", "heading"),
    [
        ("trend", "Trend"),
        ("weights", "Weights and bias"),
        ("fit", "Fit"),
        ("training", "Training"),
        ("data", "Data"),
    ],
)
def test_a_new_plot_stands_in_its_section(
    monkeypatch: pytest.MonkeyPatch, section: ReportSection, heading: str
) -> None:
    """Nothing but the list knows of it; its words come with it."""
    (figure,) = figures_of(monkeypatch, plot(section, 40))
    assert (figure.caption, figure.alt) == ("A new plot.", "New, of y.")
    blocks = report(result_of(), [figure], [result_of()])
    assert list(places(blocks)) == [("new.png", heading)]


@pytest.mark.parametrize(("worth", "left_out"), [(0, "new.png"), (100, "loss_curve.png")])
def test_a_page_that_is_too_large_loses_the_plot_worth_least(
    monkeypatch: pytest.MonkeyPatch, worth: int, left_out: str
) -> None:
    """The new one if it is worth less than all others; otherwise the one that was worth least before."""
    figures = figures_of(monkeypatch, *catalogue.PLOTS, plot("fit", worth))
    images = {figure.file: os.urandom(25_500) for figure in figures}
    blocks = report(result_of(), figures)
    text = fitted_markdown(blocks, images)
    assert text.count("data:image/png") == len(figures) - 1
    alt = next(figure.alt for figure in figures if figure.file == left_out)
    assert f"(Left out here, to keep the page small: {alt[:20]}" in text


def test_a_plot_with_nothing_to_draw_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Plot("none.png", section="fit", worth=1, draw=lambda _: None)
    assert figures_of(monkeypatch, nothing) == []


def test_each_plot_has_a_file_and_a_worth_of_its_own() -> None:
    """Two of the same worth would leave a page in the order of the list."""
    assert len({each.file for each in catalogue.PLOTS}) == len(catalogue.PLOTS)
    assert len({each.worth for each in catalogue.PLOTS}) == len(catalogue.PLOTS)
