"""The stage `split` on tables as `ingest` leaves them: encoded by the training rows, in one file or in parts."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from tasks.config import Beside, Input, Settings, Split
from tasks.ingest import ingest
from tasks.outputs.data import DataFacts, gather_rows
from tasks.outputs.dealing import SplitPlan
from tasks.outputs.distributions import read_sample
from tasks.outputs.parts import TEST, TRAIN, Name, read_clusters, read_encoding, read_facts, read_parts
from tasks.runtime.user_table import table_of
from tasks.split import split
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish
from tasks.table.encoding import Category, ColumnRoles, Number
from tasks.table.errors import BadTable
from tasks.table.row_weights import RowWeights, Weights
from tests.rows import read_table

ROWS = 3000


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call large what has more than 1,000 rows, and make parts of 700."""
    monkeypatch.setattr("tasks.store.parts.MOST_ROWS", 1000)
    monkeypatch.setattr("tasks.store.parts.PART_ROWS", 700)
    monkeypatch.setattr("tasks.store.parts.GROUP_ROWS", 256)


def penguins(rows: int = ROWS) -> pa.Table:
    """Draw rows with a text column, missing values, and a level that is rare."""
    rng = np.random.default_rng(0)
    bill = pa.array(rng.normal(44, 5, rows), mask=rng.random(rows) < 0.1)
    island = pa.array(rng.choice(["Dream", "Biscoe", "Rare"], rows, p=[0.5, 0.499, 0.001]))
    return pa.table(
        {"bill": bill, "year": np.arange(rows), "island": island, "mass": rng.normal(4200, 800, rows)}
    )


def ingested(root: Path, rows: pa.Table, **more: Any) -> Artifact:
    """Leave rows as the stage before does."""
    *features, target = rows.column_names
    facts = DataFacts.model_validate({"features": features, "target": target} | more)
    with draft(root) as aside, draft(root) as folder:
        pq.write_table(rows, aside / "rows.parquet")
        gather_rows(folder, [aside / "rows.parquet"], rows.schema)
        return publish(folder, root, "ingest", facts.as_json(), ["a note of this stage"])


def part(artifact: Artifact, root: Path, name: Name) -> pd.DataFrame:
    frame: pd.DataFrame = read_table(artifact, root, name).to_pandas()
    return frame


@pytest.mark.parametrize("large", [False, True])
def test_both_parts_are_numbers_encoded_by_the_training_rows(
    tmp_path: Path, large: bool, request: pytest.FixtureRequest
) -> None:
    """Levels, shares and means are pandas' on the training rows alone; no row is lost; the facts name the columns."""
    if large:
        request.getfixturevalue("small_parts")
    rows = penguins()
    data = ingested(tmp_path, rows, categorical=["island"], missing="mean")
    found = split.fn(data, Split(), 0, tmp_path)
    train, test = part(found, tmp_path, TRAIN), part(found, tmp_path, TEST)
    assert (len(read_parts(found, tmp_path, TRAIN)) > 1) is large
    assert (len(train), len(test)) == (2400, 600)
    frame = rows.to_pandas().set_index("year")
    raw = frame.loc[train["year"]]
    encoding = read_encoding(found, tmp_path)
    bill, year, island = encoding.columns
    assert isinstance(bill, Number)
    assert bill.mean == pytest.approx(raw["bill"].mean(), rel=1e-12)
    assert isinstance(year, Number)
    assert year.mean == pytest.approx(raw.index.to_numpy().mean())
    assert isinstance(island, Category)
    assert dict(zip(island.levels, island.shares, strict=True)) == pytest.approx(
        raw["island"].value_counts(normalize=True).to_dict()
    )
    both = pd.concat([train, test]).set_index("year").sort_index()
    np.testing.assert_array_equal(both.index, np.arange(ROWS))
    np.testing.assert_allclose(both["bill"], frame["bill"].fillna(bill.mean), rtol=1e-15)
    np.testing.assert_array_equal(both["island=Dream"] == 1, frame["island"] == "Dream")
    np.testing.assert_array_equal(both["mass"], frame["mass"])
    assert list(read_facts(found).features) == list(both.reset_index().columns[[1, 0, 2, 3]])


def test_levels_of_test_rows_alone_are_named_in_the_notes(tmp_path: Path) -> None:
    """A level that was not trained on counts as an average row."""
    rows = penguins(50)
    kinds = np.where(np.arange(50) == 7, "lonely", np.where(np.arange(50) % 2, "odd", "even"))
    rows = rows.set_column(2, "island", pa.array(kinds)).drop_columns(["bill"])
    data = ingested(tmp_path, rows, categorical=["island"])
    seed = next(seed for seed in range(100) if 7 in np.sort(np.random.default_rng(seed).permutation(50)[:10]))
    found = split.fn(data, Split(), seed, tmp_path)
    assert "1 test row with a level that no training row has" in str(found.notes)
    test = part(found, tmp_path, "test").set_index("year")
    odd = part(found, tmp_path, "train")["island=odd"].mean()
    assert test.loc[7, "island=odd"] == pytest.approx(odd)


def test_columns_of_numbers_alone_keep_their_types_and_bytes(tmp_path: Path) -> None:
    """Nothing is encoded, copied into another type, or noted."""
    rows = penguins(100).select(["year", "mass"])
    data = ingested(tmp_path, rows)
    found = split.fn(data, Split(test_fraction=0.0), 0, tmp_path)
    assert read_table(found, tmp_path, TRAIN).equals(rows)
    assert (read_facts(found).features, found.notes) == (("year",), ())


def test_wide_encodings_are_kept_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts is the size after encoding: few columns of many levels are large data too."""
    monkeypatch.setattr("tasks.store.parts.MOST_VALUES", 50_000)
    rows = pa.table({"code": [str(number % 100) for number in range(1000)], "y": np.arange(1000.0)})
    found = split.fn(ingested(tmp_path, rows, categorical=["code"]), Split(), 0, tmp_path)
    assert "train-00000.parquet" in found.files
    assert part(found, tmp_path, "train").shape == (800, 100)


@pytest.mark.parametrize(
    "options",
    [
        Split(method="hash", by=("year",)),
        Split(method="hash"),
        Split(method="group", by=("club",)),
        Split(method="time", by=("at",)),
        Split(method="time", by=("at",), test_fraction=0.0),
    ],
)
def test_small_and_large_data_are_dealt_alike(
    tmp_path: Path, options: Split, request: pytest.FixtureRequest
) -> None:
    """By a rule the same rows are for the test, whether held in memory or streamed; the columns to deal by are gone."""
    rng = np.random.default_rng(1)
    club = [None if number % 50 == 0 else f"club {number % 37}" for number in range(ROWS)]
    carried = {
        "club": pa.array(club),
        "at": pa.array(rng.integers(0, 400, ROWS), pa.int32()).cast(pa.date32()),
    }
    rows = penguins().drop_columns(["bill"])
    facts = {
        "features": ["year", "island"],
        "target": "mass",
        "categorical": ["island"],
    }
    for name, column in carried.items():
        rows = rows.append_column(name, column)
    held = split.fn(ingested(tmp_path, rows, **facts), options, 7, tmp_path)
    request.getfixturevalue("small_parts")
    streamed = split.fn(ingested(tmp_path, rows, **facts), options, 7, tmp_path)
    assert len(streamed.files) > len(held.files)
    assert streamed.facts == held.facts
    dealt = {
        name: part(held, tmp_path, name)["year"].tolist()
        for name in (TRAIN, TEST)
        if read_parts(held, tmp_path, name)
    }
    for name, years in dealt.items():
        frame = part(streamed, tmp_path, name)
        assert list(frame.columns) == ["year", "island=Dream", "island=Rare", "mass"]
        assert sorted(frame["year"]) == years
    train, test = dealt[TRAIN], dealt.get(TEST, [])
    assert sorted([*train, *test]) == list(range(ROWS))
    assert len(test) == pytest.approx(options.test_fraction * ROWS, rel=0.3)
    frame = rows.to_pandas()
    if options.method == "group":
        assert not {*frame.loc[train, "club"].fillna("")} & {*frame.loc[test, "club"].fillna("")}
    if options.method == "time" and test:
        assert frame.loc[train, "at"].max() < frame.loc[test, "at"].min()
        assert f"of {frame.loc[test, 'at'].min()} or later: {len(test):,} of 3,000" in str(held.notes)


def test_what_cannot_be_dealt_by_is_refused(tmp_path: Path) -> None:
    data = ingested(tmp_path, penguins(20).select(["year", "mass"]))
    with pytest.raises(BadTable, match="`by`: no column is named 'yaer'; did you mean 'year'"):
        split.fn(data, Split(method="hash", by=("yaer",)), 0, tmp_path)
    one = ingested(
        tmp_path, pa.table({"x": np.arange(20.0), "group": ["a"] * 20, "y": np.arange(20.0)}), features=["x"]
    )
    with pytest.raises(BadTable, match=r"leaves (no test rows|0 training rows) out of 20"):
        split.fn(one, Split(method="group", by=("group",)), 0, tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"split": {"by": "day"}}, "`by` names columns, but `method` of 'random' ignores columns"),
        ({"split": {"method": "group"}}, "`method` of 'group' needs `by`"),
        ({"split": {"method": "time", "by": "day,hour"}}, "the one column of dates"),
        (
            {"split": {"method": "hash"}, "input": {"data": "t.csv", "target": "y"}},
            "a new column would move every row",
        ),
        (
            {"split": {"method": "hash"}, "input": {"data": "t.csv", "target": "y", "features": "x_*"}},
            "a new column would move every row",
        ),
    ],
)
def test_settings_that_name_no_columns_to_deal_by_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Settings.model_validate(given)
    Settings.model_validate(
        {"split": {"method": "hash"}, "input": {"data": "t.csv", "target": "y", "features": "x"}}
    )


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_columns_to_deal_by_need_not_be_learnt_from(tmp_path: Path, ending: str) -> None:
    """They go from the user's file through `ingest` to `split`, and no further; rows that are left out go with them."""
    rng = np.random.default_rng(3)
    days = pd.date_range("2024-01-01", periods=120).strftime("%Y-%m-%d").to_numpy()
    frame = pd.DataFrame(
        {"day": rng.permutation(days), "club": rng.choice(["ü", "b", "c"], 120), "x": rng.normal(size=120)}
    )
    frame.loc[5, "x"], frame["y"] = None, rng.normal(size=120)
    path = tmp_path / f"table.{ending}"
    frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path, index=False)
    kept = frame.dropna()
    for options in (Split(method="time", by=("day",)), Split(method="group", by=("club", "day"))):
        given = Input(data=str(path), target="y", features=("x",), missing="drop")
        data = ingest.fn(table_of(given, options.by), tmp_path / "store")
        found = split.fn(data, options, 0, tmp_path / "store")
        test = part(found, tmp_path / "store", "test")
        assert list(test.columns) == ["x", "y"]
        assert len(test) + len(part(found, tmp_path / "store", "train")) == 119
        if options.method == "time":
            assert sorted(test["x"]) == sorted(kept.sort_values("day")["x"].tail(24))
            assert "'day' of 2024-04-06" in str(found.notes)


def test_a_column_to_deal_by_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y,day,day\n1,2,3,3\n")
    given = Input(data=str(tmp_path / "t.csv"), target="y", features=("x",))
    with pytest.raises(BadTable, match="`by`: no column is named 'dya'; did you mean 'day'"):
        table_of(given, ("dya",))
    with pytest.raises(BadTable, match="`by`: 2 columns are named 'day'"):
        table_of(given, ("day",))


@pytest.mark.parametrize("large", [False, True])
def test_clusters_lie_beside_the_training_rows_in_their_order(
    tmp_path: Path, large: bool, request: pytest.FixtureRequest
) -> None:
    """Row by row, in each part; the rows that training reads are the same bytes as without."""
    if large:
        request.getfixturevalue("small_parts")
    rows = penguins().append_column("block", pa.array([f"block {year // 100}" for year in range(ROWS)]))
    facts = {"features": ["year", "island"], "target": "mass", "categorical": ["island"]}
    data = ingested(tmp_path, rows, **facts)
    found = split.fn(data, Split(), 7, tmp_path, Beside(cluster="block"))
    plain = split.fn(data, Split(), 7, tmp_path)
    digests = [
        {name: file.sha256 for name, file in each.starting_with(TRAIN).files.items()}
        for each in (found, plain)
    ]
    assert digests[0] == digests[1]

    names = [each.names[code] for each in read_clusters(found, tmp_path) for code in each.codes.tolist()]
    years = part(found, tmp_path, TRAIN)["year"]
    assert names == [f"block {int(year) // 100}" for year in years]


def test_a_row_without_a_cluster_is_refused(tmp_path: Path) -> None:
    rows = penguins().append_column("block", pa.array([None, *["b"] * (ROWS - 1)]))
    facts = {"features": ["year"], "target": "mass"}
    with pytest.raises(BadTable, match=r"column 'block' of `cluster` misses 1 value in training rows; fill"):
        split.fn(
            ingested(tmp_path, rows, **facts), Split(test_fraction=0.0), 0, tmp_path, Beside(cluster="block")
        )
    with pytest.raises(BadTable, match="`cluster`: no column is named 'blocks'; did you mean 'block'"):
        split.fn(ingested(tmp_path, rows, **facts), Split(), 0, tmp_path, Beside(cluster="blocks"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"standard_errors": "cluster"}, "`standard_errors` of 'cluster' needs `cluster`"),
        ({"cluster": "block"}, "`cluster` is only for `standard_errors` of 'cluster', not 'classic'"),
        (
            {"standard_errors": "cluster", "cluster": "block"},
            "`cluster` names a column of a table of your own",
        ),
    ],
)
def test_settings_of_clusters_that_do_not_go_together_are_refused(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Settings.model_validate({"inference": given})


@pytest.mark.parametrize("large", [False, True])
def test_some_training_rows_stay_as_they_were(
    tmp_path: Path, large: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Text and missing values included, no row twice, none of the test; from anywhere in the table."""
    if large:
        request.getfixturevalue("small_parts")
    monkeypatch.setattr("tasks.split.SAMPLE_ROWS", 500)
    rows = penguins()
    data = ingested(tmp_path, rows, categorical=["island"], missing="mean")
    found = split.fn(data, Split(), 0, tmp_path)
    sample, train = read_sample(found, tmp_path), part(found, tmp_path, TRAIN)
    years = sample["year"].to_pylist()
    assert sample.num_rows == len({*years} & {*train["year"]}) == 500
    assert sample.equals(rows.take(pa.array(years)).drop_columns("mass"))
    assert 20 < sample["bill"].null_count < 80
    assert max(years) - min(years) > 0.9 * ROWS


@pytest.mark.parametrize(("relative", "total"), [(True, 3.0), (False, 0.0)])
def test_weights_are_summed_up_only_where_their_scale_is_free(relative: bool, total: float) -> None:
    """Those of a column count as they are, and are not looked at for it."""
    seen: list[pa.Table] = []

    def of(rows: pa.Table) -> Weights:
        seen.append(rows)
        return np.array([1.0, 2.0])

    weights = RowWeights((), of, relative=relative, said="")
    plan = SplitPlan(ColumnRoles(("x",), "y"), 2, Split(), None, 0, Beside(), weights)
    rows = pa.table({"x": [1.0, 2.0]})
    assert plan.total(rows) == total
    assert len(seen) == relative
    assert plan.scale(2, total) == (2 / 3 if relative else 1.0)
