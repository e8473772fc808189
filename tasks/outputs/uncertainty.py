"""What `evaluate` leaves for intervals: the triangular root, the residual deviation and errors of test rows."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.least_squares import LeastSquares
from tasks.store.artifact import Artifact
from tasks.store.formats import read_npz, write_npz
from tasks.table.encoding import Encoding
from tasks.table.model.uncertainty import Conformal, Uncertainty, design_of

FILE = "uncertainty.npz"
# Independent columns up to which a root is kept: it has half their square of numbers, 3 MB as JSON.
MOST_COLUMNS = 500
# Order statistics of the test errors that are kept: evenly spread ones, and
MOST_RANKS = 800
# all of the largest, which high levels ask for.
LARGEST = 200


@dataclass(frozen=True, slots=True, eq=False)
class FitUncertainty:
    """How uncertain predictions are.

    Attributes:
        kept: (r,) the independent columns of d features.
        centre: (d,) their means; zeros without bias.
        inverse: (d, r) of the triangular root; with no column where there are too many.
        numbers: (4,) leverage at the centre, residual deviation s, degrees of freedom, Student's t of 95 % intervals;
            s is NaN where no interval can be given.
        ranks: (m,) of absolute errors of test rows, after their number.
        errors: (m,) those errors, in units of the target.
        shares: (m,) of the weight of all test rows and a new one, what the errors up to each rank have; empty where all
            count as one.
    """

    kept: NDArray[np.int64]
    centre: NDArray[np.float64]
    inverse: NDArray[np.float64]
    numbers: NDArray[np.float64]
    ranks: NDArray[np.int64]
    errors: NDArray[np.float64]
    shares: NDArray[np.float64]


def fit_uncertainty(
    reference: LeastSquares,
    residual_sum: float,
    critical: float,
    test_errors: NDArray[np.float64],
    test_weights: NDArray[np.float64] | None = None,
) -> FitUncertainty:
    """Sum up what intervals need.

    Args:
        reference: least squares on the training rows.
        residual_sum: Σ(target − prediction)² of the fit over them.
        critical: Student's t of 95 % intervals; NaN without degrees of freedom.
        test_errors: (n,) absolute errors of test rows, n ≥ 0.
        test_weights: (n,) how much each counts, > 0, a new row as much as the one that counts most; by default all as
            one.
    """
    factor, freedom = reference.factor, reference.degrees_of_freedom
    usable = freedom > 0 and factor.rank <= MOST_COLUMNS
    deviation = np.sqrt(residual_sum / freedom) if usable else np.nan
    rows = len(test_errors)
    even = np.unique(np.linspace(1, rows, min(MOST_RANKS, rows)).astype(np.int64))
    ranks = np.union1d(even, np.arange(max(1, rows - LARGEST), rows + 1))
    order, shares = np.argsort(test_errors, kind="stable"), np.empty(0)
    if test_weights is not None and rows:
        up_to = np.cumsum(test_weights[order] / test_weights.max())
        shares = up_to[ranks - 1] / (up_to[-1] + 1)
    return FitUncertainty(
        kept=factor.kept.astype(np.int64),
        centre=factor.centre,
        inverse=factor.inverse if usable else np.zeros((len(factor.centre), 0)),
        numbers=np.array([1 / factor.total if factor.has_bias else 0.0, deviation, freedom, critical]),
        ranks=np.append(rows, ranks),
        errors=test_errors[order][ranks - 1],
        shares=shares,
    )


def write(folder: Path, found: FitUncertainty) -> None:
    """Write it beside the evaluation."""
    write_npz(folder / FILE, {field.name: getattr(found, field.name) for field in fields(found)})


def read(artifact: Artifact, root: Path, encoding: Encoding) -> tuple[Uncertainty | None, Conformal | None]:
    """Return what `model.json` holds for intervals, in terms of the user's columns."""
    arrays = read_npz(artifact.path(root, FILE))
    found = FitUncertainty(
        kept=arrays["kept"].astype(np.int64),
        centre=arrays["centre"].astype(np.float64),
        inverse=arrays["inverse"].astype(np.float64),
        numbers=arrays["numbers"].astype(np.float64),
        ranks=arrays["ranks"].astype(np.int64),
        errors=arrays["errors"].astype(np.float64),
        shares=arrays["shares"].astype(np.float64),
    )
    return _normal(found, encoding), _conformal(found)


def _normal(found: FitUncertainty, encoding: Encoding) -> Uncertainty | None:
    at_centre, deviation, degrees, critical = found.numbers.tolist()
    if np.isnan(deviation):
        return None
    kept = found.kept.tolist()
    return Uncertainty(
        residual_deviation=deviation,
        degrees_of_freedom=int(degrees),
        critical=critical,
        at_centre=at_centre,
        design=design_of(encoding, kept, found.centre),
        inverse=tuple(tuple(found.inverse[kept[: k + 1], k].tolist()) for k in range(len(kept))),
    )


def _conformal(found: FitUncertainty) -> Conformal | None:
    rows, *ranks = found.ranks.tolist()
    if not rows:
        return None
    shares = tuple(found.shares.tolist()) or None
    return Conformal(rows=rows, ranks=tuple(ranks), errors=tuple(found.errors.tolist()), shares=shares)
