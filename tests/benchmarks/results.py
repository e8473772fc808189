"""What the benchmarks measured: kept as `results.json`, shown as RESULTS.md, and the aims in docs/speed.md.

A benchmark replaces its own entry and leaves the others alone.
"""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

HERE = Path(__file__).parent
STORED = HERE / "results.json"
SHOWN = HERE / "RESULTS.md"
QUOTING = HERE.parents[1] / "docs" / "speed.md"
SCALE = float(os.environ.get("BENCH_SCALE", "1"))
LIBRARIES = (
    *("tensorflow", "keras", "numpy", "pyarrow", "prefect"),
    *("scikit-learn", "torch", "polars", "duckdb"),
)
ORDER = (
    *("whole run, 1 epoch", "whole run, 3 epochs", "example", "passes", "memory", "growth"),
    *("streams, 8 features", "streams, 32 features", "progress in memory", "progress in parts", "cached run"),
    "growing table",
)


class Aim(BaseModel):
    """One thing that was aimed at, what became of it, and, should it be missed, why."""

    aim: str
    measured: str
    met: bool
    reason: str = ""


class Entry(BaseModel):
    """What one benchmark measured: when, on what machine, what exactly, the table, and the aims."""

    when: str
    machine: str
    told: str
    head: list[str]
    rows: list[list[str]]
    aims: list[Aim]


_ENTRIES = TypeAdapter(dict[str, Entry])


def scaled(rows: int) -> int:
    """Return a number of rows times BENCH_SCALE, at least 1000."""
    return max(1000, int(rows * SCALE))


def record(
    name: str, told: str, head: Sequence[str], rows: Sequence[Sequence[str]], aims: Sequence[Aim]
) -> None:
    """Print what a benchmark measured and, at full size, keep it."""
    entry = Entry(
        when=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=machine(),
        told=told,
        head=list(head),
        rows=[list(row) for row in rows],
        aims=list(aims),
    )
    print(f"\n{section(name, entry)}\n\n{aims_table({name: entry})}")
    if SCALE != 1:
        print("nothing of this is kept, as BENCH_SCALE is not 1")
        return
    before = read()
    entries = {**before, name: entry}
    quoting = QUOTING.read_text(encoding="utf-8").replace(aims_table(before), aims_table(entries))
    QUOTING.write_text(quoting, encoding="utf-8")
    STORED.write_bytes(_ENTRIES.dump_json(entries, indent=1) + b"\n")
    SHOWN.write_text(page(entries), encoding="utf-8")


def read() -> dict[str, Entry]:
    """Return what was measured so far, by benchmark."""
    return _ENTRIES.validate_json(STORED.read_bytes()) if STORED.exists() else {}


def page(entries: dict[str, Entry]) -> str:
    """Return RESULTS.md."""
    parts = ["# What `make bench` measured", aims_table(entries), "Medians of runs that take turns."]
    return "\n\n".join([*parts, *(section(name, entry) for name, entry in _ordered(entries))]) + "\n"


def section(name: str, entry: Entry) -> str:
    """Return the table of one benchmark with what it means."""
    rows = table(entry.head, entry.rows)
    return f"## {name.capitalize()}\n\n{entry.told}\n\n{rows}\n\n{entry.when}: {entry.machine}."


def aims_table(entries: dict[str, Entry]) -> str:
    """Return what was aimed at in all benchmarks, as one table."""
    aims = [aim for _, entry in _ordered(entries) for aim in entry.aims]
    return table(
        ["aim", "measured", ""],
        [[aim.aim, aim.measured, "met" if aim.met else f"missed: {aim.reason}"] for aim in aims],
        numbers=False,
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = True) -> str:
    """Return a markdown table; the first column is text, the others are numbers or not."""
    rule = ["---", *["---:" if numbers else "---"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def machine() -> str:
    """Describe processor, memory, system and libraries on one line."""
    names = {
        line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")
    }
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release()}"
    python = f"Python {platform.python_version()}"
    return ", ".join(
        [
            f"{' / '.join(sorted(names)) or platform.processor() or platform.machine()}",
            f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}, {python}",
            *(f"{name} {found}" for name in LIBRARIES if (found := _version(name))),
        ]
    )


def _ordered(entries: dict[str, Entry]) -> list[tuple[str, Entry]]:
    """Return the benchmarks in their order, and any that are not in it at the end."""
    return sorted(entries.items(), key=lambda each: (*ORDER, each[0]).index(each[0]))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _lines(path: str) -> list[str]:
    place = Path(path)
    return place.read_text(encoding="utf-8").splitlines() if place.exists() else []
