"""The web page is judged as a browser reads it: by a parser, for structure, names and what it would load."""

import base64
import hashlib
import re
import subprocess
import sys
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from tasks.page.blocks import Heading, Paragraph, Picture, TableBlock
from tasks.page.figures.trend import draw_trend
from tasks.page.report import report
from tasks.page.webpage import TALL, policy, webpage
from tests.page.examples import FIGURES, HOSTILE, PNG, before, result_of

VOID = {"meta", "link", "img", "br"}


class Reader(HTMLParser):
    """Collects elements with their attributes and text, and insists that all of them are closed in order."""

    def __init__(self, page: str) -> None:
        """Read a page."""
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.text.setdefault(tag, []).append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self._open):
            self.text[tag][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(name: str = "y", other: str = "z") -> str:
    result = result_of([name, other], target=name, text=name, notes=[name])
    trend, line = draw_trend([before(result), result])
    figures = [each.model_copy(update={"caption": name, "alt": name}) for each in [*FIGURES, line]]
    images = {line.file: trend}
    return webpage(report(result, figures, [before(result)]), name, lambda file: images.get(file, PNG))


def test_the_page_needs_nothing_and_runs_nothing() -> None:
    """No script, no address but those in the page, and a policy that allows this style and inline pictures only."""
    page = page_of()
    read = Reader(page)
    assert not {"script", "iframe", "object", "base", "form"} & {tag for tag, _ in read.elements}
    loaded = [
        value for _, attributes in read.elements for value in map(attributes.get, ("src", "href")) if value
    ]
    assert all(value.startswith(("data:", "#")) for value in loaded)
    assert not [
        key for _, attributes in read.elements for key in attributes if key.startswith("on") or key == "style"
    ]
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy()
    assert "url(" not in style[1]
    assert any(each.get("content") == policy() for each in read.all("meta"))
    assert "default-src 'none'" in policy()


def test_a_screen_reader_finds_its_way() -> None:
    """Language, title, headings in order, captions, named rows and columns, alternative texts, unique ids."""
    read = Reader(page_of())
    assert read.all("html") == [{"lang": "en"}]
    assert read.text["title"] == ["y"]
    assert len(read.text["h1"]) == 1
    assert next(tag for tag, _ in read.elements if tag in {"h1", "h2", "h3"}) == "h1"
    assert len(read.all("caption")) == len(read.all("table"))
    assert all(text.strip() for text in read.text["caption"])
    assert {each.get("scope") for each in read.all("th")} == {"row", "col"}
    assert all(each.get("alt") for each in read.all("img"))
    ids = [value for _, attributes in read.elements if (value := attributes.get("id"))]
    assert len(ids) == len(set(ids))
    for attribute in ("aria-labelledby", "href"):
        targets = [v.removeprefix("#") for _, a in read.elements if (v := a.get(attribute)) and ":" not in v]
        assert targets
        assert set(targets) <= set(ids)


@given(st.text(max_size=20) | st.just(HOSTILE) | st.just("\"'><img src=x onerror=alert(1)>"))
def test_no_text_changes_the_pages_structure(name: str) -> None:
    """The same elements with the same attributes come out, and the name is shown as text."""
    read, plain = Reader(page_of(name, name + "b")), Reader(page_of())

    def shape(page: Reader) -> list[tuple[str, list[str]]]:
        # A long name gives its table room: the one class that names decide on.
        return [
            (tag, sorted(given.keys() - ({"class"} if tag == "table" else set())))
            for tag, given in page.elements
        ]

    assert shape(read) == shape(plain)


def test_long_tables_and_wide_pictures_scroll_in_their_box() -> None:
    """A box that scrolls can be reached by the keyboard and has a name."""
    rows = [["a", "1"]] * (TALL + 1)
    wide = PNG[:16] + (990).to_bytes(4, "big") + (836).to_bytes(4, "big") + PNG[24:]
    read = Reader(
        webpage(
            [TableBlock("Rows.", ["a", "b"], rows, "lr"), Picture("d.png", "c", "d")], "t", lambda _: wide
        )
    )
    boxes = [each for each in read.all("div") if "tabindex" in each]
    assert [each["class"] for each in boxes] == ["box tall", "card"]
    assert all(each["role"] == "region" and each["aria-labelledby"] for each in boxes)
    assert read.all("img")[0]["width"] == "990"


def test_a_page_without_sections_has_no_list_of_them() -> None:
    assert not Reader(webpage([Heading(1, "t"), Paragraph("p")], "t", lambda _: PNG)).all("nav")


def test_jinja_waits_until_a_page_is_written() -> None:
    """What the command imports before a run does not bring it."""
    code = "import sys, tasks.page.report, tasks.page.webpage, tasks.page.summary; print('jinja2' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
