"""The checksum that a JSON object carries of itself."""

import hashlib
import json
from collections.abc import Mapping

from pydantic import JsonValue

NAME = "checksum"


def checksum_of(content: Mapping[str, JsonValue]) -> str:
    """Return the SHA-256 of a JSON object without its checksum, whatever its spacing and the order of its names.

    >>> checksum_of({"a": 1}) == checksum_of({"checksum": "old", "a": 1})
    True
    """
    bare = {name: value for name, value in content.items() if name != NAME}
    return hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()
