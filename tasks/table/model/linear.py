"""The fitted model in terms of the user's own columns: what `model.json` holds, and what `predict` computes.

The prediction is the bias plus what each input column adds, summed up in the columns' order and in float64:

- a number x adds `weight` · x; where it is missing, `weight` · `mean`, and without a mean there is no prediction;
- a category adds the weight of its level; where the level is not among `weights`, the `average` over the training
  rows, and where it is missing the same if `fill` is true, else there is no prediction;
- a column of type `column` adds nothing by itself: `terms` are computed of it, and each of their columns adds its
  weight times its value, see `tasks.table.terms.design`.

Where `smearing` is a number, the logarithm of the target was fitted, and the prediction is exp of that sum times it.
Intervals are then those of the logarithm, and exp of their ends: quantiles need no smearing. The confidence interval
is that of a mean, whose ends are multiplied too.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, ValidationError, model_validator

from tasks.table.encoding import Category, Encoding, Number
from tasks.table.errors import BadTable, printable
from tasks.table.levels import RARE
from tasks.table.model.strict import Strict
from tasks.table.model.uncertainty import Conformal, DesignColumn, Interval, Uncertainty
from tasks.table.terms.design import Design
from tasks.table.terms.expression import Vector
from tasks.table.terms.variables import VariableValues

FILE = "model.json"
# Of a file that is read: a million columns.
MOST_BYTES = 2**28


class NumberInput(Strict):
    """A numeric column."""

    type: Literal["number"] = "number"
    name: str
    weight: float = Field(description="In units of the target per unit of the column.")
    mean: float | None = Field(description="What replaces a missing value; null where none does.")


class CategoryInput(Strict):
    """A text column."""

    type: Literal["category"] = "category"
    name: str
    weights: dict[str, float] = Field(min_length=1, description="By level, in units of the target.")
    reference: str = Field(description="The level whose weight is 0: the others' are differences to it.")
    average: float = Field(description="Of the weights over the training rows: for a level not listed.")
    fill: bool = Field(description="Whether a missing value counts as the average too.")
    shares: dict[str, float] = Field(
        default={},
        description="Of the training rows, by level: what an unknown level counts as in intervals.",
    )
    pooled: tuple[str, ...] = Field(
        default=(),
        description="Rare levels, which share a weight and count as one level, (rare), in intervals.",
    )


class ColumnInput(Strict):
    """A column that terms are computed of, and nothing else."""

    type: Literal["column"] = "column"
    name: str
    holds: Literal["number", "category", "date"]
    date_format: str | None = Field(
        default=None, description="How dates that are text are written; null: as in 2024-02-13."
    )


ModelInput = NumberInput | CategoryInput | ColumnInput


class ModelTerms(Strict):
    """What is computed of columns, and the weights of that."""

    design: Design
    weights: tuple[float, ...] = Field(description="By column of the terms, in their order.")

    @model_validator(mode="after")
    def _has_a_weight_for_each_column(self) -> Self:
        if len(self.weights) != len(self.design.features):
            raise ValueError(f"`weights` are {len(self.weights)}, of {len(self.design.features)} columns")
        return self


class Reading(Strict):
    """How the run read its table, as far as the user said so: `predict` reads its rows in the same way."""

    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    na_values: tuple[str, ...] | None = None
    skip_rows: int | None = None
    header_row: int | None = None
    comment: str | None = None
    sheet: str | None = None
    warn: tuple[str, ...] = Field(default=(), description="Rules whose breach is a warning.")


class LinearModel(Strict):
    """The model."""

    format: Literal["linear-neuron model"] = "linear-neuron model"
    version: Literal[1, 2, 3, 4] = Field(
        default=4,
        description="1 is without `reading`; 2 without `shares`, `uncertainty` and `conformal`; 3 without `terms` and "
        "`smearing`.",
    )
    target: str
    bias: float
    inputs: tuple[Annotated[ModelInput, Field(discriminator="type")], ...] = Field(min_length=1)
    terms: ModelTerms | None = Field(default=None, description="Those of a formula, or of dates.")
    reading: Reading = Reading()
    uncertainty: Uncertainty | None = Field(
        default=None, description="For intervals; null without degrees of freedom, or with too many columns."
    )
    conformal: Conformal | None = Field(
        default=None, description="For conformal intervals; null without test rows."
    )
    smearing: float | None = Field(
        default=None,
        gt=0,
        description="Where the logarithm was fitted: the prediction is exp of the sum, times this; null elsewhere.",
    )
    checksum: str | None = Field(
        default=None, description="SHA-256 of the rest; null in a model that was written by hand."
    )

    @model_validator(mode="after")
    def _names_each_column_once(self) -> Self:
        names = Counter(column.name for column in self.inputs)
        if doubled := [name for name in names if names[name] > 1]:
            raise ValueError(f"`inputs` name the column {doubled[0]!r} {names[doubled[0]]} times")
        return self

    @model_validator(mode="after")
    def _is_as_written(self) -> Self:
        if self.checksum is not None and self.checksum != self._sum():
            raise ValueError("its checksum has changed: it is not what was written")
        return self

    @model_validator(mode="after")
    def _designs_its_own_columns(self) -> Self:
        known = {column.name: column for column in self.inputs}
        computed = len(self.terms.weights) if self.terms else 0
        for each in self.uncertainty.design if self.uncertainty else ():
            if each.term is not None:
                if each.term >= computed:
                    raise ValueError(f"`design` names the column {each.term} of {computed} that `terms` have")
                continue
            column = known.get(each.column)
            levels = {*column.weights, RARE} if isinstance(column, CategoryInput) else {None}
            if column is None or each.level not in levels:
                raise ValueError(f"`design` names {each.column!r}, {each.level!r}, which `inputs` lack")
        return self

    @model_validator(mode="after")
    def _has_the_columns_of_its_terms(self) -> Self:
        held = {column.name: column.holds for column in self.inputs if isinstance(column, ColumnInput)}
        needed = _holds(self.terms.design) if self.terms else {}
        if wrong := [name for name in {**held, **needed} if held.get(name) != needed.get(name)]:
            raise ValueError(f"`inputs` and `terms` differ about the column {wrong[0]!r}")
        return self

    @property
    def plain(self) -> tuple[NumberInput | CategoryInput, ...]:
        """The columns that add to the prediction by themselves."""
        return tuple(column for column in self.inputs if not isinstance(column, ColumnInput))

    def checked(self) -> Self:
        """Return the model with its checksum: altered later, its file is refused."""
        return self.model_copy(update={"checksum": self._sum()})

    def _sum(self) -> str:
        later: dict[str, Any] = {"checksum": True}
        if self.version < 4:
            later |= {"terms": True, "smearing": True, "reading": {"sheet"}}
            later |= {"uncertainty": {"design": {"__all__": {"term"}}}, "conformal": {"shares"}}
        if self.version < 3:
            later |= {"uncertainty": True, "conformal": True, "inputs": {"__all__": {"shares", "pooled"}}}
        if self.version < 2:
            later |= {"reading": True}
        content = self.model_dump(mode="json", exclude=later)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictions for m rows, and why some of them are none."""

    # (m,), NaN where there is no prediction.
    values: Vector
    # Rows by the column whose value they miss, and nothing replaces it.
    missing: Counter[str]
    # Rows by the column in which they have infinity.
    infinite: Counter[str]
    # By column, rows by the level that no training row has.
    unknown: Mapping[str, Counter[str]]
    # Lower and upper ends (m,), if an interval is wanted.
    bounds: tuple[Vector, ...] = ()
    # Rows by the column whose value they miss, and the training rows' mean replaces it.
    filled: Counter[str] = field(default_factory=Counter)
    # Rows by the term that has no value there, as the logarithm of a negative number.
    beyond: Counter[str] = field(default_factory=Counter)


def linear_model(
    encoding: Encoding,
    weights: ArrayLike,
    bias: float,
    reading: Reading | None = None,
    dates_format: str | None = None,
) -> LinearModel:
    """Fold the encoding into the weights.

    Args:
        encoding: how the columns were turned into d features.
        weights: (d,), of the features in their order.
        bias: in units of the target.
        reading: how the table was read.
        dates_format: how text in columns of dates is written.
    """
    left = dict(zip(encoding.features, np.asarray(weights, np.float64).tolist(), strict=True))
    inputs: list[ModelInput] = [
        _input(column, [left[name] for name in column.names]) for column in encoding.columns
    ]
    terms = None
    if design := encoding.design:
        terms = ModelTerms(design=design, weights=tuple(left[name] for name in design.features))
        for name, holds in _holds(design).items():
            written = dates_format if holds == "date" else None
            inputs.append(ColumnInput(name=name, holds=holds, date_format=written))
    return LinearModel(
        target=encoding.target, bias=bias, inputs=tuple(inputs), terms=terms, reading=reading or Reading()
    )


def _holds(design: Design) -> dict[str, Literal["number", "category", "date"]]:
    """Return what the columns hold that terms are computed of."""
    kinds: dict[str, Literal["number", "category", "date"]] = dict.fromkeys(design.columns, "number")
    kinds |= dict.fromkeys(design.texts, "category")
    return kinds | dict.fromkeys(design.dates, "date")


def read(path: Path) -> LinearModel:
    """Read a model back from its file.

    Raises:
        BadTable: it cannot be read, or is no model.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadTable(f"`model` of {str(path)!r} has more than {MOST_BYTES:,} bytes; give a {FILE}")
        return LinearModel.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadTable(f"`model` of {str(path)!r} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        reason = printable(f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}")[:160]
        raise BadTable(
            f"`model` of {str(path)!r} is no {FILE} ({reason}); `linear-neuron run` writes one into a run's folder"
        ) from error


def predict(
    model: LinearModel, columns: Mapping[str, pa.Array], interval: Interval | None = None
) -> Predicted:
    """Predict m rows.

    Args:
        model: the formula.
        columns: by name, numbers as float64, categories as text and dates as times; null or NaN where a value is
            missing.
        interval: which bounds are wanted beside the predictions; the model must hold what they need.
    """
    total: Vector = np.full(len(columns[model.inputs[0].name]), model.bias)
    missing: Counter[str] = Counter()
    infinite: Counter[str] = Counter()
    unknown: dict[str, Counter[str]] = {}
    absent: Counter[str] = Counter()
    for column in model.plain:
        if isinstance(column, NumberInput):
            values = _numbers(column, columns[column.name])
            infinite[column.name] = int(np.isinf(values).sum())
        else:
            values, unknown[column.name] = _weights(column, columns[column.name])
        missing[column.name] = int(np.isnan(values).sum())
        absent[column.name] = int(pc.sum(pc.is_null(columns[column.name], nan_is_null=True)).as_py() or 0)
        with np.errstate(over="ignore", invalid="ignore"):
            total += column.weight * values if isinstance(column, NumberInput) else values
    values_of_terms = model.terms.design.evaluate(columns) if model.terms else []
    beyond: Counter[str] = Counter()
    if model.terms:
        total += _summed(model.terms, values_of_terms)
        for variable, found in zip(model.terms.design.variables, values_of_terms, strict=True):
            unknown[variable.label], beyond[variable.label] = found.unknown, found.beyond
        gaps = _gaps_in_terms(model, columns)
        absent += gaps
        missing += Counter() if model.terms.design.fills else gaps
    total[~np.isfinite(total)] = np.nan
    strange = {name: count for name, count in unknown.items() if count}
    half = half_width(model, columns, interval, values_of_terms) if interval else None
    bounds: tuple[Vector, ...] = () if half is None else (total - half, total + half)
    if model.smearing is not None:
        is_mean = interval is not None and interval.kind == "confidence"
        bounds = tuple(_exponential(each, model.smearing if is_mean else 1.0) for each in bounds)
        total = _exponential(total, model.smearing)
    return Predicted(total, +missing, +infinite, strange, bounds, absent - missing, +beyond)


def _exponential(values: Vector, factor: float) -> Vector:
    """Return exp(values)·factor (m,); NaN where that is too large for a float."""
    with np.errstate(over="ignore"):
        found = np.exp(values) * factor
    return np.where(np.isfinite(found), found, np.nan)


def _summed(terms: ModelTerms, values: Sequence[VariableValues]) -> Vector:
    """Return what terms add to the predictions (m,)."""
    total: Vector = np.zeros(1)
    with np.errstate(over="ignore", invalid="ignore"):
        for weight, column in zip(terms.weights, terms.design.product_columns(values), strict=True):
            total = total + weight * column
    return total


def _gaps_in_terms(model: LinearModel, columns: Mapping[str, pa.Array]) -> Counter[str]:
    """Count the rows by the column of terms whose value they miss."""
    names = (column.name for column in model.inputs if isinstance(column, ColumnInput))
    return Counter({name: columns[name].is_null(nan_is_null=True).sum().as_py() or 0 for name in names})


def half_width(
    model: LinearModel,
    columns: Mapping[str, pa.Array],
    interval: Interval,
    values_of_terms: Sequence[VariableValues],
) -> Vector | float:
    """Return half the width (m,) of the rows' intervals, in units of the target; see `uncertainty`.

    Raises:
        BadTable: the model does not hold what the interval needs.
    """
    check_interval(model, interval)
    if model.conformal and interval.kind == "conformal":
        return model.conformal.half_width(interval.level)
    if model.uncertainty is None or interval.critical is None:
        raise ValueError(f"`critical` of the {interval.kind} interval is not set; give Student's t")
    places: dict[str, NDArray[np.int32]] = {}
    of_terms: list[Vector] = []
    if model.terms:
        of_terms = [*model.terms.design.product_columns(values_of_terms)]
    design = np.column_stack(
        [
            of_terms[each.term] if each.term is not None else _designed(model, each, columns, places)
            for each in model.uncertainty.design
        ]
        or [np.empty((len(columns[model.inputs[0].name]), 0))]
    )
    variance = model.uncertainty.leverage(design) + (interval.kind == "prediction")
    return interval.critical * model.uncertainty.residual_deviation * np.sqrt(variance)


def check_interval(model: LinearModel, interval: Interval) -> None:
    """Refuse an interval that the model cannot give.

    Raises:
        BadTable: it does not hold what the interval needs.
    """
    if interval.kind == "conformal":
        if model.conformal is None:
            raise BadTable(_no_interval(model, "errors of test rows", "hold out test rows"))
        model.conformal.half_width(interval.level)
    elif model.uncertainty is None:
        raise BadTable(_no_interval(model, "residual deviation", "set `interval_kind` to conformal"))


def _no_interval(model: LinearModel, lacking: str, remedy: str) -> str:
    if model.version < 3:
        return (
            f"`interval`: this {FILE} is of an earlier release, which kept no {lacking}; make the run again"
        )
    return f"`interval`: the model holds no {lacking}; {remedy}"


def _designed(
    model: LinearModel,
    wanted: DesignColumn,
    columns: Mapping[str, pa.Array],
    places: dict[str, NDArray[np.int32]],
) -> Vector:
    """Return a column of the design (m,): a number, or 1 or 0 for a level; NaN where there is no prediction.

    Where each row's level stands is looked up once for all columns of the design, in `places`.
    """
    column = next(each for each in model.plain if each.name == wanted.column)
    values = columns[wanted.column]
    if isinstance(column, NumberInput):
        return _numbers(column, values)
    level = wanted.level or ""
    members = column.pooled if column.pooled and level == RARE else (level,)
    if column.name not in places:
        places[column.name] = _places(column, values)
    found, levels = places[column.name], [*column.weights]
    has_level = np.isin(found, [levels.index(each) for each in members if each in column.weights])
    return np.where(found >= 0, has_level.astype(np.float64), column.shares.get(level, 0.0))


def _places(column: CategoryInput, values: pa.Array) -> NDArray[np.int32]:
    """Return each row's place among the levels (m,), −1 where its level is missing or unknown."""
    found = pc.index_in(values, value_set=pa.array(column.weights, values.type)).fill_null(-1)
    return np.asarray(found.to_numpy(), np.int32)


def _input(column: Number | Category, weights: Sequence[float]) -> ModelInput:
    if isinstance(column, Number):
        return NumberInput(name=column.name, weight=weights[0], mean=column.mean)
    by_level = dict(zip(column.levels, [0.0, *weights], strict=True))
    if column.pooled:
        by_level |= dict.fromkeys(column.pooled, by_level.pop(RARE))
    return CategoryInput(
        name=column.name,
        weights=by_level,
        reference=column.levels[0] if column.levels[0] in by_level else column.pooled[0],
        pooled=column.pooled,
        average=float(np.dot([0.0, *weights], column.shares)),
        fill=column.fill,
        shares=dict(zip(column.levels, column.shares, strict=True)),
    )


def _numbers(column: NumberInput, values: pa.Array) -> Vector:
    """Return the values (m,), the mean in place of missing ones."""
    numbers: Vector = values.to_numpy(zero_copy_only=False)
    return numbers if column.mean is None else np.where(np.isnan(numbers), column.mean, numbers)


def _weights(column: CategoryInput, values: pa.Array) -> tuple[Vector, Counter[str]]:
    """Return the weights of the rows' levels (m,), and the levels that have none."""
    found = _places(column, values)
    weights = np.array([*column.weights.values(), column.average])[found]
    if not column.fill:
        weights[values.is_null().to_numpy(zero_copy_only=False)] = np.nan
    strange = pc.value_counts(values.filter(pa.array(found < 0)).drop_null())
    return weights, Counter(
        dict(zip(strange.field(0).to_pylist(), strange.field(1).to_pylist(), strict=True))
    )
