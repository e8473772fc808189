"""Formulas are read once: later runs take what they say from the store, as long as the code is the same."""

from pathlib import Path

import pytest

from tasks.runtime import formulas
from tasks.runtime.formulas import FILE, MOST, read_formula
from tasks.table.errors import BadTable
from tasks.table.terms.formula import Formula, parse
from tests.processes import environment, imported

TEXTS = [
    "price ~ area * city + log(`net income`) + C(store) + month(sold_on)",
    "y ~ poly(log(x), 2) * k + scale(z, scale=FALSE) + trend(d):k + I(-x**0.1)",
]
PANDAS = {"formulaic", "pandas", "tensorflow", "keras", "scipy", "matplotlib"}


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the texts of which the parser is asked, as they come."""
    asked: list[str] = []

    def counted(text: str) -> Formula:
        asked.append(text)
        return parse(text)

    monkeypatch.setattr(formulas, "parse", counted)
    return asked


@pytest.mark.parametrize("text", TEXTS)
def test_a_formula_is_read_once(text: str, tmp_path: Path, parser: list[str]) -> None:
    """What is remembered of it is all that it says."""
    assert [read_formula(text, tmp_path) for _ in range(3)] == [parse(text)] * 3
    assert parser == [text]
    assert read_formula("y ~ z", tmp_path) == parse("y ~ z")
    assert read_formula(text, tmp_path) == parse(text)
    assert parser == [text, "y ~ z"]


def test_other_code_reads_it_anew(tmp_path: Path, parser: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It may refuse or understand what the code before did not."""
    read_formula(TEXTS[0], tmp_path)
    monkeypatch.setattr(formulas, "_code", lambda: "other")
    for _ in range(2):
        read_formula(TEXTS[0], tmp_path)
    assert parser == [TEXTS[0]] * 2


@pytest.mark.parametrize(
    "garbled", [b"", b"{}", b"[1]", b'{"format": 2}', b'{"format": 1, "code": "x", "a": 1}']
)
def test_a_garbled_list_costs_one_more_reading(tmp_path: Path, parser: list[str], garbled: bytes) -> None:
    """And is written anew."""
    (tmp_path / FILE).write_bytes(garbled)
    for _ in range(2):
        assert read_formula(TEXTS[0], tmp_path) == parse(TEXTS[0])
    assert parser == [TEXTS[0]]


def test_without_a_store_nothing_is_written(tmp_path: Path, parser: list[str]) -> None:
    """Neither where none is named, nor where there is none yet."""
    for root in (None, None, tmp_path / "absent", tmp_path / "absent"):
        read_formula(TEXTS[0], root)
    assert len(parser) == 4
    assert [*tmp_path.iterdir()] == []


def test_a_refused_formula_is_not_remembered(tmp_path: Path) -> None:
    """It is refused again, with the same line."""
    for _ in range(2):
        with pytest.raises(BadTable, match="calls a function that is not known"):
            read_formula("y ~ cos(x)", tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_the_latest_are_remembered(tmp_path: Path, parser: list[str]) -> None:
    """Of more, the first one is read anew."""
    texts = [f"y ~ x{number}" for number in range(MOST + 1)]
    for text in [*texts, texts[0], texts[-1]]:
        read_formula(text, tmp_path)
    assert parser == [*texts, texts[0]]


def test_a_first_look_with_a_known_formula_loads_no_pandas(tmp_path: Path) -> None:
    """The parser would bring it along; a process that has the formula from the store does without."""
    (tmp_path / "t.csv").write_text("x,y\n1,2\n2,3\n")
    program = (
        "import sys; from pathlib import Path; from tasks.config import Input\n"
        "from tasks.runtime.user_table import check, table_of\n"
        "given, root = Input(data=sys.argv[1], formula='y ~ log(x)'), Path(sys.argv[2])\n"
        "check(given, (), root); table_of(given, (), root)"
    )
    read_formula("y ~ log(x)", tmp_path)
    assert not PANDAS & imported(program, tmp_path / "t.csv", tmp_path)


@pytest.mark.slow
def test_a_cached_run_with_a_formula_loads_no_pandas(tmp_path: Path, prefect_server: str) -> None:
    """The whole command: the first run reads the formula, the second one finds everything."""
    rows = "\n".join(f"{x},{2 * x + x % 3}" for x in range(1, 60))
    (tmp_path / "t.csv").write_text(f"x,y\n{rows}\n")
    program = "from flows.command.cli import main; main()"
    command = ["run", "--json", "--data", str(tmp_path / "t.csv"), "--formula", "y ~ poly(x, 2)"]
    env = environment(tmp_path / "prefect", prefect_server)
    first, second = (imported(program, *command, env=env, cwd=tmp_path) for _ in range(2))
    assert {"formulaic", "pandas"} <= first
    assert not PANDAS & second
