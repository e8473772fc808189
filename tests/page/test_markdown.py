"""Markdown is judged by a parser that did not write it: markdown-it, which comes with Prefect."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tasks.page.blocks import (
    Block,
    Code,
    Command,
    Fact,
    Facts,
    Heading,
    Listing,
    Paragraph,
    Picture,
    Strong,
    TableBlock,
    VerdictBlock,
)
from tasks.page.markdown import escaped, markdown, table
from tasks.page.text import data_uri, number, shortened, visible

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NAMES = st.text(st.characters() | st.sampled_from(list("|`*_<>&$#[]()!\\~\n\r\t -+=.:1")), max_size=30)


def inline(source: str) -> list[list[Token]]:
    return [token.children or [] for token in PARSER.parse(source) if token.type == "inline"]


def quoted(tokens: list[Token]) -> str:
    """Join what a reader sees, provided that none of it is markup."""
    assert {token.type for token in tokens} <= {"text", "text_special"}, tokens
    return "".join(token.content for token in tokens)


@given(NAMES)
def test_any_name_is_shown_as_it_stands_in_a_table(name: str) -> None:
    """A name fills exactly its own cell and starts no markup, whatever it holds."""
    cells = inline(table(["", "n"], [[escaped(name), "1"], ["*bias*", "2"]], "lr"))
    assert len(cells) == 6
    assert quoted(cells[2]) == visible(name).strip()


@given(NAMES)
def test_any_name_is_shown_as_it_stands_in_a_heading(name: str) -> None:
    """A name stays inside its heading."""
    heading, after = inline(f"# Regression of {escaped(name)}\n\nafter\n")
    assert quoted(heading) == f"Regression of {visible(name).strip()}"
    assert quoted(after) == "after"


@given(NAMES)
def test_escaped_text_can_be_written_to_a_file(name: str) -> None:
    """Half a surrogate pair, which UTF-8 refuses, is shown as its code point."""
    assert escaped(name).encode().decode() == escaped(name)


@pytest.mark.parametrize(
    "character", ["\n", "\r", "\x00", "\x1b", "\x85", "\u2028", "\u202e", "\ud800", "\ufeff"]
)
def test_invisible_characters_are_shown_as_code_points(character: str) -> None:
    """No line break, terminal sequence or change of reading direction gets through."""
    assert character not in visible(f"a{character}b")
    assert visible(f"a{character}b").isascii()


def test_a_blank_name_is_quoted() -> None:
    """A column without a name is not an empty cell."""
    assert visible("") == '""'
    assert escaped("  ") == '"  "'


def test_bare_addresses_do_not_become_links() -> None:
    """GitHub links what looks like an address; the escape is invisible once rendered."""
    assert escaped("see http://a.b or WWW.c.d") == "see http\\://a.b or WWW\\.c.d"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (2.0, 6, "2"),
        (-0.0, 6, "0"),
        (1234567.8, 3, "1234568"),
        (9.9999999, 6, "10"),
        (0.00012345, 3, "0.000123"),
        (0.00001, 6, "1e-5"),
        (-6.0213e-6, 2, "-6e-6"),
        (1.5e300, 6, "1.5e300"),
        (120000.0, 6, "120000"),
        (float("nan"), 6, "nan"),
        (float("-inf"), 6, "-inf"),
        (None, 6, "–"),
    ],
)
def test_numbers_have_significant_digits(value: float | None, digits: int, text: str) -> None:
    """No digit before the point is rounded away, no zero pads, extremes get an exponent."""
    assert number(value, digits) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_value(value: float) -> None:
    """What is written reads back as the same number, to its digits."""
    assert float(number(value)) == pytest.approx(value, rel=1e-5)


def test_a_row_of_another_length_is_refused() -> None:
    """A table with a missing cell would shift numbers under the wrong label."""
    with pytest.raises(ValueError, match=r"^`rows` must have 2 cells, one per letter of `align`; got 1$"):
        TableBlock("t", ["a", "b"], [["1"]], "lr")


def every_block(name: str) -> list[Block]:
    """Make a page with a name wherever there can be text."""
    return [
        Heading(1, name),
        VerdictBlock(True, name),
        Facts([Fact(name, name, name)]),
        Paragraph([name, Strong(name), Code(name)]),
        Listing([name, [Code(name), " ", name]]),
        TableBlock(name, ["", name], [[Strong(name), Code(name)], [name, name]], "lr"),
        Picture("a b.png", name, name),
        Command(name),
    ]


def kinds(tokens: list[Token]) -> list[str]:
    return [token.type for token in tokens]


@given(NAMES)
def test_no_name_changes_a_pages_structure(name: str) -> None:
    """Headings, lists, tables and figures come out the same whatever they are about; a command stays a command."""
    plain, wild = (PARSER.parse(markdown(every_block(each), str)) for each in ("n", f"{name}n"))
    assert kinds(wild) == kinds(plain)


def test_a_sentence_that_begins_like_a_list_is_none() -> None:
    """A dash, a plus, a number with a dot: in a paragraph and in a point."""
    for text in ("- a", "+ a", "1. a", "2) a", "= a", "# a"):
        page = PARSER.parse(markdown([Paragraph(text), Listing([text])], str))
        assert kinds(page).count("inline") == 2
        assert kinds(page).count("bullet_list_open") == 1
        assert all(token.content.replace("\\", "") == text for token in page if token.type == "inline")


def test_a_figure_is_linked_or_described() -> None:
    """A link's target is quoted where it must be; a figure that is left out is told in words."""
    figure = Picture("a (1).png", "The loss.", "It falls from 3 to 1.")
    assert markdown([figure], str) == "The loss.\n\n![It falls from 3 to 1.](a%20%281%29.png)\n"
    left_out = markdown([figure], lambda _: None)
    assert left_out == "The loss. (Left out here, to keep the page small: It falls from 3 to 1.)\n"


def test_a_long_table_says_how_much_is_hidden() -> None:
    """The first rows, and a count of the others."""
    text = markdown([TableBlock("t", ["a", "b"], [["1", "2"]] * 30, "lr")], str, most_rows=20)
    assert text.count("| 1 ") == 20
    assert text.endswith("… and 10 more rows.\n")


def test_text_is_cut_only_when_too_long() -> None:
    """An ellipsis takes the place of the rest."""
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"


def test_a_data_uri_holds_the_picture() -> None:
    """The bytes come back from the link."""
    kind, payload = data_uri(b"\x89PNG").split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(payload) == b"\x89PNG"
