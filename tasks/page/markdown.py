"""Blocks as markdown that no column name can break.

For GitHub-flavoured markdown and for the artifact page of Prefect's UI. Names come from users' files and may hold
anything: pipes, backticks, tags, dollars, line breaks. Written in Python and not by a template: most of it is escaping
and padding, and in markdown a blank of the template's own would change the meaning.
"""

import re
from collections.abc import Callable, Sequence

from tasks.page.blocks import (
    AnswerBlock,
    Block,
    Code,
    Command,
    FactCards,
    Heading,
    Listing,
    Paragraph,
    Picture,
    Strong,
    TableBlock,
    Text,
    pieces,
)
from tasks.page.text import plain, visible

# Characters to which a table's source is padded: one long cell must not widen two hundred rows.
WIDEST = 40

_MARKUP = str.maketrans(
    {character: "\\" + character for character in "\\`*_[]|~#!"}
    # Entities: some renderers take `\$` for the start of a formula, and `\<` for the start of a tag.
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
)
_BARE_LINK = re.compile(r"(?<=www)\.|:(?=//)", re.IGNORECASE)
_LIST_MARK = re.compile(r"^(\d*)([-+.)=])")
_LINK = re.compile(r"[ ()<>\\]")


def markdown(blocks: Sequence[Block], link: Callable[[str], str | None], most_rows: int | None = None) -> str:
    """Write blocks as markdown.

    Args:
        blocks: The page.
        link: Returns the link to a figure's file; for None the figure's description takes its place.
        most_rows: Rows shown of each table; the others are counted.
    """
    return "\n".join(_block(block, link, most_rows) for block in blocks)


def escaped(text: str) -> str:
    r"""Escape text for a table cell, a heading or a sentence, so that it shows literally.

    >>> print(escaped("a|b <i> $c$"))
    a\|b &lt;i&gt; &#36;c&#36;
    """
    return _escaped(visible(text).strip())


def table(header: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """Lay out cells of markdown, `l`eft or `r`ight, as a table whose source is aligned too."""
    lines = [header, *rows]
    widths = [min(WIDEST, max(3, *map(len, column))) for column in zip(*lines, strict=True)]
    rules = [_rule(*column) for column in zip(align, widths, strict=True)]
    return "\n".join(_line(cells, widths, align) for cells in (header, rules, *rows)) + "\n"


def _block(block: Block, link: Callable[[str], str | None], most_rows: int | None) -> str:
    match block:
        case Heading(level, text):
            written = f"{'#' * level} {escaped(text)}\n"
        case Paragraph(text):
            written = _sentence(text) + "\n"
        case Listing(items):
            written = "".join(f"- {_sentence(item)}\n" for item in items)
        case AnswerBlock(question, answer):
            points = "".join(f"- {_sentence(point)}\n" for point in answer[1:])
            written = f"**{escaped(question)}** {escaped(answer[0])}\n" + (points and f"\n{points}")
        case FactCards(facts):
            rows = [[_text(fact.label), f"**{_text(fact.value)}**", _text(fact.remark)] for fact in facts]
            written = table(["", "", ""], rows, "lrl")
        case TableBlock():
            written = _table(block, most_rows)
        case Picture():
            written = _figure(block, link(block.file))
        case Command(text):
            written = "".join(f"    {line}\n" for line in visible(text).splitlines())
    return written


def _table(block: TableBlock, most_rows: int | None) -> str:
    rows = block.rows[:most_rows]
    cells = [[_text(cell) for cell in row] for row in rows]
    hidden = len(block.rows) - len(rows)
    rest = f"\n… and {hidden:,} more rows.\n" if hidden else ""
    return f"{_sentence(block.caption)}\n\n{table(list(map(_text, block.header)), cells, block.align)}{rest}"


def _figure(figure: Picture, target: str | None) -> str:
    if target is None:
        return f"{_sentence(figure.caption)} (Left out here, to keep the page small: {_text(figure.alt)})\n"
    return f"{_sentence(figure.caption)}\n\n![{_text(figure.alt)}]({_LINK.sub(_percent, target)})\n"


def _percent(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"


def _sentence(text: Text) -> str:
    """Write text that begins a line; escape what would turn it into a list item or a heading."""
    return _LIST_MARK.sub(r"\1\\\2", _text(text))


def _text(text: Text) -> str:
    return "".join(map(_piece, pieces(text))).strip()


def _piece(piece: str | Code | Strong) -> str:
    match piece:
        case Code(text):
            return _code(plain(text))
        case Strong(text):
            return f"**{_escaped(plain(text))}**"
        case text:
            return _escaped(plain(text))


def _code(text: str) -> str:
    """Mark text as code; escape it instead where a backtick or a pipe could end the code."""
    return _escaped(text) if set("`|\\") & set(text) or text != text.strip() or not text else f"`{text}`"


def _escaped(text: str) -> str:
    return _BARE_LINK.sub(r"\\\g<0>", text.translate(_MARKUP))


def _rule(letter: str, width: int) -> str:
    return ":" + "-" * (width - 1) if letter == "l" else "-" * (width - 1) + ":"


def _line(cells: Sequence[str], widths: Sequence[int], align: str) -> str:
    padded = (
        cell.ljust(width) if letter == "l" else cell.rjust(width)
        for cell, width, letter in zip(cells, widths, align, strict=True)
    )
    return "| " + " | ".join(padded) + " |"
