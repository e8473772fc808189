"""One parsed first-party module: what its top-level names are bound to, and what a definition in it refers to."""

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from tasks.store.syntax_trees import asked_again

FIRST_PARTY = ("tasks",)

# In place of a name: what importing the module runs besides definitions, there and in the modules it imports.
EFFECTS = ""

# In place of a name: everything in the module.
WHOLE = "*"

# After a class's name: its methods and constants, without its fields and their validators.
BEHAVIOUR = "()"

# A module's full name, and a top-level name in it or one of the above.
Definition = tuple[str, str]

_NAMELESS = (ast.expr_context, ast.Constant, ast.operator, ast.cmpop, ast.unaryop, ast.boolop)

# A name and the attributes taken from it: `sgd.Rule.rate` is `("sgd", "Rule", "rate")`.
Chain = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """A module's statements by the names that they bind, and what its imports stand for."""

    name: str
    bindings: dict[str, list[ast.stmt]]
    effects: list[ast.stmt]

    # By name, whether it is imported at the top or inside a function: the module, and what is taken from it.
    imports: dict[str, list[tuple[str, Chain]]]

    # What `definition` has returned: many are reached from several stages.
    known: dict[tuple[str, str | None], tuple[str, set[Definition]]] = field(default_factory=dict)

    def definition(self, name: str, stage: Definition) -> tuple[str, set[Definition]]:
        """Return the normalised source of a definition and what it refers to; a stage's decorator is left out."""
        own = stage[1] if stage[0] == self.name else None  # elsewhere it is the same for every stage
        if (name, own) not in self.known:
            self.known[name, own] = self._definition(name, own)
        return self.known[name, own]

    def _definition(self, name: str, stage: str | None) -> tuple[str, set[Definition]]:
        if name == EFFECTS:
            # The decorated stage itself is an effect of its module, which would bring its decorator in again.
            own = self.bindings.get(stage, []) if stage else []
            nodes = [node for node in self.effects if node not in own]
            source, used = self._described(nodes, set()) if nodes else ("", set())
            return source, used | {(module, EFFECTS) for module in self._imported_modules()}
        if name == WHOLE:
            return "", {(self.name, each) for each in (*self.bindings, *self.imports) if each != WHOLE}
        if name.endswith(BEHAVIOUR):
            return self._behaviour(name.removesuffix(BEHAVIOUR))

        nodes = self.bindings.get(name, [])
        if name == stage:
            nodes = [_plain(node) for node in nodes]
        elsewhere = {followed(module, chain) for module, chain in self.imports.get(name, ())}
        # A name that nothing binds is made at run time, or comes by a star: everything here may be behind it.
        if not nodes and not elsewhere and not _is_magic(name):
            elsewhere = {(self.name, WHOLE), *self._starred()}
        return self._described(nodes, elsewhere)

    def annotations(self, name: str) -> set[Definition]:
        """Return what the annotations of a function's parameters refer to."""
        functions = [node for node in self.bindings.get(name, []) if isinstance(node, ast.FunctionDef)]
        notes = [note for node in functions for arg in ast.walk(node.args) if (note := _annotation(arg))]
        return self._uses(notes)

    def _behaviour(self, name: str) -> tuple[str, set[Definition]]:
        classes = [node for node in self.bindings.get(name, []) if isinstance(node, ast.ClassDef)]
        above = {(where, what + BEHAVIOUR) for node in classes for where, what in self._uses(node.bases)}
        kept = [item for node in classes for item in node.body if not _is_field_or_check(item)]
        reexported = {followed(module, chain) for module, chain in self.imports.get(name, ())}
        elsewhere = above | {(where, what + BEHAVIOUR) for where, what in reexported}
        return self._described(kept, {each for each in elsewhere if is_first_party(each[0])})

    def _described(self, nodes: Sequence[ast.AST], more: set[Definition]) -> tuple[str, set[Definition]]:
        """Return the nodes' source with what the imported names in it stand for, and all that they refer to.

        Imports are no part of the source, so what each name stands for is: the same name may come from elsewhere.
        """
        resolved = self._resolved(nodes)
        imported = {f"{name} is {module}:{what}" for name, (module, what) in resolved if module != self.name}
        beyond = {f"{module}:{what}" for module, what in more}
        lines = [*map(ast.dump, nodes), *sorted(imported), *sorted(beyond)]
        return "\n".join(lines), {definition for _, definition in resolved} | more

    def _uses(self, nodes: Sequence[ast.AST]) -> set[Definition]:
        return {definition for _, definition in self._resolved(nodes)}

    def _resolved(self, nodes: Sequence[ast.AST]) -> set[tuple[str, Definition]]:
        """Return each name in the nodes with a definition that it may stand for."""
        found: set[tuple[str, Definition]] = set()
        for first, *rest in (chain for node in nodes for chain in _chains(node)):
            if first in self.bindings:
                found.add((first, (self.name, first)))
            for module, chain in self.imports.get(first, ()):
                found.add((first, followed(module, (*chain, *rest))))
            if first not in self.bindings and first not in self.imports:
                found |= {(first, definition) for definition in self._starred()}
        return found

    def _starred(self) -> set[Definition]:
        return {(module, WHOLE) for module, _ in self.imports.get(WHOLE, ())}

    def _imported_modules(self) -> set[str]:
        """Return the first-party modules that importing this one imports: named ones, and packages above them."""
        names = {self.name}
        for module, chain in (each for several in self.imports.values() for each in several):
            where, what = followed(module, tuple(part for part in chain if part != WHOLE))
            names |= {where} if what == WHOLE or not is_module(f"{where}.{what}") else {f"{where}.{what}"}
        above = {name.rsplit(".", depth)[0] for name in names for depth in range(name.count(".") + 1)}
        return {name for name in above if is_first_party(name)} - {self.name}


def followed(module: str, chain: Chain) -> Definition:
    """Follow attributes from a module, through the modules inside it, to a top-level name."""
    while chain and is_module(f"{module}.{chain[0]}"):
        module, chain = f"{module}.{chain[0]}", chain[1:]
    return module, chain[0] if chain else WHOLE


def is_first_party(module: str) -> bool:
    """Say whether a module is one of ours."""
    return module.partition(".")[0] in FIRST_PARTY


def is_module(name: str) -> bool:
    """Say whether a full name is that of a first-party module, not of something in one."""
    return is_first_party(name) and _spec(name) is not None


@cache
def parsed(module: str) -> Module:
    """Read and parse a module.

    Raises:
        LookupError: there is no such module, or no source of it.
    """
    spec = _spec(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise LookupError(f"no source of module `{module}` to read")
    package = module if spec.submodule_search_locations is not None else module.rpartition(".")[0]
    return parsed_text(Path(spec.origin).read_text(encoding="utf-8"), module, package)


def parsed_text(text: str, module: str, package: str) -> Module:
    """Parse the text of a module, whose relative imports are from a package."""
    normalised = _Normalised(package)
    body, imports = normalised.statements(_tree(text).body), normalised.imports
    bindings: dict[str, list[ast.stmt]] = {}
    for node in body:
        for name in dict.fromkeys(_bound(node)):
            bindings.setdefault(name, []).append(node)

    effects = [node for node in body if not _only_binds(node, {*imports, *bindings}, imports)]
    return Module(module, bindings, effects, imports)


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


def _imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, tuple[str, Chain]]]:
    """Yield each name that an import binds, with the module it is from and what is taken from that."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            top = alias.name.partition(".")[0]
            yield (alias.asname, (alias.name, ())) if alias.asname else (top, (top, ()))
            yield f"import {alias.name}", (alias.name, ())
    else:
        source = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
        for alias in node.names:
            yield alias.asname or alias.name, (source, (alias.name,))


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a top-level statement gives a value, its branches and loops included."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    else:
        for child in ast.iter_child_nodes(node):
            yield from _bound(child)


def _only_binds(node: ast.stmt, names: set[str], imports: dict[str, list[tuple[str, Chain]]]) -> bool:
    """Say whether a statement does nothing but bind names: no call for its effect, no branch, no item assignment.

    A definition under a decorator of ours may register itself somewhere, so it does more.
    """
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        roots = {chain[0] for decorator in node.decorator_list for chain in _chains(decorator)}
        foreign = {name for name in roots if name in imports and not _is_ours(imports[name])}
        return not (roots & names) - foreign
    if isinstance(node, ast.Assign):
        return all(isinstance(each, ast.Name | ast.Tuple | ast.List) for each in node.targets)
    return isinstance(node, ast.AnnAssign | ast.AugAssign) and isinstance(node.target, ast.Name)


def _is_ours(sources: Sequence[tuple[str, Chain]]) -> bool:
    return any(is_first_party(module) for module, _ in sources)


def _chains(node: ast.AST) -> list[Chain]:
    """Return each name in a node, with the attributes that are taken from it."""
    found: list[Chain] = []
    ahead = [node]
    while ahead:
        inner = ahead.pop()
        attributes: list[str] = []
        while isinstance(inner, ast.Attribute):
            attributes.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            found.append((inner.id, *reversed(attributes)))
        else:
            ahead += _inside(inner)
    return found


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes right below a node but for those that hold no name, which are as many as all others."""
    for name in node._fields:
        value = getattr(node, name, None)
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, ast.AST) and not isinstance(each, _NAMELESS):
                yield each


def _annotation(node: ast.AST) -> ast.expr | None:
    return node.annotation if isinstance(node, ast.arg) else None


def _plain(node: ast.stmt) -> ast.stmt:
    """Return a function without its decorators and annotations."""
    if not isinstance(node, ast.FunctionDef):
        return node
    own = {
        "decorator_list": [],
        "args": deepcopy(node.args),
    }  # the annotations of a stage are asked for again
    return _unannotated(ast.FunctionDef(**dict(ast.iter_fields(node)) | own))


def _is_field_or_check(item: ast.stmt) -> bool:
    if isinstance(item, ast.FunctionDef):
        return any(chain[-1].endswith("validator") for each in item.decorator_list for chain in _chains(each))
    if isinstance(item, ast.AnnAssign):
        return not any("ClassVar" in chain for chain in _chains(item.annotation))
    return isinstance(item, ast.Assign) and any(chain == ("model_config",) for chain in _chains(item))


def _is_magic(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


class _Normalised:
    """Takes away what cannot change a result: docstrings, annotations of functions; and imports, which it resolves.

    All of these are statements or belong to one, so expressions, most of a tree, are not looked into.
    """

    def __init__(self, package: str) -> None:
        """Start with no imports; relative ones are from `package`."""
        self.package = package
        self.imports: dict[str, list[tuple[str, Chain]]] = {}

    def statements(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Return what is left of some statements."""
        kept = []
        for node in body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for name, source in _imported(node, self.package):
                    self.imports.setdefault(name, []).append(source)
            elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
                self._inside(node)
                if isinstance(node, ast.FunctionDef) and not node.decorator_list:  # which may read them
                    node = _unannotated(node)  # noqa: PLW2901
                kept.append(node)
        return kept

    def _inside(self, node: ast.AST) -> None:
        """Look into the statements inside one."""
        for name in node._fields:
            value = getattr(node, name, None)
            if not isinstance(value, list) or not value:
                continue
            if isinstance(value[0], ast.stmt):
                setattr(node, name, self.statements(value))
            elif isinstance(value[0], ast.ExceptHandler | ast.match_case):
                for each in value:
                    self._inside(each)


def _unannotated(node: ast.FunctionDef) -> ast.FunctionDef:
    fields = dict(ast.iter_fields(node)) | {"args": _Bare().visit(node.args), "returns": None}
    return ast.FunctionDef(**fields)


class _Bare(ast.NodeTransformer):
    """Takes the annotations from a function's parameters; their defaults stay."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(arg=node.arg)


def _tree(text: str) -> ast.Module:
    return asked_again(lambda: ast.parse(text))
