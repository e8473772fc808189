"""A file that is to be written: what keeps it from that is one line, before anything is read."""

from pathlib import Path

import pytest

from flows.local_output import local_output
from tasks.table.errors import BadTable


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old.csv").touch()
    for output, overwrite, message in (
        ("s3://bucket/out.csv", False, r"`output` of 's3://bucket/out.csv' is not on this machine; write a"),
        (f"{tmp_path}/none/out.csv", False, r": the folder '.*none' does not exist; make it"),
        (f"{tmp_path}/old.csv", False, r"already exists; give another name or `--overwrite`"),
    ):
        with pytest.raises(BadTable, match=message):
            local_output(output, overwrite=overwrite)
    assert local_output(f"{tmp_path}/old.csv", overwrite=True) == tmp_path / "old.csv"
    assert local_output(f"{tmp_path}/new.csv", overwrite=False) == tmp_path / "new.csv"
