"""What is modelled: its name, whose table it is, and whether the errors of two runs can be compared.

A run of an earlier release has no name: it counts under the one that its settings would get today.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Literal, TypeAlias

from tasks.config import LONGEST_RUN_NAME
from tasks.outputs.result import Result
from tasks.table.sources.location import anchored, places, without_query

# Of the example problem.
EXAMPLE = "example"

# Hexadecimal digits that tell tables apart whose names would be the same.
DIGITS = 6

# What keeps the errors of two runs from being compared.
Difference: TypeAlias = Literal["other data", "other split", "other weights"]

# A run's settings by section, as `result.json` holds them.
Dumped: TypeAlias = Mapping[str, Any]


def default_name(settings: Dumped) -> str:
    """Return the name that a run gets where the user gives none: from the table's name and the target's.

    >>> default_name({"input": {"data": "tables/Sales 2024.csv", "target": "net_price"}})
    'sales-2024-net-price'
    >>> default_name({"input": {"data": "postgresql://host/shop", "table": "public.sales", "target": "price"}})
    'sales-price'
    >>> default_name({"input": {"data": None}})
    'example'
    """
    table = _table(settings)
    if table is None:
        return EXAMPLE
    data, target = table
    place = PurePosixPath(without_query(places(data)[0]))
    file = place.name.partition(".")[0] if _slug(place.name.partition(".")[0]) else place.parent.name
    name = _slug(f"{file} {target}")[:LONGEST_RUN_NAME].rstrip("-")
    return name or distinct_name("table", settings)


def distinct_name(name: str, settings: Dumped) -> str:
    """Return a name that only this table has, for where another table has `name`."""
    digest = hashlib.sha256(json.dumps(owner(settings)).encode()).hexdigest()[:DIGITS]
    return f"{name[: LONGEST_RUN_NAME - DIGITS - 1].rstrip('-')}-{digest}"


def owner(settings: Dumped) -> str:
    """Return what a name stands for: the example problem, or a table and its target.

    Digits in a file's name do not count: `sales-2026-11-27.csv` is the table that `sales-2026-11-26.csv` was.

    >>> a, b = ({"input": {"data": f"/t/sales-{day}.csv", "target": "y"}} for day in (26, 27))
    >>> owner(a) == owner(b)
    True
    """
    table = _table(settings)
    if table is None:
        return EXAMPLE
    named = []
    for place in places(anchored(table[0])):
        above, _, file = place.rpartition("/")
        named.append(f"{above}/{re.sub(r'[0-9]+', '#', file)}")
    return json.dumps([",".join(dict.fromkeys(named)), table[1]])


def owner_in_words(settings: Dumped) -> str:
    """Say for readers what a name stands for."""
    table = _table(settings)
    return f"{table_in_words(settings)}{f' with the target {table[1]!r}' if table else ''}"


def table_in_words(settings: Dumped) -> str:
    """Say for readers which table it is."""
    table = _table(settings)
    return repr(table[0]) if table else "the example problem"


def name_of_run(result: Result) -> str:
    """Return the name under which a run counts."""
    return result.name or default_name(result.settings)


def difference(past: Result, now: Result) -> Difference | None:
    """Say why the errors of two runs are not to be compared; None: table, split and the rows' weights are the same.

    The table is the file, folder or pattern, not what it holds: that grows from night to night.
    """
    then, today = past.settings, now.settings
    if _table(then) or _table(today):
        if owner(then) != owner(today):
            return "other data"
    elif then.get("seed") != today.get("seed") or not _agree(then.get("problem"), today.get("problem")):
        return "other data"
    same_lots = then.get("seed") == today.get("seed") or _is_by_time(today)
    if not (same_lots and _agree(then.get("split"), today.get("split"))):
        return "other split"
    return None if past.weights == now.weights else "other weights"


def same_rows(past: Result, now: Result) -> bool | None:
    """Say whether the errors of two runs are of the same rows; None where a run does not list what `split` has left."""
    rows = [_scored_files(run) for run in (past, now)]
    return rows[0] == rows[1] if all(rows) else None


def _scored_files(run: Result) -> list[str]:
    """Return the digests of the files whose rows a run's error is of."""
    part, stage = "test" if run.metrics.test else "train", run.stages.get("split")
    files = stage.files if stage else []
    return [file.sha256 for file in files if PurePosixPath(file.path).name.startswith(part)]


def _table(settings: Dumped) -> tuple[str, str] | None:
    """Return the user's table and its target; None for the example problem."""
    given = settings.get("input")
    if not isinstance(given, Mapping) or not given.get("data"):
        return None
    data = str(given["data"])
    if given.get("table"):
        data = f"{data}/{str(given['table']).replace('.', '/')}"
    elif given.get("query"):
        data = f"{data}/{hashlib.sha256(str(given['query']).encode()).hexdigest()}/query"
    return data, str(given.get("target") or "")


def _agree(then: object, today: object) -> bool:
    """Say whether a section has the same values, as far as the releases that wrote them both know them."""
    if not (isinstance(then, Mapping) and isinstance(today, Mapping)):
        return then == today
    return all(then[name] == today[name] for name in then.keys() & today.keys())


def _is_by_time(settings: Dumped) -> bool:
    """Say whether the rows are split by time: then no lots are drawn, and the seed does not matter."""
    split = settings.get("split")
    return isinstance(split, Mapping) and split.get("method") == "time"


def _slug(text: str) -> str:
    """Write text with the characters that names may have.

    >>> _slug("Größe (m²)")
    'grosse-m2'
    """
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
