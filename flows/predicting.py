"""Rows in, the same rows with their predictions out, some at a time, into a file or a table: what `predict` does.

Nothing is to be seen of the output until all rows are in it.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from pydantic import SecretStr

from flows.chosen_model import ChosenModel, chosen
from flows.local_output import local_output
from tasks.config import Prediction
from tasks.store.rows import KNOWN, Style, Write, is_known, is_text, writer
from tasks.store.writing import sweep_beside, whole
from tasks.table.destinations.database_table import DatabaseTable, is_database, table_at
from tasks.table.errors import BadTable, Violation, printable
from tasks.table.model.linear import LinearModel, Predicted, Reading, check_interval, read
from tasks.table.model.row_sample import RowSample
from tasks.table.model.scoring import (
    Account,
    Stamp,
    column_notes,
    columns_of,
    scored,
    scored_columns,
    stamped,
    stamped_columns,
)
from tasks.table.model.uncertainty import Interval
from tasks.table.sources.delimited import TextTable
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.discovery import refuse_sheet, source
from tasks.table.sources.location import FILE_DATABASES, database_file, scheme
from tasks.table.sources.reader import Preview, preview
from tasks.table.sources.source import Origin


@dataclass(frozen=True, slots=True)
class PredictedRows:
    """What became of the rows.

    Attributes:
        model: Which model predicted them.
        column: Where their predictions stand.
        output: The file or the table, in words.
        account: How many there were, and what was amiss.
        sample: Some of them, as far as the model uses them: numbers in float64, categories as text.
    """

    model: ChosenModel
    column: str
    output: str
    account: Account
    sample: pa.Table


def predict_rows(options: Prediction, sampled: int = 0) -> PredictedRows:
    """Predict rows, and write them with their predictions.

    Args:
        options: What is to be predicted, by which model, and where it goes.
        sampled: How many of the rows to keep, chosen at random.

    Raises:
        BadTable: the model, the rows or the output are not as they have to be; nothing is written.
        BadStore: the registry cannot be read.
        ConnectionError: a database cannot be reached any more.
        OSError: the output cannot be written.
    """
    output = _output(options)
    found = chosen(options.model, Path(options.artifacts))
    model = read(found.path)
    column = options.column or f"predicted_{model.target}"
    stamp, sample = _stamp(options, found), RowSample(sampled) if sampled else None
    account = _written(model, options, column, output, stamp, sample)
    told = str(output) if isinstance(output, DatabaseTable) else repr(str(output))
    return PredictedRows(found, column, told, account, sample.rows if sample else pa.table({}))


def _output(options: Prediction) -> Path | DatabaseTable:
    """Check, before anything is read, that the output can be written.

    Raises:
        BadTable: it cannot, or it already exists.
    """
    path, where = Path(options.output), f"`output` of {options.output!r}"
    if is_database(options.output):
        if options.output_table is None:
            raise BadTable(f"{where} is a database; name the table with `--output-table`")
        if scheme(options.output) in FILE_DATABASES:
            local_output(str(database_file(options.output)), overwrite=True)
        origin = Origin(options.output, password=_password(options.output_password_block))
        table = table_at(origin, options.output_table, options.output_key, overwrite=options.overwrite)
        table.check()
        return table

    if options.output_table is not None:
        raise BadTable(
            f"`output_table`: {where} is no database; leave it out, or give sqlite:///rows.db, say"
        )
    if "://" not in options.output and not is_known(path):
        raise BadTable(f"{where} has no known format; name it {KNOWN}")
    if path.exists() and not path.is_file():
        raise BadTable(f"{where} exists and is not a file; give another name")
    return local_output(options.output, overwrite=options.overwrite)


def _written(
    model: LinearModel,
    options: Prediction,
    column: str,
    output: Path | DatabaseTable,
    stamp: Stamp | None,
    sample: RowSample | None,
) -> Account:
    """Write all rows with their predictions."""
    interval = _interval(model, options)
    dialect, warn = _reading(model.reading, options)
    table = source(_origin(options))
    refuse_sheet(table, options.sheet)
    looks = [preview(member, dialect) for member in table.members]
    columns = columns_of(looks, model)
    as_text = isinstance(output, Path) and is_text(output)
    out = scored_columns(columns, model, column, as_text=as_text, interval=interval is not None)
    written = stamped_columns(out) if stamp else out
    account = Account(skipped=tuple(column_notes(looks, columns, model)))
    with _destination(output, written, _style(looks[0])) as write:
        for found in scored(model, looks, columns, out, warn, interval, sample):
            account = _appended(account, found, write, stamp)
    return account


@contextmanager
def _destination(output: Path | DatabaseTable, columns: pa.Schema, style: Style) -> Iterator[Write]:
    """Lend a function that takes rows; at the end of the block they are in the output, all at once."""
    if isinstance(output, DatabaseTable):
        output.check_key(columns.names)
        with _into_table(output, columns) as write:
            yield write
        return
    target = output.resolve()
    sweep_beside(target)
    try:
        with whole(target) as part, writer(part, target, columns, style) as write:
            yield write
    except pa.ArrowException as error:
        reason = printable(str(error))[:160]
        raise BadTable(
            f"`output` of {str(output)!r} cannot hold the columns ({reason}); write .parquet or .feather"
        ) from error


@contextmanager
def _into_table(table: DatabaseTable, columns: pa.Schema) -> Iterator[Write]:
    """Keep the rows on this machine until there are no more, so that the table's database is taken up for a moment.

    They may come from the same database. The file has no name, and so cannot outlast the process.
    """
    with tempfile.TemporaryFile() as kept:
        compressed = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.ipc.new_stream(kept, columns, options=compressed) as stream:
            yield stream.write_batch
        kept.seek(0)
        with pa.ipc.open_stream(kept) as rows:
            table.fill(rows)


def _stamp(options: Prediction, found: ChosenModel) -> Stamp | None:
    """Return what the rows are to say of their prediction, if they are to.

    Raises:
        BadTable: the model is of no run.
    """
    if not options.stamp:
        return None
    if "run" not in found.origin:
        raise BadTable(
            f"`stamp`: `model` of {options.model!r} is of no run; give the run, or leave `stamp` out"
        )
    return Stamp(found.origin["run"], datetime.now(UTC).replace(microsecond=0))


def _origin(options: Prediction) -> Origin:
    """Say where the rows are."""
    password = _password(options.password_block)
    return Origin(options.data, options.version, options.query, options.table, password=password)


def _password(block: str | None) -> SecretStr | None:
    """Return a password; Prefect is loaded only for one that it keeps."""
    if block is None:
        return None
    from tasks.runtime.user_table import password_in

    return password_in(block)


def _interval(model: LinearModel, options: Prediction) -> Interval | None:
    """Return the interval that is wanted, with its critical value.

    Raises:
        BadTable: the model does not hold what it needs.
    """
    if options.interval is None:
        return None
    critical = None
    if options.interval_kind != "conformal" and model.uncertainty is not None:
        # SciPy takes a fifth of a second to import: only an interval pays for it.
        from tasks.neuron.student_t import critical as critical_t

        critical = critical_t(1 - options.interval, model.uncertainty.degrees_of_freedom)
    interval = Interval(options.interval, options.interval_kind, critical)
    check_interval(model, interval)
    return interval


def _appended(
    account: Account, found: tuple[pa.RecordBatch, Predicted] | Violation, write: Write, stamp: Stamp | None
) -> Account:
    """Write rows that were predicted; return the account with them, or with what was skipped."""
    if isinstance(found, Violation):
        return replace(account, skipped=(*account.skipped, found))
    rows, predicted = found
    write(stamped(rows, stamp) if stamp else rows)
    return account + predicted


def _reading(trained: Reading, options: Prediction) -> tuple[Dialect, tuple[str, ...]]:
    """Read rows as the run of the model did, unless the options say otherwise."""
    known = trained.model_dump(exclude={"warn"})
    given = {name: getattr(options, name) for name in known}
    merged = known | {name: value for name, value in given.items() if value is not None}
    return Dialect(**merged), trained.warn if options.warn is None else options.warn


def _style(look: Preview) -> Style:
    """Write text as text was read; from other formats with commas and points."""
    if not isinstance(look.contents, TextTable):
        return Style()
    return Style(look.contents.layout.delimiter, look.written.numerals.decimal)
