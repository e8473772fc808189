"""A program that edits a checkout in many ways, and after each says what a run would do; see `test_caching.py`.

    python forecasts.py CHECKOUT < cases.json > outlooks.json

A case is `{"edits": [[kind, file, name], …], "settings": {…}, "versions": {library: version}}`. Sources are read for
a stage's key, not run, so that one process can look at many edits.
"""

import ast
import importlib
import json
import sys
from collections.abc import Callable
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any


def edited(kind: str, text: str, name: str) -> str:
    """Return a module's text with one edit.

    Kinds: `body` (a statement more in a function), `default` (of a function's first parameter that has one),
    `constant` (another expression), `unparsed` (no comments, other formatting), `documented` (other docstrings),
    `added` (a function that nobody calls).
    """
    tree = ast.parse(text)
    if kind in {"unparsed", "documented"}:
        return ast.unparse(tree if kind == "unparsed" else _Redocumented().visit(tree))
    if kind == "added":
        return text + "\n\ndef nobody_calls_this(x):\n    return x\n"
    if kind == "constant":
        return next((_wrapped(text, value) for value in _values(tree, name)), text)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name]
    return _edited_function(kind, text, functions[0]) if functions else text


def _edited_function(kind: str, text: str, function: ast.FunctionDef) -> str:
    if kind == "default":
        return _wrapped(
            text, next(each for each in [*function.args.defaults, *function.args.kw_defaults] if each)
        )
    first = function.body[1] if ast.get_docstring(function) else function.body[0]
    lines = text.splitlines()
    return "\n".join(
        [*lines[: first.lineno - 1], " " * first.col_offset + "_edited = 1", *lines[first.lineno - 1 :]]
    )


def _values(tree: ast.Module, name: str) -> Any:
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
            yield node.value


def _wrapped(text: str, node: ast.expr) -> str:
    """Put another expression in place of a node: of the same value, but no one can know that who only reads it."""
    source = ast.get_source_segment(text, node)
    lines = text.splitlines(keepends=True)
    before = "".join(lines[: node.lineno - 1]).encode() + lines[node.lineno - 1].encode()[: node.col_offset]
    after = text.encode()[len(before) + len(str(source).encode()) :]
    return before.decode() + f"({source}, 0)[0]" + after.decode()


def _version(own: dict[str, str], real: Callable[[str], str], library: str) -> str:
    return own.get(library) or real(library)


class _Redocumented(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value = ast.Constant("Say something else.")
        return node


def main(checkout: Path) -> None:
    """Answer the cases on standard input."""
    sys.path.insert(0, str(checkout))
    from flows.regression import stages
    from tasks.config import Settings
    from tasks.runtime import modules, provenance
    from tasks.runtime.dry_run import DryRun

    real_version = metadata.version
    # What was found in a text stays true as long as no module comes or goes.
    parsed_text = modules.parsed_text
    read = cache(parsed_text)
    answers = []
    for case in json.load(sys.stdin):
        kept: dict[Path, str] = {}
        for kind, pattern, name in case.get("edits", []):
            for path in [path for path in sorted(checkout.glob(pattern)) if name in path.read_text()]:
                kept.setdefault(path, path.read_text())
                path.write_text(edited(kind, path.read_text(), name))
            if not any(path.read_text() != text for path, text in kept.items()):
                raise LookupError(f"nothing to edit for {kind} {pattern} {name}")
        for path, text in case.get("files", {}).items():
            (checkout / path).write_text(text)
        versions = case.get("versions", {})
        vars(provenance)["version"] = partial(_version, versions, real_version)
        for cached in (provenance.provenance, provenance._distributions, modules.parsed, modules._spec):
            cached.cache_clear()
        importlib.invalidate_caches()
        vars(modules)["parsed_text"] = parsed_text if case.get("files") else read
        settings = Settings.model_validate(case["settings"])
        forecast = DryRun(Path(settings.artifacts))
        stages(forecast, settings)
        answers.append(forecast.stages)
        for path, text in kept.items():
            path.write_text(text)
        for path in case.get("files", {}):
            (checkout / path).unlink()
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
