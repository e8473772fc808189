"""The commands `linear-neuron cache list | verify | clean`."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from humanize import naturalsize

from flows.command.exits import Exit
from flows.command.messages import say
from tasks.config import Cleaning
from tasks.runtime.cleaning import artifacts, damaged, disposable, finished_runs, kept, remove, remove_remains
from tasks.store.leases import claims

DAY = 86_400


def show(options: Cleaning, as_json: bool) -> Exit:
    """Print how many artifacts and runs there are, their bytes and their ages in days; return the exit status."""
    root = Path(options.artifacts).resolve()
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
        ages = f"{row['oldest']:>8.1f} d{row['newest']:>7.1f} d"
        print(f"{name:<10}{row['count']:>7}{naturalsize(row['bytes']):>12}{ages}")
    return Exit.DONE


def verify(options: Cleaning, as_json: bool) -> Exit:
    """Read every recorded file again and name the damaged ones; return the exit status, 1 where there are any."""
    harm = damaged(Path(options.artifacts).resolve())
    if as_json:
        print(json.dumps({"damaged": harm}, indent=1))
    for line in [] if as_json else harm:
        print(line)
    if harm:
        say(f"{len(harm)} damaged; the next run that needs them makes them again")
    elif not as_json:
        print("every file is as it was written")
    return Exit.FAILED if harm else Exit.DONE


def clean(options: Cleaning, as_json: bool) -> Exit:
    """Remove what no kept run and no running flow needs, or on a dry run only list it; return the exit status."""
    root = Path(options.artifacts).resolve()
    sizes = {folder.path: folder.bytes for folder in artifacts(root)}
    keep = kept(finished_runs(root), sizes, options)
    disposed = disposable(root, keep, claims(root))
    if not options.dry_run:
        disposed = list(remove(root, disposed))
        remove_remains(root)
    freed = sum(folder.bytes for folder in disposed)

    if as_json:
        payload = {"removed": [folder.path for folder in disposed], "bytes": freed, "kept_runs": len(keep)}
        print(json.dumps(payload | {"dry_run": options.dry_run}, indent=1))
        return Exit.DONE
    for folder in disposed:
        print(folder.path)
    verb = "would remove" if options.dry_run else "removed"
    print(f"{verb} {len(disposed)} folders, {naturalsize(freed)}; kept {len(keep)} runs")
    return Exit.DONE


TASKS: dict[str, Callable[[Cleaning, bool], Exit]] = {
    "cache list": show,
    "cache verify": verify,
    "cache clean": clean,
}
