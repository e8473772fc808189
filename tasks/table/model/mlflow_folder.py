"""The model as MLflow lays out models: https://mlflow.org/docs/latest/ml/model/#storage-format.

The folder holds `model.json` and the code that serves it, in `served.py`: no pickle, and nothing of linear-neuron is
needed where it is loaded. MLflow itself is needed there alone.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from tasks.table.model.linear import FILE, LinearModel

# The release whose layout this is; MLflow shows it, and reads what is of its own or an earlier one.
LAYOUT = "2.0.0"
CODE = "linear_neuron_served"

# Not imported here: it needs pandas.
SERVED = Path(__file__).with_name("served.py")


def as_mlflow(model: LinearModel) -> dict[str, bytes]:
    """Write the folder's files, by their paths in it; the same model gives the same bytes."""
    content = model.model_dump_json(indent=1).encode()
    needed = [f"{name}=={version(name)}" for name in ("numpy", "pandas")]
    python = platform.python_version()
    environment = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    return {
        "MLmodel": _yaml(_description(model, content, python)),
        FILE: content,
        f"code/{CODE}.py": SERVED.read_bytes(),
        "python_env.yaml": _yaml(environment),
        "requirements.txt": "".join(f"{line}\n" for line in ("mlflow", *needed)).encode(),
    }


def _description(model: LinearModel, content: bytes, python: str) -> dict[str, object]:
    flavour = {
        "loader_module": CODE,
        "code": "code",
        "data": FILE,
        "env": {"virtualenv": "python_env.yaml"},
        "python_version": python,
    }
    # Of any type, since MLflow would refuse whole numbers where doubles, and numbers where levels, are declared.
    inputs = [{"name": column.name, "type": "any", "required": True} for column in model.inputs]
    output = [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]
    return {
        "flavors": {"python_function": flavour},
        "mlflow_version": LAYOUT,
        "model_uuid": hashlib.sha256(content).hexdigest()[:32],
        "signature": {"inputs": json.dumps(inputs), "outputs": json.dumps(output), "params": None},
    }


def _yaml(content: Mapping[str, object]) -> bytes:
    """Write YAML; JSON is a subset of it."""
    return json.dumps(content, indent=1).encode()
