"""The README's commands and settings are understood by the program as it is."""

import re
import shlex
import shutil
import tomllib
from pathlib import Path

import pytest

from flows.command import cli
from tasks.config import Settings
from tests.benchmarks import results
from tests.paths import ROOT
from tests.processes import python

README = (ROOT / "README.md").read_text(encoding="utf-8")

# The pages in the order in which the README leads to them.
PAGES = ["README.md", *dict.fromkeys(re.findall(r"\]\((docs/[\w-]+\.md)\)", README))]
TEXT = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
COMMANDS = re.findall(r"^\$ (?:\.venv/bin/)?linear-neuron (.*?)(?: {2,}#.*)?$", TEXT, flags=re.MULTILINE)

# They stay, take minutes, or need a bucket: tests/nightly and tests/benchmarks have them.
NOT_HERE = ("serve", "run --rows 100000000")
BUCKET = "s3://bucket/nights"

# tests/test_sources_page.py runs these, on databases and lakes of its own.
ELSEWHERE = (ROOT / "docs/sources.md").read_text(encoding="utf-8")

# What the pages call sales.csv: a key, a date, and two numbers that make a price.
SALES = "id,area,rooms,sold_on,price\n" + "".join(
    f"{i},{20 + i % 37},{1 + i % 5},2026-{1 + i // 28:02}-{1 + i % 28:02},{(20 + i % 37) * 3 + i % 5 * 7 + i % 11}\n"
    for i in range(336)
)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command line parses, and its settings are valid."""
    monkeypatch.chdir(ROOT)
    cli.parse(shlex.split(command))


@pytest.mark.usefixtures("prefect_server", "readable_stderr")
def test_the_worked_example_prints_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The refusal word for word; of the fit the first figures."""
    monkeypatch.chdir(ROOT)
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


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server", "readable_stderr")
def test_every_command_works_in_the_order_of_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Word for word, one after the other, in one folder; only what shows a refusal is refused."""
    shutil.copytree(ROOT / "tests" / "data", tmp_path / "tests" / "data")
    (tmp_path / "sales.csv").write_text(SALES)
    monkeypatch.chdir(tmp_path)
    statuses = {}
    for command in COMMANDS:
        if not command.startswith(NOT_HERE) and command not in ELSEWHERE and BUCKET not in command:
            statuses[command] = cli.main(shlex.split(command))
    refused = [command for command, status in statuses.items() if status]
    assert refused == [next(each for each in COMMANDS if "penguins_all" in each)], capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server", "readable_stderr")
def test_the_commands_that_decide_do_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the order in which a reader meets them: the first run is in use, then the second by hand, then the first."""
    monkeypatch.chdir(ROOT)
    said = []
    for command in (each for each in COMMANDS if "birds" in each):
        arguments = [str(tmp_path / each) if each == "in-use.csv" else each for each in shlex.split(command)]
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
    blocks = re.findall(r"^```toml\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        Settings.model_validate(tomllib.loads(block))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_the_readme_leads_to_every_page() -> None:
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")} <= {*PAGES}


def test_windows_is_told_what_to_do() -> None:
    """In one line, and not by a module that Python does not have there."""
    program = "import sys; sys.platform = 'win32'; import flows"
    done = python("-c", program, status=1)
    assert done.stderr == "linear-neuron needs macOS or Linux; on Windows, run it in WSL\n"


def test_pictures_are_described_and_small() -> None:
    pictures = re.findall(r"!\[(.*?)\]\(([^)]+)\)", README)
    assert pictures
    assert all(words for words, _ in pictures)
    assert [file for _, file in pictures if (ROOT / file).stat().st_size > 300_000] == []


def test_the_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"^\$ make ([a-z-]+)", TEXT, flags=re.MULTILINE)) <= targets


def test_the_figures_are_those_that_were_measured() -> None:
    """What `make bench` wrote last is what RESULTS.md shows and what docs/speed.md quotes."""
    measured = results.read()
    assert measured
    assert results.SHOWN.read_text(encoding="utf-8") == results.page(measured)
    assert results.aims_table(measured) in results.QUOTING.read_text(encoding="utf-8")


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
