"""The end of a run, new every time even when all stages were cached: its folder, and the artifacts in Prefect's UI."""

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.runtime import flow_run

from flows.flags import flags
from tasks.config import Settings
from tasks.outputs import figures as figures_left
from tasks.outputs import runs
from tasks.outputs.model import WEIGHTS
from tasks.outputs.model import read as read_model
from tasks.outputs.parts import ENCODING, read_encoding
from tasks.outputs.repeats import SUMMARY
from tasks.outputs.repeats import read as read_repeats
from tasks.outputs.result import Evaluation, Lineage, Result
from tasks.outputs.scores import METRICS
from tasks.outputs.scores import read as read_scores
from tasks.page.blocks import Block
from tasks.page.coefficients import coefficient_records, coefficients
from tasks.page.figures.trend import draw_trend
from tasks.page.markdown import markdown
from tasks.page.report import report
from tasks.page.size_limit import fitted_markdown
from tasks.page.text import named
from tasks.page.webpage import webpage
from tasks.runtime.provenance import provenance
from tasks.runtime.run import Run
from tasks.store.artifact import Artifact
from tasks.store.folders import RUNS
from tasks.table.drift import grown, lost
from tasks.table.model.exports import exported
from tasks.table.model.linear import LinearModel, Reading, linear_model

ARTIFACT_KEY = "regression-report"
TABLE_KEY = "regression-coefficients"

# Rows of the table in Prefect's UI, which shows all of them on one page.
MOST_COEFFICIENTS = 500


def publish(
    run: Run, settings: Settings, scores: Artifact, figures: Artifact, repeats: Artifact | None = None
) -> Result:
    """Write `runs/<run>/` and create the artifacts: the report, and the coefficients as a table.

    The folder gets the figures, shared with the stage that drew them, `model.json`, `model.sql`, `report.html`,
    `report.md` and, last, `result.json`: one that has it is whole.
    """
    model, parts = run.input_of("evaluate", "model"), run.input_of("evaluate", "parts")
    read = [scores.only(METRICS), figures, model.only(WEIGHTS), parts.only(ENCODING)]
    run.require(*read, *([repeats.only(SUMMARY)] if repeats else []))
    evaluation = read_scores(scores, run.root)
    drawn = figures_left.read(figures, run.root)
    name = _run_name()
    result = Result(
        **dict(evaluation),
        notes=[*run.notes, *_changes(run, settings, name)],
        run=name,
        settings=settings.model_dump(mode="json"),
        stages=run.stages,
        report=f"{RUNS}/{name}/{runs.REPORT}",
        profile=drawn.profile,
        lineage=_lineage(run, settings),
        repeats=read_repeats(repeats, run.root) if repeats else None,
    )

    past = runs.earlier(run.root, result)
    paths = figures_left.picture_paths(figures, run.root, drawn.figures)
    images = {file: path.read_bytes() for file, path in paths.items()}
    files = exported(_model(model, parts, run, settings))
    shown = list(drawn.figures)
    if past:
        picture, figure = draw_trend([*past, result])
        files[figure.file] = images[figure.file] = picture
        shown.append(figure)
    blocks = report(result, shown, past)

    pages = _pages(result, blocks, images)
    written = runs.write(run.root, result, {**files, **pages}, shared=paths)

    create_markdown_artifact(
        fitted_markdown(blocks, images), key=ARTIFACT_KEY, description=evaluation.verdict.text
    )
    _publish_coefficients(evaluation)
    return written


def _changes(run: Run, settings: Settings, name: str) -> Iterator[str]:
    """Yield the changes of the user's table since the previous run."""
    now = runs.schema_of(run.root, run.stages)
    before = runs.last_schema(run.root, settings.input, name) if now else None
    if now and before:
        yield from map(
            str, (*lost(before, [column.name for column in now.columns], now.left_out), *grown(before, now))
        )


def _publish_coefficients(evaluation: Evaluation) -> None:
    """Create the table artifact: weights and bias, to compare from run to run."""
    listed = coefficients(evaluation)
    shown = listed[:MOST_COEFFICIENTS]
    rest = f", the first {len(shown)} of {len(listed):,}" if len(shown) < len(listed) else ""
    create_table_artifact(
        coefficient_records(shown),
        key=TABLE_KEY,
        description=f"Weights and bias for {named(evaluation.target)}{rest}; from … to is the 95 % interval.",
    )


def _pages(result: Result, blocks: Sequence[Block], images: Mapping[str, bytes]) -> dict[str, bytes]:
    """Write the report as a web page and as Markdown."""
    page = webpage(blocks, f"Linear regression of {result.target}, {result.run}", images.__getitem__)
    return {runs.PAGE: page.encode(), runs.REPORT: markdown(blocks, quote).encode()}


def _model(model: Artifact, parts: Artifact, run: Run, settings: Settings) -> LinearModel:
    """Return the fitted model over the user's own columns."""
    fitted = read_model(model, run.root)
    reading = Reading.model_validate(settings.input.model_dump(include={*Reading.model_fields}))
    return linear_model(read_encoding(parts, run.root), fitted.weights, fitted.bias, reading).checked()


def _lineage(run: Run, settings: Settings) -> Lineage:
    codes = [provenance(f"tasks.{stage}", stage) for stage in run.stages]
    table = run.input_of("ingest", "table")
    modules = sorted({each for code in codes for each in code.modules.items()})
    lines = "".join(f"{module}\0{digest}\n" for module, digest in modules)
    libraries = {library: version for code in codes for library, version in code.libraries.items()}
    return Lineage(
        flow_run=str(flow_run.id),
        flow_run_name=str(flow_run.name),
        started=f"{flow_run.scheduled_start_time:%Y-%m-%dT%H:%M:%SZ}",
        code=hashlib.sha256(lines.encode()).hexdigest(),
        libraries=dict(sorted(libraries.items())),
        source=table.digest if table else None,
        command=shlex.join(["linear-neuron", "run", *flags(settings)]),
    )


def _run_name() -> str:
    """Name a run by its start and its id: unique, in the order of time, and the same when the run is retried."""
    started = flow_run.scheduled_start_time
    return f"{started:%Y%m%dT%H%M%S}-{str(flow_run.id)[:8]}"
