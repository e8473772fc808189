"""Logical streams: as good as one, with the same bits however they are run, and as many as the table asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import pytest

from tasks.neuron import streams, workers
from tasks.neuron.fit import Fit, fit_parts
from tasks.neuron.least_squares import solve_moments
from tasks.neuron.metrics import INDISTINGUISHABLE, distance
from tasks.neuron.parts import Batch, MemoryPart, Part, all_moments
from tasks.neuron.scaling import raw
from tasks.neuron.sgd import UpdateRule
from tasks.neuron.state import Checkpoint, End, State, restored
from tasks.neuron.streams import StreamPlan, average, averaging, stream_count, streams_of, train_streams

S = TypeVar("S")
T = TypeVar("T")

BATCH = 32


def parts(columns: list[np.ndarray], number: int) -> list[MemoryPart]:
    """Cut columns, the target last, into parts."""
    cut = zip(*(np.array_split(column, number) for column in columns), strict=True)
    return [MemoryPart(Batch(features, target)) for *features, target in cut]


def signs(rows: int, seed: int = 0) -> list[np.ndarray]:
    """Return a feature of ±1, so that each batch's curvature is exactly 2, and a noisy target."""
    rng = np.random.default_rng(seed)
    x = rng.choice([-1.0, 1.0], rows).astype(np.float32)
    return [x, (3 * x + rng.normal(size=rows)).astype(np.float32)]


@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("number", [1, 4])
@pytest.mark.parametrize("start", [0.0, 1e3])
def test_streams_end_at_the_average_wherever_they_start(number: int, start: float, epochs: int) -> None:
    """Where every batch has the same curvature, that is least squares itself, here Σxy/n.

    In a first round of unequal streams too; later they must be about as long as each other, as those of a table are.
    """
    x, y = signs(BATCH * 40)
    ends = [0, 96, 320, 960, len(x)] if epochs == 1 else [0, 320, 640, 960, len(x)]
    cut = [MemoryPart(Batch([x[begin:end]], y[begin:end])) for begin, end in pairwise(ends)]
    rule = averaging(UpdateRule(BATCH, 0.3, 1.0, equal_rows=True, bias=False))
    plan = StreamPlan(streams_of(cut, number), raw(1), rule, 7)
    (*_, last) = train_streams(State(np.array([start]), 0.0, 0), plan, range(epochs), workers.spread)
    assert last.state.weights[0] == pytest.approx(float(x @ y) / len(x), abs=1e-5)
    assert last.state.bias == 0


def test_ends_weigh_as_much_as_their_rows() -> None:
    ends = [
        End(State(np.array([1.0, 0.1]), 2.0, 5), 30, 1.0),
        End(State(np.array([5.0, 0.1]), 6.0, 7), 10, 1.0),
    ]
    found = average(ends)
    np.testing.assert_allclose(found.weights, [2.0, 0.1], rtol=1e-15)
    assert (found.bias, found.step) == (3.0, 12)
    again = average(ends[::-1])
    assert again.weights.tobytes() == found.weights.tobytes()


@pytest.mark.parametrize(
    ("rows", "parameters", "number", "batch", "rate", "expected"),
    [
        (100, 3, 7, 32, 0.4, 1),
        (1_000_000, 9, 64, 32, 0.4, 13),
        (1_000_000, 9, 8, 32, 0.4, 8),
        (1_000_000, 33, 64, 32, 0.4, 3),
        (1_000_000, 9, 64, 4096, 0.4, 3),
        pytest.param(1_000_000, 9, 64, 32, 0.01, 9, id="rows far out"),
    ],
)
def test_the_table_and_the_batch_decide_how_many(
    rows: int, parameters: int, number: int, batch: int, rate: float, expected: int
) -> None:
    rule = UpdateRule(batch, rate, 1.0, equal_rows=True, bias=True)
    assert stream_count(rows, parameters, number, rule) == expected


def test_every_part_is_in_one_stream() -> None:
    cut: list[Part] = [*parts(signs(70), 7)]
    dealt = streams_of(cut, 3)
    assert [[cut.index(part) for part in stream.parts] for stream in dealt] == [[0, 3, 6], [1, 4], [2, 5]]
    assert [stream.number for stream in dealt] == [0, 1, 2]


def gaussian(rng: np.random.Generator, rows: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows as least squares assumes them."""
    x = rng.normal(size=(rows, width))
    return x, x.sum(axis=1) + 5 + rng.normal(size=rows)


def heavy_tailed(rng: np.random.Generator, rows: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features and noise by Student's t with three and five degrees of freedom."""
    x = rng.standard_t(3, size=(rows, width))
    return x, x.sum(axis=1) + rng.standard_t(5, size=rows)


def misspecified(rng: np.random.Generator, rows: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a target that is a square, with noise that grows with the first feature."""
    x = rng.normal(size=(rows, width))
    return x, x[:, 0] ** 2 + x.sum(axis=1) + (1 + np.abs(x[:, 0])) * rng.normal(size=rows)


Draw = Callable[[np.random.Generator, int, int], tuple[np.ndarray, np.ndarray]]


def D_of(fitted: Fit, cut: list[MemoryPart]) -> float:  # noqa: N802 - as the quantity is called
    return distance(fitted.weights, fitted.bias, solve_moments(all_moments(cut)))


@pytest.mark.parametrize("draw", [gaussian, heavy_tailed, misspecified])
@pytest.mark.parametrize(
    ("rows", "width"),
    [
        (200_000, 2),
        pytest.param(1_000_000, 8, marks=pytest.mark.slow),
        pytest.param(1_000_000, 32, marks=pytest.mark.slow),
    ],
)
def test_one_round_is_indistinguishable_from_least_squares(draw: Draw, rows: int, width: int) -> None:
    """In as many streams as the rows allow, without the closing epoch."""
    x, y = draw(np.random.default_rng(width), rows, width)
    cut = parts([*x.T.astype(np.float32), y.astype(np.float32)], 96)
    assert D_of(fit_parts(cut, epochs=1, closing=False), cut) <= INDISTINGUISHABLE


def short_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be as many streams as there are parts."""
    for bound in ("ROWS_PER_PARAMETER", "BATCHES"):
        monkeypatch.setattr(streams, bound, 1)
    monkeypatch.setattr(streams, "SETTLED", 0)


def one_by_one(fn: Callable[[S], T], things: Iterable[S]) -> Iterator[T]:
    return map(fn, things)


def trained(across: workers.Runner, epochs: int = 2) -> tuple[bytes, bytes, bytes]:
    x, y = misspecified(np.random.default_rng(3), 80_000, 2)
    fitted = fit_parts(parts([*x.T, y], 8), epochs=epochs, seed=11, across=across)
    return fitted.weights.tobytes(), np.float64(fitted.bias).tobytes(), fitted.loss.tobytes()


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, in a single thread, and in five."""
    expected = trained(one_by_one)
    for threads in (1, 5):
        monkeypatch.setattr(workers, "cores", lambda threads=threads: threads)
        assert trained(workers.spread) == expected


def test_stopped_after_any_stream_it_ends_with_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint in a round knows the streams that are through; only the others are run."""
    short_streams(monkeypatch)
    x, y = misspecified(np.random.default_rng(0), 3000, 2)
    cut = parts([*x.T, y], 3)
    run: list[int] = []

    def counted(fn: Callable[[S], T], things: Iterable[S]) -> Iterator[T]:
        for thing in things:
            run.append(1)
            yield fn(thing)

    left: list[Checkpoint] = []
    settings: dict[str, Any] = {
        "epochs": 2,
        "seed": 3,
        "closing": False,
        "ranges": (np.zeros(3), np.zeros(3)),
    }
    whole = fit_parts(cut, across=counted, on_checkpoint=left.append, **settings)
    assert [(len(each.loss), len(each.ends)) for each in left] == [
        (0, 1),
        (0, 2),
        (1, 0),
        (1, 1),
        (1, 2),
        (2, 0),
    ]
    for start in left:
        run.clear()
        again = fit_parts(cut, across=counted, start=restored(start.arrays()), **settings)
        assert again.weights.tobytes() == whole.weights.tobytes()
        assert again.loss.tobytes() == whole.loss.tobytes()
        assert again.bias == whole.bias
        assert len(run) == 6 - 3 * len(start.loss) - len(start.ends)


def test_progress_is_told_after_every_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the rows it has passed over, and the checkpoint after every round, of the averaged weights."""
    short_streams(monkeypatch)
    seen: list[float] = []
    cut = parts(signs(BATCH * 40), 4)
    fit_parts(cut, epochs=2, on_progress=lambda done, _: seen.append(done))
    assert seen == [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]
