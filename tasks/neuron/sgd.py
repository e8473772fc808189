"""Mini-batch SGD of one linear neuron as one XLA-compiled program.

`train_blocks` takes a state and a few blocks of rows and returns the state after a pass over them; blocks
have a fixed shape and a count of valid rows, so that it is compiled once and can be fed from memory or from a
stream. Data are float32; the weights are carried in float64, as the last, small steps of a schedule would
vanish in the rounding of float32 weights.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.neuron.moments import Array
from tasks.neuron.state import State

Blocks: TypeAlias = NDArray[np.float32]

# XLA reads this when it compiles for the first time: the whole loop becomes one function, without its runtime's
# dispatch of every operation in every step, which would take longer than the step.
ONE_FUNCTION = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=1000000000000"
if ONE_FUNCTION not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {ONE_FUNCTION}".strip()

ALIGNMENT = 64  # bytes, at which XLA wants its arguments to start
PADDING = 48  # floats after each column: a power of two between columns would put them all into one cache set
ELEMENTWISE = 8  # features up to which multiply-and-sum beats a matrix product

_COMPILING = threading.Lock()  # streams begin at the same time: the first one compiles for all


class UpdateRule(NamedTuple):
    """Say how a step is made.

    The learning rate of step t is rate · decayᵗ / (1 + slope · max(t − hold, 0)).

    Attributes:
        batch_size: B.
        rate: Learning rate of step 0.
        decay: Factor by which the rate falls in one step; 1 keeps it.
        equal_rows: Divide every batch's gradient by B, so that each row weighs the same; else by the batch's
            own rows, as Keras does.
        bias: Whether the bias is trained.
        slope: Of the hyperbolic decline; 0 for none.
        hold: Step at which the hyperbolic decline begins.
    """

    batch_size: int
    rate: float
    decay: float
    equal_rows: bool
    bias: bool
    slope: float = 0.0
    hold: int = 0


def train_blocks(
    state: State, blocks: Blocks, rows: NDArray[np.int64], rule: UpdateRule, metric: Array | None = None
) -> tuple[State, Array]:
    """Train on blocks, one after the other.

    Args:
        state: Where to start.
        blocks: (k, d + 1, R) float32, column-major rows: d features, then the target.
        rows: (k,) valid rows of each block, which rounded up to whole batches fit into R; only the last batch
            of a block may be short, what follows is not read as data (it must be finite).
        rule: How a step is made.
        metric: (d, d), by which each gradient of the weights is multiplied; None for the identity.

    Returns:
        The new state, and (k,) the sums of squared errors, each batch's taken before its step.
    """
    gain = np.ones(len(state.weights)) if metric is None else metric
    with _COMPILING:
        metrical = metric is not None
        program = _program(blocks.shape, rule.batch_size, equal_rows=rule.equal_rows, metrical=metrical)
    schedule = [rule.rate, np.log(rule.decay), rule.slope, rule.hold]
    numbers = np.concatenate(
        [state.weights, [state.bias], schedule, _with_bias(gain, float(rule.bias)).ravel()]
    )
    with tf.device("/CPU:0"):  # microsecond steps: an accelerator's launches would take longer
        counts = tf.constant(np.append(state.step, rows), tf.int64)
        found = program(numbers=tf.constant(numbers), counts=counts, blocks=_tensor(blocks)).numpy()
    size = len(state.weights)
    steps = int((-(-rows // rule.batch_size)).sum())
    return State(found[:size], float(found[size]), state.step + steps), found[size + 1 :]


def empty_blocks(shape: tuple[int, int, int]) -> Blocks:
    """Return zeroed blocks (k, d + 1, R + padding) that `train_blocks` reads in place; others it copies first."""
    padded = (*shape[:2], shape[2] + PADDING)
    count = math.prod(padded)
    memory = np.zeros(count + ALIGNMENT // 4, np.float32)
    start = -memory.ctypes.data % ALIGNMENT // 4
    return memory[start : start + count].reshape(padded)


def _tensor(blocks: Blocks) -> Any:
    """Return the blocks as a tensor, on the same memory where XLA can read it there."""
    if blocks.ctypes.data % ALIGNMENT == 0 and blocks.flags.c_contiguous and blocks.flags.writeable:
        return tf.experimental.dlpack.from_dlpack(blocks.__dlpack__())
    return tf.constant(blocks)


def _with_bias(gain: Array, bias: float) -> Array:
    """Append the bias's own factor to a metric (d, d) or its diagonal (d,)."""
    if gain.ndim == 1:
        return np.append(gain, bias)
    whole = np.zeros((len(gain) + 1, len(gain) + 1))
    whole[:-1, :-1], whole[-1, -1] = gain, bias
    return whole


@cache
def _program(
    shape: tuple[int, ...], batch_size: int, *, equal_rows: bool, metrical: bool
) -> Callable[..., Any]:
    """Return the compiled program for one shape of blocks and one kind of step.

    The bias is the last one of the parameters (d + 1,): few, large operations a step are what XLA runs fast. A call
    costs by the argument, as much as thousands of rows: so there is one for all floating-point numbers (parameters,
    schedule, gain), one for the counts (step, rows of each block) and one result (parameters, losses).
    """
    features = shape[1] - 1
    gains = (features + 1,) * (2 if metrical else 1)
    places = np.arange(batch_size)

    @tf.function(jit_compile=True, autograph=False)  # type: ignore[untyped-decorator]
    def run(numbers: Any, counts: Any, blocks: Any) -> Any:
        parameters, schedule, gain = tf.split(numbers, [features + 1, 4, math.prod(gains)])
        schedule, gain = tf.unstack(schedule), tf.reshape(gain, gains)
        step, rows = counts[0], counts[1:]

        def one_step(k: Any, start: Any, w: Any, t: Any, loss: Any) -> Any:
            batch = tf.slice(blocks, tf.stack([k, 0, start]), [1, features + 1, batch_size])[0]
            valid = rows[k] - start
            x, y = batch[:features], batch[features]
            residual = tf.where(tf.constant(places) < valid, _predicted(x, tf.cast(w, tf.float32)) - y, 0.0)
            weight = batch_size if equal_rows else tf.minimum(valid, batch_size)
            # d/dw of Σ r² / weight is 2·Σ r·x / weight
            rate = 2 * _rate(schedule, t) / tf.cast(weight, tf.float64)
            gradient = tf.cast(_projected(x, residual), tf.float64)
            w = w - rate * _gained(gain, gradient)
            loss = loss + tf.cast(tf.reduce_sum(residual * residual), tf.float64)
            return k, start + batch_size, w, t + 1, loss

        def one_block(k: Any, w: Any, t: Any, losses: Any) -> Any:
            _, _, w, t, loss = tf.while_loop(
                lambda k, start, *_: start < rows[k],
                one_step,
                (k, tf.constant(0, tf.int64), w, t, tf.constant(0.0, tf.float64)),
            )
            return k + 1, w, t, tf.tensor_scatter_nd_update(losses, [[k]], [loss])

        _, parameters, _, losses = tf.while_loop(
            lambda k, *_: k < shape[0],
            one_block,
            (tf.constant(0, tf.int64), parameters, step, tf.zeros(shape[0], tf.float64)),
        )
        return tf.concat([parameters, losses], axis=0)

    program: Callable[..., Any] = run.get_concrete_function(
        numbers=tf.TensorSpec([features + 5 + math.prod(gains)], tf.float64),
        counts=tf.TensorSpec([1 + shape[0]], tf.int64),
        blocks=tf.TensorSpec(shape, tf.float32),
    )
    return program


def _predicted(x: Any, w: Any) -> Any:
    """Return the predictions (B,) for features x (d, B), of parameters w (d + 1,)."""
    features = x.shape[0]
    if features <= ELEMENTWISE:
        return tf.reduce_sum(x * w[:features, None], axis=0) + w[features]
    return tf.linalg.matvec(x, w[:features], transpose_a=True) + w[features]


def _projected(x: Any, r: Any) -> Any:
    """Return Σ r·x over the rows of a batch, for the bias too: (d + 1,) of features x (d, B) and residuals r (B,)."""
    features, batch_size = x.shape
    if features <= ELEMENTWISE:
        return tf.reduce_sum(tf.concat([x, tf.ones((1, batch_size))], axis=0) * r, axis=1)
    return tf.concat([tf.linalg.matvec(x, r), [tf.reduce_sum(r)]], axis=0)


def _gained(gain: Any, gradient: Any) -> Any:
    """Multiply a gradient (d + 1,) by a metric, or by its diagonal where that is all there is of it."""
    if gain.shape.rank == 1:
        return gain * gradient
    if gradient.shape[0] <= ELEMENTWISE + 1:
        # A metric is symmetric: adding columns is faster.
        return tf.reduce_sum(gain * gradient[:, None], axis=0)
    return tf.linalg.matvec(gain, gradient)


def _rate(schedule: Any, step: Any) -> Any:
    """Return the learning rate of a step, see `UpdateRule`; a schedule is (rate, log decay, slope, hold)."""
    first, log_decay, slope, hold = schedule
    t = tf.cast(step, tf.float64)
    return first * tf.exp(log_decay * t) / (1 + slope * tf.maximum(t - hold, 0))
