"""Blocks as one HTML file that needs nothing else: figures inside, no script, a light and a dark theme.

Everything is escaped, and the policy in the head forbids the browser to load or to run anything: a style sheet
with this digest and pictures that the page carries itself are all that it may show.
"""

import base64
import hashlib
import html
import struct
from collections.abc import Callable, Iterator, Sequence

from tasks.page.blocks import (
    Block,
    Code,
    Command,
    Facts,
    Heading,
    Listing,
    Paragraph,
    Picture,
    Strong,
    TableBlock,
    Text,
    VerdictBlock,
    pieces,
)
from tasks.page.stylesheet import STYLE
from tasks.page.text import data_uri, plain, visible

KINDS = {"png": "image/png", "svg": "image/svg+xml"}
WIDE = 800
"""Pixels above which a picture would be unreadable on a phone."""

LONG = 24
"""Characters of a row's name above which the names get room for more than a word a line."""

TALL = 30
"""Rows above which a table scrolls in a box of its own, under a header that stays."""


def webpage(blocks: Sequence[Block], title: str, image: Callable[[str], bytes]) -> str:
    """Write blocks as a whole HTML document.

    Args:
        blocks: The page; its first heading of level 2 begins the sections.
        title: Of the browser's tab.
        image: The bytes of a figure's file.
    """
    sections = [
        place for place, block in enumerate(blocks) if isinstance(block, Heading) and block.level == 2
    ]
    written = [_block(block, place, image) for place, block in enumerate(blocks)]
    if sections:
        written.insert(sections[0], _contents(blocks))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{_head(title)}</head>\n<body>\n<main>\n'
        f"{''.join(written)}</main>\n</body>\n</html>\n"
    )


def policy() -> str:
    """Return the Content-Security-Policy: this style, pictures in the page, nothing else."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _head(title: str) -> str:
    return (
        '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy()}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{_escaped(visible(title))}</title>\n<style>{STYLE}</style>\n"
    )


def _contents(blocks: Sequence[Block]) -> str:
    links = "".join(
        f'<li><a href="#s{place}">{_escaped(block.text)}</a></li>'
        for place, block in enumerate(blocks)
        if isinstance(block, Heading) and block.level == 2
    )
    return f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n'


def _block(block: Block, place: int, image: Callable[[str], bytes]) -> str:
    match block:
        case Heading(level, text):
            written = f'<h{level} id="s{place}">{_escaped(text)}</h{level}>\n'
        case Paragraph(text):
            written = f"<p>{_text(text)}</p>\n"
        case Listing(items):
            written = "<ul>\n" + "".join(f"<li>{_text(item)}</li>\n" for item in items) + "</ul>\n"
        case VerdictBlock(good, text):
            written = f'<p class="verdict {"good" if good else "bad"}"><strong>Verdict.</strong> {_escaped(text)}</p>\n'
        case Facts(facts):
            cards = "".join(
                f"<div><dt>{_escaped(fact.label)}</dt><dd><strong>{_escaped(fact.value)}</strong>"
                f"<span>{_escaped(fact.remark)}</span></dd></div>\n"
                for fact in facts
            )
            written = f'<dl class="facts">\n{cards}</dl>\n'
        case TableBlock():
            written = _table(block, place)
        case Picture():
            written = _figure(block, place, image(block.file))
        case Command(text):
            written = f'<pre tabindex="0"><code>{_escaped(text)}</code></pre>\n'
    return written


def _table(table: TableBlock, place: int) -> str:
    """Write a table in a box that scrolls sideways, which the keyboard can reach.

    The caption that is seen stands outside: a table's own is as wide as the table, and would scroll away with it.
    """
    tall = " tall" if len(table.rows) > TALL else ""
    long = ' class="long"' if any(len(_text(row[0])) > LONG for row in table.rows) else ""
    head = "".join(
        f'<th{_side(letter)} scope="col">{_escaped(label)}</th>'
        for label, letter in zip(table.header, table.align, strict=True)
    )
    return (
        f'<p class="caption" aria-hidden="true">{_escaped(table.caption)}</p>\n'
        f'<div class="box{tall}" role="region" aria-labelledby="t{place}" tabindex="0"><table{long}>\n'
        f'<caption id="t{place}">{_escaped(table.caption)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{''.join(_rows(table))}</tbody>\n</table></div>\n"
    )


def _rows(table: TableBlock) -> Iterator[str]:
    for row in table.rows:
        cells = "".join(
            f"<td{_side(letter)}>{_text(cell)}</td>"
            for cell, letter in zip(row[1:], table.align[1:], strict=True)
        )
        yield f'<tr><th scope="row">{_text(row[0])}</th>{cells}</tr>\n'


def _side(letter: str) -> str:
    return ' class="r"' if letter == "r" else ""


def _figure(figure: Picture, place: int, image: bytes) -> str:
    """Write a picture on a white card; on a phone a wide one scrolls in it instead of shrinking beyond reading."""
    kind = figure.file.rpartition(".")[2]
    width, height = _extent(image) if kind == "png" else (0, 0)
    size = f' width="{width}" height="{height}"' if width else ""  # so that the page does not jump
    wide = width > WIDE
    style = ' class="wide"' if wide else ""
    reach = f' role="region" aria-labelledby="f{place}" tabindex="0"' if wide else ""
    return (
        f"<figure{style}>"
        f'<figcaption id="f{place}">{_escaped(figure.caption)}</figcaption>'
        f'<div class="card"{reach}><img{size} alt="{_escaped(figure.alt)}" '
        f'src="{data_uri(image, KINDS[kind])}"></div></figure>\n'
    )


def _extent(png: bytes) -> tuple[int, int]:
    """Read width and height from a PNG's first chunk."""
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def _text(text: Text) -> str:
    return "".join(map(_piece, pieces(text)))


def _piece(piece: str | Code | Strong) -> str:
    match piece:
        case Code(text):
            return f"<code>{_escaped(text)}</code>"
        case Strong(text):
            return f"<strong>{_escaped(text)}</strong>"
        case text:
            return _escaped(text)


def _escaped(text: str) -> str:
    return html.escape(plain(text))
