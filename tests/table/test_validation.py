"""Values that no fit can use."""

import pickle
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.table.columns import Columns
from tasks.table.errors import BadTable
from tasks.table.summary import Summary, merge, numbers, summarize, summarize_part
from tasks.table.validation import correlation, validate

RNG = np.random.default_rng(0)
X, Z = RNG.uniform(-10, 10, (2, 50))
Y = 2 * X - 3 * Z + 5 + RNG.uniform(-1, 1, 50)
COLUMNS = Columns(("x", "z"), "y")


def table(**columns: object) -> pa.Table:
    """Build the sound table with some columns replaced."""
    return pa.table({"x": X, "z": Z, "y": Y} | columns)


def edited(values: np.ndarray, **cells: float) -> np.ndarray:
    """Copy values with some rows, given as r1=…, overwritten."""
    copy = values.copy()
    for row, value in cells.items():
        copy[int(row[1:]) - 1] = value
    return copy


def refusal(bad: pa.Table, columns: Columns = COLUMNS, parameters: int = 3) -> tuple[str, ...]:
    """Return the findings."""
    with pytest.raises(BadTable) as caught:
        validate(bad, columns, parameters=parameters)
    return caught.value.findings


def test_a_sound_table_passes_without_warnings() -> None:
    """Nothing is found where nothing is wrong."""
    assert validate(table(), COLUMNS, parameters=3) == ()


NAN, INF = float("nan"), float("inf")
DEFECTS = {
    "nan": (
        table(x=edited(X, r7=NAN, r9=NAN)),
        "column 'x' has 2 missing values (empty or NaN), first in row 7; fill in or remove those rows",
    ),
    "null": (
        table(z=[*Z[:-1], None]),
        "column 'z' has 1 missing value (empty or NaN), first in row 50; fill in or remove that row",
    ),
    "missing target": (
        table(y=edited(Y, r1=NAN)),
        "column 'y' has 1 missing value (empty or NaN), first in row 1; fill in or remove that row",
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
    with pytest.raises(BadTable) as caught:
        validate(bad, COLUMNS, parameters=3)
    assert len(caught.value.findings) == 4
    assert str(caught.value).startswith("4 findings: column 'x' has 1 missing value")
    assert "\n" not in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).findings == caught.value.findings  # noqa: S301 - our own


def test_a_doubled_used_name_is_refused() -> None:
    """Two columns of one name cannot be told apart."""
    doubled = pa.Table.from_arrays([pa.array(v) for v in (X, Z, Y)], names=["x", "x", "y"])
    assert refusal(doubled, Columns(("x",), "y")) == (
        "2 columns are named 'x' (1 and 2); rename all but one",
    )


def test_a_constant_feature_is_a_warning() -> None:
    """It is harmless: the weight cannot matter."""
    assert validate(table(z=np.zeros(50)), COLUMNS, parameters=3) == (
        "feature 'z' is 0 in every row; it tells nothing",
    )


def test_as_many_rows_as_parameters_is_a_warning() -> None:
    """The fit is then exact and says nothing about its own error."""
    assert validate(table().slice(0, 3), COLUMNS, parameters=3) == (
        "3 rows for as many parameters: an exact fit without standard errors; add rows",
    )


def test_a_sole_feature_on_an_exact_line_is_a_warning_but_a_copy_is_not() -> None:
    """A line y = 2x + 1 is everyone's first try; y = x is a mistake."""
    sole = Columns(("x",), "y")
    assert validate(table(y=2 * X + 1), sole, parameters=2) == (
        "feature 'x' determines the target 'y' exactly",
    )
    assert refusal(table(y=X), sole, parameters=2) == ("feature 'x' copies the target 'y' (r = +1); drop it",)


def test_a_very_good_feature_is_not_a_copy() -> None:
    """Correlation 1 - 1e-9 is a finding of science, not of validation."""
    assert validate(table(z=Y + RNG.normal(size=50) * Y.std() * 4.5e-5), COLUMNS, parameters=3) == ()


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_correlation_agrees_with_numpy_at_any_scale(scale: float, shift: float) -> None:
    """np.corrcoef is the oracle; at extreme units it overflows, and ours must not."""
    assert correlation((X + shift) * scale, Y) == pytest.approx(np.corrcoef(X, Y)[0, 1], abs=1e-11)


def test_correlation_ignores_rows_that_are_not_finite() -> None:
    """A missing cell elsewhere does not hide a copied target."""
    assert len(refusal(table(z=edited(Y, r5=NAN)))) == 2


@given(arrays(np.float64, st.integers(0, 40)), st.lists(st.integers(0, 40), max_size=4), st.randoms())
def test_summary_does_not_depend_on_how_the_rows_are_cut(
    values: np.ndarray, cuts: list[int], random: object
) -> None:
    """Any parts, merged in any order, give exactly the summary of the whole."""
    bounds = sorted({0, len(values), *(min(cut, len(values)) for cut in cuts)})
    parts = [summarize_part(values[a:b], a) for a, b in pairwise(bounds)]
    random.shuffle(parts)  # type: ignore[attr-defined]
    merged = Summary()
    for part in parts:
        merged = merge(part, merged)
    assert merged == summarize_part(values)


def test_summary_numbers_rows_across_chunks() -> None:
    """The first bad row is counted from the table's start, not the chunk's."""
    column = pa.chunked_array([[1.0, 2.0], [3.0, None], [INF]])
    assert summarize(column) == Summary(5, 1, 4, 1, 5, 1.0, 3.0)
    assert numbers(pa.chunked_array([[1, None], [3]])).tolist() == pytest.approx([1, NAN, 3], nan_ok=True)
