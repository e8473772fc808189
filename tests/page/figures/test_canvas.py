"""The canvas: the same picture everywhere, whatever the user has set; labels that no name can break."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import matplotlib as mpl
import pytest
from PIL import Image

from tasks.page.figures import canvas
from tasks.page.figures.canvas import COLOURS, LONGEST_LABEL, drawable, drawing, label, legend, png
from tests.page.examples import HOSTILE


def picture(name: str = "x", colour: str = "#0072B2") -> bytes:
    with drawing(4, 3) as figure:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=colour, label="train")
        label(axes, drawable(name), "y")
        legend(axes)
        return png(figure)


def test_it_is_a_small_png_on_opaque_white() -> None:
    content = picture()
    image = Image.open(BytesIO(content))
    assert (image.format, image.mode, image.size) == ("PNG", "P", (440, 330))
    assert len(image.getcolors() or []) <= COLOURS
    assert image.convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)
    assert len(content) < 10_000


def test_the_users_style_does_not_reach_it_and_is_as_before_afterwards() -> None:
    """The same numbers give the same bytes."""
    expected = picture()
    with mpl.rc_context({"axes.facecolor": "black", "font.size": 30, "lines.linewidth": 9}):
        assert picture() == expected
        assert mpl.rcParams["font.size"] == 30
    assert picture(colour="#D55E00") != expected


def test_threads_draw_the_same() -> None:
    """A style is global while it lasts."""
    expected = picture()
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: picture(), range(8))) == {expected}
    assert mpl.rcParams["axes.grid"] is False


def test_a_style_ends_where_drawing_fails() -> None:
    with pytest.raises(ZeroDivisionError), drawing(1, 1):
        _ = 1 / 0
    assert picture()


@pytest.mark.parametrize("name", [HOSTILE, "$x_{1$", "\ud800", "漢字", "\0", "", "a" * 500, r"\frac{1}{0}"])
def test_any_name_can_be_drawn(name: str) -> None:
    """A warning of a missing glyph would be an error here."""
    assert picture(name).startswith(b"\x89PNG")
    assert len(drawable(name)) <= LONGEST_LABEL


@pytest.fixture
def fallbacks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return what sets the fonts that this machine has beside Matplotlib's own."""

    def have(*fonts: str) -> None:
        monkeypatch.setattr(canvas, "FALLBACKS", fonts)
        forget()

    def forget() -> None:
        canvas._fonts.cache_clear()
        canvas._characters.cache_clear()

    yield have
    forget()


def test_what_no_font_has_is_a_box(fallbacks: Callable[..., None]) -> None:
    fallbacks("a font that nobody has")
    assert drawable("a漢b") == "a□b"
    assert drawable("größe, °C") == "größe, °C"


def test_a_font_of_the_machine_steps_in_where_ours_lacks_a_character(fallbacks: Callable[..., None]) -> None:
    """And alone there: what ours has looks as on any other machine."""
    fallbacks()
    ours, plain, boxed = canvas._characters(), picture("größe"), picture("a□b")
    fallbacks("STIXGeneral")
    only_there = chr(min(c for c in canvas._characters() - ours if chr(c).isprintable()))
    assert drawable(f"a{only_there}b") == f"a{only_there}b"
    assert picture(f"a{only_there}b") != boxed
    assert picture("größe") == plain
