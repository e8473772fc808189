"""What a process has needed at most."""

import re
from pathlib import Path


def peak() -> float:
    """Return the most memory that this process held since it was started, in MiB.

    Not `ru_maxrss`: that counts what the process that started this one held at that moment, too.
    """
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    return int(kilobytes) / 1024
