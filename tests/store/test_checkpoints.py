"""Checkpoints load as they were saved, for their own key alone."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.store.checkpoints import drop, load, save

KEY, OTHER = "a" * 64, "b" * 64
ARRAYS = {"weights": np.arange(3.0), "step": np.array(7)}


def test_what_is_saved_is_loaded_until_it_is_dropped(tmp_path: Path) -> None:
    """A later one replaces it."""
    assert load(tmp_path, KEY) is None
    save(tmp_path, KEY, {"weights": np.ones(2)})
    save(tmp_path, KEY, ARRAYS)
    loaded = load(tmp_path, KEY)
    assert loaded is not None
    assert {name: array.tolist() for name, array in loaded.items()} == {"weights": [0, 1, 2], "step": 7}
    drop(tmp_path, KEY)
    drop(tmp_path, KEY)
    assert load(tmp_path, KEY) is None


@given(st.data())
def test_no_flipped_bit_and_no_cut_is_overlooked(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("store")
    save(root, KEY, ARRAYS)
    path = root / "checkpoints" / KEY
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
    else:
        path.write_bytes(content[:place])
    with pytest.raises(ValueError, match=f"checkpoints/{KEY} is n"):
        load(root, KEY)


def test_another_keys_checkpoint_does_not_load(tmp_path: Path) -> None:
    save(tmp_path, OTHER, ARRAYS)
    (tmp_path / "checkpoints" / OTHER).rename(tmp_path / "checkpoints" / KEY)
    with pytest.raises(ValueError, match="is not what was written"):
        load(tmp_path, KEY)
