"""The worked example of docs/statistics.md: its commands print what is shown, and the report has its figures."""

import re
import shlex
from pathlib import Path

import pytest

from flows.command import cli
from tasks.outputs import runs
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.partition("## A worked example\n")[2].partition("\n## ")[0]
SHOWN = re.findall(r"^\$ linear-neuron (.*)\n((?:(?!\$ |```).*\n)*)", EXAMPLE, flags=re.MULTILINE)


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server", "readable_stderr")
def test_the_example_prints_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Word for word up to the report's path; what is quoted of the reports stands in one of them."""
    monkeypatch.chdir(ROOT)
    assert len(SHOWN) >= 2
    for command, output in SHOWN:
        assert cli.main([*shlex.split(command), "--artifacts", str(tmp_path)]) == 0
        assert capsys.readouterr().out.startswith(output.removesuffix("…\n"))
    reports = "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob(f"runs/*/{runs.REPORT}"))
    plain = re.sub(r"[`\\*]", "", reports)
    quoted = re.findall(r"^> (.*)$", EXAMPLE, flags=re.MULTILINE)
    assert quoted
    assert [line for line in quoted if re.sub(r"[`\\*]", "", line) not in plain] == []
