"""Malformed rows and models at `predict`: refused in words, or predicted; never a traceback, a hang or half an output.

The same examples come in every run, a few of very many; FUZZ=5000 in the environment draws so many new ones.
"""

import csv
import io
import json
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather

from flows.command import cli
from tests.table.test_fuzz import CELLS, WRITERS, alarm, bounded, damages, texts

pytestmark = pytest.mark.usefixtures("readable_stderr")

MODEL: dict[str, Any] = {
    "target": "y",
    "bias": 1.5,
    "inputs": [
        {"type": "number", "name": "x", "weight": 2.0, "mean": 0.5},
        {"type": "number", "name": "n", "weight": -1e300, "mean": None},
        {
            "type": "category",
            "name": "k",
            "weights": {"a": 0.0, "b": 1.0},
            "reference": "a",
            "average": 0.5,
            "fill": True,
        },
    ],
}
BY_TEXT = {"target": "y", "bias": 0.0, "inputs": [MODEL["inputs"][0], MODEL["inputs"][2]]}


def assert_harmless(model: bytes, name: str, rows: bytes, wanted: str) -> int:
    """Predict; return the status. What was said is one line a finding, and the output is whole or not there."""
    with tempfile.TemporaryDirectory() as folder, alarm():
        home, out, err = Path(folder), io.StringIO(), io.StringIO()
        output = home / wanted
        (home / "model.json").write_bytes(model)
        (home / name).write_bytes(rows)
        given = {"model": home / "model.json", "data": home / name, "output": output}
        with redirect_stdout(out), redirect_stderr(err):
            status = cli.main(["predict", "--json", *(f"--{flag}={value}" for flag, value in given.items())])
        lines = err.getvalue().splitlines()
        assert all(line.startswith("linear-neuron: ") and line.isprintable() for line in lines)
        left = {path.name for path in home.iterdir()} - {"model.json", name}
        if status == 0:
            assert left == {wanted}
            assert rows_in(output) == json.loads(out.getvalue())["rows"]
        else:
            assert (status, left, out.getvalue(), len(lines)) == (2, set(), "", 1)
        return status


def rows_in(path: Path) -> int:
    """Count the rows of an output, which can be read again."""
    if path.suffix == ".tsv":
        with path.open(encoding="utf-8", newline="") as file:
            return sum(1 for _ in csv.reader(file, delimiter="\t", strict=True)) - 1
    table = pq.read_table(path) if path.suffix == ".parquet" else feather.read_table(path)
    return int(table.num_rows)


OUTPUTS = st.sampled_from(["out.parquet", "out.feather", "out.tsv"])


@bounded
@given(texts(), OUTPUTS)
def test_text_that_is_nearly_a_table(content: bytes, wanted: str) -> None:
    assert_harmless(json.dumps(BY_TEXT).encode(), "t.csv", content, wanted)


@bounded
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=9), OUTPUTS)
def test_cells_of_every_kind(cells: list[tuple[str, str, str]], wanted: str) -> None:
    """With the columns that the model needs, whatever stands in them."""
    lines = [",".join(f'"{cell}"' for cell in row) for row in [("x", "n", "k"), *cells]]
    assert_harmless(json.dumps(MODEL).encode(), "t.csv", "\n".join(lines).encode(errors="replace"), wanted)


@bounded
@given(st.binary(max_size=400), OUTPUTS)
def test_bytes_that_are_no_table(content: bytes, wanted: str) -> None:
    """Whatever the name says."""
    for name in WRITERS:
        assert_harmless(json.dumps(MODEL).encode(), name, content, wanted)


@pytest.mark.parametrize("name", WRITERS)
@bounded
@given(damages(), OUTPUTS)
def test_damaged_files(name: str, damage: Callable[[bytes], bytes], wanted: str) -> None:
    assert_harmless(json.dumps(MODEL).encode(), name, damage(WRITERS[name]()), wanted)


def test_the_files_are_sound_without_the_damage() -> None:
    """The rows of all formats are predicted, but of npz, which has no column `k`."""
    found = {
        name: assert_harmless(json.dumps(MODEL).encode(), name, write(), "out.parquet")
        for name, write in WRITERS.items()
    }
    assert found == {name: 2 if name == "t.npz" else 0 for name in WRITERS}


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@bounded
@given(st.sampled_from(["target", "bias", "inputs", "version", "format", "other"]), JSON)
def test_models_with_another_value_somewhere(field: str, value: Any) -> None:
    assert_harmless(json.dumps(MODEL | {field: value}).encode(), "t.csv", WRITERS["t.csv"](), "out.parquet")


@bounded
@given(
    st.integers(0, 2), st.sampled_from(["type", "name", "weight", "weights", "mean", "average", "fill"]), JSON
)
def test_models_with_another_value_in_a_column(place: int, field: str, value: Any) -> None:
    inputs = [column | {field: value} if place == at else column for at, column in enumerate(MODEL["inputs"])]
    assert_harmless(
        json.dumps(MODEL | {"inputs": inputs}).encode(), "t.csv", WRITERS["t.csv"](), "out.parquet"
    )


@bounded
@given(damages())
def test_damaged_models(damage: Callable[[bytes], bytes]) -> None:
    assert_harmless(damage(json.dumps(MODEL).encode()), "t.csv", WRITERS["t.csv"](), "out.parquet")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"[" * 100_000,
        b'{"a":' * 10_000,
        b'"' + b"a" * 10**6,
        b"NaN",
        b"1" * 10_000,
        b"\xff\xfe{}",
    ],
)
def test_models_that_are_none(content: bytes) -> None:
    assert assert_harmless(content, "t.csv", WRITERS["t.csv"](), "out.parquet") == 2
