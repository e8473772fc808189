"""The commands `linear-neuron cache list | verify | clean`."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from flows.command.exits import Exit
from tasks.config import Cleaning
from tasks.runtime.cleaning import artifacts, damaged, disposable, finished_runs, kept, remove, remove_remains
from tasks.store.leases import claims

DAY = 86_400


def show(root: Path, _options: Cleaning, as_json: bool) -> Exit:
    """Print how many artifacts and runs there are, their bytes and their ages in days; return the exit status."""
    rows: dict[str, dict[str, float]] = {}
    for folder in [*artifacts(root), *(run.folder for run in finished_runs(root))]:
        row = rows.setdefault(
            folder.path.partition("/")[0], {"count": 0, "bytes": 0, "oldest": 0.0, "newest": 1e9}
        )
        age = (time.time() - folder.changed) / DAY
        row["count"] += 1
        row["bytes"] += folder.bytes
        row["oldest"], row["newest"] = max(row["oldest"], age), min(row["newest"], age)
    if as_json:
        print(json.dumps(rows, indent=1))
        return Exit.DONE
    print(f"{'':<10}{'count':>7}{'size':>12}   {'oldest':>8}{'newest':>9}")
    for name, row in rows.items():
        print(
            f"{name:<10}{row['count']:>7}{size(row['bytes']):>12}{row['oldest']:>8.1f} d{row['newest']:>7.1f} d"
        )
    return Exit.DONE


def verify(root: Path, _options: Cleaning, as_json: bool) -> Exit:
    """Read every recorded file again and name the damaged ones; return the exit status, 1 where there are any."""
    harm = damaged(root)
    if as_json:
        print(json.dumps({"damaged": harm}, indent=1))
    for line in [] if as_json else harm:
        print(line)
    if harm:
        print(
            f"linear-neuron: {len(harm)} damaged; the next run that needs them makes them again",
            file=sys.stderr,
        )
    elif not as_json:
        print("every file is as it was written")
    return Exit.FAILED if harm else Exit.DONE


def clean(root: Path, options: Cleaning, as_json: bool) -> Exit:
    """Remove what no kept run and no running flow needs, or on a dry run only say what; return the exit status."""
    sizes = {folder.path: folder.bytes for folder in artifacts(root)}
    keep = kept(finished_runs(root), sizes, options)
    going = disposable(root, keep, claims(root))
    gone = going if options.dry_run else list(remove(root, going))
    if not options.dry_run:
        remove_remains(root)
    freed = sum(folder.bytes for folder in gone)
    if as_json:
        told = {"removed": [folder.path for folder in gone], "bytes": freed, "kept_runs": len(keep)}
        print(json.dumps(told | {"dry_run": options.dry_run}, indent=1))
        return Exit.DONE
    for folder in gone:
        print(folder.path)
    print(
        f"{'would remove' if options.dry_run else 'removed'} {len(gone)} folders, {size(freed)}; kept {len(keep)} runs"
    )
    return Exit.DONE


def size(number: float) -> str:
    """Write a number of bytes for people.

    >>> size(1234567)
    '1.2 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


TASKS: dict[str, Callable[[Path, Cleaning, bool], Exit]] = {"list": show, "verify": verify, "clean": clean}
