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
from tasks.page.blocks import Block
from tasks.page.coefficients import coefficient_records, coefficients
from tasks.page.fitting import fitted_markdown
from tasks.page.history import as_past, earlier_runs
from tasks.page.markdown import markdown
from tasks.page.report import report
from tasks.page.result import Exhibits, Findings, Lineage, Repeats, Result
from tasks.page.text import named
from tasks.page.trend import FILE as TREND
from tasks.page.trend import trend_picture
from tasks.page.webpage import webpage
from tasks.previous import last_schema, schema_of
from tasks.provenance import provenance
from tasks.running import Run
from tasks.store.artifact import Artifact
from tasks.store.formats import read_npz
from tasks.store.writing import share, write_atomically
from tasks.table.changes import grown, lost
from tasks.table.encoding import Encoding
from tasks.table.formula import FILE as MODEL
from tasks.table.formula import formula
from tasks.table.sql import expression

ARTIFACT_KEY = "regression-report"
TABLE_KEY = "regression-coefficients"
MOST_COEFFICIENTS = 500
"""Rows of the table in Prefect's UI, which shows all of them on one page."""


def publish(
    run: Run, settings: Settings, scores: Artifact, figures: Artifact, repeats: Artifact | None = None
) -> Result:
    """Write `runs/<run>/` and create the artifacts: the report, and the coefficients as a table.

    The folder gets the figures, shared with the stage that drew them, `model.json`, `model.sql`, `report.html`,
    `report.md` and, last, `result.json`: one that has it is whole.
    """
    findings = Findings.model_validate_json(scores.path(run.root, "metrics.json").read_bytes())
    exhibits = Exhibits.model_validate_json(figures.path(run.root, "exhibits.json").read_bytes())
    name = _run_name()
    result = Result(
        **{**dict(findings), "notes": [*findings.notes, *_changes(run, settings, name)]},
        run=name,
        settings=settings.model_dump(mode="json"),
        stages=run.stages,
        report=f"runs/{name}/report.md",
        profile=exhibits.profile,
        lineage=_lineage(run, settings),
        repeats=_repeats(repeats, run.root) if repeats else None,
    )
    past = earlier_runs(run.root / "runs", result)
    folder = run.root / "runs" / name
    drawn = {each.file: figures.path(run.root, each.file) for each in exhibits.figures}
    for file, path in drawn.items():
        share(path, folder / file)
    images = {file: path.read_bytes() for file, path in drawn.items()}
    made = _exported(run)
    if past:
        made[TREND] = images[TREND] = trend_picture([*past, as_past(result)])
    blocks = report(result, exhibits.figures, past)
    _write(folder, result, blocks, images, made)
    create_markdown_artifact(
        fitted_markdown(blocks, images), key=ARTIFACT_KEY, description=findings.verdict.text
    )
    _publish_coefficients(findings)
    return result


def _changes(run: Run, settings: Settings, name: str) -> Iterator[str]:
    """Yield what has changed in the user's table since the last run before this one."""
    files = [file.path for file in run.stages["ingest"].files] if "ingest" in run.stages else []
    now = schema_of(run.root, files)
    before = last_schema(run.root, settings.input, name) if now else None
    if now and before:
        yield from map(
            str, (*lost(before, [column.name for column in now.columns], now.left_out), *grown(before, now))
        )


def _publish_coefficients(findings: Findings) -> None:
    """Create the table artifact: the weights and the bias alone, to be compared from run to run."""
    listed = coefficients(findings)
    shown = listed[:MOST_COEFFICIENTS]
    rest = f", the first {len(shown)} of {len(listed):,}" if len(shown) < len(listed) else ""
    create_table_artifact(
        coefficient_records(shown),
        key=TABLE_KEY,
        description=f"Weights and bias for {named(findings.target)}{rest}; from … to is the 95 % interval.",
    )


def _write(
    folder: Path,
    result: Result,
    blocks: Sequence[Block],
    images: Mapping[str, bytes],
    made: Mapping[str, bytes],
) -> None:
    for name, content in made.items():
        write_atomically(folder / name, content)
    page = webpage(blocks, f"Linear regression of {result.target}, {result.run}", images.__getitem__)
    write_atomically(folder / "report.html", page.encode())
    write_atomically(folder / "report.md", markdown(blocks, quote).encode())
    write_atomically(folder / "result.json", result.model_dump_json(indent=1).encode())


def _repeats(repeats: Artifact, root: Path) -> Repeats:
    return Repeats.model_validate_json(repeats.path(root, "repeats.json").read_bytes())


def _exported(run: Run) -> dict[str, bytes]:
    """Write the model for other programs: over the user's own columns, by name, as JSON and as SQL."""
    model, parts = run.given("evaluate", "model"), run.given("evaluate", "parts")
    fitted = read_npz(model.path(run.root, "weights.npz"))
    encoding = Encoding.model_validate_json(parts.path(run.root, "encoding.json").read_bytes())
    exported = formula(encoding, fitted["weights"], float(fitted["bias"].item()))
    return {
        MODEL: exported.model_dump_json(indent=1).encode(),
        "model.sql": expression(exported).encode(),
    }


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
