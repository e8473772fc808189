"""What runs: the regression flow, its command line, and from Python `fit` and `LinearNeuronRegressor`."""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if sys.platform == "win32":  # before the store's first import fails because there is no `fcntl`
    raise SystemExit("linear-neuron needs macOS or Linux; on Windows, run it in WSL")


def _require_own_tasks() -> None:
    """Refuse a project's own `tasks` that comes first on Python's path.

    Raises:
        ImportError: it does. What would fail without this names neither cause nor remedy.
    """
    found = find_spec("tasks")
    place = found.origin if found else None
    if place is None or Path(place).parent != Path(__file__).parent.with_name("tasks"):
        raise ImportError(
            f"the package `tasks` is {place!r} here, not linear-neuron's; install linear-neuron into an environment of "
            "its own, see docs/python.md",
            name="tasks",
            path=place,
        )


_require_own_tasks()

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
