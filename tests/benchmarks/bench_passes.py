"""One epoch over 2²³ rows, in memory and from Parquet, beside what else goes over rows."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tests.benchmarks import clock, ours, rivals, rows
from tests.benchmarks.results import Aim, record, scaled

ROWS = scaled(2**23)
FEATURES = (8, 32)
BATCHES = (32, 256, 4096)
HEAD = [
    *("million rows/s", "batch", "linear-neuron", "whole fit", "scikit-learn", "PyTorch", "Keras"),
    *("polars", "DuckDB", "plain scan", "own scan"),
]
RIVALS = HEAD[4:9]
TOLD = f"""{ROWS:,} rows of float32 features and a float32 target, {{files}}. The column linear-neuron is the
training pass of one epoch alone, as `fit_parts` runs it: reading, shuffling, centring, training. So are scikit-learn
(`partial_fit`), PyTorch (a loop with the gradient written by hand) and Keras (`model.fit` on tf.data), over the rows
in their order, unshuffled; from files they are given what our own reader reads. The whole fit of one epoch goes over
the rows three times: for the moments, for the largest leverage, and to train. polars and DuckDB sum the products for
the normal equations, whatever the batch. The plain scan is the faster one of `pyarrow.dataset` and
`ParquetFile.iter_batches`, which decode and do nothing else; own scan is our reader alone: the same files, mapped into
memory. Slow ones are timed on as many of the rows as take a fifth of a second or more. The files are in the page
cache."""
SHARED = "reading takes one core, shuffling, centring and training the other, and they share the memory's bandwidth"


def iterative(source: rows.Held | rows.Filed, batch: int) -> dict[str, float]:
    """Return the rates of what goes by batches, and of the scans where there are files."""
    whole = {"linear-neuron": ours.one_pass(source, ROWS, batch), "whole fit": ours.whole_fit(source, batch)}
    if isinstance(source, rows.Filed):
        whole |= {
            "dataset": rivals.dataset_scan(source),
            "file": rivals.file_scan(source),
            "own scan": rivals.own_scan(source),
        }
    sampled = {
        "scikit-learn": rivals.scikit_learn(source, batch),
        "PyTorch": rivals.pytorch(source, batch),
        "Keras": rivals.model_fit(source, batch),
    }
    rates = clock.rates(whole, sampled, ROWS)
    return rates | ({"plain scan": max(rates["dataset"], rates["file"])} if "file" in rates else {})


def closed(source: rows.Held | rows.Filed, features: int) -> dict[str, float]:
    """Return the rates of the closed forms, which know no batches."""
    return clock.rates(
        {}, {"polars": rivals.polars(source, features), "DuckDB": rivals.duck(source, features)}, ROWS
    )


def shown(rates: Mapping[str, float]) -> list[str]:
    """Return the cells of a line: three significant digits, in millions."""
    return [f"{rates[name] / 1e6:.3g}" if name in rates else "" for name in HEAD[2:]]


def test_passes(tmp_path: Path) -> None:
    """Record the rates, and the smallest ratios."""
    lines, found, files = [], [], []
    for features in FEATURES:
        folder = tmp_path / str(features)
        folder.mkdir()
        filed = rows.write(folder, ROWS, features)
        files.append(f"{len(filed.shards)} files with {features} features")
        held = rows.Held(rows.drawn(ROWS, features, np.random.default_rng(0)))
        for place, source in (("in memory", held), ("Parquet", filed)):
            others = closed(source, features)
            for batch in BATCHES:
                rates = {**others, **iterative(source, batch)}
                lines.append([f"{features} features, {place}", str(batch), *shown(rates)])
                found.append((f"{features} features, {place}, batch {batch}", rates))
                print(*lines[-1], flush=True)
        shutil.rmtree(folder)
    record("passes", TOLD.format(files=", ".join(files)), HEAD, lines, aims(found))


def aims(found: list[tuple[str, dict[str, float]]]) -> list[Aim]:
    """Hold the cells against what was aimed at: the worst of them counts."""

    def ratio(rates: Mapping[str, float], names: list[str]) -> float:
        return min(rates["linear-neuron"] / rates[name] for name in names if name in rates)

    def worst(aim: str, names: list[str], least: float, reason: str = "see the table") -> Aim:
        cells = [
            (ratio(rates, names), cell, rates) for cell, rates in found if any(n in rates for n in names)
        ]
        low, cell, rates = min(cells, key=lambda each: each[0])
        rival = max((name for name in names if name in rates), key=lambda name: rates[name])
        return Aim(
            aim=aim,
            measured=f"{low:.2f} times {rival} at worst ({cell}), {max(c[0] for c in cells):.3g} at best",
            met=low >= least,
            reason=f"in {sum(c[0] < least for c in cells)} of {len(cells)} cases; {reason}",
        )

    return [
        worst("one epoch over 2²³ rows: ahead of all rivals", RIVALS, 1.0),
        worst("3 times scikit-learn's `partial_fit`", ["scikit-learn"], 3.0),
        worst("0.8 of the plain pyarrow scan", ["plain scan"], 0.8, SHARED),
        worst("the same against our own, tuned reader alone", ["own scan"], 0.8, SHARED),
    ]
