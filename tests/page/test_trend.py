"""The trend compares runs of one kind: a picture, a table of the newest, and what changed in the settings."""

from xml.etree import ElementTree as ET

import pytest

from tasks.page.blocks import Picture, TableBlock
from tasks.page.trend import compared, trend, trend_picture
from tests.page.examples import result_of


def test_the_trend_says_what_was_set_otherwise() -> None:
    """A worse error after a change of the noise is no alarm."""
    now = result_of()
    before = now.model_copy(update={"settings": {**now.settings, "seed": 7}})
    *_, last = trend([before], now)
    assert last.text == "Set otherwise than in the run before: seed 7 → 0."  # type: ignore[union-attr]
    blocks = list(trend([before] * 9, now))
    figure = next(block for block in blocks if isinstance(block, Picture))
    assert figure.alt.startswith("Line of the RMSE over 10 runs since 2026-11-23 00:40: 0.5812 at first")
    assert len(next(block for block in blocks if isinstance(block, TableBlock)).rows) == 5


def test_an_error_that_did_not_change_is_the_same() -> None:
    """Not '+0': the last bits differ between machines."""
    now = result_of()
    scores = now.metrics.train.model_copy(update={"rmse": now.rmse * (1 + 1e-9)})
    metrics = now.metrics.model_copy(update={"test": scores})
    assert compared(now.model_copy(update={"metrics": metrics}), now) == "the same"


@pytest.mark.parametrize("rmse", [[1.0, 1.0], [0.0, 0.0], [1e-300, 1e300], [3.0, 1.0, 2.0] * 6])
def test_the_picture_stays_inside_its_frame(rmse: list[float]) -> None:
    """Equal errors, perfect ones and forty decades: points inside, on an opaque ground."""
    now = result_of()
    runs = [
        now.model_copy(
            update={
                "metrics": now.metrics.model_copy(
                    update={"test": now.metrics.train.model_copy(update={"rmse": value})}
                )
            }
        )
        for value in rmse
    ]
    tree = ET.fromstring(trend_picture(runs))  # noqa: S314 - our own
    places = {tag: tree.findall(f"{{http://www.w3.org/2000/svg}}{tag}") for tag in ("circle", "rect")}
    frame = places["rect"][0]
    assert frame.get("fill") == "white"
    assert len(places["circle"]) == len(rmse)
    for dot in places["circle"]:
        assert 0 < float(dot.get("cx", "nan")) < float(frame.get("width", "nan"))
        assert 0 < float(dot.get("cy", "nan")) < float(frame.get("height", "nan"))
