"""Object stores that Arrow has no file system for, through obstore: the package that `--remote` uses, too."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from obstore.exceptions import BaseError
from obstore.fsspec import BufferedFile, FsspecStore


class ObjectStore(FsspecStore):
    """Buckets of one protocol, with the time at which an object was written: a version needs it."""

    async def _info(self, path: str, **more: Any) -> dict[str, Any]:
        with _explained():
            found: dict[str, Any] = await super()._info(path, **more)
        written = found.get("last_modified")
        return found if written is None else {**found, "mtime": written.timestamp()}

    async def _ls(self, path: str, detail: bool = False, **more: Any) -> Any:
        with _explained():
            listed = (
                super()._ls(path, detail=True, **more) if detail else super()._ls(path, detail=False, **more)
            )
            return await listed

    def _open(self, path: str, *_: Any, **__: Any) -> "_ObjectFile":
        with _explained():
            return _ObjectFile(self, path, "rb")


class _ObjectFile(BufferedFile):
    def read(self, length: int = -1) -> bytes:
        with _explained():
            return bytes(super().read(length))


@contextmanager
def _explained() -> Iterator[None]:
    """Turn obstore's own errors, which have many lines, into one that may pass."""
    try:
        yield
    except FileNotFoundError:
        raise
    except BaseError as error:
        raise ConnectionError(str(error).partition("\n")[0]) from error
