"""Small data sets of R as frames, and as features and target."""

import pandas as pd

from tasks.neuron.moments import Array
from tests.paths import ROOT

# The target of each set of numbers.
SETS = {"stackloss": "stack.loss", "swiss": "Fertility", "LifeCycleSavings": "sr", "cars": "dist"}

FOLDER = ROOT / "tests" / "data" / "r"


def r_data(name: str) -> pd.DataFrame:
    """Read one of R's data sets by R's own name."""
    return pd.read_csv(FOLDER / f"{name}.csv")


def numbers_of(name: str) -> tuple[Array, Array]:
    """Return the features (n, d) and the target (n,) of one of `SETS`, numbers alone."""
    rows = r_data(name).select_dtypes("number")
    return rows.drop(columns=SETS[name]).to_numpy(float), rows[SETS[name]].to_numpy(float)
