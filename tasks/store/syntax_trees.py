"""Building syntax trees in several threads, which NumPy does for the header of every array that it reads.

Some releases of CPython 3.11 mix up their own account of the depth between threads, and raise a SystemError now and
then (gh-106905). Asked again, they answer.
"""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TRIES = 5


def asked_again(build: Callable[[], T]) -> T:
    """Return what a function returns that builds syntax trees, and nothing else that may not be done twice.

    Raises:
        SystemError: CPython stumbles each time.
    """
    for _ in range(TRIES - 1):
        try:
            return build()
        except SystemError:
            continue
    return build()
