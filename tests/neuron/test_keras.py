"""Each preset's training, in memory and in parts, is `model.fit` on the same batches in the same order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from tasks.config import Settings
from tasks.neuron import batching
from tasks.neuron.fit import Fit, fit, fit_parts, shuffler
from tasks.neuron.moments import moments
from tasks.neuron.parts import Batch, MemoryPart
from tasks.neuron.recipe import Schedule, schedule, steps_per_epoch
from tasks.neuron.scaling import Coordinates, raw, standardised, whitened
from tasks.neuron.setup import first_state
from tasks.neuron.sgd import train_blocks
from tasks.neuron.state import State
from tasks.neuron.whitening import Whitening, whitening
from tests.neuron.examples import example_problem

BATCH = 32


def neuron(state: State, features: int, *, bias: bool) -> tuple[keras.Model, keras.layers.Dense]:
    """Return a Keras model in the state of ours."""
    dense = keras.layers.Dense(1, use_bias=bias)
    model = keras.Sequential([keras.Input((features,)), dense])
    dense.set_weights([state.weights[:, None], np.array([state.bias])][: 1 + bias])
    return model, dense


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("rows", "features"), [(104, 2), (50, 12), (20, 1)])
def test_tutorial_equals_keras(rows: int, features: int, bias: bool) -> None:
    """Weights, bias and each epoch's loss are model.fit's on the same batches, the short last one too."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (rows, features))
    y = x @ rng.normal(size=features) + 1 + rng.normal(size=rows)
    epochs = 4
    ours = fit(
        x, y, recipe="tutorial", epochs=epochs, learning_rate=0.05, bias=bias, initializer="uniform", seed=3
    )
    model, dense = neuron(first_state(features, "uniform", 3, bias=bias), features, bias=bias)
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
    rng, losses = shuffler(3), []
    for _ in range(epochs):
        rows_now = rng.permutation(rows)
        history = model.fit(
            np.float32(x[rows_now]),
            np.float32(y[rows_now]),
            batch_size=min(32, rows),
            shuffle=False,
            verbose=0,
        )
        losses.append(history.history["loss"][0])
    np.testing.assert_allclose(ours.weights, dense.get_weights()[0][:, 0], rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(ours.loss, losses, rtol=2e-5)
    assert ours.bias == (pytest.approx(float(dense.get_weights()[1][0]), rel=2e-5) if bias else 0.0)


class Falling(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The calibrated recipe's learning rate, in Keras's own operations."""

    def __init__(self, first: float, fall: Schedule) -> None:
        self.first, self.fall = first, fall

    def __call__(self, step: Any) -> Any:
        step = keras.ops.cast(step, "float32")
        late = keras.ops.maximum(step - self.fall.hold, 0)
        return self.first * self.fall.decay**step / (1 + self.fall.slope * late)


@pytest.mark.parametrize("epochs", [4, 30])
def test_calibrated_equals_keras(epochs: int) -> None:
    """Whitened rows, a falling rate and a loss summed over the batch and divided by B do the same.

    Four epochs are short of time and average; thirty decay exponentially.
    """
    x, y = example_problem(1, rows=104)
    batch = 32
    ours = fit(x, y, epochs=epochs, batch_size=batch, seed=5)
    white = whitening(moments(np.column_stack([x, y])))
    z = ((x - white.centre) @ white.matrix).astype(np.float32)
    t = ((y - white.target_mean) / white.target_scale).astype(np.float32)
    model, dense = neuron(first_state(2, "glorot_uniform", 5), 2, bias=True)
    fall = schedule(ours.learning_rate, 4, epochs)
    assert (fall.slope > 0) == (epochs == 4)
    model.compile(
        optimizer=keras.optimizers.SGD(Falling(ours.learning_rate, fall)),
        loss=lambda true, predicted: keras.ops.sum((true - predicted) ** 2) / batch,
    )
    rng = shuffler(5)
    for _ in range(epochs):
        rows_now = rng.permutation(104)
        model.fit(z[rows_now], t[rows_now, None], batch_size=batch, shuffle=False, verbose=0)
    kernel, offset = dense.get_weights()
    weights = white.target_scale * white.matrix @ kernel[:, 0].astype(float)
    bias = white.target_mean + white.target_scale * float(offset[0]) - weights @ white.centre
    np.testing.assert_allclose(ours.weights, weights, rtol=1e-5)
    assert ours.bias == pytest.approx(bias, rel=1e-5)


def in_memory(x: np.ndarray, y: np.ndarray, **options: Any) -> Fit:
    return fit(x, y, **options)


def in_parts(x: np.ndarray, y: np.ndarray, **options: Any) -> Fit:
    cut = zip(np.array_split(x, 3), np.array_split(y, 3), strict=True)
    return fit_parts([MemoryPart(Batch([*a.T], b)) for a, b in cut], **options)


def standardised_doubles(white: Whitening) -> Coordinates:
    return standardised(white, [False] * 3)


def begin(model: Any, rate: Any, *, calibrated: bool) -> None:
    """Give a model its rate and its loss, and let it count its steps from 0."""
    loss = (lambda true, predicted: keras.ops.sum((true - predicted) ** 2) / BATCH) if calibrated else "mse"
    model.compile(optimizer=keras.optimizers.SGD(rate), loss=loss)


@pytest.mark.parametrize("epochs", [3, pytest.param(30, marks=pytest.mark.slow)])
@pytest.mark.parametrize("preset", ["default", "article", "course"])
@pytest.mark.parametrize(("train", "units"), [(in_memory, whitened), (in_parts, standardised_doubles)])
def test_every_preset_equals_keras(
    monkeypatch: pytest.MonkeyPatch,
    preset: str,
    train: Callable[..., Fit],
    units: Callable[[Whitening], Coordinates],
    epochs: int,
) -> None:
    """Weights, bias and every epoch's loss, on the rows that the program was fed, whitened where the recipe says so.

    In parts the program is fed columns that are merely scaled, and a metric; Keras gets them whitened. By
    the calibrated recipe they are trained in streams, here one: what Keras does not do, the test does with its weights.
    """
    monkeypatch.setattr(batching, "BLOCK", 3 * 2048 if train is in_memory else 1000)
    monkeypatch.setattr(
        "tasks.neuron.fit.INDISTINGUISHABLE", np.inf
    )  # no closing epoch, which Keras does not make
    settings = Settings.model_validate({"preset": preset, "training": {"epochs": epochs}})
    x, y = example_problem(1, rows=1000, noise=settings.problem.noise)
    fed: list[np.ndarray] = []

    def watched(state: State, blocks: np.ndarray, rows: np.ndarray, *rest: Any) -> Any:
        fed.extend(block[:, :count].T.copy() for block, count in zip(blocks, rows, strict=True))
        return train_blocks(state, blocks, rows, *rest)

    monkeypatch.setattr(batching, "train_blocks", watched)
    ours = train(x, y, seed=5, closing=False, **settings.training.model_dump(exclude={"l2"}))
    every = np.concatenate(fed)
    calibrated = settings.training.recipe == "calibrated"
    in_streams = calibrated and train is in_parts
    at = units(whitening(moments(np.column_stack([x, y])))) if calibrated else raw(2)
    model, dense = neuron(first_state(2, settings.training.initializer, 5), 2, bias=True)
    rate, steps = ours.learning_rate, steps_per_epoch(1000, BATCH)
    losses = []

    def keras_trains(rows: np.ndarray) -> None:
        z = (rows[:, :2] @ at.entry).astype(np.float32)
        history = model.fit(z, rows[:, 2:], batch_size=BATCH, shuffle=False, verbose=0).history["loss"]
        losses.append(history[0])

    if in_streams:  # of which there is one; it begins with batches that are to forget the first weights
        begin(model, rate, calibrated=True)
        keras_trains(every[: -1000 * epochs])
    fall = Schedule(1.0, 2 * rate, 0) if in_streams else schedule(rate, steps, epochs)
    begin(model, Falling(rate, fall) if calibrated else 0.02, calibrated=calibrated)
    start, left = dense.get_weights(), (1 - 2 * rate) / (1 + 2 * rate * (steps - 1))
    for epoch, rows in enumerate(every[-1000 * epochs :].reshape(epochs, 1000, 3)):
        keras_trains(rows)
        if in_streams and not epoch:
            pairs = zip(dense.get_weights(), start, strict=True)
            dense.set_weights([(reached - left * begun) / (1 - left) for reached, begun in pairs])
    kernel, offset = dense.get_weights()
    weights, bias = at.inverse_transform(at.entry @ kernel[:, 0].astype(float), float(offset[0]))
    np.testing.assert_allclose([*ours.weights, ours.bias], [*weights, bias], rtol=1e-4)
    if not calibrated:  # whose loss Keras weighs otherwise in the short last batch
        np.testing.assert_allclose(ours.loss, losses, rtol=1e-4)
