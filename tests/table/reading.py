"""What the tests of reading share: the stage `ingest`, called without a flow."""

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.config import Input
from tasks.ingest import ingest
from tasks.outputs.data import DATA, read_facts
from tasks.runtime.user_table import table_of
from tasks.store.parts import part_paths
from tasks.table.errors import BadTable, Violation

Facts = dict[str, Any]


def read(path: Path | str, target: str = "y", **given: Any) -> tuple[pa.Table, Facts]:
    """Take a table in; return the rows that the stage leaves, and its facts."""
    with tempfile.TemporaryDirectory() as store:
        root = Path(store)
        artifact = ingest.fn(table_of(Input(data=str(path), target=target, **given)), root)
        left = [pq.read_table(each, memory_map=False) for each in part_paths(artifact, root, DATA)]
        facts = read_facts(artifact).model_dump(mode="json")
        return pa.concat_tables(left), {**facts, "notes": list(artifact.notes)}


def refused(path: Path | str, target: str = "y", **given: Any) -> tuple[Violation, ...]:
    """Return the findings for which a table is refused; nothing is left of it."""
    with tempfile.TemporaryDirectory() as store:
        with pytest.raises(BadTable) as caught:
            ingest.fn(table_of(Input(data=str(path), target=target, **given)), Path(store))
        assert str(caught.value).isprintable()
        assert [each for each in Path(store).rglob("*") if each.is_file()] == []
        return caught.value.violations


def refusal(data: Path | str, target: str = "y", **given: Any) -> str:
    """Return the findings as one line, of a path without its folder."""
    said = str(BadTable(*refused(data, target, **given)))
    return said.replace(str(data), data.name) if isinstance(data, Path) else said
