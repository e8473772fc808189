"""What the kernel says about a process and those that it has started."""

import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Held:
    """What a process and its descendants hold: resident memory in MiB, open files, and children that nobody reaped."""

    memory: float
    files: int
    zombies: int


def held(pid: int) -> Held:
    """Look at a process alone; of its descendants only the zombies count."""
    memory = int(_status(pid, "VmRSS").split()[0]) / 1024
    zombies = sum(_status(each, "State").startswith("Z") for each in descendants(pid))
    return Held(round(memory, 1), len(list(Path(f"/proc/{pid}/fd").iterdir())), zombies)


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, those that they have started, and so on."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found += [child, *descendants(child)]
    return found


def cut_power(pid: int) -> None:
    """Kill a process and all that it has started, without a word."""
    for each in [pid, *descendants(pid)]:
        os.kill(each, signal.SIGKILL)


def _status(pid: int, name: str) -> str:
    (value,) = re.findall(rf"^{name}:\s+(.*)$", Path(f"/proc/{pid}/status").read_text(), flags=re.MULTILINE)
    return str(value)
