"""Templates escape every value, show control characters, and refuse a value that they were not given."""

import pytest
from jinja2 import UndefinedError

from tasks.page.blocks import Code, Listing, Strong, TableBlock
from tasks.page.templating import _environment, rendered, source
from tests.page.examples import HOSTILE


def filled(template: str, **values: object) -> str:
    return _environment().from_string(template).render(**values)


def test_values_are_escaped_and_their_control_characters_shown() -> None:
    """No name of a column can open a tag, end an attribute or turn the text around."""
    found = filled('<p title="{{ x }}">{{ x }}</p>', x=HOSTILE + '"><b>')
    assert found.count("<") == 2
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert found.isprintable()


def test_what_a_template_has_written_is_not_escaped_again() -> None:
    assert filled("{% set inner %}<b>{{ x }}</b>{% endset %}{{ inner }}", x="&") == "<b>&amp;</b>"


def test_a_missing_value_is_an_error() -> None:
    """Not an empty place on the page."""
    with pytest.raises(UndefinedError):
        filled("{{ nothing }}")


def test_blocks_and_pieces_are_known_by_their_kind() -> None:
    kinds = [TableBlock("", [""], [], "l"), Listing(["a"]), Code("x"), Strong("y"), "text"]
    assert filled("{% for k in kinds %}{{ k | kind }} {% endfor %}", kinds=kinds).split() == [
        "table",
        "listing",
        "code",
        "strong",
        "str",
    ]


def test_the_longest_name_of_a_table_counts_all_pieces() -> None:
    rows: list[list[object]] = [["x", "1"], [["ab", Code("cde")], "2"], [Strong("four"), "3"]]
    table = TableBlock("", ["", ""], rows, "lr")  # type: ignore[arg-type]
    assert filled("{{ table | longest_name }}", table=table) == "5"
    assert filled("{{ table | longest_name }}", table=TableBlock("", [""], [], "l")) == "0"


def test_the_stylesheet_is_read_as_it_is() -> None:
    assert "{" in source("page.css")
    with pytest.raises(FileNotFoundError):
        source("none.css")


def test_a_block_is_rendered_by_its_template() -> None:
    found = rendered("blocks/listing.html.j2", block=Listing(["<one>", ["two ", Code("x<y")]]))
    assert found.count("<li>") == 2
    assert "&lt;one&gt;" in found
    assert "x&lt;y" in found
