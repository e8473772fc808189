"""The loss curve: every training leaves a picture."""

import numpy as np
import pytest

from tasks.page.figures.colours import BLUE
from tasks.page.figures.loss import PLOT, loss_curve
from tests.page.examples import plot_data, result_of
from tests.page.figures.pictures import near, pixels

CURVES = [
    [0.33],
    [0.0, 0.0],
    [1.0, np.nan, 0.0],
    np.random.default_rng(1).uniform(34, 40, 500),
    10.0 ** -np.arange(40.0),
]


@pytest.mark.parametrize("loss", CURVES)
@pytest.mark.parametrize("baseline", [None, 0.0, 450.0])
def test_every_loss_curve_is_drawn(loss: np.ndarray, baseline: float | None) -> None:
    """One epoch, a perfect fit, gaps, wobble and forty decades make a figure without a warning."""
    png = loss_curve(loss, baseline)
    assert pixels(png).shape[1] == 616
    assert near(png, BLUE) > 20


def test_a_usual_loss_curve_is_a_small_file() -> None:
    """Three figures as data URIs must leave room in a page of 200 kB."""
    assert len(loss_curve(0.33 + 400 * np.exp(-np.arange(100) / 3), 450.0)) < 45_000


def test_the_alternative_text_has_the_first_the_lowest_and_the_last_loss() -> None:
    """Beside the mean squared error of the training mean, 21.3²."""
    drawing = PLOT.draw(plot_data(result_of(), loss=np.array([9.0, 0.25, 0.5])))
    assert drawing
    assert drawing.alt == (
        "Mean squared error of the training rows over 3 epochs: 9 in the first, 0.25 at the lowest, 0.5 in the last. "
        "Predicting the training mean gives 453.7."
    )
