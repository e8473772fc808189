"""What the house asks of all code and no linter checks: short functions, one meaning per name, names in one place."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.paths import ROOT

LINES = 45
OWN = [path for room in ("flows", "tasks") for path in sorted((ROOT / room).rglob("*.py"))]
ALL = [*OWN, *sorted((ROOT / "tests").rglob("*.py"))]
OUTPUTS = ROOT / "tasks" / "outputs"

# Modules without a test file of their own name, as they have no behaviour of their own or show it only in a flow.
UNMIRRORED = {
    *("__init__.py", "__main__.py"),
    "flows/command/exits.py",  # the statuses' numbers
    "tasks/page/figures/colours.py",  # three colours
    "tasks/page/figures/plot.py",  # what a plot is made of, as data
    "tasks/table/model/strict.py",  # a base class's settings
    "tasks/runtime/failures.py",  # an error
    "tasks/table/sources/source.py",  # a protocol
    "tasks/table/destinations/session.py",  # and another
    # Stages as a whole: `tests/table/reading.py` calls the first of them, flows the others.
    *(f"tasks/{stage}.py" for stage in ("ingest", "train", "report", "repeats")),
}

Function = ast.FunctionDef | ast.AsyncFunctionDef
TYPE_NAME = re.compile(r"_?[A-Z]\w*[a-z]\w*")  # CamelCase: constants are upper case
FILE_NAME = re.compile(r"[\w-]+\.(npz|parquet|json|keras|html|md|png)")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def nodes(paths: list[Path]) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node of the syntax trees, each with where it is."""
    for path in paths:
        name = path.relative_to(ROOT)
        for node in ast.walk(parsed(path)):
            yield f"{name}:{getattr(node, 'lineno', 1)}", node


def test_functions_are_short() -> None:
    """Their bodies are, from the first statement after the docstring to the last line."""
    functions = [(place, node) for place, node in nodes(ALL) if isinstance(node, Function)]
    lengths = {f"{place} {node.name}": _lines(node) for place, node in functions}
    assert {name: length for name, length in lengths.items() if length > LINES} == {}


def test_a_type_has_a_name_of_its_own() -> None:
    """No class or alias of a type is defined twice."""
    places = defaultdict(list)
    for path in OWN:
        for node in parsed(path).body:
            for name in _types(node):
                places[name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_what_explains_a_constant_is_a_comment() -> None:
    """A string that is a statement is a docstring, the first in a module, class or function."""
    bodies = [
        (place, node) for place, node in nodes(ALL) if isinstance(node, ast.Module | ast.ClassDef | Function)
    ]
    strings = [
        f"{place.partition(':')[0]}:{statement.lineno}"
        for place, node in bodies
        for statement in node.body[1:]
        if isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    ]
    assert strings == []


def test_names_of_files_and_facts_are_known_in_one_place() -> None:
    """No other module writes out a file's name that `tasks.outputs` gives, or looks a fact up by its name."""
    inside = [path for path in OWN if path.is_relative_to(OUTPUTS)]
    names = {
        str(node.value)
        for _, node in nodes(inside)
        if isinstance(node, ast.Constant) and FILE_NAME.fullmatch(str(node.value))
    }
    assert len(names) > 8
    outside = [path for path in OWN if not path.is_relative_to(OUTPUTS)]
    assert [place for place, node in nodes(outside) if _is_known_by_name(node, names)] == []


def test_tests_mirror_the_rooms() -> None:
    """Each module has a test file of its own name in the same room; what is excused is still there, and has none."""
    missing, excused = [], set()
    for path in OWN:
        name = path.relative_to(ROOT)
        room = name.parent if name.parts[0] == "flows" else name.relative_to("tasks").parent
        has_own = (ROOT / "tests" / room / f"test_{path.name}").exists()
        found = {str(name), path.name} & UNMIRRORED
        excused |= found if not has_own else set()
        if not has_own and not found:
            missing.append(str(name))
    assert missing == []
    assert UNMIRRORED - excused == set()


def _lines(function: Function) -> int:
    first, *rest = function.body
    begin = rest[0] if rest and ast.get_docstring(function) else first
    return (function.end_lineno or 0) - begin.lineno + 1


def _types(node: ast.stmt) -> list[str]:
    """Return the types that a top-level statement names."""
    if isinstance(node, ast.ClassDef):
        return [node.name]
    if not isinstance(node, ast.Assign | ast.AnnAssign) or isinstance(node.value, ast.Attribute):
        return []  # an attribute is another module's type under its own name
    targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
    return [name for name in map(ast.unparse, targets) if TYPE_NAME.fullmatch(name)]


def _is_known_by_name(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Attribute) and node.value.attr == "facts"
    return isinstance(node, ast.Constant) and node.value in names
