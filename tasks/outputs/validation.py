"""What `validate` leaves: the validation error of each candidate of a sweep; and what a sweep has found."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, JsonValue, TypeAdapter

from tasks.outputs.result import Record
from tasks.store.artifact import Artifact

FILE = "validation.json"


class ValidationError(Record):
    """How far predictions of rows that the training has not seen are off, in units of the target."""

    rmse: float = Field(description="Over the rows of all folds.")
    low: float | None = Field(description="Lower end of its 95 % interval; None: chance is not known.")
    high: float | None = Field(description="Upper end.")
    folds: list[float] = Field(description="The RMSE of each fold.")


class Candidate(Record):
    """Settings of the training that were tried."""

    training: dict[str, JsonValue] = Field(description="Those that differ between candidates, by name.")
    error: ValidationError | None = Field(description="None where the training was refused.")
    refused: str | None = Field(default=None, description="Why it was.")


class Sweep(Record):
    """All candidates, the one with the least error first, those that were refused last."""

    name: str = Field(description="Name of what is modelled.")
    target: str
    folds: int
    candidates: list[Candidate]
    notes: list[str] = Field(default=[], description="What is to be known of the errors.")


_ERRORS = TypeAdapter(list[ValidationError])


def write(folder: Path, errors: Sequence[ValidationError]) -> None:
    """Write the errors in the order of the candidates."""
    (folder / FILE).write_bytes(_ERRORS.dump_json([*errors], indent=1))


def read(artifact: Artifact, root: Path) -> list[ValidationError]:
    """Return the errors in the order of the candidates."""
    return _ERRORS.validate_json(artifact.path(root, FILE).read_bytes())
