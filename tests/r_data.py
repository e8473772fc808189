"""Small data sets of R as frames."""

import pandas as pd

from tests.paths import ROOT

FOLDER = ROOT / "tests" / "data" / "r"


def r_data(name: str) -> pd.DataFrame:
    """Read one of R's data sets by R's own name."""
    return pd.read_csv(FOLDER / f"{name}.csv")
