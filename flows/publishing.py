"""The end of a run, new every time even when all stages were cached: its folder, and the artifacts in Prefect's UI."""

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.runtime import flow_run

from flows.flags import flags
from tasks.config import Settings
from tasks.outputs import runs
from tasks.outputs.result import Evaluation, Lineage, Repeats, ReportFigures, Result
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
from tasks.store.formats import read_npz
from tasks.store.writing import write_atomically
from tasks.table.drift import grown, lost
from tasks.table.encoding import Encoding
from tasks.table.model.exports import exported
from tasks.table.model.linear import LinearModel, Reading, linear_model

ARTIFACT_KEY = "regression-report"
TABLE_KEY = "regression-coefficients"
MOST_COEFFICIENTS = 500
"""Rows of the table in Prefect's UI, which shows all of them on one page."""


def publish(
    run: Run, settings: Settings, scores: Artifact, figures: Artifact, repeats: Artifact | None = None
) -> Result:
    """Write `runs/<run>/` and create the artifacts: the report, and the coefficients as a table.

    The folder gets the figures, `model.json`, `model.sql`, `report.html`, `report.md` and, last, `result.json`: one
    that has it is whole.
    """
    findings = Evaluation.model_validate_json(scores.path(run.root, "metrics.json").read_bytes())
    drawn = ReportFigures.model_validate_json(figures.path(run.root, "exhibits.json").read_bytes())
    name = _run_name()
    result = Result(
        **{**dict(findings), "notes": [*findings.notes, *_changes(run, settings, name)]},
        run=name,
        settings=settings.model_dump(mode="json"),
        stages=run.stages,
        report=f"runs/{name}/report.md",
        profile=drawn.profile,
        lineage=_lineage(run, settings),
        repeats=_repeats(repeats, run.root) if repeats else None,
    )
    past = runs.earlier(run.root, result)
    images = {each.file: figures.path(run.root, each.file).read_bytes() for each in drawn.figures}
    shown = list(drawn.figures)
    if past:
        picture, figure = draw_trend([*past, result])
        images[figure.file] = picture
        shown.append(figure)
    blocks = report(result, shown, past)
    runs.note_finished(run.root, name)
    _write(runs.folder(run.root, name), result, blocks, images | exported(_model(run, settings)))
    create_markdown_artifact(
        fitted_markdown(blocks, images), key=ARTIFACT_KEY, description=findings.verdict.text
    )
    _publish_coefficients(findings)
    return result


def _changes(run: Run, settings: Settings, name: str) -> Iterator[str]:
    """Yield what has changed in the user's table since the last run before this one."""
    now = runs.schema_of(run.root, run.stages)
    before = runs.last_schema(run.root, settings.input, name) if now else None
    if now and before:
        yield from map(
            str, (*lost(before, [column.name for column in now.columns], now.left_out), *grown(before, now))
        )


def _publish_coefficients(findings: Evaluation) -> None:
    """Create the table artifact: the weights and the bias alone, to be compared from run to run."""
    listed = coefficients(findings)
    shown = listed[:MOST_COEFFICIENTS]
    rest = f", the first {len(shown)} of {len(listed):,}" if len(shown) < len(listed) else ""
    create_table_artifact(
        coefficient_records(shown),
        key=TABLE_KEY,
        description=f"Weights and bias for {named(findings.target)}{rest}; from … to is the 95 % interval.",
    )


def _write(folder: Path, result: Result, blocks: Sequence[Block], files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        write_atomically(folder / name, content)
    page = webpage(blocks, f"Linear regression of {result.target}, {result.run}", files.__getitem__)
    write_atomically(folder / "report.html", page.encode())
    write_atomically(folder / "report.md", markdown(blocks, quote).encode())
    write_atomically(folder / "result.json", result.model_dump_json(indent=1).encode())


def _repeats(repeats: Artifact, root: Path) -> Repeats:
    return Repeats.model_validate_json(repeats.path(root, "repeats.json").read_bytes())


def _model(run: Run, settings: Settings) -> LinearModel:
    """Return the fitted model over the user's own columns."""
    model, parts = run.given("evaluate", "model"), run.given("evaluate", "parts")
    fitted = read_npz(model.path(run.root, "weights.npz"))
    encoding = Encoding.model_validate_json(parts.path(run.root, "encoding.json").read_bytes())
    reading = Reading.model_validate(settings.input.model_dump(include={*Reading.model_fields}))
    return linear_model(encoding, fitted["weights"], float(fitted["bias"].item()), reading)


def _lineage(run: Run, settings: Settings) -> Lineage:
    codes = [provenance(f"tasks.{stage}", stage) for stage in run.stages]
    table = run.given("ingest", "table")
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
