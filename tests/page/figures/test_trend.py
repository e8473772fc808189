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


def test_a_failed_run_is_a_cross_at_its_place() -> None:
    """Between the runs before and after it in time; the line passes over it, and the words name it."""
    now = result_of()
    failed = ["20261122T120000-00000001", "20261121T000000-00000002"]
    picture, figure = draw_trend([before(now, 0.7), now], failed)
    tree = ET.fromstring(picture)  # noqa: S314 - our own
    svg = "{http://www.w3.org/2000/svg}"
    crosses = [each.get("d", "") for each in tree.findall(f"{svg}path") if "l10 10" in each.get("d", "")]
    across = [float(each.removeprefix("M").partition(" ")[0]) + 5 for each in crosses]
    first, last = (float(dot.get("cx", "nan")) for dot in tree.findall(f"{svg}circle"))
    assert across[0] < first < across[1] < last
    assert [text.text for text in tree.findall(f"{svg}text")][-2] == "2026-11-21 00:00"
    assert figure.caption.endswith("over the last 2 runs. The 2 crosses are failed runs.")
    assert figure.alt.endswith("0.5812 now. 2 runs failed: 2026-11-21 00:00, 2026-11-22 12:00.")


def test_the_first_run_that_finishes_is_drawn_beside_those_that_failed() -> None:
    picture, figure = draw_trend([result_of()], ["20261122T120000-00000001"])
    assert picture.count(b"<circle") == 1
    assert figure.caption.endswith("The cross is a failed run.")
