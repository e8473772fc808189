"""Formulas that were read before, so that a run whose stages are cached need not load the parser.

That takes half a second, most of it pandas'. What is remembered says which columns a first look is for; the stage that
takes the rows in reads its formula anew. The list is no part of a result: lost or garbled, it costs one more reading.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.runtime.provenance import provenance
from tasks.store.regular import read_regular
from tasks.store.writing import write_atomically
from tasks.table.terms.formula import Formula, parse

FILE = "formulas.json"

# Formulas that are remembered, the latest, and the bytes of their list.
MOST, MOST_BYTES = 50, 2**22


class _ReadFormulas(BaseModel):
    """Formulas by their text, and a digest of the code that read them."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    code: str
    formulas: dict[str, Formula] = {}


def read_formula(text: str, root: Path | None) -> Formula:
    """Return what a formula says, from the store's list if it stands there.

    Args:
        text: the formula.
        root: the store; None where there is none.

    Raises:
        BadTable: as `parse` does.
    """
    if root is None:
        return parse(text)
    code = _code()
    known = _known(root / FILE, code)
    if text in known.formulas:
        return known.formulas[text]
    found = parse(text)
    latest = dict([*known.formulas.items(), (text, found)][-MOST:])
    if root.is_dir():
        with suppress(OSError):  # it is read again next time
            written = known.model_copy(update={"formulas": latest}).model_dump_json()
            write_atomically(root / FILE, written.encode())
    return found


def _known(path: Path, code: str) -> _ReadFormulas:
    with suppress(OSError, ValueError):
        found = _ReadFormulas.model_validate_json(read_regular(path, MOST_BYTES))
        if found.code == code:
            return found
    return _ReadFormulas(code=code)


def _code() -> str:
    """Return a digest of the code that reads a formula, and of the libraries that it uses."""
    found = provenance("tasks.table.terms.formula", "parse")
    return hashlib.sha256(json.dumps([found.modules, found.libraries]).encode()).hexdigest()
