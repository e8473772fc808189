"""The report as one piece of markdown that carries its figures and stays below a size.

Prefect's UI loads an artifact whole, and its server keeps every one of them. Above the limit long tables are cut
first; then figures are left out, those worth least first.
"""

from collections.abc import Iterator, Mapping, Sequence

from tasks.page.blocks import Block, Picture
from tasks.page.markdown import markdown
from tasks.page.text import data_uri, shortened
from tasks.page.webpage import KINDS

LIMIT = 200_000  # bytes

# Rows of a table that are shown, from try to try.
ROW_LIMITS = (None, 50, 20)


def fitted_markdown(blocks: Sequence[Block], images: Mapping[str, bytes], limit: int = LIMIT) -> str:
    """Write blocks as markdown of less than `limit` bytes, with as much of the report in it as that allows."""
    tries = (_written(blocks, images, rows, files) for files in _fewer(blocks) for rows in ROW_LIMITS)
    smallest = ""
    for text in tries:
        if len(text.encode()) < limit:
            return text
        smallest = text
    return shortened(smallest, limit // 4)  # a character takes four bytes at most


def _written(
    blocks: Sequence[Block], images: Mapping[str, bytes], most_rows: int | None, files: Sequence[str]
) -> str:
    def link(file: str) -> str | None:
        return data_uri(images[file], KINDS[file.rpartition(".")[2]]) if file in files else None

    return markdown(blocks, link, most_rows)


def _fewer(blocks: Sequence[Block]) -> Iterator[list[str]]:
    """Yield the pictures' files: all of them, then without the one worth least, and so on down to none."""
    pictures = [block for block in blocks if isinstance(block, Picture)]
    files = [picture.file for picture in sorted(pictures, key=lambda picture: -picture.worth)]
    for count in range(len(files), -1, -1):
        yield files[:count]
