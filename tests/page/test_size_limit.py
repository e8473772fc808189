"""The artifact for Prefect's UI stays below its size, with as much of the report as that allows."""

import os

import pytest

from tasks.page.blocks import Block
from tasks.page.report import report
from tasks.page.size_limit import LIMIT, fitted_markdown
from tests.page.examples import FIGURES, result_of

BLOCKS = report(result_of(), FIGURES)
WIDE = report(result_of([f"column {i} {'w' * 60}" for i in range(200)]), FIGURES)
FILES = [figure.file for figure in FIGURES]


def sized(total: int) -> dict[str, bytes]:
    return {file: os.urandom(total // len(FILES)) for file in FILES}


def test_a_small_report_is_whole() -> None:
    """All figures, all rows."""
    text = fitted_markdown(BLOCKS, sized(90_000))
    assert text.count("data:image/png;base64,") == 3
    assert "more rows" not in text


def test_long_tables_are_cut_before_figures_go() -> None:
    """Two hundred long names beside figures that fill the page: fifty rows, and all figures."""
    text = fitted_markdown(WIDE, sized(120_000))
    assert len(text.encode()) < LIMIT
    assert text.count("data:image/png;base64,") == 3
    assert "more rows" in text


def test_the_least_worthy_figure_goes_first() -> None:
    """Its words take its place."""
    text = fitted_markdown(BLOCKS, sized(200_000))
    assert text.count("data:image/png;base64,") == 2
    assert "loss (Left out here, to keep the page small: It falls.)" in text


@pytest.mark.parametrize("limit", [2_000, 20_000, 200_000])
@pytest.mark.parametrize("blocks", [BLOCKS, WIDE])
def test_no_limit_is_broken(blocks: list[Block], limit: int) -> None:
    """Whatever the figures weigh."""
    assert len(fitted_markdown(blocks, sized(3_000_000), limit).encode()) < limit
