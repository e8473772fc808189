"""What a living flow uses is known to others; what a dead one used is free."""

import signal
import time
from pathlib import Path

from tasks.store.leases import claims, lease
from tests.processes import started

HOLDER = """
import sys, time
from pathlib import Path
from tasks.store.leases import lease
with lease(Path(sys.argv[1])) as held:
    held.claim("train/abc")
    print("held", flush=True)
    time.sleep(60)
"""


def test_claims_of_all_flows_are_known_while_they_run(tmp_path: Path) -> None:
    """And whatever has changed since the first of them began, since its claim may be about to come."""
    assert claims(tmp_path).since == float("inf")
    before = time.time()
    with lease(tmp_path) as one, lease(tmp_path) as other:
        one.claim("train/a")
        other.claim("split/b")
        found = claims(tmp_path)
        assert found.folders == {"train/a", "split/b"}
        assert before <= found.since <= time.time()
    assert claims(tmp_path).folders == frozenset()
    assert list((tmp_path / "leases").iterdir()) == []


def test_the_lease_of_a_killed_process_is_void(tmp_path: Path) -> None:
    """It holds while the process lives, and goes with the next look after kill -9."""
    with started("-c", HOLDER, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert claims(tmp_path).folders == {"train/abc"}
        process.send_signal(signal.SIGKILL)
    assert claims(tmp_path).folders == frozenset()
    assert list((tmp_path / "leases").iterdir()) == []


def test_a_lease_that_says_no_time_keeps_everything_new(tmp_path: Path) -> None:
    """A full disk may have cut it short: since when the flow runs is not known, so nothing is too old."""
    with lease(tmp_path):
        (path,) = (tmp_path / "leases").iterdir()
        path.write_text("")
        assert claims(tmp_path).since == 0
