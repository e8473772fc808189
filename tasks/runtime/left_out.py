"""Leaves packages out of an import that would take them along only because they happen to be installed."""

import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Absent(MetaPathFinder):
    """Says of some packages that they are not installed, to the thread that made it."""

    def __init__(self, packages: Iterable[str]) -> None:
        self.packages = frozenset(packages)
        self.thread = threading.get_ident()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 - as Python calls it
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Raise what an import of a package that is not there raises; leave all others to the finders behind.

        Raises:
            ModuleNotFoundError: It is one of the packages.
        """
        if fullname in self.packages and threading.get_ident() == self.thread:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


@contextmanager
def left_out(packages: Iterable[str]) -> Iterator[None]:
    """Import as if these packages were not installed, in this thread alone; those that are imported already stay.

    Whoever has tried one of them meanwhile goes on without it for good, so a process that belongs to somebody else
    must not do this.
    """
    absent = _Absent(packages)
    sys.meta_path.insert(0, absent)
    try:
        yield
    finally:
        sys.meta_path.remove(absent)
