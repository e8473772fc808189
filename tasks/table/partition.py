"""Dealing the rows to training and test."""

import numpy as np
import numpy.typing as npt

from tasks.table.errors import BadTable, counted

RowNumbers = npt.NDArray[np.int64]


def partition(
    rows: int, test_fraction: float, seed: int, *, parameters: int = 1
) -> tuple[RowNumbers, RowNumbers]:
    """Draw `round(test_fraction * rows)` rows for the test, without replacement; the others are for training.

    Args:
        rows: how many rows there are.
        test_fraction: share of the rows for the test, from 0 (no test part) to below 1.
        seed: the same seed deals the same rows.
        parameters: weights and bias; so many training rows are needed at least.

    Returns:
        Row numbers of training and test, from 0, each ascending; disjoint, and together all rows.

    Raises:
        BadTable: the fraction leaves no test row, or fewer training rows than parameters.

    >>> partition(10, 0.2, seed=0)
    (array([0, 1, 2, 3, 5, 7, 8, 9]), array([4, 6]))
    """
    tests = test_size(rows, test_fraction, parameters)
    order = np.random.default_rng(seed).permutation(rows)
    is_test = np.zeros(rows, np.bool_)
    is_test[order[:tests]] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def held_out(rows: int, left: int, tests: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Say which of the next rows are for the test, when the table comes some rows at a time.

    Taken together the batches hold exactly as many test rows as asked for, every choice of them equally likely.

    Args:
        rows: how many come next.
        left: how many come from now on, these included.
        tests: how many of those `left` are for the test.
        rng: draws how many of the next rows are test rows, and which.
    """
    mask = np.zeros(rows, dtype=np.bool_)
    mask[rng.permutation(rows)[: share_of(rows, left, tests, rng)]] = True
    return mask


def share_of(rows: int, left: int, tests: int, rng: np.random.Generator) -> int:
    """Draw how many of the next rows are test rows: hypergeometric, which NumPy draws for less than 10⁹ rows.

    Of more than that a batch is so small a part that a binomial number differs in its spread by a thousandth.
    """
    if left < 10**9:
        return int(rng.hypergeometric(tests, left - tests, rows))
    return int(np.clip(rng.binomial(rows, tests / left), tests - (left - rows), tests))


def test_size(rows: int, test_fraction: float, parameters: int) -> int:
    """Return how many rows are for the test, or refuse the fraction; see `partition`."""
    if not 0 <= test_fraction < 1:
        raise BadTable(
            f"`test_fraction` of {test_fraction:g} is not between 0 and 1; 0.2 holds out every fifth row"
        )
    if rows < parameters:
        raise BadTable(
            f"{counted(rows, 'row')} cannot determine {counted(parameters, 'parameter')}; add rows"
        )
    tests = round(test_fraction * rows)
    if test_fraction > 0 and tests == 0:
        raise BadTable(
            f"`test_fraction` of {test_fraction:g} leaves no test rows out of {rows:,}; "
            f"{_raise_it(rows, parameters)}set it to 0, or use at least {_enough_rows(test_fraction):,} rows"
        )
    if rows - tests < parameters:
        raise BadTable(
            f"`test_fraction` of {test_fraction:g} leaves {counted(rows - tests, 'training row')} out of "
            f"{rows:,} for {counted(parameters, 'parameter')}; {_lower_it(rows, parameters)} or use more rows"
        )
    return tests


def _raise_it(rows: int, parameters: int) -> str:
    return f"raise it to {_upwards(1 / rows):g}, " if rows > parameters else ""


def _lower_it(rows: int, parameters: int) -> str:
    highest = np.floor((rows - parameters) / rows * 1000) / 1000
    return f"lower it to {highest:g}" if round(highest * rows) > 0 else "set it to 0"


def _upwards(fraction: float) -> float:
    return float(np.ceil(fraction * 1000) / 1000) if fraction > 1e-3 else fraction


def _enough_rows(test_fraction: float) -> int:
    rows = max(2, int(0.5 / test_fraction))
    while round(test_fraction * rows) < 1:
        rows += 1
    return rows
