"""The commands `linear-neuron cache list | verify | clean`.

None of them enters a folder of the store that is a link. What is passed over is named on stderr.
"""

import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from humanize import naturalsize

from flows.command.exits import Exit
from flows.command.folders import require_readable, unusable
from flows.command.messages import Unusable, explain, print_result, say
from tasks.config import Cleaning
from tasks.outputs import registry
from tasks.outputs.runs import unreadable
from tasks.runtime import cleaning
from tasks.runtime.cleaning import FinishedRun, artifacts, disposable, finished_runs, kept, protected_runs
from tasks.store.folders import BadStore, Folder, displaced, existing_root
from tasks.store.leases import claims
from tasks.store.writing import sweep
from tasks.table.errors import counted

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
    _name_unreadable(root)

    if as_json:
        return print_result(json.dumps(rows, indent=1))
    lines = [f"{'':<10}{'count':>7}{'size':>12}   {'oldest':>8}{'newest':>9}"]
    for name, row in rows.items():
        ages = f"{row['oldest']:>8.1f} d{row['newest']:>7.1f} d"
        lines.append(f"{name:<10}{row['count']:>7}{naturalsize(row['bytes']):>12}{ages}")
    return print_result("\n".join(lines))


def verify(root: Path, _options: Cleaning, as_json: bool) -> Exit:
    """Read every recorded file again and name the damaged ones; return the exit status, 1 where there are any."""
    found = cleaning.verify(root)
    extent = f"{counted(found.files, 'file')} of {counted(found.artifacts, 'folder')}"
    whole = f"read {extent}: every file is as it was written" if found.files else "there are no files yet"
    payload = {"files": found.files, "folders": found.artifacts, "damaged": found.damaged}
    printed = print_result(json.dumps(payload, indent=1) if as_json else "\n".join(found.damaged or [whole]))
    if not found.damaged:
        return printed

    say(
        f"{len(found.damaged)} damaged; read {extent}. The next run makes a stage's files again; "
        "a run's own files come from a backup, or from the same run made again"
    )
    return Exit.FAILED


def clean(root: Path, options: Cleaning, as_json: bool) -> Exit:
    """Remove what no kept run and no running flow needs, or on a dry run only list it; return the exit status.

    Meanwhile no model is promoted: what an alias needs cannot change under the hand.
    """
    _name_unreadable(root, "; what it used is not known and is not kept for it")
    with nullcontext() if options.dry_run else registry.held(root):
        keep, disposed = _cleaned(root, options)
    freed = sum(folder.bytes for folder in disposed)

    if as_json:
        payload = {"removed": [folder.path for folder in disposed], "bytes": freed, "kept_runs": len(keep)}
        return print_result(json.dumps(payload | {"dry_run": options.dry_run}, indent=1))
    verb = "would remove" if options.dry_run else "removed"
    total = f"{verb} {len(disposed)} folders, {naturalsize(freed)}; kept {len(keep)} runs"
    return print_result("\n".join([*(folder.path for folder in disposed), total]))


def _cleaned(root: Path, options: Cleaning) -> tuple[list[FinishedRun], list[Folder]]:
    """Remove what is not needed; return the runs that are kept, and the folders that are gone, or would be."""
    sizes = {folder.path: folder.bytes for folder in artifacts(root)}
    protected = protected_runs(root, options.keep_promotions)
    keep = kept(finished_runs(root), sizes, options, protected)
    disposed = disposable(root, keep, claims(root))
    if not options.dry_run:
        disposed = list(cleaning.remove(root, disposed))
        cleaning.remove_remains(root)
        for path in sweep(root):
            say(f"{path} is not what belongs there, and is passed over; remove it")
    return keep, disposed


def _name_unreadable(root: Path, consequence: str = "") -> None:
    for harm in unreadable(root):
        say(harm + consequence)


def _on_a_store(task: Callable[[Path, Cleaning, bool], Exit]) -> Callable[[Cleaning, bool], Exit]:
    """Call a task with the root of the store; without a store, or the right to change it, say so in one line."""

    def command(options: Cleaning, as_json: bool) -> Exit:
        try:
            require_readable("artifacts", Path(options.artifacts))
            root = existing_root(options.artifacts)
        except (BadStore, Unusable) as error:
            return explain(error)

        for name in displaced(root):
            say(f"{name} is a link or a file, not a folder of this store, and is passed over")
        try:
            return task(root, options, as_json)
        except BadStore as error:
            return explain(error)
        except OSError as error:
            return explain(unusable("artifacts", root, error))

    return command


TASKS: dict[str, Callable[[Cleaning, bool], Exit]] = {
    "cache list": _on_a_store(show),
    "cache verify": _on_a_store(verify),
    "cache clean": _on_a_store(clean),
}
