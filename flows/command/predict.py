"""The command `linear-neuron predict`: rows in, the same rows with their predictions out, some at a time."""

import json

from flows.command.exits import Exit
from flows.command.messages import print_result, refuse, say
from flows.predicting import PredictedRows, predict_rows
from tasks.config import Prediction
from tasks.store.folders import BadStore
from tasks.table.errors import BadTable, counted, printable, quoted
from tasks.table.model.scoring import scoring_notes


def predict(options: Prediction, as_json: bool) -> Exit:
    """Predict, and print how many rows there were and where they are; return the exit status."""
    try:
        found = predict_rows(options)
    except (BadTable, BadStore) as error:
        return refuse(str(error))
    except ConnectionError as error:
        say(f"{printable(str(error))}; repeat the command")
        return Exit.FAILED
    except OSError as error:
        reason = error.strerror or printable(str(error))
        say(f"`output` of {options.output!r} cannot be written: {reason}")
        return Exit.FAILED

    for line in [*([found.model.said] if found.model.origin else []), *scoring_notes(found.account)]:
        say(line)
    text = (
        json.dumps(_as_json(options, found), indent=1)
        if as_json
        else f"{counted(found.account.rows, 'row')} with {quoted(found.column)} in {found.output}"
    )
    return print_result(text, f"; the predictions are stored: {found.output}")


def _as_json(options: Prediction, found: PredictedRows) -> dict[str, object]:
    account = found.account
    payload: dict[str, object] = {
        "rows": account.rows,
        "predicted": account.predicted,
        "column": found.column,
        "output": options.output,
    }
    if options.output_table is not None:
        payload["table"] = options.output_table
    if found.model.origin:
        payload["model"] = found.model.origin
    if options.interval is not None:
        payload["interval"] = {"level": options.interval, "kind": options.interval_kind}
    counts = {"missing": account.missing, "infinite": account.infinite, "unknown_levels": account.unknown}
    return payload | counts
