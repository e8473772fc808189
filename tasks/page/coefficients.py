"""The weights and the bias, each beside what it should be: as records, and as a table of the report."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.page.markdown import escaped, number, table
from tasks.page.result import Findings


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A weight, or the bias; what is not known is None."""

    name: str
    is_bias: bool
    estimate: float
    true: float | None
    least_squares: float | None
    standard_error: float | None

    @property
    def difference(self) -> float | None:
        """The distance from least squares in standard errors; None where there is no such error."""
        if self.least_squares is None or not self.standard_error:
            return None
        return (self.estimate - self.least_squares) / self.standard_error


def coefficients(findings: Findings) -> list[Coefficient]:
    """List the weights in the model's order, then the bias if one was fitted."""
    weights = [_weight(findings, name, estimate) for name, estimate in findings.model.weights.items()]
    return [*weights, _bias(findings)] if findings.model.parameters > len(weights) else weights


def coefficient_table(listed: Sequence[Coefficient]) -> str:
    """Tabulate each weight and the bias beside the truth, where it is known, and beside least squares."""
    known = any(coefficient.true is not None for coefficient in listed)
    header = [
        "",
        "estimate",
        *(["true"] if known else []),
        "least squares",
        "standard error",
        "difference in SE",
    ]
    rows = [
        [
            "*bias*" if coefficient.is_bias else escaped(coefficient.name),
            number(coefficient.estimate),
            *([number(coefficient.true)] if known else []),
            number(coefficient.least_squares),
            number(coefficient.standard_error, 3),
            number(coefficient.difference, 2),
        ]
        for coefficient in listed
    ]
    return table(header, rows, "l" + "r" * (len(header) - 1))


def _weight(findings: Findings, name: str, estimate: float) -> Coefficient:
    truth, reference = findings.truth, findings.least_squares
    return Coefficient(
        name=name,
        is_bias=False,
        estimate=estimate,
        true=truth.weights.get(name) if truth else None,
        least_squares=reference.weights.get(name),
        standard_error=reference.standard_errors.get(name),
    )


def _bias(findings: Findings) -> Coefficient:
    truth, reference = findings.truth, findings.least_squares
    return Coefficient(
        name="bias",
        is_bias=True,
        estimate=findings.model.bias,
        true=truth.bias if truth else None,
        least_squares=reference.bias,
        standard_error=reference.standard_errors.get("bias"),
    )
