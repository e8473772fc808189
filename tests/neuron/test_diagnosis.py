"""Checks of a fit's assumptions: against statsmodels, and wrong exactly where something is wrong."""

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.diagnostic import het_breuschpagan, linear_reset
from statsmodels.stats.outliers_influence import OLSInfluence, variance_inflation_factor
from statsmodels.stats.stattools import durbin_watson as dw

from tasks.neuron.diagnosis import Check, diagnose, normality, worst_segment
from tasks.neuron.least_squares import solve
from tasks.neuron.moments import Array
from tasks.neuron.parts import Batch
from tasks.neuron.segments import Segment
from tests.r_data import SETS, numbers_of


def checks(x: Array, y: Array) -> dict[str, Check]:
    names = [f"x{number}" for number in range(x.shape[1])]
    return {each.name: each for each in diagnose(names, solve(x, y), Batch([*x.T], y))}


@pytest.mark.parametrize("name", SETS)
def test_statsmodels(name: str) -> None:
    """Figures and p values, to 8 digits on R's sample sets."""
    x, y = numbers_of(name)
    found, design = checks(x, y), sm.add_constant(x)
    fit = sm.OLS(y, design).fit()
    lm, p, _, _ = het_breuschpagan(fit.resid, design)
    assert found["spread"].figure * len(y) == pytest.approx(lm, rel=1e-8)
    assert found["spread"].p == pytest.approx(p, rel=1e-8)
    assert found["curvature"].p == pytest.approx(
        float(linear_reset(fit, power=3, use_f=True).pvalue), rel=1e-6
    )
    assert found["order"].figure == pytest.approx(dw(fit.resid), rel=1e-8)
    assert found["influence"].figure == pytest.approx(OLSInfluence(fit).cooks_distance[0].max(), rel=1e-8)
    inflations = [variance_inflation_factor(design, column) for column in range(1, design.shape[1])]
    assert found["inflation"].figure == pytest.approx(max(inflations), rel=1e-8)
    assert found["inflation"].subject == f"x{int(np.argmax(inflations))}"
    ratios = sm.OLS(y, design).fit(cov_type="HC3").bse[1:] / fit.bse[1:]
    worst = np.argmax(np.abs(np.log(ratios)))
    assert found["standard errors"].figure == pytest.approx(ratios[worst], rel=1e-8)


def sound(rows: int = 2000, seed: int = 0) -> tuple[Array, Array, np.random.Generator]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    return x, x @ [1.0, 2.0, 3.0] + rng.normal(size=rows), rng


@pytest.mark.parametrize("rows", [30, 300, 3000])
def test_a_sound_fit_has_nothing_wrong(rows: int) -> None:
    """But for one in a hundred by chance: in twenty sets at most one finding a check."""
    wrong = [
        name for seed in range(20) for name, each in checks(*sound(rows, seed)[:2]).items() if each.wrong
    ]
    assert all(wrong.count(name) <= 1 for name in set(wrong))


def test_each_fault_is_found() -> None:
    x, y, rng = sound()
    noise = rng.normal(size=len(y))
    walk = np.convolve(noise, 0.7 ** np.arange(10), mode="same")
    far, low = x.copy(), y.copy()
    far[7], low[7] = 100.0, 0.0
    faults = {
        "spread": (x, y + noise * np.exp(x[:, 0])),
        "curvature": (x, y + x[:, 2] ** 2),
        "order": (x, x @ [1.0, 2.0, 3.0] + walk),
        "normality": (x, x @ [1.0, 2.0, 3.0] + noise**3),
        "influence": (far, low),
        "standard errors": (x, y + noise * x[:, 0] ** 2 * 3),
        "inflation": (np.column_stack([x, x[:, 0] + 0.1 * noise]), y),
    }
    for name, (features, target) in faults.items():
        assert checks(features, target)[name].wrong, name
    assert checks(*faults["influence"])["influence"].subject == "8"


def test_the_worst_segment_is_wrong_from_one_and_a_half_times_on() -> None:
    found = [Segment("city", "Rome", 40, 3.1, 0.5), Segment("age", "1 to 2", 50, 2.0, 0.0)]
    assert worst_segment(found, 2.0) == Check("segment", 3.1 / 2, None, True, "city = Rome")
    assert worst_segment(found, 2.1) == Check("segment", 3.1 / 2.1, None, False, "city = Rome")
    assert worst_segment([], 2.0) is None


def test_the_test_of_normality_holds_its_level() -> None:
    """Of 2000 normal samples 1 % have p < 0.01 and half p < 0.5, each within four standard deviations."""
    rng = np.random.default_rng(0)
    found = [normality(rng.normal(size=50)) for _ in range(2000)]
    p = np.array([each.p for each in found if each and each.p is not None])
    assert np.mean(p < 0.01) == pytest.approx(0.01, abs=4 * np.sqrt(0.01 * 0.99 / 2000))
    assert np.mean(p < 0.5) == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 2000))


def test_without_degrees_of_freedom_there_is_nothing_to_check() -> None:
    x, y = np.arange(3.0)[:, None], np.array([1.0, 3.0, 2.0])
    assert diagnose(["x"], solve(x, y), Batch([*x.T], y)) == []


def test_dependent_columns_and_a_missing_bias_do_no_harm() -> None:
    x, y, _ = sound(200)
    doubled = np.column_stack([x, x[:, 0]])
    reference = solve(doubled, y, bias=False)
    found = diagnose(list("abcd"), reference, Batch([*doubled.T], y))
    assert {each.name for each in found} >= {"inflation", "spread", "curvature", "order", "influence"}
