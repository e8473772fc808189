"""A parser that stumbles over its own threads, as some releases of CPython 3.11 do, is asked again."""

import ast
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.runtime import modules
from tasks.store.formats import read_npz, write_npz
from tasks.store.syntax_trees import TRIES, asked_again


@pytest.fixture
def stumbling(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let the parser fail so many times."""

    def stumble(times: int) -> None:
        left = iter([SystemError("AST constructor recursion depth mismatch")] * times)

        def first(own: Callable[..., Any], *given: Any, **more: Any) -> Any:
            if error := next(left, None):
                raise error
            return own(*given, **more)

        for name in ("parse", "literal_eval"):
            monkeypatch.setattr(f"ast.{name}", partial(first, getattr(ast, name)))

    return stumble


def test_a_source_and_an_array_are_read_nevertheless(
    stumbling: Callable[[int], None], tmp_path: Path
) -> None:
    arrays = {"a": np.arange(5), "b": np.eye(3)}
    write_npz(tmp_path / "some.npz", arrays)
    stumbling(TRIES - 1)
    found = read_npz(tmp_path / "some.npz")
    assert all(np.array_equal(found[name], arrays[name]) for name in arrays)
    stumbling(TRIES - 1)
    assert isinstance(modules._tree("a = 1"), ast.Module)


def test_one_that_always_stumbles_is_not_asked_for_ever(stumbling: Callable[[int], None]) -> None:
    stumbling(TRIES)
    with pytest.raises(SystemError, match="recursion depth"):
        asked_again(lambda: ast.parse("a"))
