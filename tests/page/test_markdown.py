"""Markdown is judged by a parser that did not write it: markdown-it, which comes with Prefect."""

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tasks.page.blocks import (
    AnswerBlock,
    Block,
    Code,
    Command,
    Fact,
    FactCards,
    Heading,
    Listing,
    Paragraph,
    Picture,
    Strong,
    TableBlock,
)
from tasks.page.markdown import escaped, markdown, table
from tasks.page.text import visible

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


def test_a_blank_name_is_quoted() -> None:
    """A column without a name is not an empty cell."""
    assert visible("") == '""'
    assert escaped("  ") == '"  "'


def test_bare_addresses_do_not_become_links() -> None:
    """GitHub links what looks like an address; the escape is invisible once rendered."""
    assert escaped("see http://a.b or WWW.c.d") == "see http\\://a.b or WWW\\.c.d"


def every_block(name: str) -> list[Block]:
    """Make a page with a name wherever there can be text."""
    return [
        Heading(1, name),
        AnswerBlock(name, [name, name], "bad"),
        FactCards([Fact(name, name, name)]),
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
    """A link's target is quoted where it must be; a figure that is left out is described in words."""
    figure = Picture("a (1).png", "The loss.", "It falls from 3 to 1.")
    assert markdown([figure], str) == "The loss.\n\n![It falls from 3 to 1.](a%20%281%29.png)\n"
    left_out = markdown([figure], lambda _: None)
    assert left_out == "The loss. (Left out here, to keep the page small: It falls from 3 to 1.)\n"


def test_a_long_table_says_how_much_is_hidden() -> None:
    """The first rows, and a count of the others."""
    text = markdown([TableBlock("t", ["a", "b"], [["1", "2"]] * 30, "lr")], str, most_rows=20)
    assert text.count("| 1 ") == 20
    assert text.endswith("… and 10 more rows.\n")
