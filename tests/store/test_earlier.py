"""Records of the first release: exactly what it wrote is read, and nothing else."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tasks.store.artifact import Artifact
from tasks.store.earlier import read_earlier_record
from tests.paths import DATA

STORE = DATA / "store-1" / "store"
RECORDS = sorted((STORE / "records").iterdir())


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name[:8])
def test_its_records_name_files_that_are_there(path: Path) -> None:
    artifact = read_earlier_record(path)
    assert artifact.files
    for file in artifact.files.values():
        assert (STORE / file.path).stat().st_size == file.bytes


def altered(content: dict[str, Any], *place: str, value: Any) -> dict[str, Any]:
    """Return a record with another value somewhere; the result is JSON in JSON."""
    first, *rest = place
    if not rest:
        return content | {first: value}
    inner = json.loads(content[first]) if first == "result" else content[first]
    inner = altered(inner, *rest, value=value)
    return content | {first: json.dumps(inner) if first == "result" else inner}


FORGERIES: dict[str, tuple[tuple[str, ...], Any]] = {
    "another class": (("result", "__class__"), "os.system"),
    "another decoder": (("metadata", "serializer", "object_decoder"), "os.system"),
    "another serializer": (("metadata", "serializer", "type"), "pickle"),
    "a library": (("metadata", "serializer", "jsonlib"), "evil"),
    "arguments": (("metadata", "serializer", "loads_kwargs"), {"object_hook": "evil"}),
    "a block": (("metadata", "storage_block_id"), "5b6c"),
    "something more": (("more",), 1),
    "something more in the result": (("result", "more"), 1),
    "no checksum": (("result", "data", "checksum"), ""),
    "another checksum": (("result", "data", "checksum"), "0" * 64),
    "a path out of the store": (
        ("result", "data", "files"),
        {"a": {"path": "../a", "bytes": 1, "sha256": "0" * 64}},
    ),
}


@pytest.mark.parametrize("case", FORGERIES)
def test_what_it_did_not_write_is_refused(tmp_path: Path, case: str) -> None:
    place, value = FORGERIES[case]
    shutil.copy(RECORDS[0], tmp_path / "record")
    assert isinstance(read_earlier_record(tmp_path / "record"), Artifact)
    content = altered(json.loads((tmp_path / "record").read_text()), *place, value=value)
    (tmp_path / "record").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"validation error|checksum"):
        read_earlier_record(tmp_path / "record")
