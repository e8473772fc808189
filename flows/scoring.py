"""The flow `scoring`: new rows through the model in use, on a schedule of its own or when a model is promoted.

It does what `linear-neuron predict` does, by the same code, and says on Prefect's server what became of the rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from prefect import State, flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run
from prefect.states import Completed
from prefect.tasks import exponential_backoff

from flows.events import emit
from flows.failing import hide_tracebacks, published_or_noted
from flows.predicting import PredictedRows, predict_rows
from tasks.config import RUN_NAME, Prediction
from tasks.outputs import runs
from tasks.outputs.distributions import drift
from tasks.outputs.result import ColumnDrift
from tasks.outputs.scoring import ScoringResult
from tasks.page.markdown import markdown
from tasks.page.scoring import refusal_page, scoring_page
from tasks.runtime.stage import RETRIES, may_pass
from tasks.table.model.scoring import scoring_notes
from tasks.table.sources.address import redacted
from tasks.table.sources.location import is_url

# What stands in a path for the day on which a run is due.
DAY = "{day}"

# Rows that are held against the training rows.
SAMPLED = 10_000

# A connection that breaks off is made again, and the rows are read from the first.
_predict: Any = task(
    name="predict",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=RETRIES,
    retry_delay_seconds=exponential_backoff(backoff_factor=2),
    retry_jitter_factor=0.5,
    retry_condition_fn=may_pass,
)(predict_rows)


def _flow_run_name() -> str:
    """Name the flow run by the model, and by when it is due."""
    given = flow_run.parameters.get("settings")
    model = given.model if isinstance(given, Prediction) else dict(given or {}).get("model", "")
    return f"{_name(str(model))}-{flow_run.scheduled_start_time:%Y%m%dT%H%M%S}"


# Validated inside, as the regression's parameters are.
@flow(name="scoring", flow_run_name=_flow_run_name, persist_result=False, validate_parameters=False)
def scoring(settings: Prediction) -> ScoringResult:
    """Predict rows by the model in use, into a file, a folder or a table.

    Args:
        settings: As of `linear-neuron predict`. `{day}` in `output` stands for the day on which the run is due (UTC):
            a file of the same day is replaced, and its folder made. A table is merged by its key, or overwritten.

    Returns:
        How many rows there were, their predictions' range, and what was amiss.

    Raises:
        BadTable: The model is not there, the rows lack what it needs, or the output cannot be written.
    """
    hide_tracebacks()
    given = Prediction.model_validate(settings)
    with _refusing_visibly(_name(given.model)):
        options = dated(given)
        found: PredictedRows = _predict(options, SAMPLED)
    result = _result(found, options)
    page = markdown(scoring_page(result), lambda _: None)
    create_markdown_artifact(page, key=f"{result.name}-scoring", description=result.line)
    emit("scoring.completed", result.name, result.model_dump(mode="json") | {"text": result.line})
    state: State[ScoringResult] = Completed(message=result.line, data=result)
    return cast("ScoringResult", state)


def dated(options: Prediction) -> Prediction:
    """Put the day on which the run is due in the place of `{day}`, and make the folder of its file."""
    if DAY not in options.output:
        return options
    output = options.output.replace(DAY, f"{flow_run.scheduled_start_time:%Y-%m-%d}")
    if is_url(output):  # a database, or what is refused later
        return options.model_copy(update={"output": output})
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    return options.model_copy(update={"output": output, "overwrite": True})


def _result(found: PredictedRows, options: Prediction) -> ScoringResult:
    account = found.account
    return ScoringResult(
        name=found.model.origin.get("name", _name(options.model)),
        model=found.model.origin,
        column=found.column,
        output=found.output,
        rows=account.rows,
        predicted=account.predicted,
        lowest=account.lowest,
        mean=account.mean,
        highest=account.highest,
        notes=[*scoring_notes(account)],
        drift=_drift(found, options),
    )


def _drift(found: PredictedRows, options: Prediction) -> list[ColumnDrift]:
    """Hold some of the rows against the training rows, as far as the model's run has kept what these were like."""
    run = found.model.origin.get("run")
    result = runs.read(Path(options.artifacts), run) if run else None
    return drift(result.distributions, found.sample) if result else []


@contextmanager
def _refusing_visibly(name: str) -> Iterator[None]:
    """Say of whatever fails inside why, in an artifact and an event, and let it pass on."""
    try:
        yield
    except Exception as error:
        reason = redacted(f"{type(error).__name__}: {error}")
        with published_or_noted(error):
            page = markdown(refusal_page(name, reason), lambda _: None)
            create_markdown_artifact(page, key=f"{name}-scoring", description=reason)
            emit("scoring.failed", name, {"text": reason})
        raise


def _name(model: str) -> str:
    """Return the name of what is modelled, as far as the model's says it."""
    name = model.partition("@")[0]
    return name if RUN_NAME.fullmatch(name) else "model"
