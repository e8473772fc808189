"""Folders whose files are not all rows of the table: formats that keep removed rows, and say elsewhere which count."""

import re
from collections.abc import Iterable

from tasks.table.errors import BadTable, located

# By format, the path by which its folders are known.
LAKES = {
    "Delta Lake": re.compile(r"(?:^|/)_delta_log(?:/|$)"),
    "Iceberg": re.compile(r"(?:^|/)metadata/[^/]*\.metadata\.json$"),
    "Hudi": re.compile(r"(?:^|/)\.hoodie(?:/|$)"),
}


def refuse_lakes(data: str, paths: Iterable[str]) -> None:
    """Refuse a folder in which another format's log decides which rows there are.

    Args:
        data: the folder, as the user names it.
        paths: what lies in it, relative to it.

    Raises:
        BadTable: there is such a log.
    """
    for path in paths:
        for name, mark in LAKES.items():
            if mark.search(path):
                raise BadTable(
                    f"{located(data)} is a table of {name}, as {path!r} shows: its files hold removed rows, too; "
                    "export its present rows to Parquet, and name that file"
                )
