"""Tables of Delta Lake: the rows of one version and no others, whatever files they lie in."""

import base64
import json
import struct
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from tasks.config import Input
from tasks.ingest import ingest
from tasks.runtime.user_table import table_of
from tasks.store.artifact import Artifact
from tasks.table.sources.files import DataFile
from tests.table.reading import read, refusal

ROWS = pa.table({"x": [1.5, 2.25, -3.0, 0.5, 9.0], "y": [1.0, 0.0, 7.0, 3.0, 4.0]})

B85 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    path = tmp_path / "sales"
    write_deltalake(path, ROWS)
    return path


def rows(path: Path | str, **given: Any) -> list[dict[str, Any]]:
    return list(read(path, **given)[0].to_pylist())


def by_deltalake(path: Path, columns: Sequence[str] = ("x", "y")) -> list[dict[str, Any]]:
    """Let the library read all rows itself, and sort them as the stage does."""
    found = pa.RecordBatchReader.from_stream(DeltaTable(path).scan(columns=list(columns))).read_all()
    return sorted(found.to_pylist(), key=lambda row: tuple(row.values()))


def ingested(path: Path, store: Path, **given: Any) -> Artifact:
    return ingest.fn(table_of(Input(data=str(path), target="y", **given), root=store), store)


def test_what_was_deleted_updated_overwritten_or_added_reads_as_the_library_reads_it(sales: Path) -> None:
    write_deltalake(sales, pa.table({"x": [4.0, -8.0], "y": [2.0, 2.5]}), mode="append")
    assert rows(sales) == by_deltalake(sales)
    DeltaTable(sales).delete("x > 8")
    assert rows(sales) == by_deltalake(sales)
    DeltaTable(sales).update(predicate="x < 0", updates={"y": "y + 10"})
    assert rows(sales) == by_deltalake(sales)
    assert [row["y"] for row in rows(sales)] == [12.5, 17.0, 3.0, 1.0, 0.0, 2.0]
    write_deltalake(sales, ROWS.slice(0, 3), mode="overwrite")
    assert rows(sales) == by_deltalake(sales)
    assert len(rows(sales)) == 3


def test_a_version_is_named_by_number_or_time(sales: Path) -> None:
    """A time means the newest version that there was, in UTC where it names no zone."""
    first = DeltaTable(sales).history()[0]["timestamp"]
    write_deltalake(sales, ROWS.slice(0, 3), mode="overwrite")
    log = sorted((sales / "_delta_log").glob("*.json"))[1]
    log.write_text(log.read_text().replace(f'"timestamp":{_time(log)}', f'"timestamp":{first + 3_600_000}'))
    between = datetime.fromtimestamp(first / 1000 + 60, UTC).isoformat()
    for version in ("0", between, between.removesuffix("+00:00")):
        assert len(rows(sales, version=version)) == 5
    for version in ("1", datetime.fromtimestamp(first / 1000 + 7200, UTC).isoformat()):
        assert len(rows(sales, version=version)) == 3
    assert len(rows(sales)) == 3


def _time(log: Path) -> int:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return next(int(line["commitInfo"]["timestamp"]) for line in lines if "commitInfo" in line)


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("7", "`version` of '7': `data` of 'sales' has the versions 0 to 0, the first of 20"),
        (
            "1999-01-01",
            "`version` of '1999-01-01': `data` of 'sales' has the versions 0 to 0, the first of 20",
        ),
        ("newest", "`version` of 'newest' is neither a number nor a time; write 3 or 2026-11-23T06:00Z"),
    ],
)
def test_a_version_that_there_is_not_is_refused(sales: Path, version: str, text: str) -> None:
    assert refusal(sales, version=version).startswith(text)


def test_a_version_says_nothing_of_a_file(tmp_path: Path) -> None:
    pq.write_table(ROWS, tmp_path / "t.parquet")
    assert refusal(tmp_path / "t.parquet", version="3") == (
        "`data` of 't.parquet' is a file or a folder, for which `version` says nothing; leave it out"
    )


def test_without_the_library_the_table_is_refused_with_the_line_to_install(
    sales: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "deltalake", None)
    assert refusal(sales) == (
        "`data` of 'sales' is a table of Delta Lake, as '_delta_log' shows: its files hold removed rows, too; `pip "
        "install '.[delta]'` in the checkout, or export its present rows to Parquet, and name that file"
    )


def test_a_folder_above_and_a_pattern_are_refused(sales: Path) -> None:
    for path in (sales.parent, sales / "*.parquet"):
        assert "is a table of Delta Lake, as '" in refusal(path)
        assert refusal(path).endswith(
            "; name the table's own folder, or export its present rows to Parquet, and name that file"
        )


def test_partitions_are_columns(tmp_path: Path) -> None:
    """With the values that the log has: folders' names are escaped twice over, and one value is missing."""
    names = pa.array(["a b/é", "a b/é", "c", None, "c"])
    table = ROWS.append_column("town", names).append_column("year", pa.array([2024, 2025, 2024, 2024, 2024]))
    write_deltalake(tmp_path / "t", table, partition_by=["town", "year"])
    given = {"categorical": "town", "missing": "drop"}
    found = rows(tmp_path / "t", **given)
    expected = [row for row in table.to_pylist() if row["town"] is not None]
    assert sorted(map(str, found)) == sorted(
        str({"x": row["x"], "town": row["town"], "year": row["year"], "y": row["y"]}) for row in expected
    )


def test_a_column_added_later_is_missing_in_older_rows(sales: Path) -> None:
    wider = ROWS.append_column("z", pa.array([1.0, 2.0, 4.0, 8.0, 5.0]))
    write_deltalake(sales, wider, mode="append", schema_mode="merge")
    found, facts = read(sales, missing="mean")
    assert facts["missing_counts"] == {"z": 5}
    assert found["z"].null_count == 5
    assert sorted(found["z"].drop_null().to_pylist()) == [1.0, 2.0, 4.0, 5.0, 8.0]


def test_a_compaction_leaves_the_same_bytes_and_another_row_does_not(tmp_path: Path) -> None:
    """The stage runs again, as the files are others; what it leaves has the same digests, so nothing after it does."""
    path, store = tmp_path / "t", tmp_path / "store"
    for start in (3, 0, 1, 2, 4):
        write_deltalake(path, ROWS.slice(start, 1), mode="append")
    before = ingested(path, store)
    assert DeltaTable(path).optimize.compact()["numFilesAdded"] == 1
    after = ingested(path, store)
    assert after.contents() == before.contents()
    write_deltalake(path, ROWS.slice(0, 1), mode="append")
    assert ingested(path, store).contents() != before.contents()


def test_only_new_files_are_read_again(sales: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that an earlier run has read is opened for its footer and its digest, as in a folder of files."""
    ingested(sales, tmp_path / "store")
    old = {path.name for path in sales.glob("*.parquet")}
    write_deltalake(sales, ROWS.slice(0, 2), mode="append")
    opened: Counter[str] = Counter()
    original = DataFile.opened

    def counting(file: DataFile) -> Any:
        opened[file.name] += 1
        return original(file)

    monkeypatch.setattr(DataFile, "opened", counting)
    ingested(sales, tmp_path / "store")
    (new,) = set(opened) - old
    assert all(opened[name] < opened[new] for name in old)


def test_a_file_that_was_cleaned_away_is_named(sales: Path) -> None:
    write_deltalake(sales, ROWS.slice(0, 3), mode="overwrite")
    table = DeltaTable(sales)
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    text = refusal(sales, version="0")
    assert text.startswith("'part-00000-")
    assert text.endswith(", which this version of the table needs, is gone; name a later `version`")


def logged(path: Path, *files: dict[str, Any], features: Sequence[str], mode: str = "name") -> Path:
    """Write the log of a table whose columns x, y and town are called otherwise in its files."""
    fields = [
        {
            "name": name,
            "type": kind,
            "nullable": True,
            "metadata": {
                "delta.columnMapping.id": number,
                "delta.columnMapping.physicalName": f"col-{number}",
            },
        }
        for number, (name, kind) in enumerate((("x", "double"), ("y", "double"), ("town", "string")), start=1)
    ]
    for number, file in enumerate(files):
        table = pa.table({"col-1": ROWS["x"], "col-2": ROWS["y"], "dropped": ROWS["x"]})
        path.mkdir(exist_ok=True)
        pq.write_table(table, path / f"{number}.parquet")
        file.update(
            path=f"{number}.parquet",
            size=(path / f"{number}.parquet").stat().st_size,
            modificationTime=1,
            dataChange=True,
            partitionValues={"col-3": "ab"[number]},
            stats=json.dumps({"numRecords": ROWS.num_rows}),
        )
    named = {"readerFeatures": [*features], "writerFeatures": [*features]}
    lines = [
        {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **named}},
        {
            "metaData": {
                "id": "1",
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps({"type": "struct", "fields": fields}),
                "partitionColumns": ["town"],
                "configuration": {"delta.columnMapping.mode": mode, "delta.columnMapping.maxColumnId": "3"},
                "createdTime": 1,
            }
        },
        *({"add": file} for file in files),
    ]
    (path / "_delta_log").mkdir()
    text = "\n".join(map(json.dumps, lines))
    (path / "_delta_log/00000000000000000000.json").write_text(text)
    return path


def removed(*places: int) -> dict[str, Any]:
    """Write a deletion vector into the log: Roaring's portable format of 64 bits, in the letters of Z85.

    https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vector-format
    """
    bitmap = struct.pack("<IIHHI", 12346, 1, 0, len(places) - 1, 16) + struct.pack(
        f"<{len(places)}H", *places
    )
    vector = struct.pack("<iqI", 1681511377, 1, 0) + bitmap
    padded = vector + bytes(-len(vector) % 4)
    text = base64.b85encode(padded).translate(bytes.maketrans(B85, Z85)).decode()
    return {
        "deletionVector": {
            "storageType": "i",
            "pathOrInlineDv": text,
            "sizeInBytes": len(vector),
            "cardinality": len(places),
        }
    }


def test_mapped_columns_and_deleted_rows_read_as_the_library_reads_them(tmp_path: Path) -> None:
    """One file lacks two of its rows; the columns' names are the log's; a dropped column is in the files only."""
    features = ["columnMapping", "deletionVectors"]
    path = logged(tmp_path / "t", removed(1, 3), {}, features=features)
    found = rows(path, categorical="town")
    assert found == by_deltalake(path, ("x", "town", "y"))
    assert len(found) == 8


def test_another_row_deleted_in_the_same_file_is_another_table(tmp_path: Path) -> None:
    """The file's bytes, size and times stay the same; its rows do not."""
    path, store = (
        logged(tmp_path / "t", removed(1), {}, features=["columnMapping", "deletionVectors"]),
        tmp_path,
    )
    before = ingested(path, store / "store", categorical="town")
    log = path / "_delta_log/00000000000000000000.json"
    inline = removed(2)["deletionVector"]["pathOrInlineDv"]
    log.write_text(log.read_text().replace(removed(1)["deletionVector"]["pathOrInlineDv"], inline))
    after = ingested(path, store / "store", categorical="town")
    assert after.contents() != before.contents()
    assert rows(path, categorical="town") == by_deltalake(path, ("x", "town", "y"))


@pytest.mark.parametrize(
    ("features", "mode", "named"),
    [
        (["columnMapping", "typeWidening"], "name", "typeWidening"),
        (["columnMapping"], "id", "columnMapping by id"),
    ],
)
def test_what_is_not_read_is_refused_by_name(
    tmp_path: Path, features: list[str], mode: str, named: str
) -> None:
    path = logged(tmp_path / "t", {}, features=features, mode=mode)
    assert refusal(path) == (
        f"`data` of 't' is a table of Delta Lake that needs {named}, which is not read here; export its present rows "
        "to Parquet, and name that file"
    )
