"""The line of the errors stays inside its frame and says in words what it shows."""

from xml.etree import ElementTree as ET

import pytest

from tasks.page.figures.trend import draw_trend, trend_line
from tests.page.examples import before, result_of


@pytest.mark.parametrize("values", [[1.0, 1.0], [0.0, 0.0], [1e-300, 1e300], [3.0, 1.0, 2.0] * 6])
def test_the_picture_stays_inside_its_frame(values: list[float]) -> None:
    """Equal errors, perfect ones and forty decades: points inside, on an opaque ground."""
    tree = ET.fromstring(trend_line(values, "2026-11-23 00:40"))  # noqa: S314 - our own
    places = {tag: tree.findall(f"{{http://www.w3.org/2000/svg}}{tag}") for tag in ("circle", "rect")}
    frame = places["rect"][0]
    assert frame.get("fill") == "white"
    assert len(places["circle"]) == len(values)
    for dot in places["circle"]:
        assert 0 < float(dot.get("cx", "nan")) < float(frame.get("width", "nan"))
        assert 0 < float(dot.get("cy", "nan")) < float(frame.get("height", "nan"))


def test_the_words_have_the_first_the_extreme_and_the_last_error() -> None:
    now = result_of()
    picture, figure = draw_trend([before(now, 0.7), before(now, 0.5), now])
    assert picture.startswith(b"<svg")
    assert figure.section == "trend"
    assert figure.caption == "RMSE of the test rows over the last 3 runs."
    assert figure.alt == (
        "Line of the RMSE over 3 runs since 2026-11-22 00:00: 0.7 at first, between 0.5 and 0.7 in all, "
        "0.5812 now."
    )
