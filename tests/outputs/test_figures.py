"""What `report` leaves is read back: pictures under their names, words and worth in their order."""

from pathlib import Path

from tasks.outputs import figures
from tasks.outputs.result import ColumnDistribution, ColumnProfile, ReportFigures
from tasks.store.writing import draft, publish
from tests.page.examples import FIGURES

PROFILE = [ColumnProfile(name="ü|x", rows=3, mean=0.1 + 0.2, sd=None, lowest=-1e-300, highest=1e300)]
DISTRIBUTIONS = [
    ColumnDistribution(name="ü|x", edges=[0.1 + 0.2, 1e300], counts=[0, 1, 2, 0], missing=1),
    ColumnDistribution(name="island", edges=["a", "1"], counts=[0, 1, 2, 0], missing=0),
]


def test_figures_profile_and_distributions_come_back(tmp_path: Path) -> None:
    drawn = [(name.encode(), figure) for name, figure in zip("abc", FIGURES, strict=True)]
    with draft(tmp_path) as folder:
        figures.write(folder, drawn, PROFILE, DISTRIBUTIONS)
        artifact = publish(folder, tmp_path, "report")
    whole = ReportFigures(figures=FIGURES, profile=PROFILE, distributions=DISTRIBUTIONS)
    assert figures.read(artifact, tmp_path) == whole
    paths = figures.picture_paths(artifact, tmp_path, FIGURES)
    assert {name: path.read_bytes() for name, path in paths.items()} == {
        figure.file: picture for picture, figure in drawn
    }


def test_there_may_be_nothing_to_draw(tmp_path: Path) -> None:
    with draft(tmp_path) as folder:
        figures.write(folder, [], [], [])
        artifact = publish(folder, tmp_path, "report")
    assert figures.read(artifact, tmp_path) == ReportFigures(figures=[], profile=[], distributions=[])
