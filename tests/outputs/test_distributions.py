"""Cells of the training rows, and drift against them: calm nights give no alarm, and what has moved is found."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.outputs.distributions import (
    LEVEL,
    Sampler,
    distributions,
    drift,
    drift_text,
    read_sample,
)
from tasks.outputs.result import ColumnDistribution, ColumnDrift
from tasks.store.writing import draft, publish


def night(rng: np.random.Generator, rows: int, *, shift: float = 0.0, missing: float = 0.1) -> pa.Table:
    """Draw a table with all kinds of columns."""
    return pa.table(
        {
            "normal": rng.normal(size=rows) + shift,
            "count": rng.poisson(2, rows),
            "constant": np.ones(rows),
            "gaps": pa.array(rng.exponential(size=rows), mask=rng.random(rows) < missing),
            "island": pa.array(
                rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2]), mask=rng.random(rows) < 0.01
            ),
            "many": rng.integers(0, 500, rows).astype(str),
            "rare": rng.zipf(1.7, rows).clip(max=60).astype(str),
        }
    )


def column(values: list[object]) -> ColumnDistribution:
    (found,) = distributions(pa.table({"x": values}))
    return found


def drifted(before: pa.Table, now: pa.Table) -> set[str]:
    return {each.name for each in drift(distributions(before), now) if each.drifted}


def test_cells_end_at_quantiles_and_a_frequent_value_has_its_own() -> None:
    assert column([3, 1, 2, 2, None, 2]) == ColumnDistribution(
        name="x", edges=[1.0, 2.0, 3.0], counts=[0, 1, 3, 1, 0], missing=1
    )
    assert column([7.0, 7.0]) == ColumnDistribution(name="x", edges=[7.0], counts=[0, 2, 0], missing=0)
    assert column(["b", "a", None, "b"]) == ColumnDistribution(
        name="x", edges=["a", "b"], counts=[0, 1, 2, 0], missing=1
    )
    wide = column(list(range(1000)))
    assert wide.edges == [0.0, *(100.0 * n - 1 for n in range(1, 11))]
    assert wide.counts == [0, 1, 99, *[100] * 9, 0]


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=False)), min_size=1))
def test_every_row_is_in_one_cell(values: list[float | None]) -> None:
    found = distributions(pa.table({"x": pa.array(values, pa.float64())}))[0]
    assert sum(found.counts) + found.missing == len(values)
    assert len(found.counts) == len(found.edges) + 2
    assert found.counts[0] == found.counts[-1] == 0


@pytest.mark.parametrize(("before", "now"), [(800, 200), (2000, 2000)])
def test_calm_nights_give_no_alarm(before: int, now: int) -> None:
    """Of 200 nights of one distribution at most 5 % are said to drift, against ten champions; p is uniform enough."""
    rng = np.random.default_rng(7)
    found = []
    for _ in range(10):
        champion = distributions(night(rng, before))
        found += [drift(champion, night(rng, now)) for _ in range(20)]
    assert sum(any(each.drifted for each in columns) for columns in found) <= 2
    p = np.array([each.p for columns in found for each in columns if each.p is not None])
    assert 0.02 < (p < 0.05).mean() < 0.08


@pytest.mark.parametrize("rows", [200, 5000])
def test_what_has_moved_is_found_and_nothing_else(rows: int) -> None:
    """A shift, a share of missing values, a constant that is none any more, a new level, a level that is gone."""
    rng = np.random.default_rng(3)
    before, now = night(rng, rows), night(rng, rows, shift=1.0, missing=0.5)
    assert drifted(before, now) == {"normal", "gaps"}
    for name, changed in {
        "constant": np.where(rng.random(rows) < 0.2, 0.0, 1.0),
        "island": rng.choice(["a", "b", "c", "new"], rows, p=[0.25, 0.25, 0.2, 0.3]),
        "count": rng.poisson(4, rows),
        "many": rng.integers(0, 250, rows).astype(str),
    }.items():
        place = before.column_names.index(name)
        calm = night(rng, rows)
        assert drifted(before, calm.set_column(place, name, pa.array(changed))) == {name}


def test_a_small_change_that_is_sure_is_no_drift() -> None:
    """Of many rows the test sees more than matters."""
    rng = np.random.default_rng(5)
    before, now = (pa.table({"x": rng.normal(size=5000) + shift}) for shift in (0.0, 0.2))
    (found,) = drift(distributions(before), now)
    assert found.p is not None
    assert found.p < LEVEL
    assert (found.psi < 0.1, found.drifted) == (True, False)


def test_columns_of_one_side_alone_are_left_out() -> None:
    before = distributions(pa.table({"x": [1.0] * 20, "gone": [1.0] * 20}))
    assert [each.name for each in drift(before, pa.table({"new": [1.0] * 20, "x": [2.0] * 20}))] == ["x"]
    assert drift(before, pa.table({"new": [1.0]})) == []


def test_a_column_that_has_become_another_kind_is_left_out() -> None:
    """A number today, text before, and the other way round; the others are compared all the same."""
    numbers, texts = (
        pa.table({"k": [1.0, 2.0], "x": [1.0, 2.0]}),
        pa.table({"k": ["a", "b"], "x": [1.0, 2.0]}),
    )
    for before, now in ((numbers, texts), (texts, numbers)):
        assert [each.name for each in drift(distributions(before), now)] == ["x"]


def test_the_sentence_names_the_features_that_drifted_the_furthest_first() -> None:
    found = [ColumnDrift(name=f"x{n}", psi=n / 10, p=1e-9, drifted=n > 2) for n in range(1, 9)]
    assert drift_text(found) == (
        "Drifted from the champion's training rows, beyond chance: 'x8' (PSI 0.8), 'x7' (PSI 0.7), 'x6' (PSI 0.6), "
        "'x5' (PSI 0.5), 'x4' (PSI 0.4) and 1 more"
    )
    assert drift_text(found[:2]) == (
        "No feature has drifted from the champion's training rows; the furthest is 'x2' (PSI 0.2)"
    )


def test_the_picked_rows_come_back_whatever_the_parts(tmp_path: Path) -> None:
    table = night(np.random.default_rng(0), 100)
    chosen = np.array([0, 9, 10, 55, 99])
    sampler = Sampler(chosen)
    for start in range(0, 100, 10):
        sampler.add(table.slice(start, 10))
    with draft(tmp_path) as folder:
        sampler.write(folder)
        artifact = publish(folder, tmp_path, "split")
    assert read_sample(artifact, tmp_path).equals(table.take(pa.array(chosen)))
