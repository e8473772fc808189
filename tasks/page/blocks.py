"""What a page is made of, before it is markdown or HTML: a list of blocks, whose text is plain.

A page is written once, as blocks. `markdown.py` and `webpage.py` each turn the same blocks into their own
markup and escape all text on the way: no block holds markup, so no name in it can break a page. A new kind of block
needs a class here, a template in `templates/blocks/`, and a case in `markdown.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Code:
    """A word of a programming language: a setting's name, a digest."""

    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """A word that must not be overlooked."""

    text: str


# How good the news is: green, amber, red.
Grade: TypeAlias = Literal["good", "doubtful", "bad"]

# Plain text, or several pieces in a row.
Text: TypeAlias = str | Code | Strong | Sequence[str | Code | Strong]


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; level 1 is the page's, level 2 a section's."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A few sentences."""

    text: Text


@dataclass(frozen=True, slots=True)
class Listing:
    """Points, one sentence each."""

    items: Sequence[Text]


@dataclass(frozen=True, slots=True)
class AnswerBlock:
    """A question that readers open the page for, and its answer; with a grade it has a colour."""

    question: str
    answer: Sequence[str]
    grade: Grade | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A number to take in at a glance: what it is, its value, and what to compare it with."""

    label: str
    value: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class FactCards:
    """The few facts that the first screen shows."""

    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table whose first column names its rows.

    Attributes:
        caption: What the table holds, as a sentence.
        header: A label per column.
        rows: The cells.
        align: One letter per column, `l` or `r`.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Text]]
    align: str

    def __post_init__(self) -> None:
        """Refuse a row with a missing cell, which would shift numbers under the wrong label."""
        if wrong := [len(line) for line in (self.header, *self.rows) if len(line) != len(self.align)]:
            raise ValueError(
                f"`rows` must have {len(self.align)} cells, one per letter of `align`; got {wrong[0]}"
            )


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture.

    Attributes:
        file: Its file's name.
        caption: How to read it.
        alt: What it shows, in words and numbers, for readers who cannot see it.
        worth: From 0 to 100. A page that is too large leaves out the pictures worth least.
    """

    file: str
    caption: str
    alt: str
    worth: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """A line to type into a terminal."""

    text: str


Block: TypeAlias = Heading | Paragraph | Listing | AnswerBlock | FactCards | TableBlock | Picture | Command


def pieces(text: Text) -> Sequence[str | Code | Strong]:
    """Return text as a sequence of pieces."""
    return (text,) if isinstance(text, str | Code | Strong) else text
