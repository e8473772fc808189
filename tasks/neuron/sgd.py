"""Mini-batch SGD of one linear neuron as one XLA-compiled program.

`train_blocks` takes a state and a few blocks of rows and returns the state after a pass over them; blocks
have a fixed shape and a count of valid rows, so that it is compiled once and can be fed from memory or from a
stream. Data are float32; the weights are carried in float64, as the last, small steps of a schedule would
vanish in the rounding of float32 weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.neuron.statistics import Array

Table: TypeAlias = NDArray[np.float32]

BLOCK = 2**17  # rows of a block of large data
FLOATS = 2**22  # floats handed over at once: 16 MiB
ALIGNMENT = 64  # bytes, at which XLA wants its arguments to start
ELEMENTWISE = 8  # features up to which multiply-and-sum beats a matrix product


class Rule(NamedTuple):
    """Say how a step is made.

    Attributes:
        batch_size: B.
        rate: Learning rate of step 0.
        decay: Factor by which the rate falls in one step; 1 keeps it.
        equal_rows: Divide every batch's gradient by B, so that each row weighs the same; else by the batch's
            own rows, as Keras does.
        bias: Whether the bias is trained.
    """

    batch_size: int
    rate: float
    decay: float
    equal_rows: bool
    bias: bool


class State(NamedTuple):
    """Hold what one block hands to the next: weights (d,), bias, and the number of steps made."""

    weights: Array
    bias: float
    step: int


def train_blocks(state: State, blocks: Table, rows: NDArray[np.int64], rule: Rule) -> tuple[State, Array]:
    """Train on blocks, one after the other.

    Args:
        state: Where to start.
        blocks: (k, d + 1, R) float32, column-major rows: d features, then the target. R is a multiple of the
            batch size.
        rows: (k,) valid rows of each block; only the last batch of a block may be short, what follows is not
            read as data (it must be finite).
        rule: How a step is made.

    Returns:
        The new state, and (k,) the sums of squared errors, each batch's taken before its step.
    """
    program = _program(blocks.shape, rule.batch_size, equal_rows=rule.equal_rows, bias=rule.bias)
    with tf.device("/CPU:0"):  # microsecond steps: an accelerator's launches would take longer
        weights, bias, step, losses = program(
            tf.constant(state.weights, tf.float64),
            tf.constant(state.bias, tf.float64),
            tf.constant(state.step, tf.int64),
            _tensor(blocks),
            tf.constant(rows, tf.int64),
            tf.constant([rule.rate, np.log(rule.decay)], tf.float64),
        )
    return State(weights.numpy(), float(bias), int(step)), losses.numpy()


def empty_blocks(shape: tuple[int, int, int]) -> Table:
    """Return zeroed blocks (k, d + 1, R) that `train_blocks` reads in place; others it copies first."""
    count = math.prod(shape)
    memory = np.zeros(count + ALIGNMENT // 4, np.float32)
    start = -memory.ctypes.data % ALIGNMENT // 4
    return memory[start : start + count].reshape(shape)


def _tensor(blocks: Table) -> Any:
    """Return the blocks as a tensor, on the same memory where XLA can read it there."""
    if blocks.ctypes.data % ALIGNMENT == 0 and blocks.flags.c_contiguous and blocks.flags.writeable:
        return tf.experimental.dlpack.from_dlpack(blocks.__dlpack__())
    return tf.constant(blocks)


def train_epochs(
    state: State, table: Table, rule: Rule, orders: Iterator[NDArray[np.intp]], epochs: int
) -> Iterator[tuple[State, Array]]:
    """Train on a table in memory, yielding the state and (k,) mean squared errors after every few epochs.

    Args:
        state: Where to start.
        table: (n, d + 1) float32, the target last.
        rule: How a step is made.
        orders: One order (n,) of the rows an epoch.
        epochs: How many.
    """
    rows, width = table.shape
    if rows > BLOCK:
        for _ in range(epochs):
            state, loss = _train_large(state, table, rule, next(orders))
            yield state, np.array([loss])
        return
    length = -(-rows // rule.batch_size) * rule.batch_size
    calls = -(-epochs // max(1, FLOATS // (width * length)))
    chunk = -(-epochs // calls)
    blocks = empty_blocks((chunk, width, length))
    for first in range(0, epochs, chunk):
        count = min(chunk, epochs - first)
        for block in blocks[:count]:
            block[:, :rows] = table[next(orders)].T
        state, sums = train_blocks(state, blocks, np.where(np.arange(chunk) < count, rows, 0), rule)
        yield state, sums[:count] / rows


def _train_large(state: State, table: Table, rule: Rule, order: NDArray[np.intp]) -> tuple[State, float]:
    """Train one epoch in blocks of about 2¹⁷ rows."""
    length = -(-BLOCK // rule.batch_size) * rule.batch_size
    block = empty_blocks((1, table.shape[1], length))
    total = 0.0
    for start in range(0, len(order), length):
        part = order[start : start + length]
        block[0, :, : len(part)] = table[part].T
        state, sums = train_blocks(state, block, np.array([len(part)]), rule)
        total += float(sums[0])
    return state, total / len(order)


@cache
def _program(shape: tuple[int, ...], batch_size: int, *, equal_rows: bool, bias: bool) -> Callable[..., Any]:
    """Return the compiled program for one shape of blocks and one kind of step."""
    features = shape[1] - 1
    places = np.arange(batch_size)

    def predict(x: Any, w: Any) -> Any:
        return (
            tf.reduce_sum(x * w[:, None], axis=0)
            if features <= ELEMENTWISE
            else tf.linalg.matvec(x, w, transpose_a=True)
        )

    def project(x: Any, r: Any) -> Any:
        return tf.reduce_sum(x * r, axis=1) if features <= ELEMENTWISE else tf.linalg.matvec(x, r)

    @tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
    def run(weights: Any, offset: Any, step: Any, blocks: Any, rows: Any, schedule: Any) -> Any:
        def one_step(k: Any, start: Any, w: Any, b: Any, t: Any, loss: Any) -> Any:
            batch = tf.slice(blocks, tf.stack([k, 0, start]), [1, features + 1, batch_size])[0]
            valid = rows[k] - start
            x, y = batch[:features], batch[features]
            residual = predict(x, tf.cast(w, tf.float32)) + tf.cast(b, tf.float32) - y
            residual = tf.where(tf.constant(places) < valid, residual, 0.0)
            weight = batch_size if equal_rows else tf.minimum(valid, batch_size)
            # d/dw of Σ r² / weight is 2·Σ r·x / weight
            rate = (
                2 * schedule[0] * tf.exp(schedule[1] * tf.cast(t, tf.float64)) / tf.cast(weight, tf.float64)
            )
            w = w - rate * tf.cast(project(x, residual), tf.float64)
            if bias:
                b = b - rate * tf.cast(tf.reduce_sum(residual), tf.float64)
            loss = loss + tf.cast(tf.reduce_sum(residual * residual), tf.float64)
            return k, start + batch_size, w, b, t + 1, loss

        def one_block(k: Any, w: Any, b: Any, t: Any, losses: Any) -> Any:
            _, _, w, b, t, loss = tf.while_loop(
                lambda k, start, *_: start < rows[k],
                one_step,
                (k, tf.constant(0, tf.int64), w, b, t, tf.constant(0.0, tf.float64)),
            )
            return k + 1, w, b, t, tf.tensor_scatter_nd_update(losses, [[k]], [loss])

        _, *result = tf.while_loop(
            lambda k, *_: k < shape[0],
            one_block,
            (tf.constant(0, tf.int64), weights, offset, step, tf.zeros(shape[0], tf.float64)),
        )
        return result

    program: Callable[..., Any] = run
    return program
