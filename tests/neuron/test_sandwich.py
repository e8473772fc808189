"""Robust standard errors: against statsmodels, and in parts as in memory."""

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from tasks.neuron.least_squares import LeastSquares, solve
from tasks.neuron.moments import Array
from tasks.neuron.parts import Batch, MemoryPart
from tasks.neuron.sandwich import Clusters, Robust, RobustErrors, cluster_errors, robust_errors
from tests.r_data import SETS, numbers_of

KINDS: tuple[Robust, ...] = ("HC0", "HC1", "HC2", "HC3")


def part(x: Array, y: Array) -> MemoryPart:
    return MemoryPart(Batch([*x.T], y))


def clusters(codes: NDArray[Any]) -> Clusters:
    names, places = np.unique(codes, return_inverse=True)
    return Clusters(places.astype(np.int32), names.tolist())


def statsmodels(x: Array, y: Array, *, bias: bool = True, **options: Any) -> Array:
    design = sm.add_constant(x) if bias else x
    return np.asarray(sm.OLS(y, design).fit(use_t=True, **options).bse)


def joined(found: RobustErrors, reference: LeastSquares) -> Array:
    return np.append([found.bias] if reference.has_bias else [], found.weights)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SETS)
def test_heteroscedasticity_consistent_errors(name: str, kind: Robust, bias: bool) -> None:
    """To 10 digits on R's sample sets, with a bias and without."""
    x, y = numbers_of(name)
    reference = solve(x, y, bias=bias)
    found = robust_errors([part(x, y)], reference, kind)
    expected = statsmodels(x, y, bias=bias, cov_type=kind)
    np.testing.assert_allclose(joined(found, reference), expected, rtol=1e-10)
    assert found.degrees == len(x) - x.shape[1] - bias


@pytest.mark.parametrize("name", SETS)
def test_cluster_robust_errors(name: str) -> None:
    """To 10 digits, with G − 1 degrees of freedom."""
    x, y = numbers_of(name)
    codes = np.arange(len(x)) % 6
    reference = solve(x, y)
    found = cluster_errors([(part(x, y), clusters(codes))], reference)
    expected = statsmodels(x, y, cov_type="cluster", cov_kwds={"groups": codes})
    np.testing.assert_allclose(joined(found, reference), expected, rtol=1e-10)
    assert found.degrees == 5


def test_in_parts_as_in_memory() -> None:
    """Clusters reach over parts, in which they have other codes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30_000, 3))
    y = x @ [1, 2, 3] + rng.normal(size=30_000) * np.abs(x[:, 0])
    codes, reference = rng.integers(40, size=30_000), solve(x, y)
    cuts = [slice(0, 9000), slice(9000, 9001), slice(9001, None)]
    parts = [part(x[cut], y[cut]) for cut in cuts]
    for kind in KINDS:
        whole, cut = robust_errors([part(x, y)], reference, kind), robust_errors(parts, reference, kind)
        np.testing.assert_allclose(joined(cut, reference), joined(whole, reference), rtol=1e-12)
    whole = cluster_errors([(part(x, y), clusters(codes))], reference)
    own = [clusters(codes[cut]) for cut in cuts]
    cut = cluster_errors(zip(parts, own, strict=True), reference)
    np.testing.assert_allclose(joined(cut, reference), joined(whole, reference), rtol=1e-12)
    classic = np.append(reference.bias_standard_error, reference.standard_errors)
    robust = joined(robust_errors(parts, reference, "HC3"), reference)
    assert robust[1] > 1.5 * classic[1]  # the errors grow with the first column


def test_clusters_of_one_row_are_hc1_but_for_a_factor() -> None:
    """With G = n: c = n / (n − k), as in HC1."""
    x, y = numbers_of("swiss")
    reference = solve(x, y)
    found = cluster_errors([(part(x, y), clusters(np.arange(len(x))))], reference)
    expected = robust_errors([part(x, y)], reference, "HC1")
    np.testing.assert_allclose(joined(found, reference), joined(expected, reference), rtol=1e-12)


def test_a_row_of_leverage_1_leaves_hc3_undefined_and_hc0_not() -> None:
    x = np.column_stack([np.arange(6.0), np.eye(6)[0]])
    reference = solve(x, np.array([9.0, 1.0, 2.5, 2.0, 4.0, 5.5]))
    rows = [part(x, np.array([9.0, 1.0, 2.5, 2.0, 4.0, 5.5]))]
    assert np.isnan(robust_errors(rows, reference, "HC3").weights).all()
    assert np.isfinite(robust_errors(rows, reference, "HC0").weights).all()


def test_a_dropped_column_has_no_error() -> None:
    x, y = numbers_of("cars")
    doubled = np.column_stack([x, 2 * x])
    found = robust_errors([part(doubled, y)], solve(doubled, y), "HC3")
    np.testing.assert_allclose(found.weights[0], robust_errors([part(x, y)], solve(x, y), "HC3").weights[0])
    assert np.isnan(found.weights[1])


def test_a_single_cluster_is_refused() -> None:
    x, y = numbers_of("cars")
    with pytest.raises(ValueError, match="`cluster` has a single level in the training rows; choose"):
        cluster_errors([(part(x, y), clusters(np.zeros(len(x))))], solve(x, y))
