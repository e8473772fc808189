"""What belongs to a stage's code, over small made-up packages: one way to reach a definition per case."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.runtime import modules, provenance

Files = dict[str, str]
Digest = Callable[[Files], provenance.Provenance]

STAGE = "def stage(run):\n    return run\n"

# The stage's module, the module `helper` beside it, and in the latter what is replaced by what.
REACHED: dict[str, tuple[str, str, str, str]] = {
    "from module import function": (
        "from sample.helper import f\ndef go():\n    return f()\n", "def f():\n    return 1\n", "1", "2"
    ),
    "an alias": (
        "from sample.helper import f as g\ndef go():\n    return g()\n", "def f():\n    return 1\n", "1", "2"
    ),
    "which function an alias stands for": (
        "from sample.helper import h\ndef go():\n    return h()\n",
        "from math import floor as h\n", "floor", "ceil",
    ),
    "from package import module": (
        "from sample import helper\ndef go():\n    return helper.f()\n", "def f():\n    return 1\n", "1", "2"
    ),
    "import package.module": (
        "import sample.helper\nimport sample.other\ndef go():\n    return sample.helper.f()\n",
        "def f():\n    return 1\n", "1", "2",
    ),
    "import package.module as": (
        "import sample.helper as s\ndef go():\n    return s.f()\n", "def f():\n    return 1\n", "1", "2"
    ),
    "a relative import": (
        "from .helper import f\ndef go():\n    return f()\n", "def f():\n    return 1\n", "1", "2"
    ),
    "an import inside the function": (
        "def go():\n    from sample.helper import f\n    return f()\n", "def f():\n    return 1\n", "1", "2"
    ),
    "import *": (
        "from sample.helper import *\ndef go():\n    return f()\n", "def f():\n    return 1\n", "1", "2"
    ),
    "a module as a value": (
        "from sample import helper\ndef go():\n    return vars(helper)['f']()\n", "def f():\n    return 1\n", "1", "2"
    ),
    "a function as a value": (
        "from functools import partial\nfrom sample.helper import f\ng = partial(f, 3)\ndef go():\n    return g()\n",
        "def f(x):\n    return x + 1\n", "1", "2",
    ),
    "a constant behind a function": (
        "from sample.helper import f\ndef go():\n    return f()\n", "N = 1\ndef f():\n    return N\n", "1", "2"
    ),
    "an annotated constant": (
        "from sample.helper import N\ndef go():\n    return N\n", "N: int = 1\n", "1", "2"
    ),
    "a default": (
        "from sample.helper import f\ndef go():\n    return f()\n", "def f(x=1):\n    return x\n", "1", "2"
    ),
    "a default by keyword": (
        "from sample.helper import f\ndef go():\n    return f()\n", "def f(*, x=1):\n    return x\n", "1", "2"
    ),
    "a method": (
        "from sample.helper import C\ndef go():\n    return C().f()\n",
        "class C:\n    def f(self):\n        return 1\n", "1", "2",
    ),
    "a method of the base class": (
        "from sample.helper import D\ndef go():\n    return D().f()\n",
        "class C:\n    def f(self):\n        return 1\nclass D(C):\n    pass\n", "1", "2",
    ),
    "a constant of a class": (
        "from sample.helper import C\ndef go():\n    return C.N\n", "class C:\n    N = 1\n", "1", "2"
    ),
    "a field's default": (
        "from sample.helper import C\ndef go():\n    return C()\n",
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    n: int = 1\n", "1", "2",
    ),
    "a field's type, which may convert": (
        "from sample.helper import C\ndef go():\n    return C(1)\n", "class C:\n    n: int\n", "int", "float"
    ),
    "a decorator of a helper": (
        "from sample.helper import f\ndef go():\n    return f()\n",
        "def twice(g):\n    return lambda: 1 * g()\n@twice\ndef f():\n    return 3\n", "1", "2",
    ),
    "a method called on a parameter": (
        "from functools import cache as stage\nfrom sample.helper import C\n@stage\ndef go(c: C):\n    return c.f()\n",
        "class C:\n    n: int = 3\n    def f(self):\n        return 1\n", "1", "2",
    ),
    "what fills a table at import": (
        "from sample.helper import T\ndef go():\n    return T['a']\n", "T = {}\nT['a'] = 1\n", "1", "2"
    ),
    "a loop that fills a table": (
        "from sample.helper import T\ndef go():\n    return T\n", "T = {}\nfor k in 'ab':\n    T[k] = 1\n", "1", "2"
    ),
    "a call that fills a table": (
        "from sample.helper import T\ndef go():\n    return T\n", "T = []\nT.append(1)\n", "1", "2"
    ),
    "a function that registers itself": (
        "from sample.helper import T\ndef go():\n    return T[0]()\n",
        "T = []\ndef known(f):\n    T.append(f)\n    return f\n@known\ndef g():\n    return 1\n", "1", "2",
    ),
    "either branch of a condition": (
        "from sample.helper import f\ndef go():\n    return f()\n",
        "import os\nif os.name:\n    def f():\n        return 1\nelse:\n    def f():\n        return 3\n", "3", "4",
    ),
    "the fallback of an import": (
        "from sample.helper import f\ndef go():\n    return f()\n",
        "try:\n    from absent import f\nexcept ImportError:\n    def f():\n        return 1\n", "1", "2",
    ),
    "what an import runs, though nothing of it is named": (
        "import sample.helper\ndef go():\n    return 3\n", "import os\nos.umask(1)\n", "1", "2"
    ),
}  # fmt: skip

IGNORED: dict[str, tuple[str, str, str, str]] = {
    "a function that is not called": (
        "from sample.helper import f\ndef go():\n    return f()\n",
        "def f():\n    return 3\ndef g():\n    return 1\n", "1", "2",
    ),
    "a field of a parameter, whose value is in the key": (
        "from functools import cache as stage\nfrom sample.helper import C\n@stage\ndef go(c: C):\n    return c.n\n",
        "class C:\n    n: int = 1\n    def f(self):\n        return 3\n", "1", "2",
    ),
    "an annotation": (
        "from sample.helper import f\ndef go():\n    return f(3)\n", "def f(x: int):\n    return x\n", "int", "float"
    ),
    "the order of imports inside a function": (
        "from sample.helper import f\ndef go():\n    return f()\n",
        "def f():\n    import a; import b\n    return a, b\n", "import a; import b", "import b; import a",
    ),
    "a comment": (
        "from sample.helper import f\ndef go():\n    return f()\n", "def f():\n    return 3  # 1\n", "1", "2"
    ),
    "a docstring": (
        "from sample.helper import f\ndef go():\n    return f()\n", "def f():\n    '1'\n    return 3\n", "1", "2"
    ),
}  # fmt: skip


@pytest.fixture
def digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Digest]:
    """Return a function that writes a package `sample` and looks at the stage `go` of its module `stage`."""
    monkeypatch.setattr(modules, "FIRST_PARTY", ("sample",))
    monkeypatch.syspath_prepend(str(tmp_path))

    def digest(files: Files) -> provenance.Provenance:
        (tmp_path / "sample").mkdir(exist_ok=True)
        for name, text in {"__init__": "", "other": "", **files}.items():
            (tmp_path / "sample" / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        for cached in (provenance.provenance, modules.parsed, modules._spec):
            cached.cache_clear()
        return provenance.provenance("sample.stage", "go")

    yield digest
    for cached in (provenance.provenance, modules.parsed, modules._spec):
        cached.cache_clear()


def twice(digest: Digest, case: tuple[str, str, str, str]) -> list[provenance.Provenance]:
    stage, helper, old, new = case
    assert helper.count(old) == 1
    return [digest({"stage": stage, "helper": text}) for text in (helper, helper.replace(old, new))]


@pytest.mark.parametrize("case", REACHED.values(), ids=REACHED)
def test_what_a_stage_reaches_is_part_of_it(case: tuple[str, str, str, str], digest: Digest) -> None:
    before, after = twice(digest, case)
    assert before.modules["sample.helper"] != after.modules["sample.helper"]


@pytest.mark.parametrize("case", IGNORED.values(), ids=IGNORED)
def test_what_it_does_not_reach_is_not(case: tuple[str, str, str, str], digest: Digest) -> None:
    before, after = twice(digest, case)
    assert before == after


def test_which_of_two_functions_a_name_stands_for_is_part_of_it(digest: Digest) -> None:
    """The sources of all definitions are the same, only the names that they are imported under are swapped."""
    helper = "def a():\n    return 1\ndef b():\n    return 2\n"
    stage = "from sample.helper import {} as f, {} as g\ndef go():\n    return f() - g()\n"
    one, other = (digest({"stage": stage.format(*names), "helper": helper}) for names in ("ab", "ba"))
    assert one != other


def test_a_reexported_name_is_followed(digest: Digest) -> None:
    stage = "from sample.helper import f\ndef go():\n    return f()\n"
    files = {"stage": stage, "helper": "from sample.deep import f\n"}
    one, other = (digest({**files, "deep": f"def f():\n    return {value}\n"}) for value in "12")
    assert one.modules["sample.deep"] != other.modules["sample.deep"]


def test_a_stages_own_decorator_is_left_out(digest: Digest) -> None:
    """How a stage is retried or stored cannot change what it computes."""
    stage = "from sample.helper import stage\n@stage\ndef go():\n    return 3\n"
    one, other = (digest({"stage": stage, "helper": STAGE + extra}) for extra in ("", "X = 1\n"))
    assert one == other
    assert "sample.helper" not in one.modules


def test_libraries_count_where_they_are_used(digest: Digest) -> None:
    """Under any alias, with their versions; the standard library counts as Python's."""
    helper = "import json\nimport numpy as np\nimport pyarrow\ndef f():\n    return np.sum(json.loads('1'))\n"
    stage = "from sample.helper import f\ndef go():\n    return f()\n"
    libraries = digest({"stage": stage, "helper": helper}).libraries
    assert set(libraries) == {"numpy", "python"}
    assert libraries["python"] == "{}.{}".format(*sys.version_info)


def test_a_distribution_with_another_name_than_its_module_is_found(
    digest: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "DISTRIBUTIONS", {})
    provenance._distributions.cache_clear()
    stage = "from PIL import Image\ndef go():\n    return Image.open('x')\n"
    assert "pillow" in {name.lower() for name in digest({"stage": stage}).libraries}


def test_a_module_without_a_source_is_refused(digest: Digest) -> None:
    """Better no key than one that does not notice a change."""
    stage = "from sample.absent import f\ndef go():\n    return f()\n"
    with pytest.raises(LookupError, match=r"no source of module `sample\.absent`"):
        digest({"stage": stage})
