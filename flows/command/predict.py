"""The command `linear-neuron predict`: rows in, the same rows with their predictions out, some at a time."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from flows.command.chosen_model import chosen
from flows.command.exits import Exit
from flows.command.folders import local_output
from flows.command.messages import print_result, refuse, say
from tasks.config import Prediction
from tasks.store.folders import BadStore
from tasks.store.rows import KNOWN, Style, Write, is_known, is_text, writer
from tasks.store.writing import sweep_beside, whole
from tasks.table.errors import BadTable, Violation, counted, printable, quoted
from tasks.table.model.linear import LinearModel, Predicted, Reading, check_interval, read
from tasks.table.model.scoring import (
    Account,
    column_notes,
    columns_of,
    scored,
    scored_columns,
    scoring_notes,
)
from tasks.table.model.uncertainty import Interval
from tasks.table.sources.delimited import TextTable
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.discovery import refuse_sheet, source
from tasks.table.sources.reader import Preview, preview
from tasks.table.sources.source import Origin


def predict(options: Prediction, as_json: bool) -> Exit:
    """Predict, and print how many rows there were and where they are; return the exit status."""
    try:
        path = _output(options)
        found = chosen(options.model, Path(options.artifacts))
        model = read(found.path)
        column = options.column or f"predicted_{model.target}"
        account = _written(model, options, column, path)
    except (BadTable, BadStore) as error:
        return refuse(str(error))
    except ConnectionError as error:
        say(f"{printable(str(error))}; repeat the command")
        return Exit.FAILED
    except OSError as error:
        reason = error.strerror or printable(str(error))
        say(f"`output` of {options.output!r} cannot be written: {reason}")
        return Exit.FAILED

    for line in [*([found.said] if found.origin else []), *scoring_notes(account)]:
        say(line)
    if as_json:
        payload: dict[str, object] = {
            "rows": account.rows,
            "predicted": account.predicted,
            "column": column,
            "output": str(path),
            **({"model": found.origin} if found.origin else {}),
        }
        if options.interval is not None:
            payload["interval"] = {"level": options.interval, "kind": options.interval_kind}
        counts = {
            "missing": account.missing,
            "filled": account.filled,
            "infinite": account.infinite,
            "unknown_levels": account.unknown,
        }
        text = json.dumps(payload | counts, indent=1)
    else:
        text = f"{counted(account.rows, 'row')} with {quoted(column)} in {str(path)!r}"
    return print_result(text, f"; the predictions are stored: {str(path)!r}")


def _output(options: Prediction) -> Path:
    """Check, before anything is read, that the output can be written.

    Raises:
        BadTable: it cannot, or it already exists.
    """
    path, where = Path(options.output), f"`output` of {options.output!r}"
    if "://" not in options.output and not is_known(path):
        raise BadTable(f"{where} has no known format; name it {KNOWN}")
    if path.exists() and not path.is_file():
        raise BadTable(f"{where} exists and is not a file; give another name")
    return local_output(options.output, overwrite=options.overwrite)


def _written(model: LinearModel, options: Prediction, column: str, path: Path) -> Account:
    """Write all rows with their predictions; the file appears once it is complete."""
    interval = _interval(model, options)
    dialect, warn = _reading(model.reading, options)
    table = source(_origin(options))
    refuse_sheet(table, options.sheet)
    looks = [preview(member, dialect) for member in table.members]
    columns = columns_of(looks, model)
    out = scored_columns(columns, model, column, as_text=is_text(path), interval=interval is not None)
    account, target = Account(skipped=tuple(column_notes(looks, columns, model))), path.resolve()
    sweep_beside(target)
    try:
        with whole(target) as part, writer(part, target, out, _style(looks[0])) as write:
            for found in scored(model, looks, columns, out, warn, interval):
                account = _appended(account, found, write)
    except pa.ArrowException as error:
        reason = printable(str(error))[:160]
        raise BadTable(
            f"`output` of {options.output!r} cannot hold the columns ({reason}); write .parquet or .feather"
        ) from error
    return account


def _origin(options: Prediction) -> Origin:
    """Say where the rows are; Prefect is loaded only for a password that it keeps."""
    password = None
    if options.password_block is not None:
        from tasks.runtime.user_table import password_in

        password = password_in(options.password_block)
    return Origin(options.data, options.version, options.query, password=password)


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


def _appended(account: Account, found: tuple[pa.RecordBatch, Predicted] | Violation, write: Write) -> Account:
    """Write rows that were predicted; return the account with them, or with what was skipped."""
    if isinstance(found, Violation):
        return replace(account, skipped=(*account.skipped, found))
    rows, predicted = found
    write(rows)
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
