"""The command `export`: a model in a format that other programs read, in a file of its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.command import cli
from tasks.table.model.exports import export_of
from tasks.table.model.linear import FILE, LinearModel, NumberInput

pytestmark = pytest.mark.usefixtures("readable_stderr")

MODEL = LinearModel(target="y", bias=1.0, inputs=(NumberInput(name="a", weight=2.0, mean=None),)).checked()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder that holds a model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / FILE).write_text(MODEL.model_dump_json())
    return tmp_path


def export(*arguments: str) -> int:
    return cli.main(["export", "--model", FILE, *arguments])


def test_a_file_gets_the_formats_name(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export("--to", "pmml") == 0
    assert capsys.readouterr().out == "PMML 4.4, for 'y', in 'model.pmml'\n"
    assert (here / "model.pmml").read_bytes() == export_of("pmml", MODEL)


def test_a_folder_holds_what_mlflow_loads(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export("--to", "mlflow", "--output", "out", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"to": "mlflow", "target": "y", "output": "out"}
    files = {
        str(path.relative_to(here / "out")): path.read_bytes()
        for path in here.glob("out/**/*")
        if path.is_file()
    }
    written: Any = export_of("mlflow", MODEL)
    assert files == written


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "onx"], "`to` of 'onx': input should be 'json', 'sql', "),
        ([], "`to` is required"),
        (["--to", "pmml", "--model", "no.json"], "`model` of 'no.json' is neither a file, nor a folder, "),
        (
            ["--to", "pmml", "--output", "a/b.pmml"],
            "`output` of 'a/b.pmml': the folder 'a' does not exist; make it",
        ),
        (["--to", "json"], "`output` of 'model.json' already exists; give another name or `--overwrite`"),
        (["--to", "pmml", "--output", "s3://a/b"], "`output` of 's3://a/b' is not on this machine; "),
    ],
)
def test_bad_usage_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = export(*arguments)
    except SystemExit as stopped:
        status = int(str(stopped.code))
    assert status == 2
    said = capsys.readouterr().err
    assert said.startswith(f"linear-neuron: {message}")
    assert said.count("\n") == 1


def test_an_existing_file_is_replaced_on_request(here: Path) -> None:
    (here / "model.sql").write_text("old")
    assert export("--to", "sql", "--overwrite") == 0
    assert (here / "model.sql").read_bytes() == export_of("sql", MODEL)


def test_what_cannot_be_written_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder where the file is to be."""
    (here / "model.sql").mkdir()
    assert export("--to", "sql", "--overwrite") == 1
    assert capsys.readouterr().err.startswith("linear-neuron: `output` of 'model.sql' cannot be written: ")
