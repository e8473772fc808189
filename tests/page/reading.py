"""A report as its reader sees it: as text, and its tables as cells."""

import re
from collections.abc import Sequence

from tasks.outputs.result import Figure, Result
from tasks.page.blocks import Text, pieces
from tasks.page.markdown import markdown
from tasks.page.report import report


def text_of(result: Result, figures: Sequence[Figure] = (), past: Sequence[Result] = ()) -> str:
    return markdown(report(result, figures, past), str)


def tables(text: str) -> list[list[list[str]]]:
    """Split each table into rows of cells, at the pipes that are not escaped."""
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    split = re.compile(r"(?<!\\)\|")
    return [[[c.strip() for c in split.split(line)[1:-1]] for line in block.splitlines()] for block in blocks]


def row(text: str, name: str) -> list[str]:
    return next(cells for block in tables(text) for cells in block if cells[0] == name)


def shown(text: Text) -> str:
    """Return what a reader sees of a text in pieces."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in pieces(text))
