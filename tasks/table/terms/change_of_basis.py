"""Weights of one design's columns as weights of another's, where what is fitted to rows differs between the two.

Tonight's training rows have another mean, so that `scale(x)` and `poly(x, 2)` are other columns than last night's. But
they span the same: each of the old columns is a sum of the new ones and a constant, in products too.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from math import sqrt
from typing import TypeAlias

from tasks.table.terms.design import Design
from tasks.table.terms.powers import monic
from tasks.table.terms.variables import (
    FittedLevels,
    FittedPolynomial,
    FittedScale,
    FittedVariable,
    places_of,
)

# A column as the product of columns of variables: places of both. The empty one is the constant 1.
Factors: TypeAlias = frozenset[tuple[int, int]]


class NotSpanned(ValueError):
    """The weights need a column that the design has not."""


def rebased(before: Design, weights: Sequence[float], today: Design) -> tuple[list[float], float]:
    """Return the weights of today's columns, and a constant, by which all rows get the same sums.

    Args:
        before: the design that the weights belong to; it is like today's.
        weights: of its columns, in their order.
        today: the other design.

    Raises:
        NotSpanned: a product lacks one of its parts, as poly(x, 2):z does without a term z.
    """
    if before.variables == today.variables:
        return [*weights], 0.0
    changes = [_change(*each) for each in zip(before.variables, today.variables, strict=True)]
    columns = dict.fromkeys(_columns(before))
    sums: defaultdict[Factors, float] = defaultdict(float)
    for weight, column in zip(weights, columns, strict=True):
        for factors, value in _expanded(column, changes).items():
            for held, sign in _held(factors, before, columns):
                sums[held] += sign * weight * value
    constant = sums.pop(frozenset(), 0.0)
    if any(value and factors not in columns for factors, value in sums.items()):
        raise NotSpanned("a product stands there without its parts")
    return [sums[column] for column in columns], constant


def _columns(design: Design) -> Iterator[Factors]:
    """Yield the columns of a design in their order, that of `Design.product_columns`."""
    for term in design.products:
        pairs = zip(term.variables, term.full, strict=True)
        places = [[*places_of(design.variables[v], full=full)] for v, full in pairs]
        for chosen in product(*reversed(places)):
            yield frozenset(zip(term.variables, reversed(chosen), strict=True))


def _held(factors: Factors, design: Design, columns: Collection[Factors]) -> Iterator[tuple[Factors, int]]:
    """Yield a column, or, of a reference level that has none, those that it is the sum of, with their signs.

    The indicators of all levels add up to 1.
    """
    references = [
        (variable, place)
        for variable, place in factors
        if place == 0 and isinstance(design.variables[variable], FittedLevels)
    ]
    if factors in columns or not references:
        yield factors, 1
        return
    variable, _ = reference = references[0]
    rest = factors - {reference}
    levels = range(1, len(design.variables[variable].names))
    for each, sign in [(rest, 1), *((rest | {(variable, place)}, -1) for place in levels)]:
        for held, own in _held(each, design, columns):
            yield held, own * sign


def _expanded(column: Factors, changes: Sequence[Mapping[int, Mapping[int, float]]]) -> dict[Factors, float]:
    """Multiply a column out, by what its variables are in today's columns."""
    sums: dict[Factors, float] = {frozenset(): 1.0}
    for variable, place in column:
        own = changes[variable].get(place, {place: 1.0})
        sums = {
            factors if to < 0 else factors | {(variable, to)}: value * by
            for factors, value in sums.items()
            for to, by in own.items()
        }
    return sums


def _change(before: FittedVariable, today: FittedVariable) -> dict[int, dict[int, float]]:
    """Return by column what it is in today's columns, by their place, −1 being the constant; nothing if the same."""
    if isinstance(before, FittedScale) and isinstance(today, FittedScale):
        constant = (today.center - before.center) / before.scale
        return {0: {-1: constant, 0: today.scale / before.scale}}
    if not (isinstance(before, FittedPolynomial) and isinstance(today, FittedPolynomial)):
        return {}
    centre = today.alpha[0]
    basis = monic(today.alpha, today.norm2, centre)
    lengths = [1.0, *map(sqrt, today.norm2[2:])]
    found = {}
    for place, polynomial in enumerate(monic(before.alpha, before.norm2, centre)[1:]):
        rest, own = polynomial, {}
        for degree in reversed(range(len(rest))):
            factor = rest[degree]
            own[degree - 1] = float(factor) * lengths[degree] / sqrt(before.norm2[place + 2])
            rest = [a - factor * b for a, b in zip(rest, basis[degree], strict=False)]
        found[place] = own
    return found
