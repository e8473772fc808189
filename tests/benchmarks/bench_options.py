"""What each statistical option costs beside a plain run: seconds of its stages.

docs/statistics.md has the table.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flows import fit
from tests.benchmarks.results import machine, scaled, table

ROWS = scaled(2_000_000)
FEATURES = 8
STAGES = ("ingest", "split", "train", "evaluate", "report")
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "--standard-errors HC3": {"standard_errors": "HC3"},
    "--standard-errors cluster": {"standard_errors": "cluster", "cluster": "store"},
    "--l2 10": {"l2": 10.0},
    "--l2 auto": {"l2": "auto"},
    "--cross-validate 10": {"cross_validate": 10},
    "--weights": {"weights": "w"},
    "--half-life 90d": {"half_life": "90d", "by": "sold_on"},
    "--log-target": {"log_target": True},
    "--key": {"key": "id"},
    "--min-frequency": {"min_frequency": 20, "categorical": "kind"},
}


def drawn() -> pd.DataFrame:
    """Draw rows with all the columns that an option asks for."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(ROWS, FEATURES))
    target = np.exp(features @ np.full(FEATURES, 0.05) + rng.normal(0, 0.3, ROWS))
    frame = pd.DataFrame(features, columns=[f"x{place}" for place in range(FEATURES)])
    return frame.assign(
        y=target,
        id=np.arange(ROWS).astype(str),
        store=rng.integers(0, 1000, ROWS).astype(str),
        kind=rng.integers(0, 50, ROWS).astype(str),
        w=rng.exponential(size=ROWS) + 0.1,
        sold_on=pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, ROWS), "D"),
    )


@pytest.mark.usefixtures("prefect_server")
def test_options(tmp_path: Path) -> None:
    """Print the seconds of each stage, of the faster one of two runs."""
    path = tmp_path / "rows.parquet"
    drawn().to_parquet(path, index=False)
    features = [f"x{place}" for place in range(FEATURES)]
    lines, usual = [], 0.0
    for name, option in OPTIONS.items():
        runs = [_seconds(path, tmp_path / f"{name}-{turn}", features, option) for turn in range(2)]
        best = min(runs, key=sum)
        usual = usual or sum(best)
        lines.append(
            [name, *(f"{each:.2f}" for each in best), f"{sum(best):.2f}", f"{sum(best) / usual:.2f}"]
        )
    print(f"\n{ROWS:,} rows, {FEATURES} features, 3 epochs; {machine()}\n")
    print(table(["seconds", *STAGES, "in all", "times plain"], lines))


def _seconds(path: Path, root: Path, features: list[str], option: dict[str, Any]) -> list[float]:
    result = fit(path, "y", artifacts=root, features=features, epochs=3, batch_size=1024, **option).result
    return [result.stages[stage].seconds for stage in STAGES]
