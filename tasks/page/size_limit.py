"""The report as one piece of markdown that carries its figures and stays below a size.

Prefect's UI loads an artifact whole, and its server keeps every one of them: above the limit long tables are cut
first, then figures are left out, those first that say least in a small picture.
"""

from collections.abc import Iterator, Mapping, Sequence

from tasks.page.blocks import Block
from tasks.page.markdown import markdown
from tasks.page.text import data_uri, shortened
from tasks.page.webpage import KINDS

LIMIT = 200_000
"""Bytes."""

SPARED = (
    "trend.svg",
    "coefficients.png",
    "predicted_against_actual.png",
    "diagnostics.png",
    "loss_curve.png",
)
"""Figures in the order of their worth."""

SHORT = (None, 50, 20)
"""Rows of a table that are shown, from try to try."""


def fitted_markdown(blocks: Sequence[Block], images: Mapping[str, bytes], limit: int = LIMIT) -> str:
    """Write blocks as markdown of less than `limit` bytes, with as much of the report in it as that allows."""
    tries = (_written(blocks, images, rows, files) for files in _fewer(images) for rows in SHORT)
    smallest = ""
    for text in tries:
        if len(text.encode()) < limit:
            return text
        smallest = text
    return shortened(smallest, limit // 4)  # four bytes are the most that a character takes


def _written(
    blocks: Sequence[Block], images: Mapping[str, bytes], most_rows: int | None, files: Sequence[str]
) -> str:
    def link(file: str) -> str | None:
        return data_uri(images[file], KINDS[file.rpartition(".")[2]]) if file in files else None

    return markdown(blocks, link, most_rows)


def _fewer(images: Mapping[str, bytes]) -> Iterator[list[str]]:
    kept = sorted(images, key=lambda file: SPARED.index(file) if file in SPARED else len(SPARED))
    for count in range(len(kept), -1, -1):
        yield kept[:count]
