"""Blocks as one HTML file that needs nothing else: figures inside, no script, a light and a dark theme.

The templates escape everything, and the policy in the head forbids the browser to load or to run anything: a style
sheet with this digest and pictures that the page carries itself are all that it may show.
"""

import base64
import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.page.blocks import Block, Heading
from tasks.page.templating import rendered, source
from tasks.page.text import data_uri, visible

KINDS = {"png": "image/png", "svg": "image/svg+xml"}

WIDE = 800  # pixels above which a picture that shrinks to a phone's screen cannot be read
LONG = 24  # characters of a row's name above which names get room for more than a word a line
TALL = 30  # rows above which a table scrolls in a box of its own, under a header that stays


@dataclass(frozen=True, slots=True)
class EmbeddedPicture:
    """A picture inside the page; width and height in pixels are 0 where the file does not say."""

    uri: str
    width: int
    height: int

    @property
    def wide(self) -> bool:
        """Whether it scrolls on a phone instead of shrinking."""
        return self.width > WIDE


def webpage(blocks: Sequence[Block], title: str, image: Callable[[str], bytes]) -> str:
    """Write blocks as a whole HTML document.

    Args:
        blocks: The page; its headings of level 2 begin the sections.
        title: Of the browser's tab.
        image: Returns the bytes of a figure's file.
    """
    sections = [
        place for place, block in enumerate(blocks) if isinstance(block, Heading) and block.level == 2
    ]
    return rendered(
        "page.html.j2",
        title=visible(title),
        style=source("page.css"),
        policy=policy(),
        blocks=blocks,
        sections=sections,
        embed=lambda file: _embedded(file, image(file)),
        long=LONG,
        tall=TALL,
    )


def policy() -> str:
    """Return the Content-Security-Policy: this style, pictures in the page, nothing else."""
    digest = base64.b64encode(hashlib.sha256(source("page.css").encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _embedded(file: str, image: bytes) -> EmbeddedPicture:
    kind = file.rpartition(".")[2]
    # A PNG's first chunk holds its width and height.
    width, height = struct.unpack(">II", image[16:24]) if kind == "png" else (0, 0)
    return EmbeddedPicture(data_uri(image, KINDS[kind]), width, height)
