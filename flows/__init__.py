"""What runs: the regression flow, its command line, and from Python `fit` and `LinearNeuronRegressor`."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if sys.platform == "win32":  # before the store's first import fails because there is no `fcntl`
    raise SystemExit("linear-neuron needs macOS or Linux; on Windows, run it in WSL")

if TYPE_CHECKING:
    from flows.fitting import fit as fit
    from tasks.neuron.estimator import LinearNeuronRegressor as LinearNeuronRegressor

# By name, the module that is imported when the name is first used: Prefect and scikit-learn take seconds.
_HOMES = {"fit": "flows.fitting", "LinearNeuronRegressor": "tasks.neuron.estimator"}


def __getattr__(name: str) -> Any:
    """Import what the name stands for."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
