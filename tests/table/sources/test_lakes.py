"""Folders in which a log decides which rows there are: known by their log, wherever it lies."""

import pytest

from tasks.table.errors import BadTable
from tasks.table.sources.lakes import EXTRAS, LAKES, refuse_lakes

LOGS = {
    "Delta Lake": ["_delta_log", "_delta_log/00000000000000000000.json", "a/b/_delta_log"],
    "Iceberg": ["metadata/v1.metadata.json", "warehouse/sales/metadata/00001-1a2b.metadata.json"],
    "Hudi": [".hoodie", ".hoodie/hoodie.properties", "sales/.hoodie/x"],
}
OTHERS = [
    "part.parquet",
    "my_delta_log.csv",
    "metadata/readme.json",
    "metadata.json",
    "hoodie",
    "x/_delta_logs/a",
]


@pytest.mark.parametrize(("name", "path"), [(name, path) for name in LAKES for path in LOGS[name]])
def test_a_log_anywhere_in_the_folder_is_refused_by_name(name: str, path: str) -> None:
    own = "name the table's own folder, or " if name in EXTRAS else ""
    with pytest.raises(BadTable) as caught:
        refuse_lakes("sales", ["a.parquet", path])
    assert str(caught.value) == (
        f"`data` of 'sales' is a table of {name}, as {path!r} shows: its files hold removed rows, too; "
        f"{own}export its present rows to Parquet, and name that file"
    )


def test_other_folders_are_not() -> None:
    refuse_lakes("sales", OTHERS)
