"""The same settings leave the same bytes in every stage, in two processes that share nothing but the code."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.processes import environment, python

PROGRAM = """
import json, sys
from flows.regression import regression
from tasks.config import Settings
from tasks.store import parts
store, told = sys.argv[1], {}
for name, rows in (("small", 1000), ("article", 1000), ("in parts", 12_000)):
    if name == "in parts":
        parts.MOST_ROWS, parts.PART_ROWS, parts.GROUP_ROWS = 1000, 2000, 256
    result = regression(Settings.model_validate({
        "preset": "article" if name == "article" else "default",
        "artifacts": f"{store}/{name}", "problem": {"rows": rows}, "training": {"epochs": 10},
    }))
    told[name] = {
        f"{stage} {file.path}": file.sha256 for stage, each in result.stages.items() for file in each.files
    }
print(json.dumps(told))
"""


def files(folder: Path, server: str, **variables: str) -> dict[str, dict[str, Any]]:
    """Run three flows in a process of its own, in a folder of its own; return the digest of every file by flow."""
    folder.mkdir()
    env = environment(folder / "prefect", server, PREFECT_LOGGING_LEVEL="ERROR", **variables)
    done = python("-c", PROGRAM, folder / "store", cwd=folder, env=env)
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
def test_two_processes_leave_the_same_bytes(tmp_path: Path, prefect_server: str) -> None:
    """Data, parts, weights, Keras model, history, metrics, predictions and figures; whatever strings hash to."""
    one = files(tmp_path / "one", prefect_server, PYTHONHASHSEED="1")
    other = files(tmp_path / "other", prefect_server, PYTHONHASHSEED="2", TZ="Asia/Tokyo", LC_ALL="C")
    assert one == other
    for flow, least in (("small", 14), ("article", 12), ("in parts", 20)):
        kinds = {name.rpartition(".")[2] for name in one[flow]}
        assert len(one[flow]) >= least
        assert {"npz", "parquet", "json", "keras", "png"} <= kinds
