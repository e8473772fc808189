"""What `evaluate` leaves: the evaluation, and a prediction for every row.

The predictions have a row per row of training and test part, in their order: `part`, `actual`, `predicted`, in float64.
They are `predictions.parquet`, or, where rows lie in many files, a file for each: `predictions-00000.parquet`, …
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.outputs.parts import TEST, Name
from tasks.outputs.result import ActualPredicted, Evaluation
from tasks.store.artifact import Artifact
from tasks.store.parts import GROUP_ROWS, ParquetPart, part_name, part_paths

METRICS = "metrics.json"
PREDICTIONS = "predictions"
SCHEMA = pa.schema(
    [pa.field("part", pa.string(), nullable=False)]
    + [pa.field(name, pa.float64(), nullable=False) for name in ("actual", "predicted")]
)


class PredictionWriter:
    """Writes predictions to one file."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        """Write through an open file."""
        self._writer = writer

    def append(self, part: Name, actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> None:
        """Add rows of one part."""
        self._writer.write_table(pa.table([pa.repeat(part, len(actual)), actual, predicted], schema=SCHEMA))


def file_names(files: int, *, in_parts: bool) -> list[str]:
    """Name the file of predictions for each file of rows: one for all, or one each where a table is in parts."""
    if not in_parts:
        return [f"{PREDICTIONS}.parquet"] * files
    return [part_name(PREDICTIONS, number) for number in range(files)]


@contextmanager
def prediction_writer(folder: Path, name: str) -> Iterator[PredictionWriter]:
    """Open a file of predictions."""
    with pq.ParquetWriter(folder / name, SCHEMA, compression="none", use_dictionary=["part"]) as writer:
        yield PredictionWriter(writer)


def write(folder: Path, evaluation: Evaluation) -> None:
    """Write the evaluation."""
    (folder / METRICS).write_text(evaluation.model_dump_json(indent=1), encoding="utf-8")


def read(artifact: Artifact, root: Path) -> Evaluation:
    """Return the evaluation."""
    return Evaluation.model_validate_json(artifact.path(root, METRICS).read_bytes())


def read_predictions(artifact: Artifact, root: Path, most: int) -> Mapping[str, ActualPredicted]:
    """Return actual and predicted values by part: all of them, or of many about `most`, chosen at random.

    `split` leaves the rows of many files in random order, so the first ones of each file are a random sample.
    """
    table = _sampled(part_paths(artifact, root, PREDICTIONS), most)
    part = table.column("part").to_numpy()
    actual, predicted = table.column("actual").to_numpy(), table.column("predicted").to_numpy()
    return {name: (actual[part == name], predicted[part == name]) for name in dict.fromkeys(part)}


def test_errors(folder: Path, most: int, smearing: float | None) -> NDArray[np.float64]:
    """Return |actual − predicted| of the test rows in a draft: all, or some of many files' `most` rows.

    With `smearing` that of the logarithms, of which the predictions are exp times it.
    """
    table = _sampled(sorted(folder.glob(f"{PREDICTIONS}*.parquet")), most)
    table = table.filter(pc.equal(table.column("part"), TEST))
    actual, predicted = table.column("actual").to_numpy(), table.column("predicted").to_numpy()
    gaps = actual - predicted if smearing is None else np.log(actual) - np.log(predicted / smearing)
    return np.asarray(np.abs(gaps), np.float64)


def _sampled(paths: Sequence[Path], most: int) -> pa.Table:
    if len(paths) == 1:
        return _picked(paths[0], most)
    share = -(-most // len(paths))
    return pa.concat_tables(
        pa.Table.from_batches([next(ParquetPart(path).tables())[:share]]) for path in paths
    )


def _picked(path: Path, most: int) -> pa.Table:
    """Return all rows of a file, or of many `most`, chosen at random, in their order: no more are held."""
    with pq.ParquetFile(path, read_dictionary=["part"]) as file:  # mapped, all of it would count as held
        rows = file.metadata.num_rows
        if rows <= most:
            return file.read().cast(SCHEMA)
        rng = np.random.default_rng(0)
        numbers = np.sort(rng.choice(rows, most, replace=False, shuffle=False))
        found, start = [], 0
        for batch in file.iter_batches(GROUP_ROWS, use_threads=False):
            first, last = np.searchsorted(numbers, [start, start + batch.num_rows])
            found.append(pa.table(batch).take(pa.array(numbers[first:last] - start)))
            start += batch.num_rows
        return pa.concat_tables(found, promote_options="default").unify_dictionaries().cast(SCHEMA)
