"""The columns of a formula: products of variables, coded as R's `model.matrix` codes them.

A number is a column. Levels are a column each but the first, or, where R's rule asks for it, all of them: in a term
whose remainder without the levels stands in no term before it (see `R_CODING`). In a product the first variable varies
fastest.

R_CODING: J. M. Chambers and T. J. Hastie, "Statistical Models in S", 1992, section 2.4.1, as in R's `TermCode`.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product

import numpy as np
import pyarrow as pa

from tasks.table.errors import BadTable, counted, quoted
from tasks.table.levels import unknown_levels
from tasks.table.model.strict import Strict
from tasks.table.terms.expression import Cells, Expression, FunctionCall, Vector, dates_of
from tasks.table.terms.variables import (
    FittedLevels,
    FittedNumbers,
    FittedScale,
    FittedVariable,
    LevelVariable,
    NumberVariable,
    Variable,
    VariableTally,
    VariableValues,
    fit_variable,
    level_counts,
    names_of,
    places_of,
    tally_variable,
)

# Columns of one term: levels of two columns make as many as their product.
MOST_COLUMNS = 5000


class ProductTerm(Strict):
    """A term: the places of its variables, in order, and which of them are coded in full."""

    variables: tuple[int, ...]
    full: tuple[bool, ...]


class Terms(Strict):
    """What is asked for: variables, and the terms that are products of them."""

    variables: tuple[Variable, ...]
    products: tuple[ProductTerm, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The user's columns that rows must have."""
        return tuple(dict.fromkeys(name for each in self.variables for name in each.columns))

    @property
    def dates(self) -> tuple[str, ...]:
        """Those of them that hold dates."""
        found: dict[str, None] = {}
        for each in self.variables:
            if isinstance(each, NumberVariable):
                found |= dict.fromkeys(dates_of(each.expression))
            elif each.part is not None:
                found[each.column] = None
        return tuple(found)

    @property
    def functions(self) -> dict[str, Expression]:
        """What is computed by functions, by label: there may be rows for which one has no value."""
        numbers = (each for each in self.variables if isinstance(each, NumberVariable))
        return {each.label: each.expression for each in numbers if isinstance(each.expression, FunctionCall)}

    @property
    def by_level(self) -> tuple[LevelVariable, ...]:
        """The variables whose levels are counted before anything is known of their columns."""
        return tuple(each for each in self.variables if isinstance(each, LevelVariable))


@dataclass(frozen=True, slots=True)
class TermsTally:
    """Sums over some rows, by variable."""

    rows: int = 0
    variables: tuple[VariableTally, ...] = ()

    def __add__(self, other: "TermsTally") -> "TermsTally":
        """Combine the sums over two parts of the rows."""
        pairs = zip(self.variables, other.variables, strict=True)
        return TermsTally(self.rows + other.rows, tuple(a + b for a, b in pairs))


class Design(Strict):
    """The fitted terms: what model.json holds, and what training rows and new ones alike are put through."""

    variables: tuple[FittedVariable, ...]
    products: tuple[ProductTerm, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """The names of all columns, in order."""
        return tuple(name for term in self.products for name in self.names(term))

    @property
    def columns(self) -> tuple[str, ...]:
        """The user's columns that rows must have."""
        return tuple(dict.fromkeys(name for each in self.variables for name in each.columns))

    @property
    def dates(self) -> tuple[str, ...]:
        """Those of them that hold dates."""
        found = [name for each in self.variables for name in _dates(each)]
        return tuple(dict.fromkeys(found))

    @property
    def texts(self) -> tuple[str, ...]:
        """Those of them that hold levels as text."""
        levels = [each for each in self.variables if isinstance(each, FittedLevels) and each.part is None]
        return tuple(dict.fromkeys(each.column for each in levels))

    @property
    def fills(self) -> bool:
        """Whether a missing value is replaced."""
        return any(_fills(each) for each in self.variables)

    def is_like(self, other: "Design") -> bool:
        """Say whether both have the same columns, but for what is fitted to rows: see `translation`."""
        return self.products == other.products and all(
            a.is_like(b) for a, b in zip(self.variables, other.variables, strict=True)
        )

    def names(self, term: ProductTerm) -> list[str]:
        """Return the names of a term's columns; the first variable varies fastest."""
        each = [
            names_of(self.variables[v], full=full) for v, full in zip(term.variables, term.full, strict=True)
        ]
        return reduce(lambda before, own: [f"{a}:{b}" for b in own for a in before], each[1:], list(each[0]))

    def sizes(self, term: ProductTerm) -> list[int]:
        """Return how many columns each variable of a term has there."""
        pairs = zip(term.variables, term.full, strict=True)
        return [len(names_of(self.variables[v], full=full)) for v, full in pairs]

    def evaluate(self, cells: Cells) -> list[VariableValues]:
        """Compute every variable for m rows."""
        return [variable.values(cells) for variable in self.variables]

    def product_columns(self, values: Sequence[VariableValues]) -> Iterator[Vector]:
        """Yield the columns (m,) of all terms, in the order of `features`."""
        for term in self.products:
            pairs = zip(term.variables, term.full, strict=True)
            places = [[*places_of(self.variables[v], full=full)] for v, full in pairs]
            # The last variable varies slowest, as R has it.
            for reversed_places in product(*reversed(places)):
                columns = (
                    values[v].column(at)
                    for v, at in zip(term.variables, reversed(reversed_places), strict=True)
                )
                yield reduce(np.multiply, columns)

    def apply(self, rows: pa.Table) -> list[Vector]:
        """Return the columns of all terms for some rows."""
        cells = dict(zip(rows.column_names, rows.columns, strict=True))
        return [*self.product_columns(self.evaluate(cells))]


def coded(variables: Sequence[Variable], products: Sequence[tuple[int, ...]]) -> Terms:
    """Code the terms, which are in their order, by R's rule: see the module.

    Args:
        variables: numbers and levels.
        products: the terms, as places of variables.
    """
    found = []
    for number, term in enumerate(products):
        before = [set(each) for each in products[:number]]
        full = tuple(
            isinstance(variables[v], LevelVariable) and not _has_margin(set(term) - {v}, before) for v in term
        )
        found.append(ProductTerm(variables=term, full=full))
    return Terms(variables=tuple(variables), products=tuple(found))


def _has_margin(rest: Collection[int], before: Sequence[set[int]]) -> bool:
    """Say whether what a term is without a variable is the intercept, or within a term before it."""
    return not rest or any(each.issuperset(rest) for each in before)


def tally_terms(terms: Terms, rows: pa.Table) -> TermsTally:
    """Sum the variables up over some rows."""
    cells = dict(zip(rows.column_names, rows.columns, strict=True))
    return TermsTally(rows.num_rows, tuple(tally_variable(each, cells) for each in terms.variables))


def fit_terms(terms: Terms, training: TermsTally, *, fill: bool, min_frequency: int) -> Design:
    """Fit the terms to the sums over the training rows.

    Raises:
        BadTable: a variable has no value in any of them.
    """
    fitted = [
        fit_variable(variable, found, training.rows, fill=fill, min_frequency=min_frequency)
        for variable, found in zip(terms.variables, training.variables, strict=True)
    ]
    return Design(variables=tuple(fitted), products=terms.products)


def count_term_levels(terms: Terms, rows: pa.Table) -> dict[str, Counter[str]]:
    """Count the levels of some rows by variable."""
    cells = dict(zip(rows.column_names, rows.columns, strict=True))
    return {each.label: level_counts(each, cells) for each in terms.by_level}


def term_columns(terms: Terms, levels: Mapping[str, int]) -> int:
    """Count the columns that the terms become, of so many levels by variable.

    Raises:
        BadTable: a term would have too many.
    """
    total = 0
    for term in terms.products:
        sizes = []
        for v, full in zip(term.variables, term.full, strict=True):
            variable = terms.variables[v]
            if isinstance(variable, NumberVariable):
                sizes.append(variable.width)
            else:
                sizes.append(max(levels[variable.label] - (not full), 0))
        if math.prod(sizes) > MOST_COLUMNS:
            label = ":".join(terms.variables[v].label for v in term.variables)
            raise BadTable(
                f"term {quoted(label)} would have {math.prod(sizes):,} columns, {MOST_COLUMNS:,} are allowed; "
                "leave it out, or pool rare levels with `min_frequency`"
            )
        total += math.prod(sizes)
    return total


def term_notes(design: Design, training: TermsTally, test: TermsTally) -> Iterator[str]:
    """Say what was fitted: references, what replaces missing values, and the test rows' own levels."""
    for variable, learnt, tested in zip(design.variables, training.variables, test.variables, strict=True):
        if isinstance(variable, FittedLevels):
            yield _reference(variable)
            known = {*variable.levels, *variable.pooled}
            yield from unknown_levels(variable.label, known, tested.levels or Counter(), "test row")
        if missing := learnt.missing + tested.missing:
            stands_in = "shares of the levels" if isinstance(variable, FittedLevels) else "mean"
            values = counted(missing, "missing value")
            yield f"term {quoted(variable.label)}: {values} replaced by the training rows' {stands_in}"


def _reference(variable: FittedLevels) -> str:
    if len(variable.levels) == 1:
        return f"term {quoted(variable.label)} is {quoted(variable.levels[0])} in every training row; it tells nothing"
    pooled = f", {counted(len(variable.pooled), 'rare level')} pooled" if variable.pooled else ""
    return (
        f"term {quoted(variable.label)} has {counted(len(variable.levels), 'level')}{pooled}; the reference is "
        f"{quoted(variable.levels[0])}"
    )


def _fills(variable: FittedVariable) -> bool:
    if isinstance(variable, FittedNumbers):
        return variable.means is not None
    return variable.mean is not None if isinstance(variable, FittedScale) else variable.fill


def _dates(variable: FittedVariable) -> Iterator[str]:
    if isinstance(variable, FittedNumbers):
        for expression in variable.expressions:
            yield from dates_of(expression)
    elif not isinstance(variable, FittedLevels):
        yield from dates_of(variable.expression)
    elif variable.part is not None:
        yield variable.column
