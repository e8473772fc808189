"""The fitted model for other programs, as files by name; a new export is a module, and an entry here."""

from collections.abc import Callable, Mapping

from tasks.table.model.linear import FILE, LinearModel
from tasks.table.model.sql import expression, half_width


def as_json(model: LinearModel) -> bytes:
    """Write the model as `predict` reads it."""
    return model.model_dump_json(indent=1).encode()


def as_sql(model: LinearModel) -> bytes:
    """Write the model as one expression of standard SQL."""
    return expression(model).encode()


def half_width_as_sql(model: LinearModel) -> bytes | None:
    """Write half the width of the 95 % prediction interval in the same way."""
    written = half_width(model)
    return None if written is None else written.encode()


# None where the model does not hold what the file is made of.
EXPORTS: Mapping[str, Callable[[LinearModel], bytes | None]] = {
    FILE: as_json,
    "model.sql": as_sql,
    "model_interval.sql": half_width_as_sql,
}


def exported(model: LinearModel) -> dict[str, bytes]:
    """Return the contents of every file that a run leaves of its model, by name."""
    written = {name: write(model) for name, write in EXPORTS.items()}
    return {name: content for name, content in written.items() if content is not None}
