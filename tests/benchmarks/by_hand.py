"""The script that a run is held against: read and check a table, split it, fit, predict, write the predictions.

python -m tests.benchmarks.by_hand DATA TARGET OUTPUT
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.linear_model import LinearRegression

from tests.memory import peak


def main(data: Path, target: str, output: Path) -> None:
    """Do it, and print the root mean square error of the test rows, the seconds and the peak."""
    started = time.perf_counter()
    if data.suffix == ".csv":
        frame = pl.read_csv(data)
    else:
        frame = pl.read_parquet(data / "*.parquet" if data.is_dir() else data)
    frame = frame.select(pl.col(pl.Float32, pl.Float64, pl.Int64))
    bad = frame.select((pl.all().is_null() | ~pl.all().cast(pl.Float64).is_finite()).any()).row(0)
    if any(bad):
        raise SystemExit("the table holds values that are missing or not finite")

    y = frame[target].to_numpy()
    x = frame.drop(target).to_numpy()
    order = np.random.default_rng(0).permutation(len(y))
    test, train = np.split(order, [len(y) // 5])

    model = LinearRegression().fit(x[train], y[train])
    predicted = model.predict(x)
    error = float(np.sqrt(np.mean((predicted[test] - y[test]) ** 2)))

    is_test = np.zeros(len(y), bool)
    is_test[test] = True
    part = pl.when(pl.Series(is_test)).then(pl.lit("test")).otherwise(pl.lit("train")).alias("part")
    pl.DataFrame({"actual": y, "predicted": predicted}).with_columns(part).write_parquet(output)
    print(json.dumps({"rmse": error, "seconds": time.perf_counter() - started, "peak": peak() * 2**20}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
