"""Stage `ingest`: take the user's own table in, checked."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path

from tasks.outputs import data
from tasks.outputs.data import DataFacts
from tasks.outputs.files import FileToRead, IngestedFile, Keep, joined, keeping, read_into, remembered
from tasks.runtime.spreading import spread
from tasks.runtime.stage import stage
from tasks.runtime.table_layout import TableLayout, laid_out
from tasks.runtime.user_table import UserTable
from tasks.store.artifact import Artifact
from tasks.store.parts import fits_one_part
from tasks.store.writing import draft, publish
from tasks.table.columns import Columns, Wanted
from tasks.table.consistency import disagreements
from tasks.table.drift import ColumnRange, TableSchema
from tasks.table.errors import Violation, counted, quoted, raise_on_errors
from tasks.table.sources.found import FoundTable
from tasks.table.sources.reader import Preview
from tasks.table.terms.design import Terms
from tasks.table.validation import TableSummary, findings, logarithm_findings, weight_findings

DATA = "data"  # of the draft: the folder that is published


@stage
def ingest(table: UserTable, root: Path) -> Artifact:
    """Read the features and the target from the user's files, check every value, and leave them as `data.parquet`.

    Large data (above 5 million rows) is left as `data-00000.parquet` and so on, in constant memory. Columns of
    categories are text. Rows with a missing value are left out, or kept with nulls in the features where `missing` is
    `mean`. Runs again when the files' contents, the choice of columns or this code changes.

    Raises:
        BadTable: a file or a value in it cannot be used; nothing is stored.
    """
    found, layout = table.found, laid_out(table)
    looks, columns, plan, terms = layout.looks, layout.columns, layout.plan, layout.terms
    with draft(root) as folder, keeping(root) as keep:
        files = _files(layout, table, found, folder, root, keep)
        summary = _summary(columns, files, table, terms)
        described = [*found.table.findings, *_findings(looks, columns, layout.wanted, files, summary, table)]
        warnings = raise_on_errors(described, table.warn, strict=table.strict)
        facts = _facts(columns, summary, table, terms)
        notes = [*map(str, warnings), *_drops(facts)]

        (folder / DATA).mkdir()
        data.write_schema(folder / DATA, _schema(summary, columns))
        paths = [path for file in files for path in file.paths]
        if not found.table.is_ordered:
            data.sort_rows(folder / DATA, paths, plan.schema, table.key, folder)
        elif table.files and not fits_one_part(summary.rows, len(plan.schema)):
            return _referring(files, publish(folder / DATA, root, "ingest", facts.as_json(), notes))
        else:
            data.gather_rows(folder / DATA, paths, plan.schema)
        return publish(folder / DATA, root, "ingest", facts.as_json(), notes)


def _files(
    layout: TableLayout, table: UserTable, found: FoundTable, folder: Path, root: Path, keep: Keep
) -> list[IngestedFile]:
    """Return what is in each file: of one of many that was read before, what is known of it; else it is read now.

    What is read goes into the store file by file, so that a run that is killed goes on at the file.
    """
    keys = [layout.key(look, table) for look in layout.readable]
    files = [
        remembered(key, look.member.name, root) if key else None
        for key, look in zip(keys, layout.readable, strict=True)
    ]
    unread = [number for number, file in enumerate(files) if file is None]
    asked = [FileToRead(layout.readable[number], folder, keys[number]) for number in unread]
    for number, file in zip(unread, spread(partial(read_into, layout.plan), asked), strict=True):
        found.check_unchanged(layout.readable[number].member)
        files[number] = keep(file) if file.key else file
    return [file for file in files if file is not None]


def _findings(
    looks: Sequence[Preview],
    columns: Columns,
    wanted: Wanted,
    files: Sequence[IngestedFile],
    summary: TableSummary,
    table: UserTable,
) -> Iterator[Violation]:
    """Yield all findings: about the names, each file, how they agree, and the rows of all of them.

    Where a file could not be read, or not all of it, it is no wonder that the rows are few.
    """
    yield from columns.warnings
    broken = [finding for look in looks for finding in look.violations]
    broken += [finding for file in files for finding in file.violations]
    yield from broken
    detected = list(_detected(looks, columns))
    doubted = {each.column for each in detected if each.rule == "ambiguous-numbers"}
    yield from detected
    yield from disagreements(looks, columns, wanted)
    if table.log_target:
        yield from logarithm_findings(summary)
    if table.weights is not None:
        yield from weight_findings(summary, table.weights, missing=table.missing)
    is_read = all(finding.rule in table.warn for finding in broken)
    for finding in findings(summary, missing=table.missing, warn=table.warn, pools=table.pools):
        if (
            finding.rule == "text-in-numbers"
            and finding.column in doubted
            and "ambiguous-numbers" not in table.warn
        ):
            continue  # a doubt about the sign says the same
        if finding.rule != "too-few-rows":
            yield finding
        elif is_read:
            skipped = sum(each.count or 0 for each in broken if each.rule == "irregular-rows")
            why = f" ({counted(skipped, 'irregular row')} skipped)" if skipped else ""
            yield replace(finding, problem=f"{finding.problem}{why}")


def _detected(looks: Sequence[Preview], columns: Columns) -> Iterator[Violation]:
    """Yield what was detected about the used columns, and doubts; what is the same of several files only once."""
    found: dict[tuple[str, str | None], list[tuple[str, Violation]]] = {}
    for look in looks:
        for finding in look.written.findings:
            if finding.column is None or finding.column in columns.used:
                key = (finding.rule, finding.column or finding.remedy)
                found.setdefault(key, []).append((look.member.name, finding))
    for (name, first), *others in found.values():
        if len(looks) == 1:
            yield first
        else:
            more = f" and {counted(len(others), 'more file')}" if others else ""
            yield replace(first, problem=f"{quoted(name)}{more}: {first.problem}", file=name)


def _schema(summary: TableSummary, columns: Columns) -> TableSchema:
    ranges = {name: summary.range(name) for name in columns.used}
    described = (ColumnRange(name=name, lowest=low, highest=high) for name, (low, high) in ranges.items())
    return TableSchema(columns=tuple(described), left_out=columns.left_out)


def _referring(files: Sequence[IngestedFile], described: Artifact) -> Artifact:
    """Return the record of large data that lies where its files were left, in order, and of what describes it."""
    parts = [
        file.artifact.files[path.name] for file in files if file.artifact is not None for path in file.paths
    ]
    names = [data.row_file(number) for number in range(len(parts))]
    every = dict(zip(names, parts, strict=True)) | described.files
    return described.model_copy(update={"files": every}).checked()


def _within(columns: Columns, table: UserTable) -> tuple[str, ...]:
    """Return the columns that are in terms alone."""
    return columns.dates if table.formula is None else columns.features


def _summary(
    columns: Columns, files: Sequence[IngestedFile], table: UserTable, terms: Terms | None
) -> TableSummary:
    moments = reduce(joined, (file.moments for file in files), None)
    names = [file.name if len(files) > 1 else None for file in files]
    return TableSummary(
        features=columns.features,
        target=columns.target,
        categorical=columns.categorical,
        dates=columns.dates,
        files=[(name, file.summaries) for name, file in zip(names, files, strict=True)],
        terms=terms,
        within=_within(columns, table),
        computed=[(name, file.computed) for name, file in zip(names, files, strict=True)],
        rows=sum(file.rows for file in files),
        paired=moments.rows if moments else 0,
        scatter=moments.scatter if moments else None,
    )


def _facts(columns: Columns, summary: TableSummary, table: UserTable, terms: Terms | None) -> DataFacts:
    weightless = summary.total(table.weights, "zeros") if table.weights is not None else 0
    return DataFacts(
        features=tuple(columns.features),
        target=columns.target,
        categorical=tuple(columns.categorical),
        terms=terms,
        within=_within(columns, table),
        missing=table.missing,
        missing_counts={name: total for name in columns.used if (total := summary.total(name, "missing"))},
        dropped=max(summary.read - summary.rows - weightless, 0),
        weightless=weightless,
    )


def _drops(facts: DataFacts) -> Iterator[str]:
    if facts.weightless:
        yield f"{counted(facts.weightless, 'row')} of weight 0 left out"
    if facts.dropped:
        counts = facts.missing_counts
        each = ", ".join(f"{count:,} in {quoted(name)}" for name, count in counts.items())
        yield f"{counted(facts.dropped, 'row')} dropped because a value is missing" + (
            f": missing {each}" if each else ""
        )
