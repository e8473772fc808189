"""The weights and the bias, each beside what it should be: as records, and as a table of the report."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.outputs.result import Evaluation, ReferenceFit
from tasks.page.blocks import Strong, TableBlock, Text
from tasks.page.text import named, number

# A p value below this is written as a bound: no residuals are so normal that its digits mean anything.
SMALLEST_P = 1e-16


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A weight, or the bias; what is not known is None.

    `t`, `p` and the interval from `low` to `high` belong to least squares, as the standard error does. They hold for
    the estimate as far as the verdict says that the two are the same.
    """

    name: str
    estimate: float
    true: float | None
    least_squares: float | None
    standard_error: float | None
    t: float | None = None
    p: float | None = None
    low: float | None = None
    high: float | None = None
    is_bias: bool = False

    @property
    def difference(self) -> float | None:
        """The distance from least squares in standard errors; None where there is no such error."""
        if self.least_squares is None or not self.standard_error:
            return None
        return (self.estimate - self.least_squares) / self.standard_error


def coefficients(evaluation: Evaluation) -> list[Coefficient]:
    """List the weights in the model's order, then the bias if one was fitted."""
    truth, reference = evaluation.truth, evaluation.least_squares
    weights = [
        _coefficient(
            name, estimate, truth.weights.get(name) if truth else None, reference.weights.get(name), reference
        )
        for name, estimate in evaluation.model.weights.items()
    ]
    if evaluation.model.parameters == len(weights):
        return weights
    bias = _coefficient(
        "bias", evaluation.model.bias, truth.bias if truth else None, reference.bias, reference
    )
    return [*weights, replace(bias, is_bias=True)]


def coefficient_table(evaluation: Evaluation, listed: Sequence[Coefficient]) -> TableBlock:
    """Tabulate each weight and the bias beside the truth, where it is known, and beside least squares."""
    known = any(coefficient.true is not None for coefficient in listed)
    header = ["", "estimate", *(["true"] if known else []), "least squares", "standard error"]
    header += ["t", "p", "95 % interval", "difference in SE"]
    freedom = evaluation.least_squares.degrees_of_freedom
    return TableBlock(
        caption=(
            "Standard error, t, p and interval are those of least squares (Student's t, "
            f"{freedom:,} degrees of freedom); the last column is how far the estimate lies from it, in standard "
            "errors (SE)." + "".join(map(_undetermined, evaluation.least_squares.undetermined))
        ),
        header=header,
        rows=[_row(coefficient, known) for coefficient in listed],
        align="l" + "r" * (len(header) - 1),
    )


def _undetermined(names: Sequence[str]) -> str:
    """Say that weights are not determined, and which solution is shown."""
    if len(names) == 1:
        return f" The weight of the constant column {names[0]} is not determined."
    return (
        f" The weights of {', '.join(names[:-1])} and {names[-1]} are not determined, as these columns depend on each "
        "other: the figures are those of one of the solutions that predict the same."
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
        p_value(coefficient.p),
        interval(coefficient),
        number(coefficient.difference, 2),
    ]


def p_value(p: float | None) -> str:
    """Write a p value, the smallest as a bound.

    >>> p_value(0.03456), p_value(1e-300), p_value(None)
    ('0.0346', '< 1e-16', '–')
    """
    return f"< {SMALLEST_P:.0e}" if p is not None and p < SMALLEST_P else number(p, 3)


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
    name: str, estimate: float, true: float | None, least_squares: float | None, reference: ReferenceFit
) -> Coefficient:
    test = reference.t_tests.get(name)
    return Coefficient(
        name=name,
        estimate=estimate,
        true=true,
        least_squares=least_squares,
        standard_error=reference.standard_errors.get(name),
        t=test.t if test else None,
        p=test.p if test else None,
        low=test.low if test else None,
        high=test.high if test else None,
    )
