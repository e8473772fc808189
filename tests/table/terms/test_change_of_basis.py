"""Changes of basis: other training rows fit other columns, and the same predictions can be had of them."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.table.terms.change_of_basis import NotSpanned, rebased
from tasks.table.terms.design import Design, fit_terms, tally_terms
from tasks.table.terms.formula import parse


def rows(seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "x": rng.uniform(seed, seed + 3, 40),
            "z": rng.lognormal(0, 1, 40),
            "k": rng.permutation(["a", "b", "c", "a"] * 10),
        }
    )


def design_of(text: str, seed: int) -> Design:
    terms = parse(f"y ~ {text}").terms("k")
    return fit_terms(terms, tally_terms(terms, rows(seed)), fill=False, min_frequency=1)


@pytest.mark.parametrize(
    "text",
    [
        "poly(x, 3)",
        "scale(x) + center(z) + scale(z, center=FALSE)",
        "poly(x, 2) * k + log(z)",
        "poly(x, 2) * scale(z) * k",
        "x + poly(z, 2, raw=TRUE)",
        "k + poly(log(z), 2):k",
        "scale(x):k + k",
    ],
)
def test_the_same_rows_get_the_same_sums(text: str) -> None:
    """Of rows that neither design was fitted to."""
    before, today, new = design_of(text, 0), design_of(text, 1), rows(2)
    assert before.is_like(today)
    weights = np.random.default_rng(3).normal(size=len(before.features))
    found, constant = rebased(before, weights.tolist(), today)
    expected = np.column_stack(before.apply(new)) @ weights
    np.testing.assert_allclose(np.column_stack(today.apply(new)) @ found + constant, expected, rtol=1e-9)


def test_weights_of_the_same_columns_stay_as_they_are() -> None:
    """To the last bit."""
    design = design_of("poly(x, 2) * k", 0)
    weights = np.random.default_rng(3).normal(size=len(design.features)).tolist()
    assert rebased(design, weights, design) == (weights, 0.0)


@pytest.mark.parametrize("text", ["scale(x):z", "poly(x, 2):z + k", "log(z) + scale(x):z"])
def test_a_product_without_its_parts_is_refused(text: str) -> None:
    """A shift of x adds a column that is not there."""
    before, today = design_of(text, 0), design_of(text, 1)
    with pytest.raises(NotSpanned, match="a product stands there without its parts"):
        rebased(before, [1.0] * len(before.features), today)
