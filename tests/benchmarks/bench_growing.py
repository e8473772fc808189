"""A table that grows by a file of a hundredth of its rows: what the new file costs `ingest` and `split`.

The stages are called as the flow calls them, without Prefect, into a store that has seen the table without that file.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from tasks.config import Settings
from tasks.ingest import ingest
from tasks.runtime.user_table import looking_once, table_of
from tasks.split import split
from tests.benchmarks import rows
from tests.benchmarks.results import Aim, record, scaled

ROWS = scaled(6 * 10**6)
FEATURES = 8
FILES = (1, 10, 100)
NIGHTS = 3  # new files, one after the other
SHARE = 0.1  # of the first night's seconds: a hundredth of the rows, and what does not depend on them
TOLD = f"""{ROWS:,} rows of {FEATURES} float32 features in Parquet, in 1, 10 and 100 files, taken in and split; then
{NIGHTS} times one more file of a hundredth of the rows, each time taken in and split again: medians. The seconds of
`ingest` hold the digests of the files. `ingest` leaves the summaries and moments of every file beside its rows; which
rows are for the test, `split` draws anew, since that depends on how many there are."""


def timed(act: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def night(folder: Path, root: Path) -> tuple[float, float]:
    """Take a folder in and split it; return the seconds of both."""
    settings = Settings.model_validate(
        {"input": {"data": str(folder), "target": "y"}, "artifacts": str(root)}
    )
    begun = time.perf_counter()
    with looking_once():
        table = table_of(settings.input, settings.columns_beside, root)
        data = ingest.fn(table=table, root=root)
    taken = time.perf_counter() - begun
    return taken, timed(lambda: split.fn(data=data, options=settings.split, seed=0, root=root))


def test_a_new_file_costs_what_its_rows_cost(tmp_path: Path) -> None:
    """Record the first night and those that follow, by the number of files."""
    lines, shares = [], []
    for files in FILES:
        folder, root = tmp_path / f"table-{files}", tmp_path / f"store-{files}"
        folder.mkdir()
        root.mkdir()
        rows.write_plain(folder, ROWS, FEATURES, files)
        first = night(folder, root)
        later = []
        for number in range(NIGHTS):
            new = tmp_path / f"new-{files}-{number}"
            new.mkdir()
            rows.write_plain(new, ROWS // 100, FEATURES, 1)
            (new / "rows-000.parquet").rename(folder / f"rows-{900 + number}.parquet")
            later.append(night(folder, root))
        again = tuple(statistics.median(each) for each in zip(*later, strict=True))
        shares.append([new / old for new, old in zip(again, first, strict=True)])
        lines.append(
            [str(files), *(f"{each:.2f}" for pair in zip(first, again, strict=True) for each in pair)]
        )
        print(*lines[-1], flush=True)
    record(
        "growing table",
        TOLD,
        ["files", "ingest, first", "with a new file", "split, first", "with a new file"],
        lines,
        [
            aim("ingest", [share[0] for share in shares], "what is known of a file is read and verified"),
            aim("split", [share[1] for share in shares], "every row is dealt anew"),
        ],
    )


def aim(stage: str, shares: list[float], reason: str) -> Aim:
    """Hold the share of the first night's seconds against what a hundredth of the rows may cost."""
    return Aim(
        aim=f"with a new file of a hundredth of the rows, {stage} takes at most {SHARE} of the first night's seconds",
        measured=f"{min(shares):.2f} to {max(shares):.2f}",
        met=max(shares) <= SHARE,
        reason=reason,
    )
