"""The same by other means: a pass of mini-batch SGD over the same batches, or least squares in closed form.

Each function returns a `Pass`. Whatever is fitted is checked once against the truth, so that nobody is timed on
something easier.
"""

import itertools
from collections.abc import Iterator

import duckdb
import keras
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import tensorflow as tf
import torch
from numpy.typing import NDArray
from sklearn.linear_model import SGDRegressor

from tests.benchmarks.clock import Pass
from tests.benchmarks.rows import Filed, Held, Source, Table, truth

RATE = 1e-3


def scikit_learn(source: Source, batch_size: int) -> Pass:
    """`partial_fit` batch by batch, without its own shuffling."""

    def go(rows: int) -> int:
        model = SGDRegressor(penalty=None, learning_rate="constant", eta0=RATE, shuffle=False)
        done = 0
        for x, y in batches(source, rows, batch_size):
            model.partial_fit(x, y)
            done += len(y)
        return done

    return go


def pytorch(source: Source, batch_size: int) -> Pass:
    """Return a loop that writes the gradient down itself, which is faster than autograd and `torch.optim`."""

    def go(rows: int) -> int:
        done = 0
        weights, bias = torch.zeros(next(source.tables(1))[0].shape[1]), torch.zeros(())
        with torch.inference_mode():
            for x, y in source.tables(rows):
                features, target = torch.from_numpy(x), torch.from_numpy(y.copy())
                for start in range(0, len(y), batch_size):
                    batch = features[start : start + batch_size]
                    residual = batch @ weights
                    residual += bias
                    residual -= target[start : start + batch_size]
                    step = -2 * RATE / len(residual)
                    weights.addmv_(batch.T, residual, alpha=step)
                    bias.add_(residual.sum(), alpha=step)
                done += len(y)
        return done

    return go


def model_fit(source: Source, batch_size: int) -> Pass:
    """Keras on tf.data."""
    features = next(source.tables(1))[0].shape[1]
    model = keras.Sequential([keras.Input((features,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(RATE), loss="mean_squared_error")
    shapes = (tf.TensorSpec((None, features), tf.float32), tf.TensorSpec((None,), tf.float32))

    def go(rows: int) -> int:
        if isinstance(source, Held):
            data = tf.data.Dataset.from_tensor_slices(next(source.tables(rows))).batch(batch_size)
        else:
            data = tf.data.Dataset.from_generator(lambda: source.tables(rows), output_signature=shapes)
            data = data.rebatch(batch_size)
        model.fit(data.prefetch(tf.data.AUTOTUNE), epochs=1, verbose=0)
        return rows

    return go


def polars(source: Source, features: int) -> Pass:
    """Sums of products in one lazy query, and the normal equations."""
    names = [*(f"x{j}" for j in range(features)), "y"]
    pairs = list(itertools.combinations_with_replacement(range(features + 1), 2))

    def go(rows: int) -> int:
        if isinstance(source, Filed):
            frame = pl.scan_parquet([shard.file.path for shard in source.parts(rows)])
        else:
            frame = pl.DataFrame(_named(source, rows, names)).lazy()
        doubles = frame.select(pl.col(name).cast(pl.Float64) for name in names)
        sums = [pl.col(name).sum().alias(f"s{i}") for i, name in enumerate(names)]
        products = [(pl.col(names[i]) * pl.col(names[j])).sum().alias(f"p{i}_{j}") for i, j in pairs]
        found = doubles.select(pl.len().alias("n"), *sums, *products).collect(engine="streaming").row(0)
        return _solved(np.array(found, dtype=np.float64), features)

    return go


def duck(source: Source, features: int) -> Pass:
    """Do the same in SQL."""
    names = [*(f"x{j}" for j in range(features)), "y"]
    pairs = itertools.combinations_with_replacement(names, 2)
    doubles = ", ".join(f"{name}::DOUBLE AS {name}" for name in names)
    sums = ", ".join([*(f"sum({name})" for name in names), *(f"sum({a} * {b})" for a, b in pairs)])

    def go(rows: int) -> int:
        with duckdb.connect() as connection:
            if isinstance(source, Filed):
                table = connection.read_parquet([str(shard.file.path) for shard in source.parts(rows)])
            else:
                table = connection.from_arrow(pa.table(_named(source, rows, names)))
            query = f"SELECT count(*), {sums} FROM (SELECT {doubles} FROM rows)"  # noqa: S608 - names of our own
            found = table.query("rows", query).fetchall()[0]
        return _solved(np.array(found, dtype=np.float64), features)

    return go


def dataset_scan(source: Filed) -> Pass:
    """Decode every column by `pyarrow.dataset`, and do nothing with it."""

    def go(rows: int) -> int:
        files = [str(shard.file.path) for shard in source.parts(rows)]
        return sum(batch.num_rows for batch in ds.dataset(files).to_batches())

    return go


def file_scan(source: Filed) -> Pass:
    """Do it by `pyarrow.parquet.ParquetFile`, one file after the other."""

    def go(rows: int) -> int:
        files = [pq.ParquetFile(shard.file.path) for shard in source.parts(rows)]
        return sum(batch.num_rows for file in files for batch in file.iter_batches())

    return go


def own_scan(source: Filed) -> Pass:
    """Do it by our own reader: mapped into memory, in pieces that fit the cache."""

    def go(rows: int) -> int:
        return sum(batch.rows for part in source.parts(rows) for batch in part.batches())

    return go


def batches(source: Source, rows: int, batch_size: int) -> Iterator[tuple[Table, Table]]:
    """Cut what is read at once into batches."""
    for x, y in source.tables(rows):
        for start in range(0, len(y), batch_size):
            yield x[start : start + batch_size], y[start : start + batch_size]


def _named(source: Source, rows: int, names: list[str]) -> dict[str, NDArray[np.float32]]:
    whole = next(iter(source.parts(rows)[0].batches()))
    return dict(zip(names, whole.columns, strict=True))


def _solved(sums: NDArray[np.float64], features: int) -> int:
    """Solve the normal equations from (count, sums, products), check the weights, and return the count."""
    count, means = sums[0], sums[1 : features + 2] / sums[0]
    gram = np.zeros((features + 1, features + 1))
    gram[np.triu_indices(features + 1)] = sums[features + 2 :]
    scatter = gram / count - np.triu(np.outer(means, means))
    scatter += np.triu(scatter, 1).T
    weights = np.linalg.solve(scatter[:-1, :-1], scatter[:-1, -1])
    np.testing.assert_allclose(weights, truth(features), atol=10 / np.sqrt(count))
    return int(count)
