"""The last run on the same table: what its columns were, for this one to be held against.

Nothing of it enters a stage: what a stage leaves depends on its inputs alone.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasks.config import Input
from tasks.page.history import RUN_NAME
from tasks.table.changes import FILE, Schema
from tasks.table.location import anchored

SCHEMA_PATH = re.compile(r"ingest/[0-9a-f]{16}/" + re.escape(FILE))
MOST_RUNS = 50
"""Runs that are looked at, the newest."""


def last_schema(root: Path, given: Input, before: str = "~") -> Schema | None:
    """Return the columns of the newest run before the one named with the same table and choice of columns."""
    names = sorted((name for name in _runs(root) if name < before), reverse=True)
    for name in names[:MOST_RUNS]:
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            told = json.loads((root / "runs" / name / "result.json").read_bytes())
            if _choice(Input.model_validate(told["settings"]["input"])) == _choice(given):
                return schema_of(root, [file["path"] for file in told["stages"]["ingest"]["files"]])
    return None


def schema_of(root: Path, files: list[str]) -> Schema | None:
    """Read the schema among the files that a run's `ingest` left, if it is still there."""
    for path in files:
        if SCHEMA_PATH.fullmatch(path):
            with suppress(OSError, ValueError):
                return Schema.model_validate_json((root / path).read_bytes())
    return None


def _choice(given: Input) -> dict[str, Any]:
    chosen = given.model_dump(include={"target", "features", "exclude", "categorical"})
    return chosen | {"data": anchored(given.data or "")}


def _runs(root: Path) -> Iterator[str]:
    with suppress(OSError):
        yield from (path.name for path in (root / "runs").iterdir() if RUN_NAME.fullmatch(path.name))
