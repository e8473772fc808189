"""What the records of several stages have in common: facts, typed on both sides of the store."""

from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue

from tasks.store.artifact import Artifact


class Facts(BaseModel):
    """What a stage says of its files; later stages depend on it, as they do on the files."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def of(cls, artifact: Artifact) -> Self:
        """Read the facts of a stage's record.

        Raises:
            ValidationError: the record is another stage's.
        """
        return cls.model_validate(artifact.facts)

    def as_json(self) -> dict[str, JsonValue]:
        """Return the facts as a record holds them, without those that keep their default."""
        facts: dict[str, JsonValue] = self.model_dump(mode="json", exclude_defaults=True)
        return facts
