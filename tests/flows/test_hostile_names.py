"""Names and levels that are markup, formulas or control characters reach the report as text, through the whole flow."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from flows.regression import regression
from tasks.config import Settings, overlaid
from tasks.outputs import runs
from tasks.page.summary import summary

pytestmark = pytest.mark.usefixtures("prefect_server")

SCRIPT = "<script>alert(1)</script>"
PICTURE = "![x](http://x.y/z.png) <img src=x onerror=alert(1)>"
CONTROL = "a\x1b[31mb\u202ec | `d` **e**"
TARGET = "=cmd|' /C calc'!A0 <b>"
LEVELS = ["<iframe src=//x.y>", "[l](javascript:alert(1))", "\x07 $x_{1}$ | # h"]


def test_the_report_shows_them_as_text(settings: Settings, tmp_path: Path) -> None:
    """No element, link or picture in the pages is the table's, and nothing that a terminal would obey is printed."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(90, 3)), columns=[SCRIPT, CONTROL, TARGET])
    frame[PICTURE] = rng.choice(LEVELS, 90)
    frame.to_parquet(tmp_path / "t.parquet")
    given = {"data": str(tmp_path / "t.parquet"), "target": TARGET, "categorical": [PICTURE]}
    changes = {"input": given, "training": {"epochs": 2}}
    result = regression(Settings.model_validate(overlaid(settings.model_dump(exclude_unset=True), changes)))
    assert all(line.isprintable() for line in summary(result).splitlines())
    folder = (Path(settings.artifacts) / result.report).parent
    page = (folder / runs.PAGE).read_text()
    for raw in (
        "<script>alert",
        "<img src=x",
        "<iframe",
        'href="javascript',
        "http://x.y/z.png)",
        "\x1b",
        "\x07",
        "\u202e",
    ):
        assert raw not in page.replace("![x](http://x.y/z.png)", "")
    written = (folder / runs.REPORT).read_text()
    assert not {"\x1b", "\x07", "\u202e"} & set(written)
    tokens = [
        child
        for token in MarkdownIt("commonmark").enable("table").parse(written)
        for child in token.children or [token]
    ]
    assert {token.type for token in tokens} & {"html_inline", "html_block"} == set()
    links = [str(token.attrs.get("href") or token.attrs.get("src") or "") for token in tokens]
    assert not [link for link in links if "x.y" in link or link.startswith("javascript")]
