"""The end of a run, new every time even when all stages were cached: its folder, and the artifacts in Prefect's UI."""

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.runtime import flow_run

from flows.deciding import asked, decided, recorded_decision
from flows.flags import flags
from tasks.config import Settings
from tasks.outputs import figures as figures_left
from tasks.outputs import registry, runs
from tasks.outputs.model import WEIGHTS
from tasks.outputs.model import read as read_model
from tasks.outputs.naming import difference, name_of_run
from tasks.outputs.parts import ENCODING, read_encoding
from tasks.outputs.repeats import SUMMARY
from tasks.outputs.repeats import read as read_repeats
from tasks.outputs.result import Evaluation, Lineage, Result
from tasks.outputs.scores import METRICS
from tasks.outputs.scores import read as read_scores
from tasks.outputs.uncertainty import FILE as UNCERTAINTY
from tasks.outputs.uncertainty import read as read_uncertainty
from tasks.page.answers import answers
from tasks.page.blocks import Block
from tasks.page.coefficients import coefficient_records, coefficients
from tasks.page.figures.trend import draw_trend
from tasks.page.markdown import markdown
from tasks.page.report import report
from tasks.page.size_limit import fitted_markdown
from tasks.page.text import named, shortened
from tasks.page.webpage import webpage
from tasks.runtime.provenance import provenance
from tasks.runtime.run import Run
from tasks.runtime.user_table import UserTable
from tasks.store.artifact import Artifact
from tasks.store.folders import RUNS
from tasks.table.drift import grown, lost
from tasks.table.model.exports import exported
from tasks.table.model.linear import LinearModel, Reading, linear_model

# Failed runs in the trend's picture, the newest.
MOST_CROSSES = 20

# Rows of the table in Prefect's UI, which shows all of them on one page.
MOST_COEFFICIENTS = 500


def publish(
    run: Run,
    settings: Settings,
    name: str,
    scores: Artifact,
    figures: Artifact,
    repeats: Artifact | None = None,
) -> Result:
    """Decide whether the model comes into use, write `runs/<run>/` and create the artifacts for Prefect's UI.

    The folder gets the figures, shared with the stage that drew them, `model.json`, `model.sql`, `report.html`,
    `report.md` and, last, `result.json`: one that has it is whole. Then the registry says so. Nobody else changes it
    meanwhile, so two runs at once are decided one after the other.
    """
    model, parts = run.input_of("evaluate", "model"), run.input_of("evaluate", "parts")
    read = [scores.only(METRICS, UNCERTAINTY), figures, model.only(WEIGHTS), parts.only(ENCODING)]
    run.require(*read, *([repeats.only(SUMMARY)] if repeats else []))
    evaluation, folder = read_scores(scores, run.root), run_folder()
    consent = asked(run, settings, evaluation, name, folder)

    with registry.held(run.root):
        dumped = settings.model_dump(mode="json")
        known = registry.entry(run.root, registry.claimed_name(run.root, dumped), dumped)
        decision = decided(run, settings, evaluation, known, folder, consent)
        result = _result(run, settings, evaluation, figures, repeats).model_copy(
            update={"name": known.name, "decision": decision}
        )
        written, page = _written(run, settings, result, scores, figures)
        registry.write(run.root, recorded_decision(known, written, consent))

    create_markdown_artifact(page, key=report_key(known.name), description=written.line)
    _publish_coefficients(evaluation, known.name)
    return written


def _result(
    run: Run, settings: Settings, evaluation: Evaluation, figures: Artifact, repeats: Artifact | None
) -> Result:
    """Put together what the run found; its name and the gate's decision are yet to come."""
    folder, drawn = run_folder(), figures_left.read(figures, run.root)
    return Result(
        **dict(evaluation),
        notes=[*run.notes, *_changes(run, settings, folder)],
        run=folder,
        settings=settings.model_dump(mode="json"),
        stages=run.stages,
        report=f"{RUNS}/{folder}/{runs.REPORT}",
        profile=drawn.profile,
        distributions=drawn.distributions,
        lineage=_lineage(run, settings),
        repeats=read_repeats(repeats, run.root) if repeats else None,
    )


def _written(
    run: Run, settings: Settings, result: Result, scores: Artifact, figures: Artifact
) -> tuple[Result, str]:
    """Write the run's folder; return the result as it was written, and the report for Prefect's UI."""
    past = runs.earlier(run.root, result)
    result = result.model_copy(update={"answers": answers(result, past[-1] if past else None)})
    drawn = figures_left.read(figures, run.root)
    paths = figures_left.picture_paths(figures, run.root, drawn.figures)
    images = {file: path.read_bytes() for file, path in paths.items()}
    files = exported(_model(run, settings, scores))
    shown = list(drawn.figures)
    alike = [each for each in past if difference(each, result) is None]
    failed = runs.failed_between(run.root, name_of_run(result), past[0].run if past else "", result.run)
    crosses = [each.run for each in failed if not alike or each.run > alike[0].run][-MOST_CROSSES:]
    if alike or crosses:
        picture, figure = draw_trend([*alike, result], crosses)
        files[figure.file] = images[figure.file] = picture
        shown.append(figure)

    since = [each for each in failed if not past or each.run > past[-1].run]
    blocks = report(result, shown, past, _failures(since))
    pages = _pages(result, blocks, images)
    written = runs.write(run.root, result, {**files, **pages}, shared=paths)
    return written, fitted_markdown(blocks, images)


def _failures(failed: Sequence[runs.FailedRun]) -> list[str]:
    """Name failed runs, and why."""
    return [f"{each.run}, {shortened(each.reason, 200)}" for each in failed]


def report_key(name: str) -> str:
    """Return the key of a name's reports in Prefect's UI."""
    return f"{name}-report"


def table_key(name: str) -> str:
    """Return the key of a name's coefficients in Prefect's UI."""
    return f"{name}-coefficients"


def _changes(run: Run, settings: Settings, name: str) -> Iterator[str]:
    """Yield the changes of the user's table since the previous run."""
    now = runs.schema_of(run.root, run.stages)
    before = runs.last_schema(run.root, settings.input, name) if now else None
    if now and before:
        yield from map(
            str, (*lost(before, [column.name for column in now.columns], now.left_out), *grown(before, now))
        )


def _publish_coefficients(evaluation: Evaluation, name: str) -> None:
    """Create the table artifact: weights and bias, to compare from run to run."""
    listed = coefficients(evaluation)
    shown = listed[:MOST_COEFFICIENTS]
    rest = f", the first {len(shown)} of {len(listed):,}" if len(shown) < len(listed) else ""
    create_table_artifact(
        coefficient_records(shown),
        key=table_key(name),
        description=f"Weights and bias for {named(evaluation.target)}{rest}; from … to is the 95 % interval.",
    )


def _pages(result: Result, blocks: Sequence[Block], images: Mapping[str, bytes]) -> dict[str, bytes]:
    """Write the report as a web page and as Markdown."""
    page = webpage(blocks, f"Linear regression of {result.target}, {result.run}", images.__getitem__)
    return {runs.PAGE: page.encode(), runs.REPORT: markdown(blocks, quote).encode()}


def _model(run: Run, settings: Settings, scores: Artifact) -> LinearModel:
    """Return the fitted model over the user's own columns."""
    model, parts, root = run.input_of("evaluate", "model"), run.input_of("evaluate", "parts"), run.root
    fitted, smearing = read_model(model, root), read_scores(scores, root).smearing
    reading = Reading.model_validate(settings.input.model_dump(include={*Reading.model_fields}))
    encoding = read_encoding(parts, root)
    found, conformal = read_uncertainty(scores, root, encoding)
    written = settings.input.dates_format
    linear = linear_model(encoding, fitted.weights, fitted.bias, reading, written)
    added = {"uncertainty": found, "conformal": conformal, "smearing": smearing}
    return linear.model_copy(update=added).checked()


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
        table=table.found.described if table else None,
        command=shlex.join(["linear-neuron", "run", *flags(_pinned(settings, table))]),
    )


def _pinned(settings: Settings, table: UserTable | None) -> Settings:
    """Name the version of the table that was read, where the table keeps its past: it may have a newer one by then."""
    version = table.found.table.version if table else None
    if version is None:
        return settings
    return settings.model_copy(update={"input": settings.input.model_copy(update={"version": version})})


def run_folder() -> str:
    """Name a run's folder by its start and its id: unique, in the order of time, the same when it is retried."""
    started = flow_run.scheduled_start_time
    return f"{started:%Y%m%dT%H%M%S}-{str(flow_run.id)[:8]}"
