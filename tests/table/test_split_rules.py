"""Rules that deal rows: every row in one part, and no row moved by what happens to the others."""

import datetime
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.table.errors import BadTable
from tasks.table.split_rules import by_hash, by_time, check_columns, check_sizes, first_test_key

CELLS = st.none() | st.integers(-(2**63), 2**63 - 1) | st.just(7)
TEXTS = st.none() | st.text(max_size=5) | st.sampled_from(["7", "7.0", "007", "-0", "1e3"])
ROWS = st.lists(st.tuples(CELLS, TEXTS, st.floats()), min_size=1, max_size=40)
FRACTIONS = st.floats(0, 1, exclude_max=True)
SEEDS = st.integers(0, 2**63 - 1)


def table(rows: list[tuple[int | None, str | None, float]]) -> pa.Table:
    numbers, texts, floats = (list(column) for column in zip(*rows, strict=True))
    columns = [pa.array(numbers, pa.int64()), pa.array(texts, pa.string()), pa.array(floats, pa.float64())]
    return pa.table(columns, names=["id", "text", "x"])


@given(ROWS, ROWS, FRACTIONS, SEEDS, st.data())
def test_added_and_moved_rows_and_new_columns_move_no_row(
    rows: list[tuple[int | None, str | None, float]],
    more: list[tuple[int | None, str | None, float]],
    fraction: float,
    seed: int,
    data: st.DataObject,
) -> None:
    """A row's part depends on what it holds in the columns of the rule alone."""
    names = data.draw(st.lists(st.sampled_from(["id", "text", "x"]), min_size=1, unique=True))
    before = by_hash(names, fraction, seed).is_test(table(rows))
    order = data.draw(st.permutations(range(len(rows) + len(more))))
    wider = table([*rows, *more]).append_column("new", [list(range(len(rows) + len(more)))])
    shuffled = wider.take(pa.array(order)).select(["new", "x", "text", "id"])
    after = by_hash(names[::-1], fraction, seed).is_test(shuffled)
    assert after[[order.index(number) for number in range(len(rows))]].tolist() == before.tolist()


@given(ROWS, st.sampled_from(["id", "text", "x"]), FRACTIONS, SEEDS)
def test_rows_of_a_group_stay_together(
    rows: list[tuple[int | None, str | None, float]], name: str, fraction: float, seed: int
) -> None:
    """Whatever the group is: a number, a text, or missing."""
    mask = by_hash([name], fraction, seed).is_test(table(rows + rows))
    groups: dict[str, set[bool]] = {}
    for value, is_test in zip(table(rows + rows)[name].to_pylist(), mask.tolist(), strict=True):
        groups.setdefault(repr(value), set()).add(is_test)
    assert all(len(parts) == 1 for parts in groups.values())


@given(ROWS, SEEDS, FRACTIONS, FRACTIONS)
def test_a_larger_fraction_keeps_the_test_rows(
    rows: list[tuple[int | None, str | None, float]], seed: int, one: float, other: float
) -> None:
    small, large = (by_hash(["id"], part, seed).is_test(table(rows)) for part in sorted([one, other]))
    assert np.all(large | ~small)


def test_the_share_is_about_the_fraction_and_seeds_are_independent() -> None:
    """Of 100,000 consecutive numbers a fifth, within four standard deviations; of two seeds a fifth of a fifth."""
    rows = pa.table({"id": np.arange(100_000)})
    one, other = (by_hash(["id"], 0.2, seed).is_test(rows) for seed in (0, 1))
    assert abs(one.sum() - 20_000) < 4 * np.sqrt(100_000 * 0.2 * 0.8)
    assert abs((one & other).sum() - 4_000) < 4 * np.sqrt(100_000 * 0.04 * 0.96)


@given(
    st.lists(st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=60),
    st.data(),
)
def test_the_cut_is_the_one_of_sorting_with_ties_kept_together(
    values: list[int], data: st.DataObject
) -> None:
    """Of all cuts between different values it leaves the number of test rows that is nearest to the one asked for."""
    tests = data.draw(st.integers(1, len(values) - 1))
    cuts = {sum(value >= first for value in values): first for first in sorted(set(values))[1:]}
    parts = data.draw(st.integers(1, 5))

    def read() -> Iterator[pa.ChunkedArray]:
        for part in np.array_split(np.array(values, np.int64), parts):
            yield pa.chunked_array([part])

    if not cuts:
        with pytest.raises(BadTable, match="all rows are of one time"):
            by_time(read, "at", len(values), tests)
        return
    mask = by_time(read, "at", len(values), tests).is_test(pa.table({"at": values}))
    assert int(mask.sum()) in cuts
    assert abs(int(mask.sum()) - tests) == min(abs(size - tests) for size in cuts)
    assert min(np.array(values)[mask]) > max(np.array(values)[~mask])


def test_the_last_days_are_the_test() -> None:
    """Three rows a day; a third of them asked for, of ten days: three days, and the rule says from when on."""
    dates = [datetime.date(2024, 3, day) for day in range(1, 11) for _ in range(3)]
    days = pa.chunked_array([pa.array(dates)])
    rule = by_time(lambda: iter([days]), "day", 30, 10)
    assert rule.is_test(pa.table({"day": days})).tolist() == [False] * 21 + [True] * 9
    assert rule.said == "by time, for the test what has 'day' of 2024-03-08 or later"


def test_no_test_part_needs_no_time() -> None:
    rule = by_time(lambda: iter(()), "day", 3, 0)
    assert rule.is_test(pa.table({"day": [None, None, "x"]})).tolist() == [False] * 3


def test_the_last_key_of_all_can_be_the_cut() -> None:
    keys = np.array([0, 2**64 - 1, 2**64 - 1], np.uint64)
    assert first_test_key(lambda: iter([keys]), 3, 1) == 2**64 - 1


def test_absent_columns_and_empty_parts_are_refused_with_a_remedy() -> None:
    with pytest.raises(BadTable, match=r"`by`: no column is named 'idd'; did you mean 'id'\?"):
        check_columns(["idd"], ["id", "x"])
    with pytest.raises(BadTable, match="`by`: no column is named 'when'; there are 'id', 'x'"):
        check_columns(["when"], ["id", "x"])
    with pytest.raises(
        BadTable, match="no test rows out of 5; raise the fraction, set it to 0, or try another `seed`"
    ):
        check_sizes("group", 0.2, 5, 0, 2)
    with pytest.raises(BadTable, match="leaves 1 training row out of 5 for 2 parameters; lower the fraction"):
        check_sizes("time", 0.8, 1, 4, 2)
    check_sizes("hash", 0.0, 5, 0, 2)


def test_text_that_turns_into_something_else_is_refused() -> None:
    """What the first rows hold is how all are read."""
    batches = [pa.chunked_array([["2024-01-01"]]), pa.chunked_array([["1 March"]])]
    with pytest.raises(BadTable, match=r"holds timestamp.* values at first, and later others .*'1 March'"):
        by_time(lambda: iter(batches), "at", 2, 1)
