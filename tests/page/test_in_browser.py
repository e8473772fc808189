"""`report.html` as Chromium shows it: both themes, from desktop to a small phone."""

from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tasks.page.failure import Failure, failure_page
from tasks.page.figures.catalogue import draw_all
from tasks.page.figures.trend import draw_trend
from tasks.page.report import report
from tasks.page.webpage import webpage
from tasks.table.errors import Violation
from tests.page.browser import Tab
from tests.page.examples import HOSTILE, before, plot_data, result_of

pytestmark = pytest.mark.slow

# Run by the protocol, which the page's policy does not concern.
AXE = (files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
JUDGED = """axe.run().then(found => found.violations.map(
  each => [each.id, each.nodes.slice(0, 3).map(node => node.html.slice(0, 120))]))"""

BEYOND = """[...document.querySelectorAll("body *")]
  .filter(e => !e.closest(".box, .card, pre") && e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => e.outerHTML.slice(0, 80))"""

PALE = """(() => {
  const parsed = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const colour = parsed(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("body *")]
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
    .filter(e => {
      const [a, b] = [light(parsed(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05) < 4.5;
    }).map(e => e.outerHTML.slice(0, 80));
})()"""


@pytest.fixture(scope="module", params=["plain", "wide", "hostile"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write a page with every kind of block, of a few features, of two hundred, or with names that would break it."""
    hostile = f"{HOSTILE}\"'><img src=http://x.y/z onerror=alert(1)>{'W' * 300}"
    names = {"plain": ["x", "z"], "wide": [f"column {i}" for i in range(200)], "hostile": [hostile, "z"]}
    of = names[request.param]
    about = hostile if request.param == "hostile" else "y"
    result = result_of(of, target=about, text=about, notes=[about])
    good = result.verdict.model_copy(update={"converged": request.param != "hostile"})
    result = result.model_copy(update={"verdict": good})
    drawn = [*draw_all(plot_data(result)), draw_trend([before(result), result])]
    images = {figure.file: picture for picture, figure in drawn}
    figures = [figure for _, figure in drawn]
    path: Path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(
        webpage(report(result, figures, [before(result)]), about, images.__getitem__), encoding="utf-8"
    )
    return path.as_uri()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 360])
def test_the_page_is_whole_and_readable(tab: Tab, page: str, width: int, theme: str) -> None:
    """Nothing sticks out, every picture is there, all text stands out, nothing is loaded, nothing complains."""
    tab.show(page, width, theme)
    assert tab.value("document.documentElement.scrollWidth <= innerWidth")
    assert tab.value(BEYOND) == []
    assert tab.value("[...document.images].map(i => i.complete && i.naturalWidth > 0)") == [True] * 6
    assert tab.value(PALE) == []
    assert [url for url in tab.requests if not url.startswith(("data:", page))] == []
    assert tab.complaints == []
    dark = tab.value("getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] < 99")
    assert dark == (theme == "dark")


def judged(tab: Tab) -> list[Any]:
    """Return the rules that the page breaks, each with some of the places."""
    tab.call("Runtime.evaluate", expression=AXE)
    answer = tab.call("Runtime.evaluate", expression=JUDGED, awaitPromise=True, returnByValue=True)
    return list(answer["result"]["value"])


def luminance(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the relative luminance (n,) of colours (n, 3), as WCAG defines it."""
    parts = colours / 255
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ [0.2126, 0.7152, 0.0722])


@pytest.fixture(scope="module")
def failed_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write the page of a failed run, with a table of findings and a command."""
    findings = [
        Violation("missing-values", "a gap", "fill it in", HOSTILE, 3, 4),
        Violation("constant-columns", "always 1", "drop it", "z"),
    ]
    failure = Failure("ingest", HOSTILE, ["generate"], "linear-neuron run --missing drop", findings)
    path: Path = tmp_path_factory.mktemp("failed") / "report.html"
    path.write_text(webpage(failure_page(failure), "sales failed", lambda _: b""), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("which", ["page", "failed_page"])
def test_axe_finds_nothing(tab: Tab, which: str, page: str, failed_page: str) -> None:
    """The rules of WCAG and of good practice, in both themes, on a desktop and on a phone."""
    url = {"page": page, "failed_page": failed_page}[which]
    for width, theme in ((1280, "light"), (390, "dark")):
        tab.show(url, width, theme)
        assert judged(tab) == [], (width, theme)


def test_axe_would_find_something(tab: Tab, failed_page: str) -> None:
    tab.show(failed_page, 1280, "light")
    tab.value("document.documentElement.removeAttribute('lang')")
    assert [rule for rule, _ in judged(tab)] == ["html-has-lang"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figures_have_the_pages_ground_and_stand_out_from_it(tab: Tab, page: str, theme: str) -> None:
    """The commonest colour of each is near the page's, and the one farthest from it has the contrast of text."""
    tab.show(page, 1280, theme)
    for index in range(tab.value("document.images.length")):
        tab.value(f"document.images[{index}].scrollIntoView({{block: 'center'}})")
        place = tab.value(
            f"(r => [r.left, Math.max(r.top, 0), r.right, Math.min(r.bottom, innerHeight)])"
            f"(document.images[{index}].getBoundingClientRect())"
        )
        shown = Image.open(BytesIO(tab.picture())).convert("RGB").crop(place)
        colours, counts = np.unique(np.asarray(shown).reshape(-1, 3), axis=0, return_counts=True)
        ground, *others = luminance(colours[np.argsort(-counts)])
        assert (ground < 0.05) == (theme == "dark"), index
        contrasts = [(max(ground, each) + 0.05) / (min(ground, each) + 0.05) for each in others]
        assert max(contrasts) >= 4.5, index


def test_what_scrolls_can_be_reached_by_the_keyboard(tab: Tab, page: str) -> None:
    """On a phone, whatever is wider than its box is a stop of the tab key with a name."""
    tab.show(page, 390, "light")
    scrolling = (
        '[...document.querySelectorAll(".box, .card, pre")].filter(e => e.scrollWidth > e.clientWidth + 1)'
    )
    assert tab.value(f"{scrolling}.length") >= 3
    assert tab.value(f"{scrolling}.filter(e => e.tabIndex !== 0).map(e => e.outerHTML.slice(0, 80))") == []


def test_names_and_header_stay_in_sight(tab: Tab, page: str) -> None:
    """However far a table is scrolled in its box, sideways or down."""
    tab.show(page, 390, "light")
    edges = tab.value("""(() => {
      const box = document.querySelectorAll(".box")[1], at = e => e.getBoundingClientRect();
      box.scrollTo(150, 400);
      const [name, head] = [box.querySelector("tbody tr:last-child th"), box.querySelector("thead th:last-child")];
      const tall = box.scrollTop > 0;
      return [box.scrollLeft, at(name).left - at(box).left, tall ? at(head).top - at(box).top : 0];
    })()""")
    assert edges[0] > 100
    assert edges[1:] == [0, 0]


def test_every_column_is_printed(tab: Tab, page: str) -> None:
    """On paper nothing scrolls: a page of A4 is 718 pixels wide between its margins."""
    tab.show(page, 718, "light")
    tab.call("Emulation.setEmulatedMedia", media="print")
    wide = tab.value("[...document.querySelectorAll('.box table')].map(t => t.getBoundingClientRect().right)")
    tab.call("Emulation.setEmulatedMedia", media="")
    assert max(wide) <= 718


def test_the_writing_in_the_pictures_can_be_read_on_a_phone(tab: Tab, page: str) -> None:
    """A picture shrinks to the screen's width or scrolls, and its letters stay at least nine pixels high."""
    tab.show(page, 390, "light")
    shrunk = tab.value("[...document.images].map(i => [i.src.slice(0, 14), i.clientWidth / i.naturalWidth])")
    letters = {
        "data:image/png": 11 * 110 / 72,
        "data:image/svg": 14,
    }  # a point of a figure, at its resolution
    assert len(shrunk) == 6
    assert min(share * letters[kind] for kind, share in shrunk) >= 9, shrunk


def test_the_first_screen_of_a_desktop_holds_the_verdict_and_the_facts(tab: Tab, page: str) -> None:
    tab.show(page, 1280, "light")
    assert tab.value('document.querySelector(".facts").getBoundingClientRect().bottom < innerHeight')


def test_the_policy_is_in_force(tab: Tab, page: str) -> None:
    """A script that got in all the same would not run, and a picture from elsewhere would not load."""
    tab.show(page, 1280, "light")
    tab.value(
        'document.body.append(Object.assign(document.createElement("script"), {text: "window.ran = 1"})) || 0'
    )
    assert tab.value("window.ran === undefined")
    assert any("Content Security Policy" in str(event) for event in tab.complaints)
