"""Memory: what a training will need, what this process may take, and giving back what a stage has left.

TensorFlow ends the whole process without a line where it is refused memory. So the limits are asked for first.
"""

import ctypes
import gc
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Bytes that a training needs beyond what the process has: the address space that is set aside, the data segment, and
# the memory in use. Measured with TensorFlow 2.21: importing it, and then compiling the program and running it.
IMPORTED = (2_600 * 2**20, 500 * 2**20, 640 * 2**20)
TRAINED = (800 * 2**20, 400 * 2**20, 200 * 2**20)

COPIES = 3  # of the training rows in memory: as read, converted, and what is on its way
TIGHT = 1.1  # times what is needed, below which a limit is worth a note

_CGROUPS = Path("/sys/fs/cgroup")
_NONE = 2**60  # what stands for no limit in a control group of version 1, and above


class MemoryTooSmall(Exception):
    """Say that a limit of this process's memory is below what a training needs."""


@dataclass(frozen=True, slots=True)
class _Need:
    """A limit in bytes, how it is set, what has been taken of it, and what a training takes beyond that."""

    limit: int
    name: str
    remedy: str
    taken: int
    more: int

    @property
    def needed(self) -> int:
        return self.taken + self.more

    def __str__(self) -> str:
        """Name limit, need and remedy."""
        return (
            f"training needs about {_gigabytes(self.needed)} of memory, but {self.name} allows "
            f"{_gigabytes(self.limit)}; {self.remedy}"
        )


def check_memory(rows: int = 0) -> list[str]:
    """Refuse a training that the limits of this process's memory would end; return notes where it is tight.

    Args:
        rows: Bytes of the training rows that are held in memory.

    Raises:
        MemoryTooSmall: A limit is below what is needed: of the address space (`ulimit -v`), of the data segment
            (`ulimit -d`), or of a control group, as of a container.
    """
    needs = list(_needs(rows * COPIES))
    for need in needs:
        if need.needed > need.limit:
            raise MemoryTooSmall(str(need))
    return [f"memory is tight: {need}" for need in needs if need.needed * TIGHT > need.limit]


def release_memory() -> None:
    """Give memory that Arrow and C's allocator keep for later back to the system."""
    if arrow := sys.modules.get("pyarrow"):
        arrow.default_memory_pool().release_unused()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # of glibc alone
        trim(0)


@contextmanager
def importing() -> Iterator[None]:
    """Import large libraries, without Python's looking for garbage meanwhile, nor later in what they have brought.

    With TensorFlow loaded, to look through everything takes a third of a second, several times a run.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _needs(rows: int) -> Iterator[_Need]:
    """Yield what is needed under each limit that is set."""
    steps = [TRAINED] if "tensorflow" in sys.modules else [IMPORTED, TRAINED]
    space, data, resident = (sum(step[kind] for step in steps) + rows for kind in range(3))
    taken = _taken()
    if (limit := resource.getrlimit(resource.RLIMIT_AS)[0]) != resource.RLIM_INFINITY:
        yield _Need(
            limit, "the limit of the address space", "raise it (`ulimit -v`)", taken.get("VmSize", 0), space
        )
    if (limit := resource.getrlimit(resource.RLIMIT_DATA)[0]) != resource.RLIM_INFINITY:
        yield _Need(
            limit, "the limit of the data segment", "raise it (`ulimit -d`)", taken.get("VmData", 0), data
        )
    if (group := group_limit()) is not None:
        remedy = "give the container or service more memory, or split the table so that it is streamed"
        yield _Need(group, "the limit of the control group", remedy, taken.get("RssAnon", 0), resident)


def group_limit(groups: Path = _CGROUPS, own: Path = Path("/proc/self/cgroup")) -> int | None:
    """Return the lowest limit of memory among this process's control groups, version 1 or 2; None without one."""
    found = []
    for line in _lines(own):
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top, name = (groups / "memory", "memory.limit_in_bytes") if controllers else (groups, "memory.max")
        folder = Path(path.lstrip("/"))
        for group in [folder, *folder.parents]:
            found += [int(text) for text in _lines(top / group / name) if text.isdigit()]
    return min((limit for limit in found if limit < _NONE), default=None)


def _taken() -> dict[str, int]:
    """Return bytes of memory that this process has, by the names of Linux; empty elsewhere."""
    fields = (line.split() for line in _lines(Path("/proc/self/status")))
    return {field[0].rstrip(":"): int(field[1]) * 1024 for field in fields if field[-1] == "kB"}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
