"""The diagnostic and coefficient plots, and what they tell those who do not see them."""

import numpy as np
import pytest

from tasks.neuron.influence import Influence, influence
from tasks.neuron.least_squares import solve
from tasks.page.coefficients import coefficients
from tasks.page.diagnostics import (
    diagnostic_figure,
    diagnostic_plots,
    drawable_rows,
    normal_quantiles,
    smoothed,
)
from tasks.page.effects import MOST, coefficient_figure, coefficient_plot, effects
from tests.page.examples import HOSTILE, result_of
from tests.page.test_figures import pixels


def found(rows: int = 300, noise: float = 1.0, d: int = 2) -> Influence:
    rng = np.random.default_rng(0)
    x = rng.uniform(-10, 10, (rows, d))
    y = x.sum(axis=1) + rng.normal(0, noise, rows)
    fit = solve(x, y)
    return influence(fit, x, y, fit.weights, fit.bias, fit.residual_deviation)


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
    assert "17 of 20 training rows" in diagnostic_figure(holes, 20).caption


def test_the_plots_are_told_in_numbers() -> None:
    """Of how many rows, the largest leverage and Cook's distance, how far residuals reach."""
    some = found(300)
    told = diagnostic_figure(some, 100_000)
    assert "300 of 100,000 training rows" in told.caption
    assert f"largest leverage {some.leverage.max():.3g}" in told.alt
    assert f"largest Cook's distance {some.cook.max():.3g}" in told.alt
    assert "all 300 training rows" in diagnostic_figure(some, 300).caption


def test_quantiles_are_those_of_r() -> None:
    """`qnorm(ppoints(5))` and `qnorm(ppoints(20))`'s ends, from R."""
    assert normal_quantiles(5) == pytest.approx([-1.1797611, -0.4972006, 0, 0.4972006, 1.1797611], abs=1e-6)
    assert normal_quantiles(20)[-1] == pytest.approx(1.959964, abs=1e-6)


def test_the_smoothed_line_follows_a_line_exactly() -> None:
    """Local lines on a line are that line; ties and a single point do not break it."""
    x = np.linspace(-3, 5, 200)
    places, line = smoothed(x, 2 * x - 1)
    assert line == pytest.approx(2 * places - 1)
    assert smoothed(np.zeros(7), np.arange(7.0))[1] == pytest.approx([3.0])
    assert smoothed(np.array([1.0]), np.array([2.0]))[1] == pytest.approx([2.0])


def test_effects_are_in_standard_deviations() -> None:
    """Weight × the feature's deviation / the target's; the interval and the truth on the same scale."""
    result = result_of()
    wide = [column.model_copy(update={"sd": 11.54}) for column in result.profile[:-1]]
    first, second = effects(coefficients(result), [*wide, result.profile[-1]])
    assert (first.name, second.name) == ("z", "x")
    assert first.estimate == pytest.approx(-2.9986 * 2)
    assert first.true == pytest.approx(-6)
    assert first.high - first.low == pytest.approx(2 * 2 * 1.96295 * 0.0035, rel=1e-4)


def test_many_weights_are_cut_to_the_most_certain() -> None:
    """Twenty of two hundred are drawn, and both captions say so; eight are told."""
    many = result_of([f"f{i}" for i in range(200)])
    listed = effects(coefficients(many), many.profile)
    told = coefficient_figure(listed)
    assert f"the {MOST} of 200 weights with the largest |t|" in told.caption
    assert "f199 " in told.alt
    assert "and 12 more, as in the table" in told.alt
    png = coefficient_plot(listed)
    assert pixels(png).shape[0] < 1000
    assert len(png) < 40_000


def test_weights_without_an_interval_are_not_drawn() -> None:
    """Nothing is known about them; a constant feature has no effect to scale."""
    unknown = result_of(undetermined=True)
    assert effects(coefficients(unknown), unknown.profile) == []
    result = result_of()
    constant = [result.profile[0].model_copy(update={"sd": 0.0}), *result.profile[1:]]
    assert [effect.name for effect in effects(coefficients(result), constant)] == ["z"]


def test_any_name_is_drawn() -> None:
    hostile = result_of([HOSTILE, "$x_{"], target=HOSTILE)
    assert pixels(coefficient_plot(effects(coefficients(hostile), hostile.profile))).size
