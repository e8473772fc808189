"""The end of a run, new every time even when all stages were cached: its folder, and the artifact in Prefect's UI."""

from pathlib import Path

from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

from tasks.config import Settings
from tasks.page.markdown import data_uri
from tasks.page.report import report
from tasks.page.result import Findings, Result
from tasks.running import Run
from tasks.store.artifact import Artifact
from tasks.store.writing import write_atomically

ARTIFACT_KEY = "regression-report"


def publish(run: Run, settings: Settings, scores: Artifact, figures: Artifact) -> Result:
    """Write `runs/<run>/` (the figures, `report.md`, `result.json`) and create the markdown artifact.

    `result.json` comes last: a folder that has it is whole.
    """
    findings = Findings.model_validate_json(scores.path(run.root, "metrics.json").read_bytes())
    name = _run_name()
    folder = run.root / "runs" / name
    result = Result(
        **dict(findings),
        run=name,
        settings=settings.model_dump(mode="json"),
        stages=run.stages,
        report=f"runs/{name}/report.md",
    )
    images = {figure: figures.path(run.root, figure).read_bytes() for figure in figures.files}
    for figure, image in images.items():
        write_atomically(folder / figure, image)
    write_atomically(
        folder / "report.md", report(result, {Path(name).stem: name for name in images}).encode()
    )
    write_atomically(folder / "result.json", result.model_dump_json(indent=1).encode())
    uris = {Path(figure).stem: data_uri(image) for figure, image in images.items()}
    create_markdown_artifact(report(result, uris), key=ARTIFACT_KEY, description=findings.verdict.text)
    return result


def _run_name() -> str:
    """Name a run by its start and its id: unique, in the order of time, and the same when the run is retried."""
    started = flow_run.scheduled_start_time
    return f"{started:%Y%m%dT%H%M%S}-{str(flow_run.id)[:8]}"
