"""A model in terms of another run's encoding, so that both predict the same encoded rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.table.encoding import Category, Encoding, Number
from tasks.table.errors import quoted
from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput
from tasks.table.terms.change_of_basis import NotSpanned, rebased


class OtherColumns(ValueError):
    """Rows cannot be predicted by a model, since they lack a column; the message says which."""


@dataclass(frozen=True, slots=True, eq=False)
class TranslatedModel:
    """A model over encoded rows: weights (d,) by feature of the encoding, and bias, in units of the target.

    Where the logarithm was fitted they are in units of that, and `smearing` is as in `LinearModel`.
    """

    weights: NDArray[np.float64]
    bias: float
    smearing: float | None = None


def translated(model: LinearModel, encoding: Encoding) -> TranslatedModel:
    """Write a model as weights of the features of an encoding.

    A column that the model does not know gets the weight 0, a level that it does not know its average effect. What an
    encoding has replaced, a missing number by its own mean and a missing or rare level by its own shares, is taken as
    it stands: both models see the same row.

    Raises:
        OtherColumns: the encoding lacks a column of the model, or has it as text in place of numbers.
    """
    known = {column.name: column for column in encoding.columns}
    by_name = {column.name: column for column in model.plain}
    if model.target != encoding.target:
        raise OtherColumns(f"it predicts {quoted(model.target)}, not {quoted(encoding.target)}")
    for name, needed in by_name.items():
        if name not in known:
            raise OtherColumns(f"it needs the column {quoted(name)}, which is not among today's features")
        if isinstance(needed, NumberInput) != isinstance(known[name], Number):
            raise OtherColumns(f"the column {quoted(name)} has changed between numbers and text")

    design = encoding.design
    if model.terms and (design is None or not model.terms.design.is_like(design)):
        first = model.terms.design.variables[0].label
        raise OtherColumns(f"its terms, such as {quoted(first)}, are not today's, or have other levels")
    weights: list[float] = []
    bias = model.bias
    for column in encoding.columns:
        own, base = _effects(column, by_name.get(column.name))
        weights += own
        bias += base
    if design and model.terms:
        try:
            of_terms, constant = rebased(model.terms.design, model.terms.weights, design)
        except NotSpanned as error:
            raise OtherColumns(f"its terms were fitted to other rows, and {error}") from error
        weights += of_terms
        bias += constant
    elif design:
        weights += [0.0] * len(design.features)
    return TranslatedModel(np.array(weights), bias, model.smearing)


def _effects(
    column: Number | Category, known: NumberInput | CategoryInput | None
) -> tuple[list[float], float]:
    """Return the weights of a column's features, and what its reference level adds to the bias."""
    if isinstance(column, Number):
        return [known.weight if isinstance(known, NumberInput) else 0.0], 0.0
    if not isinstance(known, CategoryInput):
        return [0.0] * len(column.names), 0.0
    reference, *others = (known.weights.get(level, known.average) for level in column.levels)
    return [effect - reference for effect in others], reference
