"""Predictions against actual values, judged as pictures."""

import matplotlib
import numpy as np
import pytest

from tasks.page.figures.colours import BLUE, VERMILION
from tasks.page.figures.predictions import DENSITY_ABOVE, PLOT
from tasks.page.figures.predictions import predicted_against_actual as draw
from tests.page.examples import HOSTILE, parts_of, plot_data, result_of
from tests.page.figures.pictures import near, pixels


def test_a_scatter_is_an_opaque_picture_on_white() -> None:
    """The default run's figure parses, is wide enough to read, and has a white, opaque ground."""
    picture = pixels(draw("y", parts_of()))
    assert picture.shape[0] > 480
    assert picture.shape[1] > 600
    assert picture.shape[2] == 3 or (picture[..., 3] == 1).all()
    assert (picture[[0, 0, -1, -1], [0, -1, 0, -1], :3] == 1).all()


def test_train_and_test_have_their_colours() -> None:
    """Even a dozen test points stay vermilion among many blue ones, although the picture has a palette."""
    parts = parts_of(train=800, test=12)
    assert near(draw("y", parts), BLUE) > 500
    assert near(draw("y", parts), VERMILION) > 50
    assert near(draw("y", {"train": parts["train"]}), VERMILION) == 0


def test_many_points_are_a_density() -> None:
    """Above the limit, no dots: a density of one hue, in a wider figure with a panel per part."""
    at = parts_of(DENSITY_ABOVE - 4000, 4000)
    above = parts_of(DENSITY_ABOVE - 3999, 4000)
    assert near(draw("y", at), VERMILION) > 100
    assert near(draw("y", above), VERMILION) == 0
    assert pixels(draw("y", above)).shape[1] > pixels(draw("y", {"train": above["train"]})).shape[1]


@pytest.mark.parametrize("rows", [50, DENSITY_ABOVE + 1])
def test_actual_and_predicted_share_one_scale(rows: int) -> None:
    """The line of equality runs at 45 degrees even where the predictions are far off."""
    actual = np.linspace(0, 1, rows)
    picture = pixels(draw("y", {"train": (actual, np.full(rows, 0.5))}))
    down, across = np.nonzero(picture[..., :3].max(axis=-1) < 0.25)
    line = (across > 200) & (across < 400) & (down > 90) & (down < 500)
    slope, _ = np.polyfit(across[line], down[line], 1)
    assert slope == pytest.approx(-1, abs=0.01)


@pytest.mark.parametrize(("test", "noise"), [(200, 1.0), (0, 10.0)])
def test_a_scatter_is_a_small_file(test: int, noise: float) -> None:
    """Three figures as data URIs must leave room in a page of 200 kB."""
    assert len(draw("y", parts_of(1000 - test, test, noise))) < 45_000


def test_a_density_is_small_too() -> None:
    """It has more colours than dots have, and still leaves room for the other figures."""
    assert len(draw("y", parts_of(80_000, 20_000, noise=10))) < 60_000


def test_the_same_numbers_give_the_same_bytes() -> None:
    """Nothing but the numbers is in the file: no date, no version, no style of the user's."""
    first = draw("y", parts_of())
    with matplotlib.rc_context({"figure.facecolor": "black", "font.size": 30, "text.usetex": True}):
        before = dict(matplotlib.rcParams)
        assert draw("y", parts_of()) == first
        assert dict(matplotlib.rcParams) == before
    assert b"matplotlib" not in first.lower()


@pytest.mark.parametrize(
    "name", [HOSTILE, "$", "$x_{", r"\frac{", "", "\x00", "价格 ر", "W" * 5000, "_y", "%d {0}"]
)
def test_no_name_breaks_a_figure(name: str) -> None:
    """Formulas, control characters, missing glyphs and endless names leave a picture of the usual size."""
    assert pixels(draw(name, parts_of(40, 10))).shape == pixels(draw("y", parts_of(40, 10))).shape


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"train": ([], [])},
        {"train": ([1.0], [1.0]), "test": ([], [])},
        {"train": ([0.0] * 5, [0.0] * 5)},
        {"train": ([np.nan, 1.0, 2.0], [1.0, np.inf, 2.0])},
        {
            "train": (np.array([1e12, 2e12], np.float32), np.array([1.1e12, 1.9e12], np.float32)),
            "test": ([-1e-12], [1.0]),
        },
        {"train": (np.full(30_000, 7.0), np.full(30_000, 7.0)), "test": ([7.0], [7.0])},
    ],
)
def test_degenerate_parts_are_drawn(parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Nothing, one row, a constant, missing targets and any magnitude make a figure without a warning."""
    assert pixels(draw("y", parts)).size


def test_columns_are_not_broadcast() -> None:
    """Targets of shape (n, 1) against predictions of shape (n,) are refused rather than paired n by n."""
    with pytest.raises(
        ValueError, match=r"^`train` must be two arrays of shape \(n,\); got \(3, 1\) and \(3,\)$"
    ):
        draw("y", {"train": (np.zeros((3, 1)), np.zeros(3))})


def test_the_alternative_text_describes_each_part() -> None:
    """Rows, range, median and largest error; rows without a finite pair do not count."""
    parts = {
        "train": (np.array([1.0, 2.0, 3.0, np.nan]), np.array([1.5, 2.0, 1.0, 0.0])),
        "test": (np.array([7.0]), np.array([7.0])),
    }
    drawing = PLOT.draw(plot_data(result_of(), predictions=parts))
    assert drawing
    assert drawing.alt == (
        "Predicted against actual y, with the line where the two are equal. train: 3 rows, actual values from 1 to 3, "
        "median absolute error 0.5, largest 2. test: 1 row, actual values from 7 to 7, median absolute error 0, "
        "largest 0."
    )
