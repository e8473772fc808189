"""How far trainings that differ by their seed alone end from least squares: predicted, to hold N of them against."""

from __future__ import annotations

import math

import numpy as np

from tasks.neuron.moments import Array
from tasks.neuron.recipe import final_rate, schedule, steps_per_epoch

SETTLED = 1e-9  # relative change in a step, or in an epoch, below which a covariance stands


def calibrated_risk(first: float, rows: int, batch_size: int, epochs: int) -> float:
    """Return the D that the calibrated recipe is expected to end at.

    Exponential schedule: L³/(89·epochs³), L = ln(first / final), see `recipe.schedule`. Hyperbolic schedule: the
    weights are the average over all T steps but the first h, while the rate was held. The noise of a whole epoch of S
    steps adds up to zero, so what is left is that of the steps that are missing: D = h·(1 − h/S)·S / (T − h)².
    A single batch has no noise.

    Args:
        first: The first learning rate.
        rows: Training rows n.
        batch_size: B.
        epochs: Passes over the rows.
    """
    steps = steps_per_epoch(rows, batch_size)
    if steps == 1:
        return 0.0
    fall = schedule(first, steps, epochs)
    if not fall.hold:
        return math.log(first / final_rate(first, steps)) ** 3 / (89 * epochs**3)
    missing = fall.hold % steps
    return missing * (1 - missing / steps) * steps / (steps * epochs - fall.hold) ** 2


def tutorial_covariance(
    features: Array, residuals: Array, *, rate: float, rows: int, batch_size: int, epochs: int
) -> Array:
    """Return E[eeᵀ] (p, p) of e = w − w_ols after SGD on raw inputs at a constant rate, once the start is forgotten.

    With r the residuals of least squares, a step on b rows is e ← e − η·(2/b)·Σ x(xᵀe − r). Its noise u = (2/b)·Σ xr
    has the covariance (1/b − 1/n)·N with N = 4·E[r² xxᵀ], and −N/n with that of another step of the same epoch, as no
    row comes twice. With A = I − ηH the second moment C of e, and F that carries the epoch's noise so far, follow

        C ← C − η(HC + CH) + η²·M(C) + η²·(1/b − 1/n)·N − (η/n)·(AF + FA),   F ← AF + ηN,

    M as in `stability.stable_limit`. Each epoch ends with n mod B rows, which Keras's mean gives as much weight as a
    full batch, and right after it the weights are looked at.

    Args:
        features: (m, p) rows, or a sample of them, with a 1 appended for the bias.
        residuals: (m,) of least squares on the same rows.
        rate: η.
        rows: Number of rows n that `features` were sampled from.
        batch_size: B.
        epochs: Passes over the rows.
    """
    hessian = 2 / len(features) * (features.T @ features)
    noise = 4 / len(features) * (features.T * residuals**2) @ features
    products = np.einsum("ni,nj->nij", features, features).reshape(len(features), -1)
    fourth = 4 / len(features) * (products.T @ products)
    decay = np.eye(len(hessian)) - rate * hessian

    def step(c: Array, f: Array, size: int) -> tuple[Array, Array]:
        spread = (fourth @ c.ravel()).reshape(c.shape) - hessian @ c @ hessian
        fresh = spread / size + (1 / size - 1 / rows) * noise
        carried = decay @ f
        c = decay @ c @ decay + rate**2 * fresh - rate / rows * (carried + carried.T)
        return c, carried + rate * noise

    full, short = divmod(rows, min(batch_size, rows))
    c = np.zeros_like(hessian)
    for _ in range(epochs):
        before, f = c, np.zeros_like(hessian)
        for _ in range(full):
            last, (c, f) = c, step(c, f, min(batch_size, rows))
            if _near(c, last):
                break
        if short:
            c, _ = step(c, f, short)
        if _near(c, before):
            break
    return c


def _near(a: Array, b: Array) -> bool:
    return bool(np.abs(a - b).max() <= SETTLED * np.abs(b).max())
