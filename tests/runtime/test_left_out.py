"""What is left out of an import is absent for it alone."""

import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest

from tasks.runtime.left_out import left_out
from tests.processes import python


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put a package on the path; return its name."""
    (tmp_path / "companion").mkdir()
    (tmp_path / "companion" / "__init__.py").touch()
    (tmp_path / "companion" / "inner.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("companion", "companion.inner"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return "companion"


def test_it_is_absent_in_this_thread_alone_and_there_again_afterwards(package: str) -> None:
    finders = list(sys.meta_path)
    with left_out([package]), ThreadPoolExecutor(1) as other:
        with pytest.raises(ModuleNotFoundError, match="No module named 'companion'") as missed:
            import_module(f"{package}.inner")
        assert missed.value.name == package
        assert other.submit(import_module, f"{package}.inner").result().__name__ == "companion.inner"
        assert import_module(package).__name__ == package  # as it is imported by now
    assert sys.meta_path == finders


def test_an_error_brings_it_back(package: str) -> None:
    with pytest.raises(ZeroDivisionError), left_out([package]):
        1 / 0  # noqa: B018
    assert import_module(package).__name__ == package


@pytest.mark.slow
def test_keras_does_without_its_company() -> None:
    """And saves the same model; what was left out can be imported later."""
    program = """
import hashlib, sys
from tasks.train import COMPANY, load
load(alone=sys.argv[1] == "alone")
print(*sorted(set(COMPANY) & set(sys.modules)))
from tasks.neuron.keras_model import build, save_bytes
print(hashlib.sha256(save_bytes(build([1.0, 2.0], 3.0, 2))).hexdigest())
import pandas, scipy.special, sklearn
print(sklearn.__name__)
"""
    alone, usual = (python("-c", program, kind).stdout.splitlines() for kind in ("alone", "usual"))
    assert alone[0] == ""
    assert usual[0] == "IPython matplotlib pandas scipy sklearn"
    assert alone[1:] == usual[1:]
