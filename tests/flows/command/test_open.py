"""`open` shows the page of a run, and says where it is."""

import webbrowser
from pathlib import Path

import pytest

from flows.command.exits import Exit
from flows.command.open import show_report
from tasks.config import Opening
from tasks.outputs import runs
from tests.page.examples import RUN, result_of


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect what a browser is asked to show."""
    pages: list[str] = []

    def show(page: str) -> bool:
        pages.append(page)
        return True

    monkeypatch.setattr(webbrowser, "open", show)
    return pages


@pytest.mark.parametrize("run", [None, RUN])
def test_the_latest_or_a_named_run_is_opened(
    tmp_path: Path, opened: list[str], capsys: pytest.CaptureFixture[str], run: str | None
) -> None:
    runs.write(tmp_path, result_of(), {runs.PAGE: b"<html>"})
    assert show_report(Opening(run=run, artifacts=str(tmp_path)), as_json=False) == Exit.DONE
    page = (tmp_path / "runs" / RUN / "report.html").as_uri()
    assert opened == [page]
    assert capsys.readouterr().out == f"{page}\n"


@pytest.mark.parametrize("run", ["../../etc", "20991123T010102-1ca5c72e", None])
def test_what_is_no_run_is_refused(
    tmp_path: Path, opened: list[str], capsys: pytest.CaptureFixture[str], run: str | None
) -> None:
    assert show_report(Opening(run=run, artifacts=str(tmp_path)), as_json=False) == Exit.BAD_INPUT
    assert opened == []
    assert str(tmp_path) in capsys.readouterr().err


def test_without_a_browser_the_address_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.write(tmp_path, result_of(), {runs.PAGE: b"<html>"})
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    assert show_report(Opening(artifacts=str(tmp_path)), as_json=True) == Exit.FAILED
    said = capsys.readouterr()
    assert '"report": "' in said.out
    assert "no browser" in said.err
