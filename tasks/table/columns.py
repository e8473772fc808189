"""Which columns are learnt from, and which one is predicted."""

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.types as kinds

from tasks.table.errors import BadTable, shown

_LISTED = 8
BIAS = "bias"
"""The bias's own name among the standard errors of a result."""
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True, slots=True)
class Columns:
    """The chosen columns: d features in order, the target, and what was left out: not numeric."""

    features: tuple[str, ...]
    target: str
    left_out: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[str, ...]:
        """The features and then the target."""
        return (*self.features, self.target)


def choose(schema: pa.Schema, target: str, features: Sequence[str] | None = None) -> Columns:
    """Choose the features and the target by name; by default every other numeric column is a feature.

    >>> choose(pa.schema({"x": pa.int64(), "kind": pa.string(), "y": pa.float64()}), "y")
    Columns(features=('x',), target='y', left_out=('kind',))

    Raises:
        BadTable: a name is missing, doubled or empty, the target is among the features, or a named column
            holds no numbers.
    """
    check_names(schema.names, target, features)
    types = dict(zip(schema.names, schema.types, strict=True))
    named = (target,) if features is None else (*features, target)
    findings = [
        f"column {shown(name)} {_advice(types[name])}" for name in named if not is_number(types[name])
    ]
    if findings:
        raise BadTable(*findings)
    if features is not None:
        return Columns(tuple(features), target)
    others = [name for name in schema.names if name != target]
    numeric = tuple(name for name in others if is_number(types[name]))
    if not numeric:
        raise BadTable(
            f"`features`: no column but the target {shown(target)} holds numbers; {_listing(schema.names)}"
        )
    return Columns(numeric, target, tuple(name for name in others if not is_number(types[name])))


def check_names(names: Sequence[str], target: str, features: Sequence[str] | None = None) -> None:
    """Refuse names that cannot be told apart or found; needs no rows, so it can fail before anything is read.

    With explicit `features`, the columns that are not used may be named as they like.

    Raises:
        BadTable: with all findings together.
    """
    used = set(names) if features is None else {*features, target}
    findings = [
        *_missing(names, target, features),
        *_confused(target, features),
        *_reserved(names, used, target),
        *_ambiguous(names, used, features is None),
    ]
    if findings:
        raise BadTable(*findings)


def is_number(kind: pa.DataType) -> bool:
    """Tell whether values of this Arrow type can be used as numbers: ints, floats, decimals and booleans."""
    if kinds.is_dictionary(kind):
        return is_number(kind.value_type)
    tests = (kinds.is_integer, kinds.is_floating, kinds.is_decimal, kinds.is_boolean)
    return any(test(kind) for test in tests)


def is_text(kind: pa.DataType) -> bool:
    """Tell whether values of this Arrow type are text."""
    if kinds.is_dictionary(kind):
        return is_text(kind.value_type)
    return any(test(kind) for test in (kinds.is_string, kinds.is_large_string, kinds.is_string_view))


def _missing(names: Sequence[str], target: str, features: Sequence[str] | None) -> Iterator[str]:
    for field, wanted in (("target", (target,)), ("features", tuple(features or ()))):
        for name in dict.fromkeys(wanted):
            if name not in names:
                yield f"`{field}`: no column is named {shown(name)}; {_suggestion(name, names)}"


def _suggestion(name: str, names: Sequence[str]) -> str:
    if names and all(map(_reads_as_number, names)):
        return "the first row holds numbers; put the columns' names above it"
    folded = {other.strip().casefold(): other for other in reversed(names)}
    nearest = difflib.get_close_matches(name.strip().casefold(), folded, n=1)
    return f"did you mean {shown(folded[nearest[0]])}?" if nearest else _listing(names)


def _listing(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"the table's columns: {', '.join(map(shown, names[:_LISTED]))}{more}"


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _confused(target: str, features: Sequence[str] | None) -> Iterator[str]:
    if features is not None and not features:
        yield "`features` is empty; name at least one column, or leave it out to use every numeric one"
    if features is not None and target in features:
        yield f"`features` include the target {shown(target)}; take it out, a column cannot predict itself"
    for name, times in Counter(features).items():
        if times > 1:
            yield f"`features` name {shown(name)} {times} times; name it once"


def _reserved(names: Sequence[str], used: set[str], target: str) -> Iterator[str]:
    if BIAS in names and BIAS in used and target != BIAS:
        yield f"column {shown(BIAS)} is named like what is fitted beside the weights; rename it, or drop it if constant"


def _ambiguous(names: Sequence[str], used: set[str], features_by_default: bool) -> Iterator[str]:
    for name, times in Counter(names).items():
        if name in used and not name.strip():
            places = _places(name, names)
            yield f"column {places} has no name; name it, drop it (pandas: `index=False`), or list `features`"
        elif features_by_default and _PANDAS_INDEX.fullmatch(name):
            yield f"column {shown(name)} is pandas' row index; write with `index=False`, or list `features`"
        elif name in used and times > 1:
            yield f"{times} columns are named {shown(name)} ({_places(name, names)}); rename all but one"


def _places(name: str, names: Sequence[str]) -> str:
    return " and ".join(str(place) for place, other in enumerate(names, start=1) if other == name)


def _advice(kind: pa.DataType) -> str:
    if is_text(kind):
        return "holds text; encode it as numbers, or choose other columns"
    if kinds.is_null(kind):
        return "is empty, no row has a value; fill it in, or choose other columns"
    if kinds.is_temporal(kind):
        return f"holds dates or times ({kind}); turn it into a number, such as days since a start"
    return f"holds {shown(str(kind))} values; turn it into numbers, or choose other columns"
