"""A file of settings is read in a moment, or refused in one line: it may be no file, too long, or nested too deep."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.command.cli import parse
from tests.store.obstacles import OBSTACLES


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """End a test that waits: opening a pipe would wait for ever."""
    signal.alarm(20)
    yield
    signal.alarm(0)


def refused(config: Path, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        parse(["run", "--config", str(config)])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"linear-neuron: `config` of {str(config)!r} ")
    return line


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_what_is_no_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], obstacle: str
) -> None:
    OBSTACLES[obstacle](tmp_path / "settings.toml")
    assert " cannot be read: " in refused(tmp_path / "settings.toml", capsys)


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    """The name is the user's own, not one that a store holds."""
    (tmp_path / "real.toml").write_text("seed = 7\n")
    (tmp_path / "link.toml").symlink_to("real.toml")
    assert parse(["run", "--config", str(tmp_path / "link.toml")]).settings.model_dump()["seed"] == 7


@pytest.mark.parametrize(
    "text",
    [
        ".".join("a" * 30_000) + " = 1",
        '"a"' + '."a"' * 10_000 + " = 1",
        "[" + ".".join("a" * 30_000) + "]",
        "x = {" + ".".join("a" * 30_000) + " = 1}",
        "x = " + "[" * 30_000,
        "x = " + "{a = " * 10_000,
        "x = 1\n" * 20_000,
    ],
    ids=["key", "quoted key", "section", "key in a table", "lists", "tables", "length"],
)
def test_what_would_take_minutes_is_refused_in_a_moment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "settings.toml").write_text(text)
    begun = time.process_time()
    refused(tmp_path / "settings.toml", capsys)
    assert time.process_time() - begun < 5


def test_names_with_many_dots_are_no_nesting(tmp_path: Path) -> None:
    names = ",".join(f"column.{number}" for number in range(200))
    (tmp_path / "settings.toml").write_text(f'[input]\ndata = "t.csv"\ntarget = "y"\nexclude = "{names}"\n')
    read = parse(["run", "--config", str(tmp_path / "settings.toml")]).settings.model_dump()
    assert len(read["input"]["exclude"]) == 200
