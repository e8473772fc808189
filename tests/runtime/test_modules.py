"""A parsed module: what its names are bound to, what it runs when it is imported, and where its imports lead."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.runtime import modules
from tasks.runtime.modules import (
    BEHAVIOUR,
    EFFECTS,
    WHOLE,
    Module,
    followed,
    is_first_party,
    is_module,
    parsed,
)

NO_STAGE = ("", "")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a package `sample` that counts as ours."""
    (tmp_path / "sample" / "inner").mkdir(parents=True)
    for folder in ("sample", "sample/inner"):
        (tmp_path / folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(modules, "FIRST_PARTY", ("sample",))
    for cached in (modules._spec, parsed):
        cached.cache_clear()
    yield tmp_path / "sample"
    for cached in (modules._spec, parsed):
        cached.cache_clear()
    assert "sample.m" not in sys.modules  # reading imports nothing


def module(package: Path, text: str) -> Module:
    (package / "m.py").write_text(text)
    return parsed("sample.m")


def source(package: Path, text: str, name: str) -> str:
    parsed.cache_clear()
    return module(package, text).definition(name, NO_STAGE)[0]


def test_every_way_of_binding_a_name_is_known(package: Path) -> None:
    text = "def f(): ...\nasync def g(): ...\nclass C: ...\na = b = 1\nc, (d, *e) = x\nh: int = 2\na += 1\n"
    text += (
        "if x:\n    i = 1\nelse:\n    i = 2\nfor j in x: k = j\nwith x as l: ...\ntry: n = 1\nexcept E: ...\n"
    )
    found = module(package, text)
    assert set(found.bindings) == set("fgCabcdehijkln")
    assert len(found.bindings["a"]) == 2


def test_what_only_binds_is_no_effect_of_the_import(package: Path) -> None:
    text = "from sample.other import register\nimport functools\nN = len('x')\ndef f(): ...\n"
    text += "@functools.cache\ndef g(): ...\n@register\ndef h(): ...\nN.x = 1\nif N: M = 1\nprint(N)\n"
    found = module(package, text)
    assert [type(node).__name__ for node in found.effects] == ["FunctionDef", "Assign", "If", "Expr"]
    assert ("sample.other", EFFECTS) in found.definition(EFFECTS, NO_STAGE)[1]


def test_attributes_are_followed_through_modules(package: Path) -> None:
    (package / "inner" / "deep.py").write_text("X = 1\n")
    assert followed("sample", ("inner", "deep", "X", "real")) == ("sample.inner.deep", "X")
    assert followed("sample", ("inner", "deep")) == ("sample.inner.deep", WHOLE)
    assert followed("sample", ("nothing",)) == ("sample", "nothing")
    assert is_module("sample.inner.deep")
    assert not is_module("sample.inner.deep.X")
    assert not is_module("os.path")
    assert is_first_party("sample.inner")
    assert not is_first_party("samples")


def test_docstrings_comments_and_annotations_are_no_part_of_the_source(package: Path) -> None:
    bare = "def f(x=1):\n    return x\n"
    same = [
        'def f(x=1):\n    """Say it."""\n    return x  # why\n',
        "def f(x: int = 1) -> int:\n\n    return (x)\n",
    ]
    other = [
        "def f(x=2):\n    return x\n",
        "@cache\ndef f(x=1):\n    return x\n",
        "def f(y=1):\n    return y\n",
    ]
    expected = source(package, bare, "f")
    assert {source(package, text, "f") for text in same} == {expected}
    assert all(source(package, text, "f") != expected for text in other)


def test_a_definition_refers_to_what_its_names_stand_for(package: Path) -> None:
    (package / "other.py").write_text("def g(): ...\n")
    text = "import sample.inner\nfrom sample import other as o\nfrom .other import g\nK = 1\n"
    text += "def f(x):\n    return o.g(x) + K + sample.inner.y + g()\n"
    _, used = module(package, text).definition("f", NO_STAGE)
    assert {("sample.other", "g"), ("sample.m", "K"), ("sample.inner", "y")} <= used


def test_an_unknown_name_may_be_anything_in_the_module(package: Path) -> None:
    found = module(package, "from sample.other import *\nglobals()['x'] = 1\n")
    assert found.definition("x", NO_STAGE)[1] >= {("sample.m", WHOLE), ("sample.other", WHOLE)}
    assert found.definition("__file__", NO_STAGE)[1] == set()


def test_behaviour_is_methods_and_constants_without_fields(package: Path) -> None:
    """So that a new field of a settings class runs no stage that does not use it."""
    text = (
        "from typing import ClassVar\nclass B: ...\nclass C(B):\n    x: int = 1\n    K: ClassVar[int] = 2\n"
    )
    text += "    model_config = 3\n    @field_validator('x')\n    def check(x): ...\n    def f(self): return self.x\n"
    name = "C" + BEHAVIOUR
    expected = source(package, text, name)
    assert source(package, text.replace("x: int = 1", "x: int = 7\n    y: str = 'a'"), name) == expected
    assert source(package, text.replace("model_config = 3", "model_config = 4"), name) == expected
    assert source(package, text.replace("= 2", "= 3"), name) != expected
    assert source(package, text.replace("return self.x", "return 1"), name) != expected
    assert ("sample.m", "B" + BEHAVIOUR) in module(package, text).definition(name, NO_STAGE)[1]


def test_the_decorator_of_a_stage_is_left_out(package: Path) -> None:
    """It says how a stage is called, not what it leaves."""
    text = "from sample.other import stage\n@stage\ndef go(run: int):\n    return run\n"
    found = module(package, text)
    with_it, without = (found.definition("go", each) for each in (NO_STAGE, ("sample.m", "go")))
    assert ("sample.other", "stage") in with_it[1]
    assert without[1] == set()
    assert found.definition(EFFECTS, ("sample.m", "go"))[0] == ""


def test_the_annotations_of_a_stage_are_there_after_its_definition(package: Path) -> None:
    """Though they are no part of that."""
    found = module(package, "class T: ...\n@stage\ndef go(run: T):\n    return run\n")
    for _ in range(2):
        assert "T" not in found.definition("go", ("sample.m", "go"))[0]
        assert found.annotations("go") == {("sample.m", "T")}


@pytest.mark.parametrize("name", ["sample.none", "sample.none.deeper", "math"])
def test_a_module_without_source_cannot_be_read(package: Path, name: str) -> None:
    with pytest.raises(LookupError, match=f"no source of module `{name}` to read"):
        parsed(name)
