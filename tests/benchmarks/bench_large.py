"""10 GB of rows: what memory a training takes, and whether its time grows in proportion."""

import json
import statistics
from collections.abc import Iterator

import pytest

from tests.benchmarks import clock, ours, rows
from tests.benchmarks.results import Aim, record, scaled
from tests.processes import python

FEATURES = 24
SIZES = [scaled(10**power) for power in (6, 7, 8)]
BATCH = 32
LIMIT = 2 * 2**30
FLAT = 1.2
TRAINING = """
import json, re, sys
from pathlib import Path
from tests.benchmarks import ours, rows
done = ours.whole_fit(rows.Filed(Path(sys.argv[1])), int(sys.argv[3]))(int(sys.argv[2]))
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps({"rows": done, "peak": int(peak[1]) * 1024}))
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rows.Filed]:
    """Write the largest table; its files are removed at the end."""
    folder = tmp_path_factory.mktemp("large")
    filed = rows.write(folder, SIZES[-1], FEATURES)
    yield filed
    for shard in filed.shards:
        shard.file.path.unlink()


def test_memory_is_flat(source: rows.Filed) -> None:
    """Record the peak resident memory of whole processes that fit 10⁶, 10⁷ and 10⁸ rows."""
    lines, peaks = [], []
    for size in SIZES:
        found = json.loads(python("-c", TRAINING, source.folder, size, BATCH, timeout=3600).stdout)
        stored = sum(shard.file.path.stat().st_size for shard in source.parts(size))
        lines.append([f"{found['rows']:,}", f"{stored / 1e9:.2f} GB", f"{found['peak'] / 2**20:,.0f} MiB"])
        peaks.append(found["peak"])
    growth = max(peaks) / min(peaks)
    record(
        "memory",
        f"""Peak resident memory (VmHWM) of a new process that imports TensorFlow and fits one epoch of {FEATURES}
float32 features from Parquet at batch {BATCH}: all passes, mapped pages of the files included.""",
        ["rows", "data", "peak"],
        lines,
        [
            Aim(
                aim="training 10 GB stays under 2 GB in all",
                measured=f"{peaks[-1] / 2**20:,.0f} MiB",
                met=peaks[-1] < LIMIT,
                reason="see the table",
            ),
            Aim(
                aim="memory is flat from 10⁶ to 10⁸ rows",
                measured=f"largest / smallest {growth:.2f}",
                met=growth <= FLAT,
                reason="see the table",
            ),
        ],
    )


def test_time_grows_in_proportion(source: rows.Filed) -> None:
    """Record the time per row of one streamed epoch over 10⁶, 10⁷ and 10⁸ rows."""
    go = ours.one_pass(source, SIZES[0], BATCH)
    go(SIZES[0])
    spent: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(3):
        for size in SIZES:
            for _ in range(min(5, SIZES[-1] // size)):
                spent[size].append(per_row(go, size))
    medians = [statistics.median(each) * 1e9 for each in spent.values()]
    growth = max(medians) / min(medians)
    record(
        "growth",
        f"The training pass of one epoch, {FEATURES} float32 features from Parquet at batch {BATCH}.",
        ["rows", "ns per row"],
        [[f"{size:,}", f"{ns:.1f}"] for size, ns in zip(SIZES, medians, strict=True)],
        [
            Aim(
                aim="time per row is constant within 20 % from 10⁶ to 10⁸ rows",
                measured=f"largest / smallest {growth:.2f}",
                met=growth <= FLAT,
                reason="see the table",
            )
        ],
    )


def per_row(go: clock.Pass, size: int) -> float:
    """Return the seconds per row of one pass."""
    done = 0

    def act() -> None:
        nonlocal done
        done = go(size)

    return clock.seconds(act) / done
