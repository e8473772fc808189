"""What the house asks of all code and no linter checks: short functions, one meaning per name, comments as comments."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.paths import ROOT

LINES = 45
OWN = [path for room in ("flows", "tasks") for path in sorted((ROOT / room).rglob("*.py"))]
ALL = [*OWN, *sorted((ROOT / "tests").rglob("*.py"))]

Function = ast.FunctionDef | ast.AsyncFunctionDef


def nodes(paths: list[Path]) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node of the syntax trees, each with where it is."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}", node


def test_functions_are_short() -> None:
    """From `def` to the last line, docstring included."""
    functions = [(place, node) for place, node in nodes(ALL) if isinstance(node, Function)]
    lengths = {f"{place} {node.name}": (node.end_lineno or 0) - node.lineno + 1 for place, node in functions}
    assert {name: length for name, length in lengths.items() if length > LINES} == {}


def test_a_type_has_a_name_of_its_own() -> None:
    """No class or alias of a type is defined twice; private ones too, since readers meet both."""
    places = defaultdict(list)
    for place, node in nodes(OWN):
        if isinstance(node, ast.ClassDef):
            places[node.name].append(place)
        elif isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
            places[ast.unparse(node.target)].append(place)
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
