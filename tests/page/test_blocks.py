"""Blocks refuse what no page could show."""

import pytest

from tasks.page.blocks import TableBlock


def test_a_row_of_another_length_is_refused() -> None:
    """A table with a missing cell would shift numbers under the wrong label."""
    with pytest.raises(ValueError, match=r"^`rows` must have 2 cells, one per letter of `align`; got 1$"):
        TableBlock("t", ["a", "b"], [["1"]], "lr")
