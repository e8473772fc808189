"""The weights and the bias beside least squares and the known truth: as records, and as a table of the report."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.outputs.result import ErrorKind, Evaluation, ReferenceFit, Result
from tasks.page.blocks import Strong, TableBlock, Text
from tasks.page.text import LONGEST_NAME, labels, named, number, rounded

# A p value below this is written as a bound: no residuals are so normal that its digits mean anything.
SMALLEST_P = 1e-16

# What the caption says of standard errors that are not the classic ones.
ERRORS: dict[ErrorKind, str] = {
    "classic": "",
    **dict.fromkeys(("HC0", "HC1", "HC2", "HC3"), "; robust to errors of unequal variance"),
    "cluster": "; robust to errors that depend on each other within a cluster",
}

# A coefficient's share of the data's own scale below which it is rounding, and shown as zero.
NEGLIGIBLE = 1e-12


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A weight or the bias; None where something is unknown.

    Like the standard error, `t`, `p` and the interval from `low` to `high` belong to least squares. They hold for the
    estimate if the verdict says that the two agree.
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
        """The distance from least squares in standard errors; None without a standard error."""
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


def reference_name(evaluation: Evaluation) -> str:
    """Name what the neuron is compared with."""
    return "ridge" if evaluation.ridge else "least squares"


def coefficient_table(result: Result, listed: Sequence[Coefficient]) -> TableBlock:
    """Tabulate the weights, the largest |t| first, and then the bias, beside least squares and the known truth."""
    known = any(coefficient.true is not None for coefficient in listed)
    header = ["", "estimate", *(["true"] if known else []), reference_name(result), "standard error"]
    header += ["t", "p", "95 % interval", "difference in SE"]
    names = labels([coefficient.name for coefficient in listed], LONGEST_NAME)
    units = _units(result)
    return TableBlock(
        caption=(
            "The largest |t| first. Standard error (SE), t, p and interval are those of least squares (Student's t, "
            f"{result.least_squares.degrees_of_freedom:,} degrees of freedom{ERRORS[result.least_squares.kind]}). "
            "The last column is the distance of the "
            f"estimate from {reference_name(result)}."
            + (f" What they add up to is {named(result.fitted)}." if result.smearing is not None else "")
            + "".join(map(_undetermined, result.least_squares.undetermined))
        ),
        header=header,
        rows=[
            _row(each, names[each.name], units.get(each.name, 0.0), known)
            for each in sorted(listed, key=_rank)
        ],
        align="l" + "r" * (len(header) - 1),
    )


def _undetermined(names: Sequence[str]) -> str:
    """Say that the weights of these columns are not determined, and which solution is shown."""
    if len(names) == 1:
        return f" The weight of the constant column {named(names[0])} is not determined."
    *first, last = map(named, names)
    return (
        f" The weights of {', '.join(first)} and {last} are not determined, since these columns depend on each other: "
        "the numbers are those of one of the solutions that predict the same."
    )


def coefficient_records(listed: Sequence[Coefficient]) -> list[dict[str, str | float | None]]:
    """Write each weight and the bias as a record in full precision, to sort, copy and compare."""
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


def _rank(coefficient: Coefficient) -> tuple[bool, float]:
    """Sort by |t|, with what has none after the others, and the bias last."""
    return coefficient.is_bias, -abs(coefficient.t or 0.0)


def _units(result: Result) -> dict[str, float]:
    """Return by coefficient the change that moves a prediction by one standard deviation of the target."""
    sds = {column.name: column.sd for column in result.profile}
    target = sds.get(result.fitted) or 0.0
    units = {name: target / sd for name in result.model.weights if (sd := sds.get(name))}
    return units | {"bias": target}


def _row(coefficient: Coefficient, label: str, unit: float, known: bool) -> list[Text]:
    error = coefficient.standard_error or 0.0
    resolution = max(error, NEGLIGIBLE * unit)
    return [
        Strong("bias") if coefficient.is_bias else label,
        rounded(coefficient.estimate, resolution),
        *([number(coefficient.true)] if known else []),
        rounded(coefficient.least_squares, resolution),
        number(coefficient.standard_error, 3),
        number(coefficient.t, 3),
        p_value(coefficient.p),
        interval(coefficient, resolution),
        number(coefficient.difference, 2),
    ]


def p_value(p: float | None) -> str:
    """Write a p value; below 1e-16 as a bound.

    >>> p_value(0.03456), p_value(1e-300), p_value(None)
    ('0.0346', '< 1e-16', '–')
    """
    return f"< {SMALLEST_P:.0e}" if p is not None and p < SMALLEST_P else number(p, 3)


def interval(coefficient: Coefficient, resolution: float) -> str:
    """Write an interval with the decimals that its width deserves."""
    if coefficient.low is None or coefficient.high is None:
        return "–"
    return f"{rounded(coefficient.low, resolution)} to {rounded(coefficient.high, resolution)}"


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
