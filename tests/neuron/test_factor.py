"""One factor of the features: NumPy's QR where all is well, and one decision about which columns depend on which."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tasks.neuron import factor
from tasks.neuron.factor import Factor, factorised, power_of_two
from tasks.neuron.moments import Array, moments
from tests.neuron.examples import random_problem

ROWS = 300


def of(x: Array, *, bias: bool = True) -> Factor:
    return factorised(moments(np.column_stack([x, np.arange(len(x))])), bias=bias)


@pytest.mark.parametrize("bias", [True, False])
def test_the_root_is_that_of_the_qr_decomposition(bias: bool) -> None:
    """Up to the sign of its rows; its inverse makes orthonormal columns, and sizes of 10⁵ apart cost nothing."""
    x = random_problem(0, ROWS, 5)[0]
    found = of(x, bias=bias)
    centred = x - x.mean(axis=0) if bias else x
    expected = np.linalg.qr(centred)[1]
    np.testing.assert_allclose(
        found.root, expected * np.sign(np.diag(expected))[:, None], rtol=1e-6, atol=1e-7
    )
    q = (x - found.centre) @ found.inverse
    np.testing.assert_allclose(q.T @ q, np.eye(5), atol=1e-9)
    assert (found.rank, found.dropped, found.undetermined) == (5, (), ())
    assert found.has_bias is bias
    assert found.centre.any() == bias


def test_lengths_inflation_and_leverage_are_the_textbooks() -> None:
    """‖x − mean‖, the diagonal of the inverse correlation matrix, and that of the hat matrix."""
    x = random_problem(1, ROWS, 3)[0]
    x[:, 2] += x[:, 0] * 300
    found = of(x)
    centred = x - x.mean(axis=0)
    np.testing.assert_allclose(found.lengths, np.linalg.norm(centred, axis=0), rtol=1e-12)
    correlation = np.corrcoef(x, rowvar=False)
    np.testing.assert_allclose(found.inflation, np.diag(np.linalg.inv(correlation)), rtol=1e-6)
    design = np.column_stack([np.ones(ROWS), x])
    hat = np.diag(design @ np.linalg.pinv(design))
    np.testing.assert_allclose(found.leverage(x), hat, rtol=1e-7)
    assert found.leverage(x + 1e9).max() == 1.0


DEPENDENT: dict[str, tuple[Callable[[Array], Array], tuple[int, ...], tuple[tuple[int, ...], ...]]] = {
    "a constant column": (lambda x: np.column_stack([x[:, 0], np.full(ROWS, 0.1), x[:, 1]]), (1,), ((1,),)),
    "a copy": (lambda x: np.column_stack([x, x[:, 0]]), (3,), ((0, 3),)),
    "a sum": (lambda x: np.column_stack([x, x.sum(axis=1)]), (3,), ((0, 1, 2, 3),)),
    "two that share a column": (
        lambda x: np.column_stack([x, x[:, 0] * 2, x[:, 0] + x[:, 1]]),
        (3, 4),
        ((0, 1, 3, 4),),
    ),
    "two that share none": (
        lambda x: np.column_stack([x[:, :2], x[:, 0] / 3, x[:, 1] * 7 + 1]),
        (2, 3),
        ((0, 2), (1, 3)),
    ),
}


@pytest.mark.parametrize("case", DEPENDENT)
def test_what_depends_on_columns_before_it_is_dropped(case: str) -> None:
    """And all that take part are named; of sums rounding decides nothing."""
    columns, dropped, undetermined = DEPENDENT[case]
    found = of(columns(np.random.default_rng(2).normal(size=(ROWS, 3))))
    assert (found.dropped, found.undetermined) == (dropped, undetermined)
    assert not found.inverse[list(dropped)].any()
    assert found.rank == len(found.centre) - len(dropped)


def test_a_column_that_nearly_depends_is_kept() -> None:
    """A part in 10¹⁰ of its own is a thousand times what storing the columns rounds."""
    x = np.random.default_rng(3).normal(size=(ROWS, 2))
    near = x[:, 0] + 1e-10 * x[:, 1]
    assert of(np.column_stack([x[:, 0], near])).dropped == ()
    assert of(np.column_stack([x[:, 0], x[:, 0] + 1e-17 * x[:, 1]])).dropped == (1,)


def test_weights_are_moved_off_dropped_columns_without_changing_a_prediction() -> None:
    x = np.random.default_rng(4).normal(size=(ROWS, 2)) + 5
    wide = np.column_stack([x, 2 * x[:, 0] - x[:, 1], np.full(ROWS, 3.0)])
    weights, bias = np.array([0.5, -1.0, 2.0, 4.0]), 7.0
    moved, offset = of(wide).moved(weights, bias)
    assert [*moved[2:]] == [0.0, 0.0]
    np.testing.assert_allclose(wide @ moved + offset, wide @ weights + bias, rtol=1e-12)
    same, kept = of(x).moved(weights[:2], bias)
    assert (same.tolist(), kept) == ([0.5, -1.0], 7.0)


def test_many_columns_take_lapacks_factor_only_where_it_is_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same root, and with a copy among them the same columns dropped."""
    x = random_problem(5, ROWS, 6)[0]
    copied = np.column_stack([x, x[:, 2]])
    slow = of(x)
    monkeypatch.setattr(factor, "WIDE", 1)
    np.testing.assert_allclose(of(x).root, slow.root, rtol=1e-7, atol=1e-9)
    assert of(copied).undetermined == ((2, 6),)


def test_powers_of_two_bring_sizes_near_one() -> None:
    sizes = np.array([1e-300, 3e-5, 0.0, 1.0, 777.0, 1e300])
    factors = power_of_two(sizes)
    assert factors[2] == 1
    assert (np.frexp(factors)[0] == 0.5).all()
    live = sizes > 0
    assert ((sizes * factors)[live] > 0.7).all()
    assert ((sizes * factors)[live] < 1.42).all()
