"""Object stores that Arrow has no file system for, through obstore: the package that `--remote` uses, too."""

from typing import Any

from obstore.fsspec import FsspecStore


class ObjectStore(FsspecStore):
    """Buckets of one protocol, with the time at which an object was written: a version needs it."""

    async def _info(self, path: str, **more: Any) -> dict[str, Any]:
        found: dict[str, Any] = await super()._info(path, **more)
        written = found.get("last_modified")
        return found if written is None else {**found, "mtime": written.timestamp()}
