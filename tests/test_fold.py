"""The stage `fold`: every training row is held out by one fold, and the others are as `split` would leave them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.fold import fold
from tasks.neuron.profile import profile
from tasks.neuron.ridge import fold_of_rows
from tasks.outputs import parts
from tasks.outputs.parts import PROFILE, TEST, TRAIN, read_parts, read_profile
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish
from tasks.table.errors import BadTable


def rows(count: int, start: int = 0) -> pa.Table:
    x = np.arange(start, start + count, dtype=float)
    return pa.table({"x": x, "y": 2 * x + 1})


def training(root: Path, *tables: pa.Table) -> Artifact:
    """Leave training rows as `split` does, in one file or several."""
    with draft(root) as folder:
        for place, table in enumerate(tables):
            if len(tables) == 1:
                parts.write_rows(folder, TRAIN, table)
            else:
                parts.write_rows_part(folder, TRAIN, place, table)
        parts.write_profile(folder, profile(parts.written(folder, TRAIN), most=9))
        return publish(folder, root, "split")


def held(artifact: Artifact, root: Path, name: parts.Name) -> list[float]:
    return [
        x for part in read_parts(artifact, root, name) for x in pq.read_table(part.file.path)["x"].to_pylist()
    ]


@pytest.mark.parametrize("tables", [[rows(50)], [rows(40), rows(13, start=40)]])
def test_folds_deal_the_training_rows_once(tmp_path: Path, tables: list[pa.Table]) -> None:
    """In as many files as there were, in their order; the profile is that of the rows that are left."""
    dealt = training(tmp_path, *tables)
    folds = [fold.fn(dealt, number, 4, tmp_path) for number in range(4)]
    every = [x for table in tables for x in table["x"].to_pylist()]
    assert sorted(x for each in folds for x in held(each, tmp_path, TEST)) == every
    for number, each in enumerate(folds):
        kept, out = held(each, tmp_path, TRAIN), held(each, tmp_path, TEST)
        assert kept == sorted(set(every) - set(out))
        assert len(read_parts(each, tmp_path, TRAIN)) == len(tables)
        found = read_profile(each, tmp_path)
        assert found.moments.rows == len(kept)
        np.testing.assert_allclose(found.moments.mean, [np.mean(kept), 2 * np.mean(kept) + 1])
        assert (found.lowest[0], found.highest[0]) == (min(kept), max(kept))
        assert PROFILE in each.files
        codes = np.concatenate([fold_of_rows(table.num_rows, 4, at) for at, table in enumerate(tables)])
        assert out == [x for x, code in zip(every, codes.tolist(), strict=True) if code == number]


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    message = "`folds` of 4 needs 8 training rows, and there are 7 rows; lower it"
    with pytest.raises(BadTable, match=message):
        fold.fn(training(tmp_path, rows(7)), 0, 4, tmp_path)
