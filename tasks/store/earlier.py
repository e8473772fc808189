"""Records as the first release wrote them: Prefect's envelope around the artifact, which named its own decoder.

No stage looks for such a record any more, since code names are part of the keys. `cache verify` and `cache clean`
still learn from it which files belong to its artifact. Every name in the envelope is compared, none is imported.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, Json

from tasks.store.artifact import MOST_BYTES, Artifact
from tasks.store.regular import read_regular


class _Exact(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Nothing(_Exact): ...


class _Serializer(_Exact):
    type: Literal["json"]
    jsonlib: Literal["json"]
    object_encoder: Literal["prefect.serializers.prefect_json_object_encoder"]
    object_decoder: Literal["prefect.serializers.prefect_json_object_decoder"]
    dumps_kwargs: _Nothing
    loads_kwargs: _Nothing


class _Metadata(_Exact):
    storage_key: str
    expiration: None
    serializer: _Serializer
    prefect_version: str
    storage_block_id: None


class _Result(_Exact):
    name: Literal["tasks.store.artifact.Artifact"] = Field(alias="__class__")
    data: Artifact


class _Envelope(_Exact):
    metadata: _Metadata
    result: Json[_Result]


def read_earlier_record(path: Path) -> Artifact:
    """Read a record of the first release.

    Raises:
        OSError: there is none, or it is no regular file.
        ValueError: it is not exactly what the first release wrote.
    """
    artifact = _Envelope.model_validate_json(read_regular(path, MOST_BYTES)).result.data
    if not artifact.checksum:
        raise ValueError(f"{path} has no checksum")
    return artifact
