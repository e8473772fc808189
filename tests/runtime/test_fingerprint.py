"""What a worker must have in common with the run: named where it differs."""

from pathlib import Path

import numpy as np
import pytest

import tasks
from tasks.runtime.fingerprint import _code, differences, fingerprint
from tests.processes import environment, python


def test_it_covers_code_versions_and_processor() -> None:
    found = fingerprint()
    assert found["numpy"] == np.__version__
    assert set(found) >= {"code", "python", "pyarrow", "tensorflow", "machine", "BLAS kernel"}
    assert differences(found, found) == []


def test_a_changed_line_of_code_changes_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Wherever in the package."""
    codes = set()
    (tmp_path / "neuron").mkdir()
    monkeypatch.setattr(tasks, "__file__", str(tmp_path / "__init__.py"))
    for text in ("a = 1", "a = 2"):
        (tmp_path / "neuron" / "sgd.py").write_text(text)
        codes.add(_code())
    (tmp_path / "neuron" / "sgd.py").rename(tmp_path / "sgd.py")
    codes.add(_code())
    assert len(codes) == 3


@pytest.mark.slow
def test_another_kernel_of_blas_is_another_fingerprint() -> None:
    """As `OPENBLAS_CORETYPE` chooses it; NumPy's sums have other bits then."""
    code = "from tasks.runtime.fingerprint import fingerprint; print(fingerprint()['BLAS kernel'])"
    kinds = {
        python("-c", code, env=environment(OPENBLAS_CORETYPE=kind)).stdout for kind in ("Haswell", "Prescott")
    }
    assert len(kinds) == 2
    assert "Haswell\n" in kinds
