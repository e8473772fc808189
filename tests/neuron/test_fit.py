"""Training: equal to Keras, and by the calibrated recipe indistinguishable from least squares."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tasks.neuron.fit import Fit, fit
from tasks.neuron.least_squares import solve
from tasks.neuron.metrics import Agreement, verdict
from tasks.neuron.recipe import Diverged
from tasks.neuron.sgd import UpdateRule, empty_blocks, train_blocks
from tasks.neuron.state import State
from tests.neuron.examples import Problem, doubled, example_problem, random_problem, shifted, with_a_constant
from tests.paths import ROOT
from tests.processes import python


def judged(x: np.ndarray, y: np.ndarray, *, bias: bool = True, **settings: Any) -> Agreement:
    """Return the verdict on a fit."""
    f = fit(x, y, bias=bias, **settings)
    return verdict(f.weights, f.bias, solve(x, y, bias=bias))


def test_default_recipe_is_indistinguishable_from_least_squares() -> None:
    """Thirty seeds of the example problem: D ≤ 0.01 and z ≤ 0.1 in each."""
    for seed in range(30):
        v = judged(*example_problem(seed), seed=seed)
        assert v.D <= 0.01, v.text
        assert v.z <= 0.1, v.text


@pytest.mark.parametrize(("noise", "spread"), [(10.0, 0.51), (1.0, 0.051)])
def test_tutorial_recipe_wobbles_as_the_tutorial(noise: float, spread: float) -> None:
    """The weights' distance from the true ones, pooled over 30 seeds, is the tutorial's within 30 %."""
    fits = [
        fit(*example_problem(seed, rows=1000, noise=noise), recipe="tutorial", seed=seed)
        for seed in range(30)
    ]
    gaps = np.array([f.weights - [2.0, -3.0] for f in fits])
    assert np.sqrt(np.mean(gaps**2)) == pytest.approx(spread, rel=0.3)
    assert {f.learning_rate for f in fits} == {0.02}


def heavy_tails() -> tuple[np.ndarray, np.ndarray]:
    """Return features whose largest rows are hundreds of standard deviations out."""
    rng = np.random.default_rng(6)
    x = rng.standard_t(1.5, size=(1000, 3))
    return x, x @ [1.0, 2.0, 3.0] + rng.normal(size=1000)


def correlated() -> tuple[np.ndarray, np.ndarray]:
    """Return two features of correlation 0.9999."""
    rng = np.random.default_rng(7)
    common = rng.normal(size=(500, 1))
    x = common + rng.normal(size=(500, 2)) * np.sqrt(1e-4)
    return x, x @ [1.0, -1.0] + 3 + rng.normal(size=500)


@pytest.mark.parametrize(
    ("data", "settings"),
    [
        pytest.param(lambda: random_problem(0, 300, 1), {}, id="d=1"),
        pytest.param(lambda: random_problem(1, 20, 2), {}, id="n<B"),
        pytest.param(lambda: random_problem(2, 30, 3), {}, id="n=30"),
        pytest.param(lambda: random_problem(2, 37, 3), {}, id="short last batch"),
        pytest.param(lambda: random_problem(3, 1000, 200), {}, id="p=200"),
        pytest.param(lambda: random_problem(3, 400, 4), {"bias": False}, id="no bias"),
        pytest.param(lambda: random_problem(4, 500, 3), {"batch_size": 1}, id="B=1"),
        pytest.param(correlated, {}, id="correlation 0.9999"),
        pytest.param(heavy_tails, {}, id="heavy tails"),
        pytest.param(lambda: shifted(*random_problem(5, 300, 2)), {}, id="offset"),
        pytest.param(
            lambda: with_a_constant(*random_problem(6, 300, 2)),
            {},
            id="constant column",
        ),
        pytest.param(
            lambda: doubled(*random_problem(7, 300, 2)),
            {},
            id="copied columns",
        ),
    ],
)
def test_calibrated_recipe_converges(data: Callable[[], Problem], settings: dict[str, Any]) -> None:
    """Odd shapes and hard inputs reach least squares as well, at the same 100 epochs."""
    v = judged(*data(), **settings)
    assert v.converged, v.text
    assert v.z <= 0.1, v.text


def test_penguins_converge() -> None:
    """Bill length and depth and flipper length to body mass: data on which the raw recipe goes to NaN."""
    path = ROOT / "tests" / "data" / "penguins.csv"
    table = np.genfromtxt(path, delimiter=",", skip_header=1)
    table = table[np.isfinite(table).all(axis=1)]
    v = judged(table[:, :-1], table[:, -1])
    assert v.converged, v.text
    assert v.z <= 0.1
    with pytest.raises(Diverged):
        fit(table[:, :-1], table[:, -1], recipe="tutorial")


def test_exact_data_are_recovered() -> None:
    """Without noise the weights come out to float32 rounding, and the verdict knows."""
    x, _ = example_problem(0)
    v = judged(x, x @ [2.0, -3.0] + 5)
    assert v.converged, v.text


@pytest.mark.parametrize("rows", [1, 3])
def test_rows_that_determine_everything(rows: int) -> None:
    """As few rows as parameters, or fewer, are fitted exactly."""
    v = judged(*random_problem(1, rows, 2))
    assert v.converged, v.text


def test_constant_target() -> None:
    """The bias is the constant, the weights vanish."""
    x, _ = example_problem(0, rows=100)
    f = fit(x, np.full(100, 42.0))
    np.testing.assert_allclose(f.weights, 0, atol=1e-6)
    assert f.bias == pytest.approx(42)


def test_only_constant_features() -> None:
    """With nothing to learn from, the fit is the mean."""
    f = fit(np.full((50, 2), 3.0), np.arange(50.0))
    np.testing.assert_array_equal(f.weights, 0)
    assert f.bias == pytest.approx(24.5, abs=0.05)


@pytest.mark.parametrize("recipe", ["tutorial", "calibrated"])
def test_no_bias_is_exactly_zero(recipe: str) -> None:
    """Not small: zero."""
    x, y = example_problem(0, rows=100)
    assert fit(x, y, recipe=recipe, bias=False, initializer="uniform").bias == 0.0


def test_divergence_is_refused() -> None:
    """A learning rate of 1.0 on raw inputs is reported with epoch, limit and remedy."""
    x, y = example_problem(0, rows=1000)
    with pytest.raises(
        Diverged, match=r"^diverged at epoch \d+; the stable range for this data ends at 0\.02\d+; lower"
    ) as caught:
        fit(x, y, recipe="tutorial", learning_rate=1.0)
    assert caught.value.learning_rate == 1.0
    assert caught.value.epoch <= 3
    with pytest.raises(Diverged):
        fit(x, y, learning_rate=3.0)


def test_stable_limit_separates() -> None:
    """Well below the limit SGD settles; well above it, it does not."""
    x, y = example_problem(0, rows=1000)
    settled = fit(x, y, recipe="tutorial")
    limit = settled.stable_limit
    assert 0.65 < 0.02 / limit < 0.77
    assert settled.loss[-1] < 3
    with pytest.raises(Diverged) as caught:
        fit(x, y, recipe="tutorial", learning_rate=1.3 * limit)
    assert caught.value.stable_limit == pytest.approx(limit, rel=1e-5)


def test_progress_is_told_after_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory in whole epochs, here three at a time, with the latest of the losses that the fit returns."""
    monkeypatch.setattr("tasks.neuron.batching.FLOATS", 3 * 3 * 128)
    x, y = example_problem(0, rows=100)
    seen: list[tuple[float, float]] = []
    f = fit(x, y, epochs=7, on_progress=lambda done, loss: seen.append((done, loss)))
    assert seen == [(3, f.loss[2]), (6, f.loss[5]), (7, f.loss[6])]
    assert f.loss[-1] == pytest.approx(solve(x, y).residual_sum / 100, rel=0.1)


@pytest.mark.parametrize("epochs", [3, 40])
def test_a_large_table_is_dealt_out_first(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shuffled by pieces only, rows sorted by their target would end far from least squares."""
    monkeypatch.setattr("tasks.neuron.batching.BLOCK", 4096)
    x, y = example_problem(0, rows=60_000)
    order = np.argsort(y)
    f = fit(x[order], y[order], epochs=epochs)
    v = verdict(f.weights, f.bias, solve(x, y))
    assert v.converged, v.text


def test_epochs_in_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """How many epochs are handed over at once does not reach the figures."""
    x, y = example_problem(0, rows=100)
    whole = fit(x, y, epochs=5)
    monkeypatch.setattr("tasks.neuron.batching.FLOATS", 2 * 3 * 128)
    chunks = fit(x, y, epochs=5)
    np.testing.assert_array_equal(chunks.weights, whole.weights)
    np.testing.assert_array_equal(chunks.loss, whole.loss)


def test_rows_beyond_the_count_are_not_data() -> None:
    """What a reused buffer still holds after the valid rows does not matter."""
    rng = np.random.default_rng(0)
    block = rng.normal(size=(1, 3, 64)).astype(np.float32)
    spoilt = block.copy()
    spoilt[:, :, 50:] = 1e6
    rule, start = UpdateRule(32, 0.1, 0.99, equal_rows=True, bias=True), State(np.zeros(2), 0.0, 0)
    clean, loss = train_blocks(start, block, np.array([50]), rule)
    other, other_loss = train_blocks(start, spoilt, np.array([50]), rule)
    np.testing.assert_array_equal(clean.weights, other.weights)
    assert (clean.bias, clean.step, loss[0]) == (other.bias, other.step, other_loss[0])
    assert clean.step == 2


def test_blocks_are_read_in_place_or_copied_alike() -> None:
    """Aligned blocks, and any others, train the same."""
    block = np.float32(np.random.default_rng(1).normal(size=(1, 3, 64)))
    aligned = empty_blocks((1, 3, 64))
    assert not aligned.any()
    assert aligned.ctypes.data % 64 == 0
    aligned[:, :, :64] = block
    shifted = np.zeros(aligned.size + 1, np.float32)[1:].reshape(aligned.shape)
    shifted[:] = aligned
    rule, start = UpdateRule(32, 0.1, 0.99, equal_rows=False, bias=True), State(np.ones(2), 0.5, 0)
    one, other = (train_blocks(start, blocks, np.array([64]), rule)[0] for blocks in (aligned, shifted))
    np.testing.assert_array_equal(one.weights, other.weights)


def digest(f: Fit) -> str:
    """Return a digest of everything in a fit."""
    return hashlib.sha256(f.weights.tobytes() + np.float64(f.bias).tobytes() + f.loss.tobytes()).hexdigest()


@pytest.mark.slow
def test_same_seed_same_bits_in_two_processes() -> None:
    """Another process repeats the fit to the last bit; another seed does not."""
    x, y = example_problem(0)
    code = (
        "from tests.neuron.examples import example_problem\n"
        "from tests.neuron.test_fit import digest\n"
        "from tasks.neuron.fit import fit\n"
        "print(digest(fit(*example_problem(0), seed=9)))"
    )
    assert python("-c", code).stdout.split()[-1] == digest(fit(x, y, seed=9))
    assert digest(fit(x, y, seed=9)) != digest(fit(x, y, seed=10))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"recipe": "secret"}, "`recipe` must be one of calibrated, tutorial, got 'secret'"),
        ({"initializer": "zeros"}, "`initializer` must be one of glorot_uniform, uniform, got 'zeros'"),
        ({"epochs": 0}, "`epochs` must be at least 1, got 0"),
        ({"batch_size": 0}, "`batch_size` must be at least 1, got 0"),
        ({"learning_rate": -1.0}, "`learning_rate` must be a positive number, got -1.0"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be a positive number, got nan"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: dict[str, Any], message: str) -> None:
    """The error names the setting, the rule and the value."""
    with pytest.raises(ValueError, match=message):
        fit([[1.0]], [1.0], **settings)


def test_inputs_are_not_changed() -> None:
    """A fit mutates no argument."""
    x, y = example_problem(0, rows=64)
    before = x.copy(), y.copy()
    fit(x, y, epochs=1)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])
