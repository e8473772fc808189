"""The canvas of all figures: one style, labels that no column name can break, small PNG files.

The style starts from Matplotlib's defaults, whatever the user has set, and takes the font that comes with Matplotlib.
So every machine draws the same picture, on opaque white, and the same numbers give the same bytes. Only characters that
this font lacks, such as Chinese, Japanese and Korean ones, are taken from a font of the machine, if it has one of
`FALLBACKS`: to ship one would cost megabytes.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from PIL import Image

from tasks.page.figures.colours import GREY
from tasks.page.text import shortened, visible

FONT = "DejaVu Sans"
# Of Linux, macOS and WSL's Windows; those that are there are asked in this order.
FALLBACKS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Source Han Sans",
    "IPAexGothic",
    "IPAGothic",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Arial Unicode MS",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)
LONGEST_LABEL = 32  # characters of a column's name
COLOURS = 96  # in the palette of a PNG

_STYLE = {
    "font.size": 11,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
    "legend.frameon": False,
    "figure.facecolor": "white",
    "figure.dpi": 110,
    "figure.constrained_layout.w_pad": 0.12,
    "figure.constrained_layout.h_pad": 0.1,
}
# A style is global while it lasts: of two threads, each would restore the other's.
_DRAWING = threading.Lock()


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """Provide an empty figure of this size in inches; it must be drawn and rendered inside the `with` block."""
    with _DRAWING, matplotlib.style.context(["default", _STYLE | {"font.family": list(_fonts())}]):
        yield Figure(figsize=(width, height), layout="compressed")


def png(figure: Figure) -> bytes:
    """Render with a palette: a third of the bytes of full colour, since all figures share one page."""
    canvas, small = FigureCanvasAgg(figure), BytesIO()
    canvas.draw()  # type: ignore[no-untyped-call]  # once; `savefig` would draw a second time for the layout
    drawn = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    # Maximum coverage keeps a rare colour, say of a few test points; the median cut would blend it into grey.
    palette = (
        Image.fromarray(drawn)
        .convert("RGB")
        .quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    palette.save(small, format="png", optimize=True)
    return small.getvalue()


def label(axes: Axes, x: str, y: str) -> None:
    """Name both axes literally: a dollar sign opens no formula."""
    axes.set_xlabel(x, parse_math=False)
    axes.set_ylabel(y, parse_math=False)


def legend(axes: Axes, columns: int = 2) -> None:
    """Put the legend above the axes, where it hides no point, on the right, away from the axis's power of ten."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=columns,
            borderaxespad=0.2,
            handlelength=1.3,
            columnspacing=1.4,
            markerscale=1.4,
        )


def drawable(name: str) -> str:
    """Make a column's name fit for a label: short, with a box for each character that no font has."""
    return "".join(c if ord(c) in _characters() else "□" for c in shortened(visible(name), LONGEST_LABEL))


@cache
def _fonts() -> tuple[str, ...]:
    """Return the fonts in the order in which they are asked for a character."""
    installed = {font.name for font in fontManager.ttflist}
    return (FONT, *(name for name in FALLBACKS if name in installed))


@cache
def _characters() -> frozenset[int]:
    maps = (get_font(findfont(FontProperties(family=font))).get_charmap() for font in _fonts())
    return frozenset().union(*maps)
