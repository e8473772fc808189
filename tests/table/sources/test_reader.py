"""Reading what people have: files by pandas, pyarrow and the csv module, sound and broken."""

import csv
import decimal
import gzip
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.table.errors import BadTable
from tests.paths import DATA
from tests.table.reading import Facts, read, refusal, refused

PENGUINS = DATA / "penguins.csv"
FRAME = pd.DataFrame(
    {"x": [1.5, 2.25, -3.0, 0.1], "kind": ["a", "b", "ü", "d"], "n": [1, 2, 3, 5], "y": [1, 0, 7, 3]}
)
USED = FRAME[["x", "n", "y"]]
USE_IT = "add columns of text to `categorical` to use them"


def assert_is_frame(table: pa.Table, facts: Facts) -> None:
    """Compare with the frame, exactly; what no file says to be whole numbers is read as floats."""
    assert (facts["features"], facts["target"]) == (["x", "n"], "y")
    assert facts["notes"] == [f"left out, as they hold no numbers: 'kind'; {USE_IT}"]
    pd.testing.assert_frame_equal(table.to_pandas(), USED, check_dtype=False, check_exact=True)


def test_penguins_are_complete_and_usable() -> None:
    """All 342 rows of the real set pass, as pandas reads them."""
    table, facts = read(PENGUINS, "body_mass")
    assert facts["features"] == ["bill_len", "bill_dep", "flipper_len"]
    assert facts["notes"] == []
    pd.testing.assert_frame_equal(table.to_pandas(), pd.read_csv(PENGUINS), check_dtype=False)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.TXT", "t.csv.gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_delimited_text_reads_as_pandas_wrote_it(
    tmp_path: Path, delimiter: str, name: str, encoding: str
) -> None:
    """Every delimiter, ending and byte-order mark."""
    FRAME.to_csv(tmp_path / name, sep=delimiter, index=False, encoding=encoding)
    assert_is_frame(*read(tmp_path / name))


@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_quotes_and_line_ends_of_the_csv_module(tmp_path: Path, quoting: int, ending: str) -> None:
    """Quoted cells may hold delimiters, quotes and line ends."""
    kinds = ["a,b", 'say "hi"', "two\nlines", ";"]
    with (tmp_path / "t.csv").open("w", newline="") as file:
        writer = csv.writer(file, quoting=quoting, lineterminator=ending)  # type: ignore[arg-type]
        writer.writerows([FRAME.columns, *FRAME.assign(kind=kinds).itertuples(index=False)])
    assert_is_frame(*read(tmp_path / "t.csv"))


def test_csv_of_pyarrow(tmp_path: Path) -> None:
    """Its own writer quotes every text."""
    arrow_csv.write_csv(pa.Table.from_pandas(FRAME), tmp_path / "t.csv")
    assert_is_frame(*read(tmp_path / "t.csv"))


def test_parquet_keeps_stored_types(tmp_path: Path) -> None:
    """Ints and floats stay; decimals, booleans and nullable columns become plain numbers."""
    stored = pa.table(
        {
            "f4": pa.array([1, 2, 3, 7] * 3, pa.float32()),
            "f2": np.array([1, 5, 3, 2] * 3, np.float16),
            "i1": pa.array([1, None, 3, 3] * 3, pa.int8()),
            "dec": pa.array([decimal.Decimal("1.25"), None, decimal.Decimal(3), decimal.Decimal(4)] * 3),
            "flag": [True, False, None, True] * 3,
            "code": pa.array([7, 8, 7, 9] * 3).dictionary_encode(),
            "y": np.arange(12.0) ** 2,
        }
    )
    pq.write_table(stored, tmp_path / "t.parquet")
    table, _ = read(tmp_path / "t.parquet", missing="mean")
    assert [str(kind) for kind in table.schema.types] == [
        "float", "float", "int8", "double", "double", "int64", "double",
    ]  # fmt: skip
    assert table["dec"].to_pylist()[:4] == [1.25, None, 3.0, 4.0]
    assert table["flag"].to_pylist()[:4] == [1.0, 0.0, None, 1.0]
    assert table["code"].to_pylist()[:4] == [7, 8, 7, 9]


def test_parquet_folder_of_pandas(tmp_path: Path) -> None:
    """Parts in the order of their names, hive keys as columns, hidden and marked files passed over."""
    for year in (2021, 2020):
        (tmp_path / f"year={year}").mkdir()
        FRAME.to_parquet(tmp_path / f"year={year}" / "part-0.parquet", index=False)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "_metadata.parquet").write_bytes(b"not one")
    (tmp_path / "README.md").write_text("notes")
    table, facts = read(tmp_path)
    assert facts["features"] == ["x", "n", "year"]
    assert table["year"].to_pylist() == [2020] * 4 + [2021] * 4
    assert table["x"].to_pylist() == [*FRAME["x"]] * 2


@pytest.mark.parametrize("key", ["inputs", "input"])
@pytest.mark.parametrize("dtype", ["<f8", ">f4", "<i2", "?"])
def test_npz_reads_as_columns(tmp_path: Path, key: str, dtype: str) -> None:
    """Two inputs are x and z, as in the example; the target is y."""
    inputs = np.array([[0, 1], [1, 0], [7, 1], [3, 3], [0, 5]]).astype(dtype)
    np.savez(tmp_path / "t.npz", targets=np.arange(5.0)[:, None], **{key: inputs})  # type: ignore[arg-type]
    table, facts = read(tmp_path / "t.npz")
    assert (facts["features"], facts["target"]) == (["x", "z"], "y")
    assert np.array_equal(np.column_stack([table["x"], table["z"]]), inputs)
    assert table["y"].to_pylist() == [0, 1, 2, 3, 4]


def test_npz_of_other_widths_counts_its_inputs(tmp_path: Path) -> None:
    """One input is x1, three are x1 to x3; a subset may be chosen."""
    values = np.random.default_rng(0).normal(size=(100_000, 4))
    np.savez_compressed(tmp_path / "one.npz", inputs=values[:, 0], targets=values[:, 3])
    np.savez(tmp_path / "three.npz", inputs=np.asfortranarray(values[:, :3]), targets=values[:, 3])
    assert read(tmp_path / "one.npz")[0].column_names == ["x1", "y"]
    table, _ = read(tmp_path / "three.npz", features=("x3", "x1"))
    assert table.column_names == ["x3", "x1", "y"]
    assert np.array_equal(np.column_stack(table.columns), values[:, [2, 0, 3]])


def test_only_the_named_columns_are_read(tmp_path: Path) -> None:
    """What is wrong elsewhere does not matter, and names are found despite spaces around them."""
    (tmp_path / "t.csv").write_bytes(b"k, x ,k,,y\n\xe9,1,2,3,4\nb,2,3,3,5\n")
    table, facts = read(tmp_path / "t.csv", features=("x",))
    assert facts["features"] == ["x"]
    assert table.to_pydict() == {"x": [1, 2], "y": [4, 5]}


def test_a_number_spoiled_late_is_found_although_the_header_looked_fine(tmp_path: Path) -> None:
    """The type of a CSV column is known only after its last row."""
    (tmp_path / "t.csv").write_text("x,y\n" + "1,2\n" * 400_000 + "12a,3\n4,2.5\n")
    assert refusal(tmp_path / "t.csv") == (
        f"column 'x' has 1 text cell in 400,002 rows, first '12a' in row 400,001; {CELLS}"
    )


CELLS = "correct those cells or remove their rows"
WORDS = "encode it as numbers, or choose another `target`"
NUMBERS = "write numbers with one decimal sign and without separators, or set `decimal`"
TEXTS: dict[str, tuple[bytes, str]] = {
    "unknown mark": (
        b"x,y\n1,2\n?,3\n3,4\n",
        f"column 'x' has 1 text cell in 3 rows, first '?' in row 2; {CELLS}",
    ),
    "text target": (
        b"x,y\n1,a\n2,b\n",
        f"column 'y' holds text; {WORDS}",
    ),
    "escape sequence": (
        b"x,y\n1,2\n\x1b[31m,3\n3,4\n",
        f"column 'x' has 1 text cell in 3 rows, first '\\x1b[31m' in row 2; {CELLS}",
    ),
    "decimal comma": (
        b"x;y\n1,5;2\n2.5;3\n3.5;4\n",
        f"column 'x' has 1 text cell in 3 rows, first '1,5' in row 1; {NUMBERS}",
    ),
    "thousands": (
        b'x,y\n5,2\n"1,200",2\n3,3\n',
        (
            "column 'x' has '1,200' beside '5': ',' may stand between thousands or before decimals; "
            "set `thousands` to ','"
        ),
    ),
    "no rows": (b"x,y\n", "the table has no rows; add some below the column names"),
    "no line end": (
        b"x,y",
        "`data` of 't.csv' is no CSV table; give it a row of column names with rows below",
    ),
    "empty file": (b"", "`data` of 't.csv' is empty; give a table with a row of column names"),
    "blank file": (b"\n \n", "`data` of 't.csv' is empty; give a table with a row of column names"),
    "long row": (
        b"x,y\n1,2\n1,2,3\n",
        "row 2 has 3 cells where the header has 2: '1,2,3'; correct it, or quote cells that hold ','",
    ),
    "short row": (
        b"x,k,y\n1,a,2\n1\n",
        "row 2 has 1 cell where the header has 3: '1'; correct it, or quote cells that hold ','",
    ),
    "open quote": (
        b'x,k,y\n1,a,2\n2,"b,3\n',
        "row 2 has 2 cells where the header has 3: '2,\"b,3'; correct it, or quote cells that hold ','",
    ),
    "an endless row": (
        b"x,k,y\n1,a,2\n2," + b"b" * 10_000_000 + b",3\n4,c,5\n",
        "`data` of 't.csv' has a row of more than 4 MiB; shorten it, or close a quote that is open",
    ),
    "no header": (
        b"1.5,2\n2.5,3\n",
        (
            "`target`: no column is named 'y'; the first row holds numbers; put the columns' names above it "
            "(detected: utf-8, ',', names at the top – if that is wrong, set `encoding`, `delimiter`, `header_row`, "
            "`skip_rows` or `comment`)"
        ),
    ),
    "pandas index": (
        b",x,y\n0,1,2\n1,2,3\n",
        "column 1 has no name; name it, `exclude` '' (pandas: `index=False`), or list `features`",
    ),
    "doubled name": (b"x,x,y\n1,2,3\n", "2 columns are named 'x' (1 and 2); rename all but one"),
    "empty target": (
        b"x,y\n1,\n2,NA\n",
        "column 'y' is empty, no row has a value; fill it in, or choose other columns",
    ),
    "disguised parquet": (b"PAR1....", "`data` of 't.csv' is not CSV but Parquet; name it .parquet"),
    "disguised workbook": (
        b"PK\x03\x04....",
        "`data` of 't.csv' is not CSV but a zip archive or an Excel workbook; save its table as CSV",
    ),
    "disguised gzip": (gzip.compress(b"x,y\n"), "`data` of 't.csv' is not CSV but gzip; name it .csv.gz"),
}


@pytest.mark.parametrize("defect", TEXTS)
def test_each_broken_csv_gets_one_clear_line(tmp_path: Path, defect: str) -> None:
    """Word for word."""
    content, text = TEXTS[defect]
    (tmp_path / "t.csv").write_bytes(content)
    assert refusal(tmp_path / "t.csv") == text


def test_text_named_as_a_feature_is_refused_and_by_default_left_out(tmp_path: Path) -> None:
    """A column of words is no mistake until it is asked for."""
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    assert read(tmp_path / "t.csv")[1]["features"] == ["x", "n"]
    assert refusal(tmp_path / "t.csv", features=("kind", "x")) == (
        "column 'kind' holds text; add it to `categorical`, encode it as numbers, or drop it"
    )


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    """Missing, a folder without parts, a pipe, a format that is not known."""
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "t.xls").write_bytes(b"PK\x03\x04")
    assert refusal(tmp_path / "no.csv") == "`data` of 'no.csv' does not exist; check the path"
    assert refusal(tmp_path) == (
        f"`data` of '{tmp_path.name}' is a folder without a table; "
        "name a file, or a folder of .csv, .csv.gz, .parquet, .feather, .arrow, .npz or .xlsx files"
    )
    assert refusal(tmp_path / "pipe.csv") == (
        "`data` of 'pipe.csv' is neither a file nor a folder; save the rows to a file"
    )
    assert refusal(tmp_path / "t.xls") == (
        "`data` of 't.xls' is of no known format; "
        "save it as .csv, .csv.gz, .parquet, .feather, .arrow, .npz or .xlsx"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_said_to_be_so(tmp_path: Path) -> None:
    """The system's reason is passed on."""
    FRAME.to_csv(tmp_path / "t.csv")
    (tmp_path / "t.csv").chmod(0)
    assert refusal(tmp_path / "t.csv") == "`data` of 't.csv' cannot be opened: Permission denied"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("name", ["t.parquet", "t.npz", "t.csv.gz"])
def test_truncated_files_are_refused(tmp_path: Path, name: str, share: float) -> None:
    """Wherever a file was cut, one line says that it is damaged."""
    values = np.random.default_rng(0).normal(size=(3000, 3))
    if name == "t.npz":
        np.savez(tmp_path / name, inputs=values[:, :2], targets=values[:, 2])
    else:
        frame = pd.DataFrame(values, columns=["x", "z", "y"])
        (frame.to_parquet if name == "t.parquet" else frame.to_csv)(tmp_path / name, index=False)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    assert ("is empty" if share == 0 else "is damaged") in refusal(tmp_path / name)


BAD_ARRAYS: dict[str, tuple[dict[str, Any], str]] = {
    "missing key": (
        {"inputs": np.eye(3)},
        (
            "`data` of 't.npz' holds 'inputs'; it needs the keys 'inputs' and 'targets', or 'X' and 'y': "
            "`np.savez(path, inputs=…, targets=…)`"
        ),
    ),
    "row counts": (
        {"inputs": np.eye(3), "targets": np.ones(2)},
        "array 'inputs' has 3 rows and 'targets' 2; both need the same number",
    ),
    "three axes": (
        {"inputs": np.ones((2, 2, 2)), "targets": np.ones(2)},
        "array 'inputs' has shape (2, 2, 2); it must be (rows, features)",
    ),
    "two targets": (
        {"inputs": np.eye(3), "targets": np.ones((3, 2))},
        "array 'targets' has shape (3, 2); it must be (rows,) or (rows, 1)",
    ),
    "pickled": (
        {"inputs": np.eye(3).astype(object), "targets": np.ones(3)},
        "array 'inputs' holds pickled objects, not plain numbers; save it as float64",
    ),
    "text": (
        {"inputs": np.eye(3), "targets": np.array(["a", "b", "c"])},
        "array 'targets' holds <U1 values, not plain numbers; save it as float64",
    ),
    "complex": (
        {"inputs": np.eye(3).astype(complex), "targets": np.ones(3)},
        "array 'inputs' holds complex128 values, not plain numbers; save it as float64",
    ),
    "no rows": (
        {"inputs": np.ones((0, 2)), "targets": np.ones(0)},
        "the table has no rows; add some below the column names",
    ),
}


@pytest.mark.parametrize("defect", BAD_ARRAYS)
def test_each_broken_npz_gets_one_clear_line(tmp_path: Path, defect: str) -> None:
    """Shapes are checked at the door, and nothing is unpickled."""
    arrays, text = BAD_ARRAYS[defect]
    np.savez(tmp_path / "t.npz", **arrays)
    assert refusal(tmp_path / "t.npz") == text


def test_parts_that_differ_are_refused(tmp_path: Path) -> None:
    """Arrow itself would fill the gap with nulls."""
    pq.write_table(pa.table({"x": [1.0], "y": [2.0]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"x": ["1"], "k": [1]}), tmp_path / "b.parquet")
    found = refused(tmp_path)
    advice = "write all files with one schema, or `exclude` it"
    assert [str(finding) for finding in found if finding.rule == "mixed-types"] == [
        f"column 'k' is int64 in 'b.parquet' but absent in 'a.parquet'; {advice}",
        f"column 'x' is string in 'b.parquet' but double in 'a.parquet'; {advice}",
        f"column 'y' is absent in 'b.parquet' but double in 'a.parquet'; {advice}",
    ]


def test_parquet_defects(tmp_path: Path) -> None:
    """Doubled names, the index of pandas, numbers stored as text."""
    doubled = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], names=["x", "x", "y"])
    pq.write_table(doubled, tmp_path / "a.parquet")
    FRAME[1:].to_parquet(
        tmp_path / "b.parquet",
    )
    FRAME.sample(4, random_state=0).to_parquet(tmp_path / "c.parquet")
    USED.astype({"x": str}).to_parquet(tmp_path / "d.parquet", index=False)
    assert refusal(tmp_path / "a.parquet") == "2 columns are named 'x' (1 and 2); rename all but one"
    assert read(tmp_path / "b.parquet")[1]["features"] == ["x", "n"]  # a range is stored as metadata only
    assert refusal(tmp_path / "c.parquet") == (
        "column '__index_level_0__' is pandas' row index; write with `index=False`, or list `features`"
    )
    assert refusal(tmp_path / "d.parquet") == (
        "column 'x' stores its numbers as text; convert it to a numeric type"
    )


DAMAGE = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8)


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet", "t.npz"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=DAMAGE, cut=st.integers(0, 10_000))
def test_damaged_bytes_never_raise_anything_else(
    tmp_path: Path, name: str, damage: list[tuple[int, int]], cut: int
) -> None:
    """Flipped and missing bytes are read or refused, with nothing but BadTable."""
    write = {".csv": USED.to_csv, ".gz": USED.to_csv, ".parquet": USED.to_parquet}
    path = tmp_path / name
    if name == "t.npz":
        np.savez(path, inputs=USED[["x", "n"]], targets=USED["y"])
    else:
        write[path.suffix](path, index=False)  # type: ignore[operator]
    content = bytearray(path.read_bytes())
    for place, byte in damage:
        content[place % len(content)] = byte
    path.write_bytes(content[: max(cut, 1)])
    try:
        read(path)
    except BadTable as error:
        assert str(error).isprintable()  # noqa: PT017 - most damage is refused, some is read
