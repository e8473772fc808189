"""What `generate` and `ingest` leave is read back the same, in memory and in parts."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from tasks.outputs.data import DataFacts, read_facts, read_rows, write_sample, write_samples
from tasks.outputs.result import Truth
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish

FACTS = DataFacts(features=("a", "b"), target="y", truth=Truth(weights={"a": 2.0, "b": -3.0}, bias=5.0))
INPUTS, TARGETS = np.arange(10.0).reshape(5, 2), np.arange(5.0) / 3


def left(root: Path, *, in_parts: bool) -> Artifact:
    """Leave the same rows as one file, or as two."""
    with draft(root) as folder:
        if in_parts:
            write_samples(folder, [(INPUTS[:3], TARGETS[:3]), (INPUTS[3:], TARGETS[3:])], FACTS)
        else:
            write_sample(folder, (INPUTS, TARGETS))
        return publish(folder, root, "generate", FACTS.as_json())


@pytest.mark.parametrize("in_parts", [False, True])
def test_rows_come_back_under_their_names(
    tmp_path: Path, in_parts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = read_rows(left(tmp_path, in_parts=in_parts), tmp_path)
    assert (rows.count, rows.schema.names) == (5, ["a", "b", "y"])
    table = pa.concat_tables(rows.tables(["y", "b"]))
    assert table.column_names == ["y", "b"]
    np.testing.assert_array_equal(table["b"], INPUTS[:, 1])
    np.testing.assert_array_equal(table["y"], TARGETS)
    assert rows.whole(["y", "b"]).equals(table)
    assert not rows.in_parts(3)
    monkeypatch.setattr("tasks.store.parts.MOST_ROWS", 4)
    assert rows.in_parts(3) == in_parts


def test_facts_come_back_as_they_were(tmp_path: Path) -> None:
    assert read_facts(left(tmp_path, in_parts=False)) == FACTS
    assert (
        "categorical" not in FACTS.as_json()
    )  # what keeps its default is not written: it may get more fields


def test_the_facts_of_another_stage_are_refused() -> None:
    with pytest.raises(ValidationError):
        read_facts(Artifact(stage="train", files={}, facts={"recipe": "calibrated", "bias": True}))
