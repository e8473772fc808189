"""A training that is stopped anywhere and continued ends with the bits of one that was left alone."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from tasks.neuron.fit import Fit, fit, fit_parts
from tasks.neuron.parts import Batch, MemoryPart
from tasks.neuron.state import Checkpoint, State, restored
from tests.neuron.examples import example_problem

EPOCHS = 7


def bits(f: Fit) -> tuple[bytes, bytes, bytes]:
    return f.weights.tobytes(), np.float64(f.bias).tobytes(), f.loss.tobytes()


def through_a_file(checkpoint: Checkpoint) -> Checkpoint:
    """Write and read a checkpoint as the store does."""
    file = BytesIO()
    np.savez(file, **checkpoint.arrays())  # type: ignore[arg-type]
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return restored(dict(arrays))


def in_memory(**options: Any) -> Fit:
    return fit(*example_problem(0, rows=1000), epochs=EPOCHS, seed=3, **options)


def in_parts(**options: Any) -> Fit:
    x, y = example_problem(0, rows=5003)
    cut = zip(np.array_split(x, 3), np.array_split(y, 3), strict=True)
    return fit_parts([MemoryPart(Batch([*a.T], b)) for a, b in cut], epochs=EPOCHS, seed=3, **options)


@pytest.mark.parametrize("recipe", ["tutorial", "calibrated"])
@pytest.mark.parametrize(
    ("train", "floats", "block", "between"),
    [
        pytest.param(in_memory, 2**22, 2**20, 7, id="in memory, all epochs at once"),
        pytest.param(in_memory, 3 * 3 * 1024, 2**20, 3, id="in memory, three epochs at once"),
        pytest.param(in_memory, 1, 2**20, 1, id="in memory, one by one"),
        pytest.param(in_memory, 1, 3 * 320, 1, id="in memory, in blocks"),
        pytest.param(in_parts, 1, 4096, 1, id="in parts"),
    ],
)
def test_continued_after_any_call_it_ends_with_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
    recipe: str,
    train: Callable[..., Fit],
    floats: int,
    block: int,
    between: int,
) -> None:
    """Weights, bias and the whole history; and so does the one that is continued twice."""
    monkeypatch.setattr("tasks.neuron.batching.FLOATS", floats)
    monkeypatch.setattr("tasks.neuron.batching.BLOCK", block)
    left: list[Checkpoint] = []
    whole = train(recipe=recipe, on_checkpoint=lambda found: left.append(through_a_file(found)))
    assert [len(each.loss) for each in left] == [*range(between, EPOCHS, between), EPOCHS]
    for start in left:
        again: list[Checkpoint] = []
        continued = train(recipe=recipe, start=start, on_checkpoint=again.append)
        assert bits(continued) == bits(whole)
        assert [len(each.loss) for each in again] == [
            len(each.loss) for each in left if len(each.loss) > len(start.loss)
        ]


def test_where_the_checkpoints_fell_does_not_reach_the_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Left after one epoch by a process that calls the program for each, taken up by one that calls it for three."""
    whole = in_memory()
    left: list[Checkpoint] = []
    monkeypatch.setattr("tasks.neuron.batching.FLOATS", 1)
    in_memory(on_checkpoint=left.append)
    monkeypatch.setattr("tasks.neuron.batching.FLOATS", 3 * 3 * 1024)
    assert bits(in_memory(start=left[0])) == bits(whole)


def test_progress_of_a_continued_training_counts_all_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """In parts also within an epoch: by the rows fed, never backwards."""
    monkeypatch.setattr("tasks.neuron.batching.BLOCK", 4096)
    left: list[Checkpoint] = []
    in_parts(on_checkpoint=left.append)
    seen: list[float] = []
    in_parts(start=left[4], on_progress=lambda done, _: seen.append(done))
    assert seen == sorted(set(seen))
    assert (seen[0] > 5, seen[-1]) == (True, 7)
    assert {6, 7} < set(seen)
    assert [each * 5003 for each in seen] == pytest.approx([round(each * 5003) for each in seen], abs=1e-6)


@pytest.mark.parametrize(("inputs", "epochs"), [(3, 2), (2, 8)])
def test_a_checkpoint_of_another_training_is_refused(inputs: int, epochs: int) -> None:
    start = Checkpoint(State(np.zeros(inputs), 0.0, 64), np.ones(epochs), {})
    with pytest.raises(
        ValueError, match=f"^`start` has {epochs} epochs of {inputs} inputs, the training 7 of 2;"
    ):
        in_memory(start=start)
