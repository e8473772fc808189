"""The runs before: what their `result.json` say, as far as they are about the same target and features.

The folder may hold anything, from other versions to half-written files: whatever cannot be read is passed over, and
only so many folders are looked into, each file up to a size.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tasks.page.result import Column, Result

RUN_NAME = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}")
MOST_RUNS = 20
MOST_FOLDERS = 200
MOST_BYTES = 16_000_000


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    rows: int
    rmse: float = Field(ge=0)


class _Parts(BaseModel):
    model_config = ConfigDict(frozen=True)

    train: _Part
    test: _Part | None


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)

    weights: dict[str, float]


class _Verdict(BaseModel):
    model_config = ConfigDict(frozen=True)

    converged: bool


class PastRun(BaseModel):
    """What is kept of an earlier run, or of this one beside them; fields of other versions do not matter."""

    model_config = ConfigDict(frozen=True)

    run: str
    target: str
    model: _Model
    metrics: _Parts
    verdict: _Verdict
    settings: dict[str, object] = {}
    profile: list[Column] = []

    @property
    def rmse(self) -> float:
        """The RMSE of the test rows, or of the training rows where none were held out."""
        return (self.metrics.test or self.metrics.train).rmse


def as_past(result: Result) -> PastRun:
    """Return what later runs will see of this one."""
    return PastRun.model_validate(result.model_dump(mode="json"))


def earlier_runs(runs: Path, result: Result) -> list[PastRun]:
    """Read the newest 19 runs before this one with the same target, features and kind of split, the oldest first."""
    now = as_past(result)
    found: list[PastRun] = []
    for name in _names_before(runs, result.run)[:MOST_FOLDERS]:
        past = _read(runs / name / "result.json")
        if past is not None and past.run == name and _alike(past, now):
            found.append(past)
        if len(found) == MOST_RUNS - 1:
            break
    return found[::-1]


def _names_before(runs: Path, run: str) -> list[str]:
    """List the runs' folders, the newest first: their names begin with the time."""
    return sorted((name for name in _names(runs) if name < run), reverse=True)


def _names(runs: Path) -> Iterator[str]:
    try:
        with os.scandir(runs) as entries:
            yield from (entry.name for entry in entries if RUN_NAME.fullmatch(entry.name))
    except OSError:
        return


def _read(path: Path) -> PastRun | None:
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        return PastRun.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def _alike(past: PastRun, now: PastRun) -> bool:
    return (
        past.target == now.target
        and list(past.model.weights) == list(now.model.weights)
        and (past.metrics.test is None) == (now.metrics.test is None)
    )
