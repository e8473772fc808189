"""Where the stable range of constant learning rates ends."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from tasks.neuron.moments import Array

SAMPLE = 4096  # rows that suffice for the stable limit: fourth moments, to a few per cent
FEW = 8  # inputs up to which all fourth moments are made once, instead of what each iteration asks for


def stable_limit(
    features: ArrayLike,
    batch_size: int,
    *,
    rows: int | None = None,
    bias: bool = True,
    weights: ArrayLike | None = None,
) -> float:
    """Return where the stable range of constant learning rates ends for mini-batch SGD on these features.

    A step is w ← w − η·h(w − w*), up to noise, with h = (2/B)·Σxxᵀ over the batch and H = E[h]. The second
    moment C = E[(w − w*)(w − w*)ᵀ] follows, for batches drawn at random,

        C ← C − η(HC + CH) + η²·M(C),   M(C) = (1 − 1/B)·HCH + (4/B)·E[x xᵀC x xᵀ].

    It stays bounded for η < 1/ρ(L⁻¹M), L(C) = HC + CH: both maps keep positive matrices positive, so the
    spectral radius ρ is found by power iteration from the identity (Perron–Frobenius). For a full batch, M(C)
    = HCH, this is 2/λmax(H). The x are rows with a 1 appended for the bias. Above 4096 rows an evenly spaced
    sample of them is used.

    Args:
        features: (n, d).
        batch_size: B.
        rows: Number of rows that `features` were sampled from; by default they are all of them.
        bias: Whether the model has a bias.
        weights: (n,) of mean 1, by which rows count; √w·x then takes the place of x.

    Returns:
        The limit; infinite when all features are 0 and there is no bias.
    """
    x = np.asarray(features, dtype=np.float64)
    rows = len(x) if rows is None else rows
    step = max(1, math.ceil(len(x) / SAMPLE))
    x = x[::step]
    if bias:
        x = np.column_stack([x, np.ones(len(x))])
    if weights is not None:
        x = x * np.sqrt(np.asarray(weights, np.float64)[::step, None])
    values, vectors = np.linalg.eigh(2 / len(x) * (x.T @ x))
    live = values > np.finfo(np.float64).eps * len(values) * max(float(values[-1]), 0.0)
    if not live.any():
        return math.inf
    z, h = np.ascontiguousarray((x @ vectors[:, live]).T), values[live]
    noise = 0.0 if rows <= batch_size else 1 / batch_size
    fourth = _fourth_moments(z)
    first, size = (1 - noise) * np.outer(h, h), np.add.outer(h, h)
    c, radius = np.eye(len(h)), 0.0
    for _ in range(200):
        c = (first * c + noise * fourth(c)) / size
        previous, radius = radius, math.sqrt(float(np.vdot(c, c)))
        c /= radius
        if abs(radius - previous) <= 1e-6 * radius:
            break
    return 1 / radius


def _fourth_moments(z: Array) -> Callable[[Array], Array]:
    """Return the map from C (r, r) to 4·E[z zᵀC z zᵀ] over the rows of z (r, n)."""
    size, rows = z.shape
    if size > FEW:
        return lambda c: 4 / rows * (z * ((c @ z) * z).sum(axis=0)) @ z.T
    products = (z[:, None] * z).reshape(size * size, rows)
    every = 4 / rows * products @ products.T
    return lambda c: (every @ c.ravel()).reshape(size, size)
