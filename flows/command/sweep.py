"""The command `linear-neuron sweep`: try combinations of settings, show their errors, and run with the best."""

import json
from pathlib import Path

from flows.command.connection import Connection
from flows.command.exits import Exit
from flows.command.folders import require_writable
from flows.command.messages import explain, print_result
from flows.command.news import News
from flows.command.signals import Stops
from tasks.config import SweepPlan
from tasks.outputs.result import Result
from tasks.outputs.validation import Candidate, Sweep


def sweep(plan: SweepPlan, as_json: bool, stops: Stops, news: News) -> Exit:
    """Compare the candidates, run with the best, and print both; return the exit status."""
    root = Path(plan.settings.artifacts).resolve()
    news.tell(f"starting; files go to {str(root)!r}")
    try:
        require_writable("artifacts", Path(plan.settings.artifacts))
        connection = Connection(stops)
        from prefect import tags

        from flows.command.recording import recorded
        from flows.regression import regression
        from flows.sweeping import best_settings
        from flows.sweeping import sweep as flow
        from tasks.outputs.registry import claimed_name
        from tasks.page.summary import summary
        from tasks.runtime.progress import Activity, end_display
        from tasks.runtime.user_table import looking_once

        news.follow_stages()
        with looking_once():
            with Activity("waiting for Prefect's server"):
                connection.establish()
            stops.on_stop(end_display)
            with tags(claimed_name(root, plan.settings.model_dump(mode="json"))):
                found = recorded(flow, stops)(plan)
                result = recorded(regression, stops)(best_settings(plan, found))
    except Exception as error:  # noqa: BLE001 - the border: every failure becomes one line and a status
        return explain(error)

    text = _as_json(found, result) if as_json else "\n".join([*lines(found), "", summary(result)])
    return print_result(text, f"; the run is finished and stored: {str(root / result.report)!r}")


def lines(found: Sweep) -> list[str]:
    """Write a table of the candidates, the best one first."""
    names = [*found.candidates[0].training]
    rows = [[*names, "RMSE", "95 %"], *(_row(each) for each in found.candidates)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(names) + 1)]
    table = ["  ".join([*map(str.ljust, row, widths), *row[len(widths) :]]).rstrip() for row in rows]
    best = " ".join(
        f"--{name.replace('_', '-')}={_word(value)}" for name, value in found.candidates[0].training.items()
    )
    return [
        f"{found.target} by {found.folds} folds of the training rows; the test rows are not looked at",
        *table,
        *(f"note: {note}" for note in found.notes),
        f"run with the best, on all training rows: {best}",
    ]


def _row(candidate: Candidate) -> list[str]:
    values = [_word(value) for value in candidate.training.values()]
    error = candidate.error
    if error is None:
        return [*values, "–", str(candidate.refused)]
    known = error.low is not None and error.high is not None
    return [*values, f"{error.rmse:.4g}", f"{error.low:.4g} to {error.high:.4g}" if known else "–"]


def _word(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _as_json(found: Sweep, result: Result) -> str:
    return json.dumps(
        {"sweep": found.model_dump(mode="json"), "run": result.model_dump(mode="json")}, indent=1
    )
