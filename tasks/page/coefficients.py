"""The weights and the bias, each beside what it should be: as records, and as a table of the report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.neuron.student_t import critical, two_sided
from tasks.outputs.result import Evaluation
from tasks.page.blocks import Strong, TableBlock, Text
from tasks.page.text import named, number

LEVEL = 0.95
"""How often an interval covers the true value, over many draws of the data."""

SMALLEST_CHANCE = 1e-16
"""Below this a chance is not told in digits: no data are as normal as that."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A weight, or the bias; what is not known is None.

    `t`, `p` and the interval from `low` to `high` belong to least squares, as the standard error does. They hold for
    the estimate as far as the verdict says that the two are the same.
    """

    name: str
    is_bias: bool
    estimate: float
    true: float | None
    least_squares: float | None
    standard_error: float | None
    t: float | None = None
    p: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def difference(self) -> float | None:
        """The distance from least squares in standard errors; None where there is no such error."""
        if self.least_squares is None or not self.standard_error:
            return None
        return (self.estimate - self.least_squares) / self.standard_error


def coefficients(findings: Evaluation) -> list[Coefficient]:
    """List the weights in the model's order, then the bias if one was fitted."""
    freedom = degrees_of_freedom(findings)
    reach = critical(1 - LEVEL, freedom) if freedom else None
    truth, reference = findings.truth, findings.least_squares
    weights = [
        _coefficient(
            name,
            estimate,
            truth.weights.get(name) if truth else None,
            reference.weights.get(name),
            reference.standard_errors.get(name),
            freedom,
            reach,
        )
        for name, estimate in findings.model.weights.items()
    ]
    if findings.model.parameters == len(weights):
        return weights
    error = reference.standard_errors.get("bias")
    true = truth.bias if truth else None
    bias = _coefficient(
        "bias", findings.model.bias, true, reference.bias, error, freedom, reach, is_bias=True
    )
    return [*weights, bias]


def degrees_of_freedom(findings: Evaluation) -> int:
    """Count the training rows less the parameters that least squares determined: those with a standard error."""
    determined = sum(error is not None for error in findings.least_squares.standard_errors.values())
    return max(findings.metrics.train.rows - determined, 0) if determined else 0


def coefficient_table(findings: Evaluation, listed: Sequence[Coefficient]) -> TableBlock:
    """Tabulate each weight and the bias beside the truth, where it is known, and beside least squares."""
    known = any(coefficient.true is not None for coefficient in listed)
    header = ["", "estimate", *(["true"] if known else []), "least squares", "standard error"]
    header += ["t", "p", "95 % interval", "difference in SE"]
    freedom = degrees_of_freedom(findings)
    return TableBlock(
        caption=(
            "Standard error, t, p and interval are those of least squares (Student's t, "
            f"{freedom:,} degrees of freedom); the last column is how far the estimate lies from it, in standard "
            "errors (SE)."
        ),
        header=header,
        rows=[_row(coefficient, known) for coefficient in listed],
        align="l" + "r" * (len(header) - 1),
    )


def coefficient_records(listed: Sequence[Coefficient]) -> list[dict[str, str | float | None]]:
    """Write each weight and the bias as a record, in full precision, for those who sort, copy and compare."""
    return [
        {
            "name": "bias" if each.is_bias else named(each.name),
            "estimate": each.estimate,
            "true": each.true,
            "least squares": each.least_squares,
            "standard error": each.standard_error,
            "t": each.t,
            "p": each.p,
            "from": each.low,
            "to": each.high,
        }
        for each in listed
    ]


def _row(coefficient: Coefficient, known: bool) -> list[Text]:
    return [
        Strong("bias") if coefficient.is_bias else named(coefficient.name),
        number(coefficient.estimate),
        *([number(coefficient.true)] if known else []),
        number(coefficient.least_squares),
        number(coefficient.standard_error, 3),
        number(coefficient.t, 4),
        chance(coefficient.p),
        interval(coefficient),
        number(coefficient.difference, 2),
    ]


def chance(p: float | None) -> str:
    """Write a p value, the smallest as a bound.

    >>> chance(0.03456), chance(1e-300), chance(None)
    ('0.0346', '< 1e-16', '–')
    """
    return f"< {SMALLEST_CHANCE:.0e}" if p is not None and p < SMALLEST_CHANCE else number(p, 3)


def interval(coefficient: Coefficient) -> str:
    """Write an interval with as many decimals as its width deserves: two digits of the standard error."""
    low, high, error = coefficient.low, coefficient.high, coefficient.standard_error
    if low is None or high is None or not error:
        return "–"
    largest = max(abs(low), abs(high))
    digits = 2 + math.floor(math.log10(largest)) - math.floor(math.log10(error)) if largest else 3
    digits = min(max(digits, 3), 15)
    return f"{number(low, digits)} to {number(high, digits)}"


def _coefficient(
    name: str,
    estimate: float,
    true: float | None,
    reference: float | None,
    error: float | None,
    freedom: int,
    reach: float | None,
    *,
    is_bias: bool = False,
) -> Coefficient:
    if reference is None or not error or reach is None:
        return Coefficient(name, is_bias, estimate, true, reference, error)
    t = reference / error
    span = reach * error
    return Coefficient(
        name,
        is_bias,
        estimate,
        true,
        reference,
        error,
        t=t,
        p=two_sided(t, freedom),
        low=reference - span,
        high=reference + span,
    )
