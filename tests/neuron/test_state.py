"""What one process hands to another comes back to the last bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.neuron.state import Checkpoint, State, restored

floats = st.floats(allow_nan=False)


@given(st.lists(floats), floats, st.integers(0, 2**62), st.lists(floats), st.integers(0, 2**32))
def test_a_checkpoint_survives_as_arrays(
    weights: list[float], bias: float, step: int, loss: list[float], seed: int
) -> None:
    """The generator draws on as it would have done; −0.0 stays −0.0."""
    rng = np.random.default_rng(seed)
    rng.random(3)
    checkpoint = Checkpoint(
        State(np.array(weights, float), bias, step), np.array(loss, float), rng.bit_generator.state
    )
    back = restored(checkpoint.arrays())
    assert back.state.weights.tobytes() == checkpoint.state.weights.tobytes()
    assert np.float64(back.state.bias).tobytes() == np.float64(bias).tobytes()
    assert (back.state.step, back.loss.tobytes()) == (step, checkpoint.loss.tobytes())
    other = np.random.default_rng()
    other.bit_generator.state = back.shuffles
    assert other.random() == rng.random()


def test_the_arrays_need_no_pickle() -> None:
    state = np.random.default_rng(0).bit_generator.state
    arrays = Checkpoint(State(np.ones(2), 1.0, 3), np.ones(1), state).arrays()
    assert all(array.dtype.kind in "fiU" for array in arrays.values())
