"""A fan and a curve are named, and sound residuals are left alone."""

import numpy as np
import pytest

from tasks.neuron.residual_patterns import residual_patterns

RNG = np.random.default_rng(0)
FITTED = RNG.uniform(100, 200, 400)
NOISE = RNG.normal(size=400)


def test_sound_residuals_have_no_pattern() -> None:
    """Of 300 sound fits with 50 rows at most one in twenty gets a name: two tests at 1 % each."""
    rng = np.random.default_rng(1)
    named = sum(bool(residual_patterns(rng.normal(size=50), rng.normal(size=50))) for _ in range(300))
    assert named <= 15


@pytest.mark.parametrize("scale", [1e-160, 1.0, 1e160])
def test_each_pattern_gets_its_name(scale: float) -> None:
    """In whatever units the target is measured."""
    line = (FITTED - 150) / 50
    fan = residual_patterns(FITTED * scale, scale * NOISE * FITTED / 100 * (1.5 + line))
    curve = residual_patterns(FITTED * scale, scale * (NOISE + 3 * (line**2 - (line**2).mean())))
    assert [each.name for each in fan] == ["fan"]
    assert fan[0].correlation > 0
    assert [each.name for each in curve if each.name == "curve"] == ["curve"]


def test_a_shape_that_nobody_could_see_is_left_alone() -> None:
    """However many rows make it significant."""
    fitted, noise = np.tile(FITTED, 200), np.random.default_rng(2).normal(size=80_000)
    assert residual_patterns(fitted, noise * (1 + 0.05 * (fitted - 150) / 50)) == []


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_few_rows_have_no_shape(rows: int) -> None:
    assert residual_patterns(np.arange(float(rows)), np.arange(float(rows)) ** 2) == []


def test_constants_have_no_shape() -> None:
    assert residual_patterns(np.ones(20), NOISE[:20]) == []
    assert residual_patterns(FITTED, np.zeros(400)) == []
