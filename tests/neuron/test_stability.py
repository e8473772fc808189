"""Where the stable range of learning rates ends: known limits, and the recursion whose end it is."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.neuron import stability
from tasks.neuron.stability import stable_limit
from tests.neuron.examples import example_problem


def test_stable_limit_of_the_example_problem() -> None:
    """Mini-batches of 32 end at 0.0284, the full batch at 2/λmax = 0.0300 (Hessian diag(66.7, 66.7, 2))."""
    x, _ = example_problem(0, rows=400_000)
    limits = [stable_limit(part, 32) for part in np.split(x, 20)]
    assert np.mean(limits) == pytest.approx(0.0284, abs=2e-4)
    seeds = [stable_limit(example_problem(seed, rows=1000)[0], 32) for seed in range(30)]
    assert np.mean(seeds) == pytest.approx(0.0284, rel=0.03)
    assert np.std(seeds) < 0.04 * 0.0284
    design = np.column_stack([x[:1000], np.ones(1000)])
    full = 2 / np.linalg.eigvalsh(2 / 1000 * design.T @ design)[-1]
    assert stable_limit(x[:1000], 1000) == pytest.approx(full, rel=1e-4)


def test_stable_limit_is_where_the_second_moment_stops_shrinking() -> None:
    """The recursion for E[(w − w*)(w − w*)ᵀ] contracts just below the limit and grows just above."""
    x = np.random.default_rng(4).standard_t(5, size=(200, 2))
    design, batch = np.column_stack([x, np.ones(200)]), 4
    outer = 2 * np.einsum("ni,nj->nij", design, design)
    hessian, fourth = outer.mean(axis=0), np.einsum("nij,nkl->ikjl", outer, outer).reshape(9, 9) / 200
    eye = np.eye(3)

    def radius(rate: float) -> float:
        both = np.kron(hessian, hessian)
        step = np.eye(9) - rate * (np.kron(hessian, eye) + np.kron(eye, hessian))
        return float(
            np.abs(np.linalg.eigvals(step + rate**2 * ((1 - 1 / batch) * both + fourth / batch))).max()
        )

    limit = stable_limit(x, batch)
    assert radius(0.999 * limit) < 1 < radius(1.001 * limit)


def test_stable_limit_without_anything_to_learn() -> None:
    """Features that are 0, without bias, put no limit."""
    assert stable_limit(np.zeros((10, 2)), 4, bias=False) == np.inf


@pytest.mark.parametrize("inputs", [1, 3, 7])
def test_fourth_moments_made_once_lead_where_those_of_each_iteration_do(
    inputs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.random.default_rng(inputs).standard_t(6, size=(500, inputs)) * np.arange(1, inputs + 1) + 2
    found = [stable_limit(x, 16), stable_limit(x, 16, bias=False)]
    monkeypatch.setattr(stability, "FEW", 0)
    assert found == pytest.approx([stable_limit(x, 16), stable_limit(x, 16, bias=False)], rel=1e-9)
