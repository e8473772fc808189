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

# By format, the extra with which its tables are read.
EXTRAS = {"Delta Lake": "delta", "Iceberg": "iceberg"}


def refuse_lakes(data: str, paths: Iterable[str]) -> None:
    """Refuse files that another format's log decides about.

    Args:
        data: the folder or the pattern, as the user names it.
        paths: what lies in it, relative to it.

    Raises:
        BadTable: there is such a log.
    """
    for path in paths:
        for name, mark in LAKES.items():
            if mark.search(path):
                raise BadTable(refusal(data, name, path))


def refusal(data: str, name: str, path: str, extra: str | None = None) -> str:
    """Say why a table of a format is not read as a folder of files, and what to do.

    Args:
        data: the folder or the pattern, as the user names it.
        name: the format.
        path: what it is known by.
        extra: what must be installed for it to be read, where it is not.
    """
    remedy = "export its present rows to Parquet, and name that file"
    if extra:
        remedy = f"`pip install '.[{extra}]'` in the checkout, or {remedy}"
    elif name in EXTRAS:
        remedy = f"name the table's own folder, or {remedy}"
    return (
        f"{located(data)} is a table of {name}, as {path!r} shows: its files hold removed rows, too; {remedy}"
    )
