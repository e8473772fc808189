"""Rows with predictions beside them: all of them, in their order, and an account of what became of them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.table.errors import BadTable, Violation
from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput, Predicted
from tasks.table.model.scoring import (
    MOST_LEVELS,
    OTHERS,
    Account,
    column_notes,
    columns_of,
    scored,
    scored_columns,
    scoring_notes,
)
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.discovery import source
from tasks.table.sources.reader import Preview, preview
from tasks.table.sources.source import Origin

MODEL = LinearModel(
    target="y",
    bias=100.0,
    inputs=(
        NumberInput(name="x", weight=2.0, mean=None),
        CategoryInput(name="k", weights={"a": 0.0, "b": 10.0}, reference="a", average=5.0, fill=False),
    ),
)


def looks_at(path: Path) -> list[Preview]:
    return [preview(member, Dialect()) for member in source(Origin(str(path))).members]


def scored_table(path: Path, *, as_text: bool = False) -> tuple[pa.Table, Account]:
    looks = looks_at(path)
    columns = columns_of(looks, MODEL)
    out = scored_columns(columns, MODEL, "p", as_text=as_text)
    account, pieces = Account(), []
    for found in scored(MODEL, looks, columns, out):
        assert not isinstance(found, Violation)
        pieces.append(found[0])
        account += found[1]
    return pa.Table.from_batches(pieces), account


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Write two files, whose columns differ in order and number."""
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "1.csv").write_text("k,x,note\na,1,007\nb,2,\nnew,3,x\n")
    (tmp_path / "t" / "2.csv").write_text("x,k\n4,a\n,b\ninf,a\n")
    return tmp_path / "t"


def test_all_rows_come_out_in_their_order_beside_their_predictions(rows: Path) -> None:
    """What a file lacks is empty; the model's numbers are numbers, other cells are text as it was."""
    table, account = scored_table(rows)
    assert table.to_pydict() == {
        "k": ["a", "b", "new", "a", "b", "a"],
        "x": [1, 2, 3, 4, None, np.inf],
        "note": ["007", "", "x", None, None, None],
        "p": [102, 114, 111, 108, None, None],
    }
    assert (account.rows, account.predicted) == (6, 4)
    assert (account.missing, account.infinite) == (Counter(x=1), Counter(x=1))
    assert account.unknown == {"k": Counter(new=1)}
    assert scored_table(rows, as_text=True)[0]["x"].to_pylist() == ["1", "2", "3", "4", "", "inf"]


def test_stored_types_stay(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"x": pa.array([1, 2], pa.int8()), "k": ["a", "b"], "flag": [True, None]}), path)
    table, _ = scored_table(path)
    assert [str(kind) for kind in table.schema.types] == ["int8", "string", "bool", "double"]
    assert table["p"].to_pylist() == [102, 114]


def test_a_column_whose_type_differs_between_files_is_text(tmp_path: Path) -> None:
    """A column that is empty in one of them has the other's type."""
    for name, note, empty in (("a", 1, None), ("b", "two", 5)):
        rows = pa.table({"x": [1.5], "k": ["a"], "note": [note], "empty": [empty]})
        pq.write_table(rows, tmp_path / f"{name}.parquet")
    columns = columns_of(looks_at(tmp_path), MODEL)
    assert str(columns.field("note").type) == "string"
    assert str(columns.field("empty").type) == "int64"
    assert scored_table(tmp_path)[0]["note"].to_pylist() == ["1", "two"]


def test_a_column_under_the_predictions_name_is_refused(rows: Path) -> None:
    columns = columns_of(looks_at(rows), MODEL)
    with pytest.raises(BadTable, match="`column`: the data have a column 'note' already; give another name"):
        scored_columns(columns, MODEL, "note", as_text=False)


def test_what_a_file_lacks_is_noted(rows: Path) -> None:
    looks = looks_at(rows)
    notes = list(column_notes(looks, columns_of(looks, MODEL), MODEL))
    assert [str(note) for note in notes] == ["'2.csv' lacks 'note'; its rows have no value there"]


def test_a_file_that_cannot_be_read_is_refused_before_any_row(rows: Path) -> None:
    (rows / "3.csv").write_bytes(b"")
    with pytest.raises(BadTable, match=r"'3\.csv' is empty"):
        columns_of(looks_at(rows), MODEL)


POINTS: dict[str, tuple[str, list[str], str | None]] = {
    "thousands or decimals": ("7", ["6.953"], "'6.953' in row 5,001"),
    "another kind of fraction": ("7", ["6.953", "1.5"], None),
    "long whole numbers": ("7", ["6.953", "1250"], None),
    "below one": ("7", ["0.953"], None),
    "among the first rows": ("6.953", ["8"], "'6.953' beside '0'"),
    "with fractions among the first rows": ("6.5", ["6.953"], None),
}


@pytest.mark.parametrize("case", POINTS)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_number_of_two_meanings_is_refused_as_in_a_run(tmp_path: Path, case: str, ending: str) -> None:
    """With its row and value, in every output; `decimal`, `thousands` or `warn` settle it."""
    first, last, found = POINTS[case]
    cells = [first, *(str(number % 900) for number in range(4999)), *last]
    path = tmp_path / "t.csv"
    path.write_text("x,k\n" + "".join(f"{cell},a\n" for cell in cells))

    def read(dialect: Dialect, warn: tuple[str, ...] = ()) -> list[float]:
        looks = [preview(member, dialect) for member in source(Origin(str(path))).members]
        columns = columns_of(looks, MODEL)
        out = scored_columns(columns, MODEL, "p", as_text=ending == "csv")
        every = scored(MODEL, looks, columns, out, warn)
        return [value for each in every if not isinstance(each, Violation) for value in each[1].values]

    expected = [100 + 2 * float(cell) for cell in cells]
    if found is None:
        assert read(Dialect()) == expected
        return
    with pytest.raises(BadTable, match=f"column 'x' has {found}.*set `thousands` to '.' or `decimal` to '.'"):
        read(Dialect())
    assert read(Dialect(decimal=".")) == expected
    assert read(Dialect(), warn=("ambiguous-numbers",)) == expected
    assert max(read(Dialect(thousands="."))) == 100 + 2 * 6953


def test_the_file_of_a_number_of_two_meanings_is_named(tmp_path: Path) -> None:
    """Columns of other use, and files in which a fraction shows what a point means, are not in doubt."""
    whole = "".join(f"{number % 9},a,{number % 9}\n" for number in range(5000))
    (tmp_path / "1.csv").write_text(f"x,k,note\n{whole}1,a,6.953\n")
    (tmp_path / "2.csv").write_text("x,k,note\n1.250,a,1\n1.5,a,2\n")
    assert scored_table(tmp_path)[1].predicted == 5003
    (tmp_path / "3.csv").write_text(f"x,k,note\n{whole}6.953,a,1\n")
    with pytest.raises(BadTable, match=r"'6\.953' in row 5,001 of '3\.csv' beside whole numbers"):
        scored_table(tmp_path)


def test_the_account_says_why_rows_have_no_prediction() -> None:
    lost = Account(4, 1, Counter(x=2), Counter(x=1), {"k": Counter(new=3)})
    first, *others = scoring_notes(lost)
    assert first == (
        "3 rows without a prediction: column 'x' misses 2 values, and the model has no mean for it; "
        "column 'x' has 1 infinite value"
    )
    assert "'new'" in others[0]
    assert list(scoring_notes(Account(4, 4))) == []
    assert list(scoring_notes(Account(2, 1))) == ["1 row without a prediction: the sum is beyond all bounds"]


def test_levels_beyond_so_many_are_counted_together() -> None:
    """So that a column of ids takes no memory."""
    account = Account()
    for start in (0, 600, 1200):
        levels = Counter({f"id {number}": 1 for number in range(start, start + 600)})
        account += Predicted(np.zeros(600), Counter(), Counter(), {"k": levels})
    found = account.unknown["k"]
    assert len(found) == MOST_LEVELS + 1
    assert found[OTHERS] == 800
    assert sum(found.values()) == account.rows == 1800
