"""Stage `ingest`: take the user's own table in, checked."""

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from tasks.config import Input
from tasks.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.formats import write_parquet
from tasks.store.verification import content
from tasks.store.writing import draft, publish
from tasks.table.columns import Columns, check_names
from tasks.table.errors import shown
from tasks.table.source import header, read
from tasks.table.validation import validate

DATA = "data.parquet"


class Table(BaseModel):
    """The user's table as the cache sees it: by what it holds, not by where it lies or when it was saved."""

    model_config = ConfigDict(frozen=True)

    path: Path = Field(exclude=True)
    ending: str
    contents: str
    target: str
    features: tuple[str, ...] | None


@stage
def ingest(table: Table, root: Path) -> Artifact:
    """Read the features and the target from the user's file, check every value, and leave them as `data.parquet`.

    Runs again when the file's contents, the choice of columns or this code changes.

    Raises:
        BadTable: the file or a value in it cannot be used; nothing is stored.
    """
    rows, columns = read(table.path, table.target, table.features)
    notes = [*validate(rows, columns, parameters=len(columns.features) + 1), *_left_out(columns)]
    with draft(root) as folder:
        write_parquet(folder / DATA, rows)
        facts: dict[str, JsonValue] = {
            "features": list(columns.features),
            "target": columns.target,
            "notes": list(notes),
        }
        return publish(folder, root, "ingest", facts)


def check(source: Input) -> None:
    """Take a first look at the user's table, if there is one: is it there, and has it the columns?

    Raises:
        BadTable: it is missing, unreadable, or lacks a column.
    """
    if source.data is not None and source.target is not None:
        check_names(header(Path(source.data)).names, source.target, source.features)


def table_of(source: Input) -> Table:
    """Describe the user's table for `ingest`, its contents by a digest over all of its files.

    Raises:
        BadTable: it is missing, unreadable, or lacks a column.
    """
    check(source)
    path = Path(source.data or "")
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    listing = "".join(f"{each.relative_to(path)}\0{content(each.resolve())}\n" for each in files)
    return Table(
        path=path.resolve(),
        ending="".join(path.suffixes[-2:]),
        contents=hashlib.sha256(listing.encode()).hexdigest(),
        target=source.target or "",
        features=source.features,
    )


def _left_out(columns: Columns) -> list[str]:
    names = ", ".join(map(shown, columns.left_out))
    return [f"left out, as they hold no numbers: {names}"] if names else []
