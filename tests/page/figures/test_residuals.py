"""The residuals of the test rows, in two plots."""

import numpy as np
import pytest

from tasks.page.figures.colours import VERMILION
from tasks.page.figures.residuals import PLOT
from tests.page.examples import HOSTILE, parts_of, plot_data, result_of
from tests.page.figures.pictures import near, pixels


def test_the_words_hold_the_figures() -> None:
    rng = np.random.default_rng(0)
    predicted = np.arange(100.0)
    parts = {
        "train": (np.arange(50.0) + np.tile([1.0, -1.0], 25), np.arange(50.0)),
        "test": (predicted + rng.permutation(np.linspace(-2, 2, 100)), predicted),
    }
    drawing = PLOT.draw(plot_data(result_of(), predictions=parts))
    assert drawing is not None
    assert near(drawing.image, VERMILION) > 300
    assert "100 test rows" in drawing.caption
    assert "from -2 to 2; the smoothed line" in drawing.alt
    assert drawing.alt.endswith("Quantiles at 5, 50 and 95 %: -1.8, 0 and 1.8, of training rows -1, 0 and 1.")


def test_many_rows_and_hostile_names_make_a_small_picture() -> None:
    drawing = PLOT.draw(plot_data(result_of(target=HOSTILE), predictions=parts_of(100, 50_000)))
    assert drawing is not None
    assert "5,000 test rows" in drawing.caption
    assert len(drawing.image) < 60_000
    assert pixels(drawing.image).size


@pytest.mark.parametrize(("test", "noise"), [(0, 1.0), (4, 1.0), (50, 0.0)])
def test_hardly_a_test_row_or_an_exact_fit_leave_nothing_to_draw(test: int, noise: float) -> None:
    parts = {name: rows for name, rows in parts_of(100, test, noise).items() if len(rows[0])}
    assert PLOT.draw(plot_data(result_of(), predictions=parts)) is None
