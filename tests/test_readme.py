"""The README's commands and settings are understood by the program as it is."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from flows.command import cli
from tasks.config import Settings
from tests.benchmarks import results
from tests.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (?:\.venv/bin/)?linear-neuron (.*?)(?: {2,}#.*)?$", README, flags=re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command line parses, and its settings are valid."""
    monkeypatch.chdir(ROOT)
    cli.parse(shlex.split(command))


@pytest.mark.usefixtures("prefect_server")
def test_the_worked_example_prints_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The refusal word for word; of the fit the first figures."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("flows.command.cli.keep_stderr", lambda: None)
    example = README.partition("some gaps:\n\n```console\n")[2].partition("```")[0]
    shown = re.findall(r"^\$ linear-neuron (.*)\n((?:(?!\$ ).*\n)*)", example, flags=re.MULTILINE)
    assert len(shown) == 2
    for (command, output), status in zip(shown, (2, 0), strict=True):
        assert cli.main([*shlex.split(command), "--artifacts", str(tmp_path)]) == status
        printed = capsys.readouterr()
        if status:
            assert (
                output in printed.err
            )  # Prefect's log goes there too, where it was set up before the command
        else:
            assert printed.out.startswith(output.removesuffix("…\n"))


@pytest.mark.usefixtures("prefect_server")
def test_the_commands_that_decide_do_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the order in which a reader meets them: the first run is in use, then the second by hand, then the first."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("flows.command.cli.keep_stderr", lambda: None)
    section = README.partition("\n## Decide\n")[2].partition("\n## ")[0]
    said = []
    for command in re.findall(r"^\$ linear-neuron (.*)$", section, flags=re.MULTILINE):
        arguments = [
            str(tmp_path / "in-use.csv") if each == "in-use.csv" else each for each in shlex.split(command)
        ]
        assert cli.main([*arguments, "--artifacts", str(tmp_path / "store")]) == 0, command
        said.append(capsys.readouterr().out)
    assert len(said) == 7
    assert "Promoted: the first model of this name" in said[0]
    assert "champion" in said[1]
    assert "Kept, as not surely better" in said[3]
    assert "other split" in said[4]
    assert said[5].startswith("birds@champion is version 2, ")
    assert said[6].startswith("birds@champion is version 1, ")
    assert "predicted_body_mass" in (tmp_path / "in-use.csv").read_text()


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 3


def test_settings_files_are_valid() -> None:
    blocks = re.findall(r"^```toml\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        Settings.model_validate(tomllib.loads(block))


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_pictures_are_described_and_small() -> None:
    pictures = re.findall(r"!\[(.*?)\]\(([^)]+)\)", README)
    assert pictures
    assert all(words for words, _ in pictures)
    assert [file for _, file in pictures if (ROOT / file).stat().st_size > 300_000] == []


def test_the_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z-]+)", README)) <= targets


def test_the_figures_are_those_that_were_measured() -> None:
    """What `make bench` wrote last is what RESULTS.md shows and what the README quotes."""
    measured = results.read()
    assert measured
    assert results.SHOWN.read_text(encoding="utf-8") == results.page(measured)
    assert results.aims_table(measured) in README


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/decisions.md"])
def test_the_places_that_pages_name_exist(page: str) -> None:
    """Paths in backticks, from the root or from `tasks/`, or a module's name alone; and links."""
    text = (ROOT / page).read_text(encoding="utf-8")
    modules = {path.name for room in ("flows", "tasks") for path in (ROOT / room).rglob("*.py")}
    named = set(re.findall(r"`([\w./-]+\.(?:py|toml|md|css|yaml)|[\w/]+/)`", text)) - modules
    above = (ROOT, ROOT / "tasks", ROOT / "flows")
    assert [path for path in named if not any((folder / path).exists() for folder in above)] == []
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []
    assert len(named) > 10
