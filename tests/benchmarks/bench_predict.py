"""`predict` beside pyarrow doing the least that it could do: reading the same file and writing it again."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from flows.command.predict import predict
from tasks.config import Prediction
from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput
from tests.benchmarks.clock import medians
from tests.benchmarks.results import scaled

ROWS = 2_000_000
REPETITIONS = 3
LEVELS = ("alpha", "beta", "gamma", "delta")


def model() -> LinearModel:
    """Return a model of six numbers and a category."""
    numbers = [NumberInput(name=f"x{number}", weight=number / 7, mean=0.0) for number in range(6)]
    weights = {level: float(number) for number, level in enumerate(LEVELS)}
    kind = CategoryInput(name="kind", weights=weights, reference="alpha", average=1.5, fill=True)
    return LinearModel(target="y", bias=1.0, inputs=(*numbers, kind))


def rows_of(count: int) -> pa.Table:
    """Draw rows with a key that the model has no use for."""
    rng = np.random.default_rng(0)
    numbers = {f"x{number}": rng.normal(size=count) for number in range(6)}
    return pa.table({"id": np.arange(count), **numbers, "kind": rng.choice(LEVELS, count)})


def copy_csv(given: Path, wanted: Path) -> None:
    """Read and write block by block."""
    with arrow_csv.open_csv(given) as reader, arrow_csv.CSVWriter(wanted, reader.schema) as writer:
        for rows in reader:
            writer.write_batch(rows)


def copy_parquet(given: Path, wanted: Path) -> None:
    """Read and write block by block."""
    with pq.ParquetFile(given) as file, pq.ParquetWriter(wanted, file.schema_arrow) as writer:
        for rows in file.iter_batches(2**16):
            writer.write_batch(rows)


@pytest.mark.parametrize(("ending", "copy"), [("csv", copy_csv), ("parquet", copy_parquet)])
def test_predicting_takes_little_longer_than_copying(
    tmp_path: Path, ending: str, copy: Callable[[Path, Path], None]
) -> None:
    """Print the rows per second of both, measured in turn."""
    count = scaled(ROWS)
    given, wanted, file = tmp_path / f"in.{ending}", tmp_path / f"out.{ending}", tmp_path / "model.json"
    file.write_text(model().model_dump_json())
    rows = rows_of(count)
    arrow_csv.write_csv(rows, given) if ending == "csv" else pq.write_table(rows, given)
    options = Prediction(model=str(file), data=str(given), output=str(wanted), overwrite=True)
    taken = medians(
        {"pyarrow": lambda: copy(given, wanted), "predict": lambda: predict(options, as_json=False)},
        REPETITIONS,
    )
    told = ", ".join(f"{name} {count / seconds / 1e6:.2f} million rows/s" for name, seconds in taken.items())
    print(f"\n{ending}, {count:,} rows: {told}")
