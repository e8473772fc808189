"""Values that no fit can use."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.table.errors import BadTable, Violation, raise_on_errors
from tasks.table.validation import correlations
from tests.table.reading import read, refused

RNG = np.random.default_rng(0)
X, Z = RNG.uniform(-10, 10, (2, 50))
Y = 2 * X - 3 * Z + 5 + RNG.uniform(-1, 1, 50)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the tables to a folder of the test's own."""
    monkeypatch.chdir(tmp_path)


def table(**columns: object) -> pa.Table:
    """Build the sound table with some columns replaced."""
    return pa.table({"x": X, "z": Z, "y": Y} | columns)


def edited(values: np.ndarray, **cells: float) -> np.ndarray:
    """Copy values with some rows, given as r1=…, overwritten."""
    copy = values.copy()
    for row, value in cells.items():
        copy[int(row[1:]) - 1] = value
    return copy


def refusal(bad: pa.Table, **given: Any) -> tuple[str, ...]:
    """Return the findings."""
    pq.write_table(bad, "t.parquet")
    return tuple(map(str, refused("t.parquet", **given)))


def notes(sound: pa.Table, **given: Any) -> list[str]:
    """Return the warnings."""
    pq.write_table(sound, "t.parquet")
    told: list[str] = read("t.parquet", **given)[1]["notes"]
    return told


def test_a_sound_table_passes_without_warnings() -> None:
    """Nothing is found where nothing is wrong."""
    assert notes(table()) == []


NAN, INF = float("nan"), float("inf")
TINY = np.ptp(Y) * 1e-200
DEFECTS = {
    "nan": (
        table(x=edited(X, r7=NAN, r9=NAN)),
        (
            "column 'x' has 2 missing values (empty or NaN), first in row 7; "
            "fill in or remove those rows, or set `missing`"
        ),
    ),
    "null": (
        table(z=[*Z[:-1], None]),
        "column 'z' has 1 missing value (empty or NaN), first in row 50; fill in or remove that row, or set `missing`",
    ),
    "missing target": (
        table(y=edited(Y, r1=NAN)),
        "column 'y' has 1 missing value (empty or NaN), first in row 1; fill in or remove that row, or set `missing`",
    ),
    "infinity": (
        table(x=edited(X, r3=INF)),
        "column 'x' has 1 infinite value, first in row 3; correct or remove that row",
    ),
    "infinities of both signs": (
        table(y=edited(Y, r4=-INF, r5=INF)),
        "column 'y' has 2 infinite values, first in row 4; correct or remove those rows",
    ),
    "constant target": (
        table(y=np.full(50, 3.5)),
        "`target` 'y' is 3.5 in every row; choose a column that varies",
    ),
    "copied target": (table(z=Y), "feature 'z' copies the target 'y' (r = +1); drop it"),
    "rescaled target": (table(z=1e6 - 3 * Y), "feature 'z' copies the target 'y' (r = -1); drop it"),
    "too large to square": (
        table(x=X * 1e200),
        f"column 'x' has values of up to {np.abs(X).max() * 1e200:.3g}, too large to square; give it in another unit",
    ),
    "too small to square": (
        table(y=Y * 1e-200),
        f"column 'y' has values that differ by {TINY:.3g} at most, too little to square; give it in another unit",
    ),
    "no rows": (table().slice(0, 0), "the table has no rows; add some below the column names"),
    "too few rows": (
        table().slice(0, 2),
        "2 rows cannot determine 3 parameters; add 1 row or use fewer `features`",
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_defect_is_named_with_column_count_row_and_remedy(defect: str) -> None:
    """One finding, word for word."""
    bad, text = DEFECTS[defect]
    assert refusal(bad) == (text,)


def test_all_findings_come_together_on_one_line() -> None:
    """Everything that is to be mended is said at once, and the error survives pickling."""
    bad = table(x=edited(X, r2=NAN, r3=INF), z=edited(Z, r4=NAN), y=np.zeros(50))
    pq.write_table(bad, "t.parquet")
    error = BadTable(*refused("t.parquet"))
    assert len(error.violations) == 4
    assert str(error).startswith("4 findings: column 'x' has 1 missing value")
    assert "\n" not in str(error)
    assert pickle.loads(pickle.dumps(error)).violations == error.violations  # noqa: S301 - our own


def test_a_constant_feature_is_a_warning() -> None:
    """It is harmless: the weight cannot matter."""
    assert notes(table(z=np.zeros(50))) == ["feature 'z' is 0 in every row; it tells nothing"]


def test_as_many_rows_as_parameters_is_a_warning() -> None:
    """The fit is then exact and says nothing about its own error."""
    assert notes(table().slice(0, 3)) == [
        "3 rows for as many parameters: an exact fit without standard errors; add rows"
    ]


def test_a_sole_feature_on_an_exact_line_is_a_warning_but_a_copy_is_not() -> None:
    """A line y = 2x + 1 is everyone's first try; y = x is a mistake."""
    assert notes(table(y=2 * X + 1), features=("x",)) == [
        "feature 'x' determines the target 'y' exactly; the errors say nothing"
    ]
    assert refusal(table(y=X), features=("x",)) == ("feature 'x' copies the target 'y' (r = +1); drop it",)


def test_features_on_a_line_are_a_warning() -> None:
    """Their weights cannot be told apart, and the fit says so itself; which equals which is said."""
    assert notes(table(a=X, b=4 - 2 * X)) == [
        "feature 'a' equals 'x'; `exclude` one of them: their weights cannot be told apart",
        "feature 'b' lies on a line with (r = -1) 'x'; `exclude` one of them: their weights cannot be told apart",
        "feature 'b' lies on a line with (r = -1) 'a'; `exclude` one of them: their weights cannot be told apart",
    ]


def test_a_very_good_feature_is_not_a_copy() -> None:
    """Correlation 1 - 1e-9 is a finding of science, not of validation."""
    assert notes(table(z=Y + RNG.normal(size=50) * Y.std() * 4.5e-5)) == []


@pytest.mark.parametrize("shift", [0.0, 1e9])
def test_copies_are_found_in_any_unit(shift: float) -> None:
    """Neither a large mean nor a large or a small unit spoils the correlation."""
    for scale in (1e-100, 1.0, 1e100):
        assert len(refusal(table(z=(np.round(Y, 3) + shift) * scale, y=np.round(Y, 3)))) == 1


def test_correlations_agree_with_numpy() -> None:
    """np.corrcoef is the oracle; a constant column correlates with nothing."""
    rows = np.column_stack([X, Z, Y, np.ones(50)])
    centred = rows - rows.mean(axis=0)
    found = correlations(centred.T @ centred)
    np.testing.assert_allclose(found[:3, :3], np.corrcoef(rows[:, :3].T), rtol=1e-12)
    assert found[3].tolist() == [0, 0, 0, 0]


def test_correlation_ignores_rows_that_are_not_finite() -> None:
    """A missing cell elsewhere does not hide a copied target."""
    assert len(refusal(table(z=edited(Y, r5=NAN)))) == 2


def test_rules_are_turned_into_warnings_by_name() -> None:
    """Only the errors are raised; harmless findings, and those that the user says so of, are returned."""
    missing, constant = Violation("missing-values", "a", "b"), Violation("constant-columns", "c", "d")
    with pytest.raises(BadTable) as caught:
        raise_on_errors([constant, missing])
    assert caught.value.violations == (missing,)
    assert raise_on_errors([constant, missing], ["missing-values"]) == (constant, missing)


def test_many_levels_are_taken_in_where_the_rare_ones_will_be_pooled() -> None:
    """A thousand and one of them, each with a row or two; else they are refused."""
    rows = 1500
    levels = [f"level {number % 1001}" for number in range(rows)]
    crowded = pa.table({"shop": levels, "x": np.arange(rows) % 7.0, "y": np.arange(rows) % 11.0})
    (found,) = refusal(crowded, categorical=("shop",))
    assert "more than 1,000 levels; pool the rare ones with `min_frequency`, or `exclude` it" in found
    assert read("t.parquet", categorical=("shop",), min_frequency=2)


@pytest.mark.parametrize(
    "given", [{"categorical": ("shop",)}, {"formula": "y ~ shop + x"}, {"formula": "y ~ C(shop) * x"}]
)
def test_levels_that_will_be_pooled_are_not_counted_as_weights(given: dict[str, Any]) -> None:
    """With a level a row there are more weights than rows; how many are left of pooled ones is known later."""
    rows = 30
    shops = [f"s{number}" for number in range(rows)]
    crowded = pa.table({"shop": shops, "x": np.arange(rows) % 7.0, "y": np.arange(rows) % 11.0})
    pq.write_table(crowded, "t.parquet")
    assert "too-few-rows" in {each.rule for each in refused("t.parquet", **given)}
    assert read("t.parquet", min_frequency=2, **given)[0].num_rows == rows
