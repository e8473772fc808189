"""TensorFlow's greetings are held back, and nothing else is."""

import os
import sys

import pytest

from tasks.runtime.native_noise import without_greetings
from tests.processes import python

GREETINGS = b"""WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795798779.267624   27024 port.cc:153] oneDNN custom operations are on.
To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow.
E0000 00:00:1795798783.243768   27024 cuda_platform.cc:52] failed call to cuInit
"""


def test_greetings_are_dropped_and_the_rest_follows(capfd: pytest.CaptureFixture[str]) -> None:
    os.write(2, b"before\n")
    with without_greetings():
        os.write(2, GREETINGS + b"W: a warning of ours\nwithout an end")
        assert capfd.readouterr().err == "before\n"
    assert capfd.readouterr().err == "W: a warning of ours\nwithout an end"


def _fail() -> None:
    os.write(2, b"why\n")
    raise ImportError


def test_an_error_lets_everything_pass_too(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ImportError), without_greetings():
        _fail()
    assert capfd.readouterr().err == "why\n"


def test_a_process_without_stderr_goes_on() -> None:
    program = """
import os
from tasks.runtime.native_noise import without_greetings
os.close(2)
with without_greetings():
    print("done", flush=True)
"""
    assert python("-c", program).stdout == "done\n"


@pytest.mark.slow
def test_processes_load_tensorflow_in_silence() -> None:
    """Whatever is imported with what is sent to them."""
    program = """
from functools import partial
from tasks.config import Execution
from tasks.runtime.spreading import spread, working
from tasks.train import load
from tests.runtime.test_native_noise import has_tensorflow

load()
from tasks.neuron.sgd import UpdateRule
with working(Execution(runner="processes", workers=2)):
    print(set(spread(partial(has_tensorflow, UpdateRule), range(4))))
"""
    done = python("-c", program)
    assert (done.stdout, done.stderr) == ("{True}\n", "")


def has_tensorflow(_rule: type, _number: int) -> bool:
    """Say whether the process has TensorFlow: by then it has the class, for which that is imported."""
    return "tensorflow" in sys.modules


@pytest.mark.slow
def test_tensorflow_is_loaded_in_silence() -> None:
    """In a script, a worker or a notebook: nothing on stderr, from the import to a fit."""
    program = """
import numpy as np
from tasks.train import load
load()
from tasks.neuron.fit import fit
fit(np.random.rand(50, 2), np.random.rand(50), epochs=1)
"""
    assert python("-c", program).stderr == ""
