"""What the bits of a result depend on beside the data and the settings: a worker that differs in it is not used."""

import hashlib
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path

import tasks

# What computes.
LIBRARIES = ("numpy", "pyarrow", "tensorflow")

# By name, in words.
Fingerprint = dict[str, str]


@cache
def fingerprint() -> Fingerprint:
    """Return the versions of code, Python and libraries, and what of the processor reaches the numbers.

    That is the kind for which BLAS chooses its routines, and whether products are added without rounding in between.
    How wide its vectors are is not among it: XLA's results are the same with AVX2 and AVX-512.
    """
    from tasks.neuron.workers import blas_kernel

    return {
        "code": _code()[:16],
        "python": ".".join(platform.python_version_tuple()[:2]),
        **{name: version(name) for name in LIBRARIES},
        "machine": platform.machine(),
        "BLAS kernel": blas_kernel(),
        "fused multiply-add": _fuses(),
    }


def differences(here: Fingerprint, there: Fingerprint) -> list[str]:
    """Say in what another place differs.

    >>> differences({"numpy": "2.2", "python": "3.12"}, {"numpy": "2.3", "python": "3.12"})
    ['numpy 2.3 instead of 2.2']
    """
    return [
        f"{name} {there.get(name, 'unknown')} instead of {known}"
        for name, known in here.items()
        if there.get(name) != known
    ]


def _code() -> str:
    folder = Path(tasks.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _fuses() -> str:
    """Look where Linux lists what an x86 processor can do; others have it always, or say nothing of it."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    except OSError:
        return "unknown"
    return "yes" if "fma" in flags else "no"
