"""The curves of the diagnostic plots, against R's values and exact lines."""

import numpy as np
import pytest

from tasks.page.figures.smoothing import normal_quantiles, smoothed


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
