"""Which columns are learnt from, and which one is predicted."""

import difflib
import fnmatch
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.types as kinds

from tasks.table.errors import BadTable, Violation, quoted, raise_on_errors
from tasks.table.rules import HARMLESS

_LISTED = 8
# The bias's own name among the standard errors of a result.
BIAS = "bias"
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns as the user names them; all but the target may be patterns such as `bill_*`.

    Without `features` every numeric column is one; those in `categorical` are features in any case.
    """

    target: str
    features: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    # Columns of dates, of which terms are made, and, of a formula, those that are categories if they hold text.
    dates: tuple[str, ...] = ()
    either: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """The chosen columns: d features in order, the target, and what was left out: neither numeric nor asked for."""

    features: tuple[str, ...]
    target: str
    left_out: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    warnings: tuple[Violation, ...] = ()
    dates: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[str, ...]:
        """The features and then the target."""
        return (*self.features, self.target)

    @property
    def numeric(self) -> tuple[str, ...]:
        """Those of them that are used as numbers."""
        others = {*self.categorical, *self.dates}
        return tuple(name for name in self.used if name not in others)


def whole_names(wanted: Wanted, names: Sequence[str]) -> Wanted:
    """Put names together again that hold commas, where no column is named like a part: `id, no` of `id` and `no`.

    >>> whole_names(Wanted("y", exclude=("id", "no", "x")), ["id, no", "x", "y"]).exclude
    ('id, no', 'x')
    """
    return replace(
        wanted,
        features=None if wanted.features is None else _whole(wanted.features, names),
        exclude=_whole(wanted.exclude, names),
        categorical=_whole(wanted.categorical, names),
        dates=_whole(wanted.dates, names),
    )


def _whole(parts: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    by_parts = {tuple(part.strip() for part in name.split(",")): name for name in names if "," in name}
    found: list[str] = []
    place = 0
    while place < len(parts):
        longest = next(
            (end for end in range(len(parts), place + 1, -1) if tuple(parts[place:end]) in by_parts), None
        )
        is_whole = longest is not None and not all(_found(part, names) for part in parts[place:longest])
        found.append(by_parts[tuple(parts[place:longest])] if is_whole else parts[place])
        place = longest if is_whole and longest else place + 1
    return tuple(found)


def choose(
    schema: pa.Schema,
    wanted: Wanted,
    warn: Collection[str] = (),
    *,
    cells_are_text: bool = False,
    elsewhere: Collection[str] | None = (),
) -> Columns:
    """Choose the features and the target by name; by default every other numeric column is a feature.

    Args:
        schema: the columns of the first file.
        wanted: the columns as the user names them.
        warn: rules whose breach is a warning.
        cells_are_text: whether, as in a CSV file, any column can be one of categories.
        elsewhere: columns of other files, which can be excluded, too; None: not known yet.

    >>> choose(pa.schema({"x": pa.int64(), "kind": pa.string(), "y": pa.float64()}), Wanted("y")).features
    ('x',)

    Raises:
        BadTable: a name is missing, doubled or empty, the target is among the features, or a named column
            holds no numbers; with all findings together.
    """
    names = list(schema.names)
    types = dict(zip(names, schema.types, strict=True))
    texts = [name for name in wanted.either if name in types and not is_number(types[name])]
    categorical = (*_matching(wanted.categorical, names, wanted), *texts)
    if cells_are_text:
        types |= dict.fromkeys((name for name in categorical if name in types), pa.string())
    asked = _asked_for(names, wanted, categorical)
    ambiguous = list(_ambiguous(names, {*asked, wanted.target}, wanted))
    spoilt = {finding.column for finding in ambiguous} - {wanted.target}
    features = tuple(
        name
        for name in asked
        if name in types and name not in spoilt and _is_usable(name, types[name], wanted, categorical)
    )
    findings = [
        *_missing(names, wanted, elsewhere),
        *_confused(wanted),
        *_reserved({*asked, wanted.target} & set(names), wanted.target),
        *ambiguous,
        *_unusable(types, wanted, categorical),
    ]
    if not features:
        reasons = [finding for finding in findings if finding.rule not in HARMLESS]
        raise BadTable(*(reasons or [_no_features(wanted.target, names)]))
    left_out = tuple(name for name in asked if name not in features and name not in spoilt)
    if left_out:
        findings.append(_left_out(left_out))
    warnings = raise_on_errors(findings, warn)
    return Columns(
        features,
        wanted.target,
        left_out,
        tuple(name for name in features if name in categorical),
        warnings,
        tuple(name for name in features if name in wanted.dates),
    )


def _is_usable(name: str, kind: pa.DataType, wanted: Wanted, categorical: Collection[str]) -> bool:
    """Say whether a column has a type that its role can be learnt from."""
    if name in wanted.dates:
        return is_date(kind)
    return is_category(kind) if name in categorical else is_number(kind)


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


def is_date(kind: pa.DataType) -> bool:
    """Tell whether values of this Arrow type can be dates: dates, times with a date, and text."""
    if kinds.is_dictionary(kind):
        return is_date(kind.value_type)
    return kinds.is_date(kind) or kinds.is_timestamp(kind) or is_text(kind)


def is_category(kind: pa.DataType) -> bool:
    """Tell whether values of this Arrow type can be categories: text, booleans and numbers, which must be whole."""
    if kinds.is_dictionary(kind):
        return is_category(kind.value_type)
    return is_text(kind) or kinds.is_integer(kind) or kinds.is_boolean(kind) or kinds.is_floating(kind)


def excluded(wanted: Wanted, names: Sequence[str]) -> set[str]:
    """Return the columns that the user does not want."""
    return {name for pattern in wanted.exclude for name in _found(pattern, names)}


def _asked_for(names: Sequence[str], wanted: Wanted, categorical: Sequence[str]) -> tuple[str, ...]:
    """Return the candidate feature columns, in the user's order."""
    dates = [name for name in wanted.dates if name in names]
    if wanted.features is None:
        others = [name for name in _matching(("*",), names, wanted) if name not in dates]
        return (*others, *dates)
    return tuple(dict.fromkeys([*_matching(wanted.features, names, wanted), *categorical, *dates]))


def _matching(patterns: Sequence[str], names: Sequence[str], wanted: Wanted) -> tuple[str, ...]:
    """Return the columns that are listed or match, less the target and those to exclude, each once."""
    found = (name for pattern in patterns for name in _found(pattern, names))
    out = excluded(wanted, names) | {wanted.target}
    return tuple(name for name in dict.fromkeys(found) if name not in out)


def _found(pattern: str, names: Sequence[str]) -> list[str]:
    """Return the one column of this name, or all whose names match the pattern."""
    return [pattern] if pattern in names else [name for name in names if fnmatch.fnmatchcase(name, pattern)]


def _missing(names: Sequence[str], wanted: Wanted, elsewhere: Collection[str] | None) -> Iterator[Violation]:
    fields = {
        "target": (wanted.target,),
        "features": wanted.features or (),
        "exclude": wanted.exclude,
        "categorical": wanted.categorical,
        "dates": wanted.dates,
    }
    for field, patterns in fields.items():
        for name in dict.fromkeys(patterns):
            absent = name not in names if field in ("target", "dates") else not _found(name, names)
            others = field == "exclude" and (elsewhere is None or _found(name, [*elsewhere]))
            if absent and not others:
                yield Violation(
                    "unknown-column",
                    f"`{field}`: no column {'matches' if _is_pattern(name, field) else 'is named'} {quoted(name)}",
                    _suggestion(name, names),
                    column=name,
                )


def _is_pattern(name: str, field: str) -> bool:
    return field not in ("target", "dates") and any(sign in name for sign in "*?[")


def _suggestion(name: str, names: Sequence[str]) -> str:
    if names and all(map(_reads_as_number, names)):
        return "the first row holds numbers; put the columns' names above it"
    folded = {other.strip().casefold(): other for other in reversed(names)}
    nearest = difflib.get_close_matches(name.strip().casefold(), folded, n=1)
    return f"did you mean {quoted(folded[nearest[0]])}?" if nearest else _listing(names)


def _listing(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"the table's columns: {', '.join(map(quoted, names[:_LISTED]))}{more}"


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _confused(wanted: Wanted) -> Iterator[Violation]:
    features, target = wanted.features, wanted.target
    if features is not None and not features and not wanted.dates:
        yield Violation(
            "setting",
            "`features` is empty",
            "name at least one column, or leave it out to use every numeric one",
        )
    for field, listed in (
        ("features", features or ()),
        ("exclude", wanted.exclude),
        ("categorical", wanted.categorical),
        ("dates", wanted.dates),
    ):
        if target in listed:
            yield Violation(
                "setting",
                f"`{field}` {'includes' if field == 'categorical' else 'include'} the target {quoted(target)}",
                "take it out, a column cannot predict itself",
                column=target,
            )
    for name, times in Counter(features).items():
        if times > 1:
            yield Violation(
                "setting", f"`features` name {quoted(name)} {times} times", "name it once", column=name
            )


def _reserved(used: Collection[str], target: str) -> Iterator[Violation]:
    if BIAS in used and target != BIAS:
        yield Violation(
            "reserved-name",
            f"column {quoted(BIAS)} is named like what is fitted beside the weights",
            "rename it, or drop it if constant",
            column=BIAS,
        )


def _ambiguous(names: Sequence[str], used: set[str], wanted: Wanted) -> Iterator[Violation]:
    """Find the used columns without a name of their own; what is not used may be named as it likes."""
    for name, times in Counter(names).items():
        if name not in used:
            continue
        places = _places(name, names)
        if not name.strip():
            yield Violation(
                "unnamed-columns",
                f"column {places} has no name",
                "name it, `exclude` '' (pandas: `index=False`), or list `features`",
                column=name,
                count=times,
            )
        elif wanted.features is None and _PANDAS_INDEX.fullmatch(name):
            yield Violation(
                "unnamed-columns",
                f"column {quoted(name)} is pandas' row index",
                "write with `index=False`, or list `features`",
                column=name,
            )
        elif times > 1:
            yield Violation(
                "unusable-column" if name == wanted.target else "duplicate-names",
                f"{times} columns are named {quoted(name)} ({places})",
                "rename all but one",
                column=name,
                count=times,
            )


def _places(name: str, names: Sequence[str]) -> str:
    return " and ".join(str(place) for place, other in enumerate(names, start=1) if other == name)


def _unusable(
    types: dict[str, pa.DataType], wanted: Wanted, categorical: Sequence[str]
) -> Iterator[Violation]:
    """Find the columns that were named one by one and hold what they cannot be used as."""
    named = {wanted.target, *(wanted.features or ())} - {*categorical, *wanted.dates}
    for name, kind in types.items():
        if name in wanted.dates and not is_date(kind):
            problem = f"holds {quoted(str(kind))} values"
            remedy = "a date is a date or time, or text such as 2024-02-13"
        elif name in named and not is_number(kind):
            problem, remedy = _advice(kind, is_target=name == wanted.target)
        elif name in categorical and not is_category(kind):
            problem, remedy = (
                f"holds {quoted(str(kind))} values",
                "a category is text, a whole number or a boolean",
            )
        else:
            continue
        yield Violation("unusable-column", f"column {quoted(name)} {problem}", remedy, column=name)


def _advice(kind: pa.DataType, *, is_target: bool) -> tuple[str, str]:
    if is_text(kind) and is_target:
        return "holds text", "encode it as numbers, or choose another `target`"
    if is_text(kind):
        return "holds text", "add it to `categorical`, encode it as numbers, or drop it"
    if kinds.is_null(kind):
        return "is empty, no row has a value", "fill it in, or choose other columns"
    if kinds.is_temporal(kind):
        return f"holds dates or times ({kind})", "turn it into a number, such as days since a start"
    return f"holds {quoted(str(kind))} values", "turn it into numbers, or choose other columns"


def _no_features(target: str, names: Sequence[str]) -> Violation:
    return Violation(
        "unusable-column",
        f"`features`: no column but the target {quoted(target)} holds numbers",
        _listing(names),
    )


def _left_out(names: Sequence[str]) -> Violation:
    return Violation(
        "left-out",
        f"left out, as they hold no numbers: {', '.join(map(quoted, names))}",
        "add columns of text to `categorical` to use them",
        count=len(names),
    )
