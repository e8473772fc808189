"""What a stage's code is: every first-party definition that it reaches, and the libraries that these use.

The sources are read, not run. From a function the walk follows each name that it loads to its definition (function,
class with all its methods, module constant), through imports and `module.attribute`, across first-party modules.
What cannot change a result does not count: comments, formatting, docstrings and the annotations of functions.
"""

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import packages_distributions, version
from pathlib import Path

FIRST_PARTY = ("tasks",)
NO_NUMBERS = ("prefect", "pydantic")
"""Libraries that carry the stages but cannot change what these compute."""

Definition = tuple[str, str]
"""A module's full name and a top-level name in it; the empty name stands for statements that bind none."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The code that a stage reaches: a digest by first-party module, a version by third-party library."""

    modules: dict[str, str]
    libraries: dict[str, str]


@cache
def provenance(module: str, name: str) -> Provenance:
    """Return the code behind the function `name` of `module`, a stage whose decorator is not part of it.

    Raises:
        LookupError: a definition is not found, or its module has no source to read.
    """
    reached, libraries = _reach((module, name))
    by_module: dict[str, str] = {}
    for (where, what), source in sorted(reached.items()):
        by_module[where] = by_module.get(where, "") + f"{what}\n{source}\n"
    digests = {where: hashlib.sha256(text.encode()).hexdigest() for where, text in by_module.items()}
    return Provenance(digests, {library: version(library) for library in sorted(libraries)})


def _reach(start: Definition) -> tuple[dict[Definition, str], set[str]]:
    """Walk from `start`; return the normalised source of each definition met, and the distributions met."""
    reached: dict[Definition, str] = {}
    libraries: set[str] = set()
    ahead = [start]
    while ahead:
        definition = ahead.pop()
        if definition in reached:
            continue
        module, name = definition
        nodes = _parsed(module).nodes(name)
        if definition == start:
            nodes = [_undecorated(node) for node in nodes]
        reached[definition] = "\n".join(ast.dump(node) for node in nodes)
        ahead.append((module, ""))
        for used in _parsed(module).uses(nodes):
            if _is_first_party(used[0]):
                ahead += _definitions(used)
            else:
                libraries |= _distributions(used[0])
    return reached, libraries


def _definitions(used: Definition) -> list[Definition]:
    """Resolve what a first-party reference stands for; a reference to a whole module stands for all of its names."""
    module, name = used
    return [(module, name)] if name else [(module, each) for each in ("", *_parsed(module).bindings)]


def _is_first_party(module: str) -> bool:
    return module.partition(".")[0] in FIRST_PARTY


def _is_module(name: str) -> bool:
    return _is_first_party(name) and _spec(name) is not None


@cache
def _spec(name: str) -> ModuleSpec | None:
    """Find a module without importing the packages above it, as `importlib.util.find_spec` would."""
    parent, _, _ = name.rpartition(".")
    if not parent:
        return importlib.util.find_spec(name)
    above = _spec(parent)
    if above is None or above.submodule_search_locations is None:
        return None
    return PathFinder.find_spec(name, above.submodule_search_locations)


@cache
def _distributions(module: str) -> frozenset[str]:
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top in NO_NUMBERS:
        return frozenset()
    return frozenset(_packages().get(top, ()))


@cache
def _packages() -> dict[str, list[str]]:
    return dict(packages_distributions())


@dataclass(frozen=True, slots=True)
class _Module:
    """One parsed source file: its statements by the names that they bind, and what its imports stand for."""

    name: str
    bindings: dict[str, list[ast.stmt]]
    imports: dict[str, Definition]
    statements: list[ast.stmt]

    def nodes(self, name: str) -> list[ast.stmt]:
        """Return the statements that bind a name, or for the empty name those that bind none."""
        if name and name not in self.bindings:
            raise LookupError(f"`{self.name}` has no top-level `{name}`")
        return self.bindings[name] if name else self.statements

    def uses(self, nodes: list[ast.stmt]) -> Iterator[Definition]:
        """Yield what statements refer to: this module's own top-level names, and imported ones."""
        for each in (inner for node in nodes for inner in _loads(node)):
            name, attribute = each
            if name in self.imports:
                yield _through(self.imports[name], attribute)
            elif name in self.bindings:
                yield self.name, name


def _through(imported: Definition, attribute: str) -> Definition:
    """Follow `imported.attribute` where what was imported is a module; else the import itself is the reference."""
    module, name = imported
    if name and _is_module(f"{module}.{name}"):
        module, name = f"{module}.{name}", ""
    if name or not attribute:
        return module, name
    return (f"{module}.{attribute}", "") if _is_module(f"{module}.{attribute}") else (module, attribute)


def _loads(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield each name that is read, with the attribute taken from it (or the empty string)."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name):
            yield child.value.id, child.attr
        elif isinstance(child, ast.Name):
            yield child.id, ""
        else:
            yield from _loads(child)


@cache
def _parsed(module: str) -> _Module:
    spec = _spec(module)
    if spec is None or spec.origin is None:
        raise LookupError(f"no source of module `{module}` to read")
    tree = _Normalised().visit(ast.parse(Path(spec.origin).read_text(encoding="utf-8")))
    package = module if spec.submodule_search_locations else module.rpartition(".")[0]
    bindings: dict[str, list[ast.stmt]] = {}
    statements = []
    for node in tree.body:
        names = list(_bound(node))
        for name in names:
            bindings.setdefault(name, []).append(node)
        if not names and not isinstance(node, ast.Import | ast.ImportFrom):
            statements.append(node)
    return _Module(module, bindings, dict(_imported(tree, package)), statements)


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a top-level statement gives a value, its branches and loops included."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    else:
        for child in ast.iter_child_nodes(node):
            yield from _bound(child)


def _imported(tree: ast.AST, package: str) -> Iterator[tuple[str, Definition]]:
    """Yield the names that imports bind, at the top level or inside a function, with what they stand for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], (alias.name, "")
        elif isinstance(node, ast.ImportFrom):
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                yield alias.asname or alias.name, (source, alias.name)


def _undecorated(node: ast.stmt) -> ast.stmt:
    if not isinstance(node, ast.FunctionDef):
        return node
    fields = {field: value for field, value in ast.iter_fields(node) if field != "decorator_list"}
    return ast.FunctionDef(**fields, decorator_list=[])


class _Normalised(ast.NodeTransformer):
    """Takes away what cannot change a result: strings that stand alone (docstrings), annotations of functions."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if isinstance(node.value, ast.Constant) else node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(arg=node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        return node
