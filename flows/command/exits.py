"""Every exit status of the command, in one place."""

from enum import IntEnum


class Exit(IntEnum):
    """What the command's exit status says."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    REFUSED = 3
    REJECTED = 4
    HUNG_UP = 129
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143
