"""The settings in use, and the learning rate beside its limit."""

from tests.page.examples import result_of
from tests.page.reading import row, text_of


def test_truth_is_shown_only_where_it_is_known() -> None:
    """For the user's own data there is no column of true values, nor the example problem's settings."""
    text = text_of(result_of(known=False))
    assert row(text, "z")[:4] == ["z", "-2.9986", "-2.9986", "0.0035"]
    assert "`problem.rows`" not in text
    assert "`input.data`" in text
    assert "`problem.rows`" in text_of(result_of())


def test_the_learning_rate_stands_beside_the_stable_range() -> None:
    """The limit is that of raw inputs, which the calibrated recipe does not train on."""
    tutorial = result_of().model_copy(update={"settings": {"training": {"recipe": "tutorial"}}})
    assert "Learning rate used: 0.457 at first. " in text_of(tutorial)
    assert "stable below 0.0284.\n" in text_of(tutorial)
    assert "whitens" in text_of(result_of())
