"""Memory does not grow with the rows: measured over whole runs, from `generate` to `report`, each in a process."""

import json
import shutil
from pathlib import Path

import pytest

from tests.processes import environment, python

ROWS = 5_500_000  # just so many that they are kept in parts
BOUND = 100  # MiB; three times as many rows more are 380 in float64, and a single column of them 126

PROGRAM = """
import json, sys
from flows.regression import regression
from tasks.config import Settings
from tests.memory import peak
result = regression(Settings.model_validate({
    "artifacts": sys.argv[1], "problem": {"rows": int(sys.argv[2])},
    "training": {"epochs": 1, "batch_size": 256},
}))
print(json.dumps([peak(), result.verdict.converged, len(result.stages["split"].files)]))
"""


def measured(folder: Path, server: str, rows: int) -> tuple[float, bool, int]:
    """Return the peak of the resident set in MiB, whether the fit converged, and the number of parts."""
    env = environment(folder / "prefect", server, PREFECT_LOGGING_LEVEL="ERROR")
    done = python("-c", PROGRAM, folder / f"store-{rows}", rows, env=env, timeout=500)
    shutil.rmtree(folder / f"store-{rows}")
    peak, converged, parts = json.loads(done.stdout.splitlines()[-1])
    return peak, converged, parts


@pytest.mark.slow
def test_four_times_the_rows_need_no_more_memory(tmp_path: Path, prefect_server: str) -> None:
    """Within the noise of the allocator, and below 2 GiB with TensorFlow in it."""
    peak, converged, parts = measured(tmp_path, prefect_server, ROWS)
    larger_peak, also_converged, more_parts = measured(tmp_path, prefect_server, 4 * ROWS)
    assert converged
    assert also_converged
    assert more_parts > 2 * parts > 2
    assert larger_peak - peak < BOUND
    assert larger_peak < 2048
