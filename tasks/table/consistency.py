"""Whether the files of a table agree on its columns."""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.types as kinds

from tasks.table.columns import Columns, Wanted, excluded, is_category, is_number
from tasks.table.errors import Violation, quoted
from tasks.table.sources.reader import Preview


def disagreements(looks: Sequence[Preview], columns: Columns, wanted: Wanted) -> Iterator[Violation]:
    """Compare the used columns of every file, and those that it alone would add to them, with the first file's.

    In text, a column that has whole numbers in one file and fractions in another is the same column.
    """
    is_text = any(look.is_text for look in looks)
    first, *others = [look for look in looks if look.stored is not None]
    expected = _types(first)
    for look in others:
        actual = _types(look)
        for name in sorted({*columns.used, *_new(expected, actual, wanted)}):
            here, there = actual.get(name), expected.get(name)
            if _agree(here, there, is_text=is_text, category=name in columns.categorical):
                continue
            yield Violation(
                "mixed-types",
                f"column {quoted(name)} is {_said(here)} in {quoted(look.member.name)} "
                f"but {_said(there)} in {quoted(first.member.name)}",
                "write all files with one schema, or `exclude` it",
                column=name,
                file=look.member.name,
                value=_said(here),
            )


def _new(expected: Mapping[str, pa.DataType], actual: Mapping[str, pa.DataType], wanted: Wanted) -> set[str]:
    """Return the columns that would be features, by default, were this the first file."""
    if wanted.features is not None:
        return set()
    numeric = {name for name, kind in actual.items() if is_number(kind)}
    return numeric - expected.keys() - excluded(wanted, list(actual))


def _agree(a: pa.DataType | None, b: pa.DataType | None, *, is_text: bool, category: bool) -> bool:
    if a is None or b is None:
        return a is b
    if kinds.is_null(a) or kinds.is_null(b) or a == b:
        return True
    if category:
        return is_text or (is_category(a) and is_category(b))
    return is_text and is_number(a) and is_number(b)


def _types(look: Preview) -> dict[str, pa.DataType]:
    return {} if look.stored is None else dict(zip(look.stored.names, look.stored.types, strict=True))


def _said(kind: pa.DataType | None) -> str:
    return "absent" if kind is None else str(kind)
