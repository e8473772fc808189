"""The recipes' parts: whitening, learning rates, and the end of their stable range."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import numpy as np
import pytest

from tasks.neuron.moments import moments
from tasks.neuron.recipe import Diverged, final_rate, schedule, starting_rate, steps_per_epoch
from tasks.neuron.scaling import Coordinates, standardised, whitened
from tasks.neuron.stability import stable_limit
from tasks.neuron.whitening import Whitening, whitening
from tests.neuron.examples import example_problem, random_problem
from tests.processes import imported


def rows_of(white: Whitening, x: np.ndarray) -> np.ndarray:
    """Return the whitened rows (n, r)."""
    rows: np.ndarray = (x - white.centre) @ white.matrix
    return rows


@pytest.mark.parametrize("bias", [True, False])
def test_whitened_rows_are_white(bias: bool) -> None:
    """Second moments are the identity, about the mean or, without bias, about zero; the target's is 1."""
    x, y = random_problem(1, 500, 4)
    white = whitening(moments(np.column_stack([x, y])), bias=bias)
    z, t = rows_of(white, x), (y - white.target_mean) / white.target_scale
    np.testing.assert_allclose(z.T @ z / 500, np.eye(4), atol=1e-9)
    assert np.mean(t**2) == pytest.approx(1)
    if bias:
        np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-10)
        assert t.mean() == pytest.approx(0, abs=1e-12)
    else:
        assert not white.centre.any()
        assert white.target_mean == 0


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("units", [whitened, lambda white: standardised(white, [False] * 4)])
def test_fold_back_predicts_the_same(units: Callable[[Whitening], Coordinates], bias: bool) -> None:
    """Raw weights predict in target units what the weights of the training predict in theirs."""
    x, y = random_problem(2, 50, 3)
    at = units(whitening(moments(np.column_stack([x, y])), bias=bias))
    written = np.empty((4, 50), np.float32)
    at.write([*x.T, y], written)
    w, b = np.array([0.3, -0.7, 1.1]), 0.25 if bias else 0.0
    raw, offset = at.inverse_transform(w, b)
    expected = at.target_mean + at.target_scale * (written[:3].T @ w + b)
    np.testing.assert_allclose(x @ raw + offset, expected, rtol=1e-5)
    np.testing.assert_allclose(at.target_mean + at.target_scale * written[3], y, rtol=1e-5)
    assert bias or offset == 0


def test_null_directions_are_dropped() -> None:
    """Constant columns, copies and sums take no whitened input; badly scaled columns keep theirs."""
    x, y = random_problem(3, 100, 2)
    wide = np.column_stack([x[:, 0] * 1e-9, np.full(100, 0.1), x[:, 1] * 1e9, x[:, 0] * 5, x.sum(axis=1)])
    white = whitening(moments(np.column_stack([wide, y])))
    assert white.matrix.shape == (5, 2)
    assert np.isfinite(rows_of(white, wide)).all()


def test_a_constant_target_keeps_its_units() -> None:
    """Its scale is 1, not 0."""
    assert whitening(moments([[1.0, 5.0], [2.0, 5.0]])).target_scale == 1


def test_rates_follow_their_formulas() -> None:
    """The first rate, its leverage guard, the single batch, and the last rate."""
    assert starting_rate(800, 2, 32, 6.0) == pytest.approx(0.5 / (1 + 4 / 32))
    assert starting_rate(800, 2, 32, 999.0) == pytest.approx(32 / 1000)
    assert starting_rate(32, 2, 32, 999.0) == 0.5
    assert steps_per_epoch(1000, 32) == 32
    assert final_rate(0.44, 25) == pytest.approx(0.003 / 25)
    assert final_rate(1e-6, 25) == 1e-6


def test_time_enough_decays_exponentially_to_the_final_rate() -> None:
    """The example problem's hundred epochs: from lr0 to 0.003 / steps per epoch."""
    fall = schedule(0.44, 25, 100)
    assert (fall.slope, fall.hold) == (0, 0)
    assert 0.44 * fall.decay**2500 == pytest.approx(0.003 / 25)


@pytest.mark.parametrize(("steps", "epochs"), [(25, 3), (312_500, 1), (31_250, 10), (3907, 3)])
def test_short_trainings_average(steps: int, epochs: int) -> None:
    """Every batch after the first few has the same weight in the result: ηₜ·Π(1 − 2ηₛ) over the later steps s."""
    fall = schedule(0.44, steps, epochs)
    assert fall.decay == 1
    assert fall.hold <= 23
    t = np.arange(fall.hold, min(steps * epochs, 5000))
    rate = 0.44 / (1 + fall.slope * (t - fall.hold))
    later = np.append(np.cumprod((1 - 2 * rate)[::-1])[::-1][1:], 1.0)
    np.testing.assert_allclose(rate * later, rate[-1], rtol=1e-9)


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


def test_diverged_says_what_to_do_and_survives_pickling() -> None:
    """The message has the epoch, the limit and the remedy on one line."""
    error = pickle.loads(pickle.dumps(Diverged(3, 1.0, 0.02841)))  # noqa: S301
    assert str(error) == (
        "diverged at epoch 3; the stable range for this data ends at 0.0284; "
        "lower `learning_rate` (now 1.0) or use the default preset"
    )
    assert (error.epoch, error.learning_rate, error.stable_limit) == (3, 1.0, 0.02841)
    assert isinstance(error, ArithmeticError)
    assert str(pickle.loads(pickle.dumps(Diverged(100, 0.0298, 0.02841, 1.7)))) == (  # noqa: S301
        "diverged: the loss ends at 1.7 times the untrained neuron's, at epoch 100; "
        "the stable range for this data ends at 0.0284; lower `learning_rate` (now 0.0298) or use the default preset"
    )


def test_the_pure_modules_do_not_import_tensorflow() -> None:
    """Statistics, least squares, recipe and metrics need NumPy alone."""
    modules = imported("import tasks.neuron.recipe, tasks.neuron.metrics, tasks.neuron.least_squares")
    assert not {"tensorflow", "keras", "scipy", "pandas", "prefect"} & modules
