"""The fitted model for other programs, as files by name; a new export is a module, and an entry here."""

from collections.abc import Callable, Mapping

from tasks.table.model.linear import FILE, LinearModel
from tasks.table.model.sql import expression


def as_json(model: LinearModel) -> bytes:
    """Write the model as `predict` reads it."""
    return model.model_dump_json(indent=1).encode()


def as_sql(model: LinearModel) -> bytes:
    """Write the model as one expression of standard SQL."""
    return expression(model).encode()


EXPORTS: Mapping[str, Callable[[LinearModel], bytes]] = {FILE: as_json, "model.sql": as_sql}


def exported(model: LinearModel) -> dict[str, bytes]:
    """Return the contents of every file that a run leaves of its model, by name."""
    return {name: write(model) for name, write in EXPORTS.items()}
