"""The user's table as the cache sees it: by its contents, its name's ending and the settings; looked at once."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.config import Input
from tasks.runtime.caching import key_of
from tasks.runtime.user_table import MOST_NAMED, UserTable, check, looking_once, table_of
from tasks.table.errors import BadTable
from tasks.table.sources.found import FoundTable

TEXT = "x,k,y\n1,a,2\n2,b,3\n5,a,4\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text(TEXT)
    return tmp_path / "t.csv"


def described(path: Path, by: tuple[str, ...] = (), **given: Any) -> UserTable:
    return table_of(Input(data=str(path), target="y", **given), by)


def components(table: UserTable) -> str:
    """Return a digest over what `ingest`'s key holds of the table."""
    return key_of({"table": table.model_dump_json()})


def moved(path: Path) -> Path:
    (path.parent / "elsewhere").mkdir()
    return path.rename(path.parent / "elsewhere" / "other.csv")


def touched(path: Path) -> Path:
    os.utime(path, ns=(0, 0))
    return path


def altered(path: Path) -> Path:
    path.write_text(TEXT.replace("5", "6"))
    return path


def zipped(path: Path) -> Path:
    return path.rename(path.with_suffix(".txt"))


@pytest.mark.parametrize(
    ("change", "same"), [(moved, True), (touched, True), (altered, False), (zipped, False)]
)
def test_the_key_holds_what_it_contains_not_where_it_lies(
    path: Path, change: Callable[[Path], Path], same: bool
) -> None:
    """Nor when it was saved. The ending says how it is read."""
    before = components(described(path))
    assert (components(described(change(path))) == before) == same


@pytest.mark.parametrize(
    "given",
    [
        {"features": "x"},
        {"exclude": "k"},
        {"categorical": "k"},
        {"missing": "drop"},
        {"warn": "exact-fit"},
        {"strict": True, "exclude": "k"},
        {"delimiter": ","},
        {"decimal": "."},
        {"thousands": " "},
        {"encoding": "utf-8"},
        {"na_values": "?"},
        {"skip_rows": 0},
        {"header_row": 1},
        {"comment": "#"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_the_key_holds_every_setting(path: Path, given: dict[str, Any]) -> None:
    assert components(described(path, **given)) != components(described(path))


def test_the_key_holds_the_columns_to_split_by(path: Path) -> None:
    assert components(described(path, by=("k",))) != components(described(path))


def test_of_a_folder_every_file_counts(path: Path) -> None:
    """By name and contents; each digest apart, so that a run can say what is new, unless there are too many."""
    shutil.copy(path, path.with_name("u.csv"))
    one = described(path.parent)
    assert set(one.contents) == {"t.csv", "u.csv"}
    path.with_name("u.csv").rename(path.with_name("v.csv"))
    assert components(described(path.parent)) != components(one)
    for number in range(MOST_NAMED):
        path.with_name(f"part-{number}.csv").write_text(TEXT)
    many = described(path.parent)
    assert isinstance(many.contents, str)
    assert many.contents == many.digest
    assert len(many.files) == MOST_NAMED + 2
    altered(path)
    assert described(path.parent).digest != many.digest


def test_within_a_block_a_table_is_looked_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is asked for; with other settings it is another look."""
    looks = []
    real = FoundTable.at

    def at(*given: Any) -> FoundTable:
        looks.append(given)
        return real(*given)

    monkeypatch.setattr(FoundTable, "at", at)
    given = Input(data=str(path), target="y")
    with looking_once():
        check(given)
        table = table_of(given)
        assert table.found is table_of(given).found
        assert len(looks) == 1
        check(Input(data=str(path), target="y", delimiter=","))
        assert len(looks) == 2
    check(given)
    check(given)
    assert len(looks) == 4


def test_the_first_look_refuses_what_the_names_show(path: Path) -> None:
    check(Input())
    check(Input(data=str(path), target="y"), by=("k",))
    with pytest.raises(BadTable, match=r"no column is named 'z'"):
        check(Input(data=str(path), target="z"))
    with pytest.raises(BadTable, match=r"`by`"):
        check(Input(data=str(path), target="y"), by=("nothing",))
    with pytest.raises(BadTable, match=r"does not exist"):
        check(Input(data=str(path.with_name("none.csv")), target="y"))


def test_a_message_on_a_missing_column_says_what_was_guessed(path: Path) -> None:
    path.write_text("x;y\n1;2\n2;4\n4;5\n")
    with pytest.raises(
        BadTable, match=r"\(detected: utf-8, names at the top – if that is wrong, set `encoding`"
    ):
        check(Input(data=str(path), target="y", delimiter=","))


def test_of_a_folder_a_first_file_that_cannot_be_read_decides_nothing(path: Path) -> None:
    """Another one may be sound; `ingest` names it."""
    path.with_name("a.csv").write_bytes(b"")
    check(Input(data=str(path.parent), target="y"))
    with pytest.raises(BadTable, match="is empty"):
        check(Input(data=str(path.with_name("a.csv")), target="y"))
