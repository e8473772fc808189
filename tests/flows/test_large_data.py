"""The flow on data that is kept in parts: with the threshold lowered, the same answers in constant memory."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.regression import regression
from tasks.config import Settings, overlaid
from tasks.outputs import data, distributions, parts, scores, uncertainty
from tasks.outputs.result import Result
from tasks.store.parts import ParquetPart

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call large what has more than 1,000 rows, and make parts of 2,000."""
    monkeypatch.setattr("tasks.store.parts.MOST_ROWS", 1000)
    monkeypatch.setattr("tasks.store.parts.PART_ROWS", 2000)
    monkeypatch.setattr("tasks.store.parts.GROUP_ROWS", 256)


def with_rows(settings: Settings, rows: int, **changes: object) -> Settings:
    """Return settings that draw so many rows, and other changes."""
    given = {"problem": {"rows": rows}, **changes}
    return Settings.model_validate(overlaid(settings.model_dump(exclude_unset=True), given))


def names(result: Result, stage: str) -> list[str]:
    return [Path(file.path).name for file in result.stages[stage].files]


def rows_of(result: Result, root: Path, stage: str, name: str) -> pa.Table:
    """Return the rows of a stage's table, from all of its parts."""
    paths = [root / file.path for file in result.stages[stage].files if Path(file.path).name.startswith(name)]
    return pa.concat_tables(pq.read_table(path) for path in sorted(paths))


def test_large_data_passes_in_parts_and_agrees_with_least_squares(settings: Settings) -> None:
    """Every stage leaves parts; the weights, metrics and yardsticks are NumPy's on the same rows."""
    root = Path(settings.artifacts)
    result = regression(with_rows(settings, 10_001))
    assert names(result, "generate") == [data.row_file(n) for n in range(6)]
    assert names(result, "split") == [
        parts.ENCODING,
        parts.PROFILE,
        distributions.SAMPLE,
        *(f"{parts.TEST}-{n:05}.parquet" for n in range(1)),
        *(f"{parts.TRAIN}-{n:05}.parquet" for n in range(5)),
    ]
    assert names(result, "evaluate") == [
        scores.METRICS,
        *(f"{scores.PREDICTIONS}-{n:05}.parquet" for n in range(6)),
        uncertainty.FILE,
    ]
    x, z, y = (column.to_numpy() for column in rows_of(result, root, "split", "train").columns)
    design = np.column_stack([x, z, np.ones_like(x)])
    solution, rss, *_ = np.linalg.lstsq(design, y)
    errors = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * rss[0] / (len(y) - 3))
    found = [*result.least_squares.weights.values(), result.least_squares.bias]
    np.testing.assert_allclose(found, solution, rtol=1e-11)
    said = np.array(list(result.least_squares.standard_errors.values()), dtype=float)
    np.testing.assert_allclose(said, errors, rtol=1e-9)
    assert result.verdict.converged
    assert (result.metrics.train.rows, len(y)) == (8001, 8001)
    assert result.metrics.test is not None
    assert result.metrics.test.rows == 2000
    predictions = rows_of(result, root, "evaluate", "predictions").to_pandas()
    for part, score in (("train", result.metrics.train), ("test", result.metrics.test)):
        gap = predictions[predictions["part"] == part]
        residuals = gap["actual"].to_numpy() - gap["predicted"].to_numpy()
        assert len(residuals) == score.rows
        assert score.rmse == pytest.approx(np.sqrt(np.mean(residuals**2)))
        assert score.mae == pytest.approx(np.mean(np.abs(residuals)))
    assert result.baseline.train.rmse == pytest.approx(np.std(y))


def test_split_deals_every_row_once_in_random_order(settings: Settings) -> None:
    """Nothing is lost or doubled, and where a row lies says nothing about where it came from."""
    root = Path(settings.artifacts)
    result = regression(with_rows(settings, 10_000, training={"epochs": 1}))
    data = rows_of(result, root, "generate", "data")["y"].to_numpy()
    train = rows_of(result, root, "split", "train")["y"].to_numpy()
    test = rows_of(result, root, "split", "test")["y"].to_numpy()
    assert len(test) == 2000
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.sort(data))
    place = np.argsort(np.argsort(data))
    came_from = place[np.searchsorted(np.sort(data), train)]
    assert abs(np.corrcoef(np.arange(len(train)), came_from)[0, 1]) < 0.05


@pytest.mark.slow
def test_rows_sorted_by_target_pass_in_one_epoch_and_in_many(settings: Settings, tmp_path: Path) -> None:
    """The worst order for SGD is no order any more after `split`: D ≤ 0.01."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-10, 10, (60_000, 2))
    y = x @ [2.0, -3.0] + 5 + rng.uniform(-1, 1, 60_000)
    order = np.argsort(y)
    pq.write_table(pa.table([*x[order].T, y[order]], names=["x", "z", "y"]), tmp_path / "sorted.parquet")
    given = {"data": str(tmp_path / "sorted.parquet"), "target": "y"}
    for epochs in (1, 3, 40):
        changes = {"input": given, "training": {"epochs": epochs}}
        base = settings.model_dump(exclude_unset=True)
        result = regression(Settings.model_validate(overlaid(base, changes)))
        assert len(names(result, "split")) > 10
        assert result.verdict.D is not None
        assert result.verdict.D <= 0.01, result.verdict.text


@pytest.mark.slow
def test_in_parts_and_in_memory_agree(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows, streamed or held in memory, end within the verdict's tolerance of the same answer."""
    root = Path(settings.artifacts)
    streamed = regression(with_rows(settings, 6000, split={"test_fraction": 0.0}))
    rows = rows_of(streamed, root, "split", "train")
    pq.write_table(rows, root / "all.parquet")
    monkeypatch.setattr("tasks.store.parts.MOST_ROWS", 10**9)
    given = {"input": {"data": str(root / "all.parquet"), "target": "y"}, "split": {"test_fraction": 0.0}}
    whole = regression(Settings.model_validate(overlaid(settings.model_dump(exclude_unset=True), given)))
    assert streamed.verdict.converged
    assert whole.verdict.converged
    for name, error in whole.least_squares.standard_errors.items():
        if name != "bias" and error:
            assert abs(streamed.model.weights[name] - whole.model.weights[name]) < 0.1 * error
    assert streamed.metrics.train.rmse == pytest.approx(whole.metrics.train.rmse, rel=1e-6)


def test_only_the_training_parts_reach_the_training(settings: Settings) -> None:
    """The same rows are trained on once; then every stage is cached."""
    first = regression(with_rows(settings, 3000))
    again = regression(with_rows(settings, 3000))
    assert {stage.state for stage in again.stages.values()} == {"cached"}
    assert again.model == first.model


@pytest.mark.slow
def test_same_seed_same_parts(settings: Settings, tmp_path: Path) -> None:
    """Another folder gets the same bytes."""
    one = regression(with_rows(settings, 3000))
    other = regression(with_rows(settings, 3000, artifacts=str(tmp_path / "other")))
    for stage in ("generate", "split", "train", "evaluate"):
        assert [file.sha256 for file in one.stages[stage].files] == [
            file.sha256 for file in other.stages[stage].files
        ]


def test_parts_are_read_in_small_pieces(settings: Settings) -> None:
    """A piece is bounded, whatever the size of a part."""
    root = Path(settings.artifacts)
    result = regression(with_rows(settings, 3000, training={"epochs": 1}))
    path = root / result.stages["split"].files[-1].path
    assert max(len(columns[0]) for columns in ParquetPart(path).batches()) <= 256
