"""The diagnostic plots and their words."""

import numpy as np
import pytest

from tasks.neuron.influence import Influence, influence
from tasks.neuron.least_squares import solve
from tasks.neuron.parts import Batch
from tasks.page.figures.diagnostics import PLOT, alt, caption, diagnostic_plots, drawable_rows
from tests.page.examples import HOSTILE, plot_data, result_of, rows_of
from tests.page.figures.pictures import pixels


def found(rows: int = 300, noise: float = 1.0, d: int = 2) -> Influence:
    rng = np.random.default_rng(0)
    x = rng.uniform(-10, 10, (rows, d))
    y = x.sum(axis=1) + rng.normal(0, noise, rows)
    fit = solve(x, y)
    return influence(fit, Batch([*x.T], y), fit.weights, fit.bias, fit.residual_deviation)


def test_the_four_plots_are_one_small_opaque_picture() -> None:
    """Wide enough to read, small enough to be one of five in a page of 200 kB."""
    png = diagnostic_plots("y", found(800), 3)
    picture = pixels(png)
    assert picture.shape[1] == 990
    assert (picture[[0, 0, -1, -1], [0, -1, 0, -1], :3] == 1).all()
    assert len(png) < 70_000
    assert len(diagnostic_plots("y", found(5000), 3)) < 90_000
    assert diagnostic_plots("y", found(800), 3) == png


@pytest.mark.parametrize("rows", [4, 5, 11])
@pytest.mark.parametrize("target", ["y", HOSTILE, "W" * 5000])
def test_few_rows_and_any_name_are_drawn(rows: int, target: str) -> None:
    """Four rows and three parameters leave one degree of freedom, and a picture."""
    assert pixels(diagnostic_plots(target, found(rows), 3)).shape[1] == 990


def test_equal_fitted_values_and_an_outlier_are_drawn() -> None:
    """A model of the mean alone has one fitted value; a Cook's distance above 1 shows its contours."""
    flat = Influence(np.ones(9), np.arange(9.0), np.full(9, 1 / 9), np.arange(9.0), np.arange(9.0))
    assert pixels(diagnostic_plots("y", flat, 1)).size
    wild = Influence(
        np.arange(9.0), np.arange(9.0), np.linspace(0.1, 0.9, 9), np.arange(9.0) * 3, np.arange(9.0)
    )
    assert pixels(diagnostic_plots("y", wild, 2)).size


def test_rows_without_a_standardised_residual_are_left_out() -> None:
    """The fit could not have missed them; where there are no others, there is nothing to draw."""
    some = found(20)
    gaps = np.where(np.arange(20) < 3, np.nan, some.standardised)
    holes = Influence(some.fitted, some.residuals, some.leverage, gaps, some.cook)
    assert drawable_rows(holes).sum() == 17
    assert "17 of 20 training rows" in caption(holes, 20)


def test_the_words_have_the_numbers() -> None:
    """How many rows, how far residuals reach, the largest leverage and the largest Cook's distance."""
    some = found(300)
    assert "300 of 100,000 training rows" in caption(some, 100_000)
    assert "all 300 training rows" in caption(some, 300)
    words = alt(some, 300)
    assert f"from {some.residuals.min():.3g} to {some.residuals.max():.3g}" in words
    assert f"largest leverage {some.leverage.max():.3g}" in words
    assert f"largest Cook's distance {some.cook.max():.3g}" in words


def test_a_fit_that_misses_no_row_has_no_diagnostics() -> None:
    """Two rows determine a weight and a bias: no residual is left to look at."""
    data = plot_data(result_of(["x"]), rows=rows_of(np.array([[1.0, 2.0], [3.0, 5.0]])))
    assert PLOT.draw(data) is None
    assert PLOT.draw(plot_data(result_of(["x"])))
