"""The base of everything that `model.json` holds."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A part of the file, which refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
