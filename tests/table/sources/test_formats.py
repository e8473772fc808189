"""The format is in the name: every ending × every compression."""

import pytest

from tasks.table.sources.files import COMPRESSIONS
from tasks.table.sources.formats import FORMATS, KNOWN, format_of, is_no_table

ENDINGS = [(each.name, ending) for each in FORMATS for ending in each.endings]


@pytest.mark.parametrize(("name", "ending"), ENDINGS)
@pytest.mark.parametrize("compression", ["", *COMPRESSIONS])
def test_every_ending_has_its_format(name: str, ending: str, compression: str) -> None:
    """Compressed ones only where the format is text: the others compress by themselves."""
    expected = name if not compression or name == "CSV" else None
    for path in (
        f"a/b.c/rows{ending}{compression}",
        f"ROWS{ending}{compression}".upper(),
        f"x.csv.9{ending}{compression}",
    ):
        found = format_of(path)
        assert (found.name if found else None) == expected


@pytest.mark.parametrize(
    "path", ["rows", "rows.", "rows.xls", "rows.gz", ".csv", "csv", "rows.csv.tar", "csv.gz"]
)
def test_other_names_have_none(path: str) -> None:
    assert format_of(path) is None


def test_an_ending_has_one_format() -> None:
    endings = [ending for _, ending in ENDINGS]
    assert len(set(endings)) == len(endings)


def test_what_messages_advise_can_be_read() -> None:
    for name in KNOWN.replace(" or", ",").split(","):
        assert format_of(f"t{name.strip()}") is not None


@pytest.mark.parametrize("path", ["README.md", "a/plot.PNG", "settings.toml", "rows.csv.crc", "run.log"])
def test_what_lies_beside_tables_is_known_to_be_none(path: str) -> None:
    assert is_no_table(path)
    assert not format_of(path)


@pytest.mark.parametrize("path", ["rows.orc", "rows.avro", "rows.xlsx", "rows", "rows.csv", "rows.csv.7z"])
def test_what_may_hold_rows_is_never_passed_over_in_silence(path: str) -> None:
    assert not is_no_table(path)
