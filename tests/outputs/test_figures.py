"""What `report` leaves is read back: pictures under their names, words and worth in their order."""

from pathlib import Path

from tasks.outputs import figures
from tasks.outputs.result import ColumnProfile, ReportFigures
from tasks.store.writing import draft, publish
from tests.page.examples import FIGURES

PROFILE = [ColumnProfile(name="ü|x", rows=3, mean=0.1 + 0.2, sd=None, lowest=-1e-300, highest=1e300)]


def test_figures_and_profile_come_back(tmp_path: Path) -> None:
    drawn = [(name.encode(), figure) for name, figure in zip("abc", FIGURES, strict=True)]
    with draft(tmp_path) as folder:
        figures.write(folder, drawn, PROFILE)
        artifact = publish(folder, tmp_path, "report")
    assert figures.read(artifact, tmp_path) == ReportFigures(figures=FIGURES, profile=PROFILE)
    paths = figures.picture_paths(artifact, tmp_path, FIGURES)
    assert {name: path.read_bytes() for name, path in paths.items()} == {
        figure.file: picture for picture, figure in drawn
    }


def test_there_may_be_nothing_to_draw(tmp_path: Path) -> None:
    with draft(tmp_path) as folder:
        figures.write(folder, [], [])
        artifact = publish(folder, tmp_path, "report")
    assert figures.read(artifact, tmp_path) == ReportFigures(figures=[], profile=[])
