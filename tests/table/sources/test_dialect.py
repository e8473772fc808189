"""Text files as spreadsheets and other tools write them, told apart by their first bytes."""

import codecs
import gzip
from pathlib import Path

import pandas as pd
import pytest

from tasks.config import Input
from tasks.table.sources.dialect import encoding_of, sniffed
from tests.table.reading import read, refusal, refused

HALF = pd.DataFrame(
    {
        "größe": [1.5, 2.25, -3.0, 0.125],
        "städte": ["Köln", "Zürich", "Łódź", "Brno"],
        "y": [1.0, 0.0, 7.0, 3.0],
    }
)
FRAME = pd.concat([HALF, HALF.assign(y=HALF["y"] * 3 - HALF["größe"] ** 2)], ignore_index=True)
WESTERN = FRAME.replace("Łódź", "“Ulm”")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_any_dialect_is_found_out(tmp_path: Path, delimiter: str, decimal: str, encoding: str) -> None:
    """Delimiter, decimal sign and encoding, in every combination that pandas writes."""
    text = FRAME.to_csv(sep=delimiter, decimal=decimal, index=False)
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    table, _ = read(tmp_path / "t.csv", categorical=("städte",))
    pd.testing.assert_frame_equal(table.to_pandas(), FRAME)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_western_encodings(tmp_path: Path, encoding: str) -> None:
    """Detected or given; Windows' is tried first, as it has signs where latin-1 has control characters."""
    frame = WESTERN if encoding == "cp1252" else WESTERN.replace("“Ulm”", "Ülm")
    frame.to_csv(tmp_path / "t.csv", index=False, encoding=encoding)
    for given in ({}, {"encoding": encoding}):
        table, _ = read(tmp_path / "t.csv", categorical=("städte",), **given)
        pd.testing.assert_frame_equal(table.to_pandas(), frame)


SPREADSHEETS = {
    "LibreOffice, German": '\ufeffx;k;y\r\n1,5;"a;b";2\r\n2,25;"say ""hi""";0,5\r\n-3;;7\r\n4;c;1\r\n',
    "LibreOffice, all quoted": '"x","k","y"\n"1.5","a;b","2"\n"2.25","say ""hi""","0.5"\n"-3","","7"\n"4","c","1"\n',
    "Excel with its own line": 'sep=;\r\nx;k;y\r\n1,5;"a;b";2\r\n2,25;"say ""hi""";0,5\r\n-3;;7\r\n4;c;1\r\n',
    "old Mac line ends and tabs": 'x\tk\ty\r1.5\ta;b\t2\r2.25\t"say ""hi"""\t0.5\r-3\t\t7\r4\tc\t1\r',
    "blanks around and blank lines": ' x , k ,y \n\n 1.5,a;b, 2\n\n2.25 ,"say ""hi""",0.5\n-3,,7\n4,c,1\n\n',
    "signs and exponents": 'x,k,y\n+1.5,a;b,2e0\n225E-2,"say ""hi""",.5\n-3.,,7\n4,c,1',
}


@pytest.mark.parametrize("dialect", SPREADSHEETS)
def test_spreadsheets_dialects(tmp_path: Path, dialect: str) -> None:
    """The same four rows, as one program or the other saves them."""
    (tmp_path / "t.csv").write_bytes(SPREADSHEETS[dialect].encode())
    table, _ = read(tmp_path / "t.csv", categorical=("k",), missing="mean")
    assert table.to_pydict() == {
        "x": [1.5, 2.25, -3, 4],
        "k": ["a;b", 'say "hi"', None, "c"],
        "y": [2, 0.5, 7, 1],
    }


def test_what_is_given_goes_over_what_is_found(tmp_path: Path) -> None:
    """A delimiter of one's own, a decimal sign in a file that leaves it open, an encoding."""
    (tmp_path / "t.csv").write_text("x~y\n1~2\n2~4\n3~7\n")
    assert read(tmp_path / "t.csv", delimiter="~")[0]["y"].to_pylist() == [2, 4, 7]
    (tmp_path / "t.csv").write_text("x\ty\n1\t2\n2\t4\n3\t7\n")
    assert read(tmp_path / "t.csv", delimiter="\\t")[0]["y"].to_pylist() == [2, 4, 7]
    for sign in (";;", "ü", '"', "\n", ""):
        with pytest.raises(ValueError, match="cannot separate cells"):
            Input(data="t.csv", target="y", delimiter=sign)
    (tmp_path / "t.csv").write_text("x;y\n1.500;2\n2.500;4\n3.750,5;7\n")
    assert read(tmp_path / "t.csv")[0]["x"].to_pylist() == [1500, 2500, 3750.5]
    assert "first '3.750,5' in row 3" in refusal(tmp_path / "t.csv", decimal=".")
    assert "first '1.500' in row 1" in refusal(tmp_path / "t.csv", decimal=",")


def test_an_encoding_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """Whether it is seen in the first bytes, or only at the end of the file."""
    (tmp_path / "t.csv").write_bytes("x,k,y\n1,é,2\n".encode("cp1252"))
    assert refusal(tmp_path / "t.csv", encoding="utf-8") == (
        r"`encoding` of 'utf-8' does not fit the file, which holds b'\xe9'; give another"
    )
    late = "x,k,y\n" + "1,e,2\n2,f,4\n" * 20_000 + "3,é,5\n"
    (tmp_path / "t.csv").write_bytes(late.encode("cp1252"))
    assert len(read(tmp_path / "t.csv")[0]) == 40_001  # the column is not used
    assert refusal(tmp_path / "t.csv", categorical=("k",)) == (
        "column 'k' of `data` of 't.csv' is not UTF-8, first in row 40,001; give the `encoding`, such as cp1252"
    )
    table, _ = read(tmp_path / "t.csv", categorical=("k",), encoding="cp1252")
    assert table["k"][-1].as_py() == "é"
    (tmp_path / "t.csv").write_bytes(late.encode("cp1252"))
    assert "is not text in ascii" in refusal(tmp_path / "t.csv", encoding="ascii")


def test_gzip_in_several_members(tmp_path: Path) -> None:
    """As `cat a.gz b.gz` leaves it."""
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"x,y\n1,2\n2,4\n") + gzip.compress(b"3,7\n4,1\n"))
    assert read(tmp_path / "t.csv.gz")[0]["y"].to_pylist() == [2, 4, 7, 1]


def test_numbers_that_change_late(tmp_path: Path) -> None:
    """Whole numbers become fractions, empty columns numbers, and text is found, far behind the first block."""
    rows = 300_000
    lines = [f"{number},,{number % 7},true\n" for number in range(rows)]
    lines += ["0.5,3,1.25,false\n", "7,4,2,true\n"]
    (tmp_path / "t.csv").write_text("a,late,y,flag\n" + "".join(lines))
    table, facts = read(tmp_path / "t.csv", missing="mean")
    assert facts["missing_counts"] == {"late": rows}
    assert table.slice(rows).to_pydict() == {
        "a": [0.5, 7],
        "late": [3, 4],
        "flag": [0, 1],
        "y": [1.25, 2],
    }
    assert table["a"].slice(0, rows).to_pylist() == list(range(rows))
    (tmp_path / "t.csv").write_text("a,late,y,flag\n" + "".join(lines) + "x,five,1,2,\n1,six,,maybe\n")
    found = {
        (each.rule, each.column): (each.count, each.row, each.value) for each in refused(tmp_path / "t.csv")
    }
    assert found["irregular-rows", None] == (1, rows + 3, "x,five,1,2,")
    assert found["text-in-numbers", "late"] == (1, rows + 3, "six")
    assert found["text-in-numbers", "flag"] == (1, rows + 3, "maybe")
    assert found["missing-target", "y"][:2] == (1, rows + 3)
    assert found["missing-values", "late"][:2] == (rows, 1)


def test_the_parts_of_detection() -> None:
    """The marks are known; without one UTF-8 is told from Windows' encoding by what it allows."""
    assert encoding_of(codecs.BOM_UTF8 + b"x") == "utf-8"
    assert encoding_of("größe".encode()[:-1]) == "utf-8"
    assert encoding_of("größe".encode("cp1252")) == "cp1252"
    assert encoding_of(b"gr\x81e") == "latin-1"
    assert sniffed("a|b|c;d\n1|2|3;4\n") == "|"
