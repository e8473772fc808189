"""What is known before a training: the error of any weights, the first weights, and rates that are too high."""

import numpy as np
import pytest

from tasks.neuron.factor import factorised
from tasks.neuron.moments import moments
from tasks.neuron.options import Options
from tasks.neuron.parts import Batch, MemoryPart
from tasks.neuron.scaling import Coordinates, raw, standardised, whitened
from tasks.neuron.setup import TrainingSetup, first_state
from tasks.neuron.sgd import UpdateRule
from tasks.neuron.state import State
from tasks.neuron.whitening import whitening
from tests.neuron.examples import random_problem

ROWS, FEATURES = 400, 3


def setup_of(
    units: str = "raw", *, rate: float = 0.01, bias: bool = True, **options: object
) -> TrainingSetup:
    """Return the setup of a training on a small table, in these units."""
    x, y = random_problem(8, ROWS, FEATURES)
    found = moments(np.column_stack([x, y]))
    white = whitening(found, bias=bias)
    kinds: dict[str, Coordinates] = {
        "raw": raw(FEATURES),
        "whitened": whitened(white),
        "standardised": standardised(white, [False] * (FEATURES + 1)),
    }
    rule = UpdateRule(32, rate, 1.0, equal_rows=True, bias=bias)
    settings = Options(bias=bias, **options)  # type: ignore[arg-type]
    factor, rows = factorised(found, bias=bias), MemoryPart(Batch([*x.T], y))
    return TrainingSetup(settings, found, factor, kinds[units], rule, [rows], rows.whole)


@pytest.mark.parametrize("units", ["raw", "whitened", "standardised"])
@pytest.mark.parametrize("bias", [True, False])
def test_the_error_from_moments_is_that_of_the_rows(units: str, bias: bool) -> None:
    x, y = random_problem(8, ROWS, FEATURES)
    setup = setup_of(units, bias=bias)
    state = State(np.array([0.3, -0.2, 0.1]), 0.4 if bias else 0.0, 0)
    weights, offset = setup.units.inverse_transform(state.weights, state.bias)
    assert setup.error(state) == pytest.approx(np.mean((x @ weights + offset - y) ** 2), rel=1e-9)


@pytest.mark.parametrize("bias", [True, False])
def test_the_least_error_is_that_of_least_squares(bias: bool) -> None:
    x, y = random_problem(8, ROWS, FEATURES)
    design = np.column_stack([x, np.ones(ROWS)]) if bias else x
    _, (rss,), *_ = np.linalg.lstsq(design, y)
    assert setup_of(bias=bias).least_error == pytest.approx(rss / ROWS, rel=1e-9)


def test_the_first_weights_are_the_same_in_all_units_that_whiten() -> None:
    """They are drawn in whitened units, so that the metric does not change where a training starts."""
    one, other = (setup_of(units) for units in ("whitened", "standardised"))
    np.testing.assert_allclose(
        one.units.basis @ one.start.weights, other.units.basis @ other.start.weights, rtol=1e-9
    )


def test_the_untrained_neuron_is_drawn_as_its_initializer_says() -> None:
    """Glorot: within √(6/(d + 1)), bias 0. Uniform: within 0.1, the bias too if there is one."""
    glorot = first_state(5, "glorot_uniform", 1)
    assert glorot.bias == 0
    many = np.concatenate([first_state(5, "glorot_uniform", seed).weights for seed in range(400)])
    assert 0.99 < np.abs(many).max() <= 1  # √(6/6)
    assert np.std(many) == pytest.approx(1 / np.sqrt(3), rel=0.03)

    uniform = first_state(5, "uniform", 1)
    assert 0 < np.abs([*uniform.weights, uniform.bias]).max() <= 0.1
    assert first_state(5, "uniform", 1, bias=False).bias == 0
    assert first_state(5, "uniform", 2).weights.tolist() != uniform.weights.tolist()


def test_a_rate_above_the_stable_range_is_noted_and_one_within_is_not() -> None:
    """The tutorial's rate is held against the raw inputs' range, a given one against that of the training's inputs."""
    limit = setup_of().raw_limit
    for rate, expected in ((2 * limit, 1), (limit / 2, 0)):
        notes = list(setup_of(rate=rate, recipe="tutorial").notes(limit))
        assert len(notes) == expected
        assert all(f"{rate:.3g}" in note and f"{limit:.3g}" in note for note in notes)

    trained = setup_of("standardised").trained_limit
    assert trained == pytest.approx(setup_of("whitened").trained_limit, rel=1e-3)
    assert list(setup_of("standardised", rate=2 * trained).notes(limit)) == []
    assert len(list(setup_of("standardised", rate=2 * trained, learning_rate=2 * trained).notes(limit))) == 1
