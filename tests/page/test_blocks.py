"""Blocks refuse what no page could show."""

from typing import get_args

import pytest

from tasks.page.blocks import Block, TableBlock
from tasks.page.templating import source


def test_a_row_of_another_length_is_refused() -> None:
    """A table with a missing cell would shift numbers under the wrong label."""
    with pytest.raises(ValueError, match=r"^`rows` must have 2 cells, one per letter of `align`; got 1$"):
        TableBlock("t", ["a", "b"], [["1"]], "lr")


def test_every_kind_of_block_has_a_template() -> None:
    """Found by the name of the class, which no type checker follows."""
    for kind in get_args(Block):
        rendered_name = kind.__name__.removesuffix("Block").lower()
        assert source(f"blocks/{rendered_name}.html.j2")
