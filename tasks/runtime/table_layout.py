"""How the columns of a table are read, over all of its files, and which of these were read before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from tasks.outputs.files import any_known, is_known, key_of
from tasks.runtime.user_table import UserTable, columns_by
from tasks.table.casting import CastPlan, carried, layout
from tasks.table.columns import Columns, Wanted, whole_names
from tasks.table.errors import BadTable, quoted
from tasks.table.sources.reader import Preview
from tasks.table.terms.design import Terms
from tasks.table.terms.formula import date_terms, parse


@dataclass(frozen=True, slots=True)
class TableLayout:
    """What a first look at all files has shown: which of them can be read, the columns, and how they are cast."""

    looks: Sequence[Preview]
    readable: Sequence[Preview]
    wanted: Wanted
    columns: Columns
    terms: Terms | None
    plan: CastPlan

    def key(self, look: Preview, table: UserTable) -> str:
        """Return what is known of a file by; nothing where the table is no folder of files."""
        if not table.files:
            return ""
        return key_of(table.files[look.member.name], look.member, self.plan, table.dialect, table.code)


def laid_out(table: UserTable) -> TableLayout:
    """Look at all files, and choose the columns by the first one that can be read.

    Raises:
        BadTable: none can be, or a column is missing or cannot be used.
    """
    looks = table.found.previews()
    readable = [look for look in looks if look.schema is not None]
    if not readable:
        raise BadTable(*(finding for look in looks for finding in look.violations))
    names = list(dict.fromkeys(name for look in readable if look.schema for name in look.schema.names))
    wanted = whole_names(table.wanted, names)
    columns = columns_by(readable[0], wanted, table.warn, names)
    terms = _terms(columns, table)
    return TableLayout(looks, readable, wanted, columns, terms, _plan(readable, columns, table, terms))


def files_to_read(table: UserTable, root: Path) -> str | None:
    """Say how many files of a folder are still to be read; None where that goes without saying: all of them are."""
    if not table.files or not any_known(root):
        return None
    try:
        found = laid_out(table)
    except BadTable:  # which the run will say in full
        return None
    known = sum(is_known(found.key(look, table), root) for look in found.readable)
    return f"{len(found.readable) - known:,} of {len(found.readable):,} files to read" if known else None


def _terms(columns: Columns, table: UserTable) -> Terms | None:
    """Return what is made of the columns: the terms of a formula, or those of dates."""
    if table.formula is None:
        return date_terms(columns.dates) if columns.dates else None
    formula = parse(table.formula)
    if lost := [name for name in formula.columns if name not in columns.features]:
        raise BadTable(
            *(f"`formula`: the column {quoted(name)} cannot be used; rename or mend it" for name in lost)
        )
    return formula.terms(columns.categorical)


def _plan(readable: Sequence[Preview], columns: Columns, table: UserTable, terms: Terms | None) -> CastPlan:
    """Lay out the columns over all files."""
    is_text = readable[0].is_text
    schemas = [look.schema for look in readable if look.schema is not None]
    stored = [look.stored for look in readable if look.stored is not None]
    others = [name for name in dict.fromkeys((*table.by, *table.key)) if name not in columns.used]
    plan = layout(
        schemas,
        columns,
        is_text=is_text,
        keep_missing=table.missing == "mean",
        passthrough=carried(stored, others, is_text=is_text),
        dates_format=table.dates_format,
        computed=terms.functions if terms else {},
    )
    if table.weights is None:
        return plan
    return replace(plan, carried={**plan.carried, table.weights: pa.float64()}, weights=table.weights)
