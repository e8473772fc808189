"""What `report` leaves: the figures, with what they show in words, and what is known of the columns."""

from collections.abc import Sequence
from pathlib import Path

from tasks.outputs.result import ColumnDistribution, ColumnProfile, Figure, ReportFigures
from tasks.store.artifact import Artifact

INDEX = "figures.json"


def write(
    folder: Path,
    drawn: Sequence[tuple[bytes, Figure]],
    profile: list[ColumnProfile],
    distributions: list[ColumnDistribution],
) -> None:
    """Write each picture under the name that its figure gives, and a list of them."""
    for picture, figure in drawn:
        (folder / figure.file).write_bytes(picture)
    index = ReportFigures(
        figures=[figure for _, figure in drawn], profile=profile, distributions=distributions
    )
    (folder / INDEX).write_text(index.model_dump_json(indent=1), encoding="utf-8")


def read(artifact: Artifact, root: Path) -> ReportFigures:
    """Return what the figures show, and the profile of the columns."""
    return ReportFigures.model_validate_json(artifact.path(root, INDEX).read_bytes())


def picture_paths(artifact: Artifact, root: Path, figures: Sequence[Figure]) -> dict[str, Path]:
    """Return where the pictures lie, by file name."""
    return {figure.file: artifact.path(root, figure.file) for figure in figures}
