"""What a stage's code is: every first-party definition that it reaches, and the libraries that these use.

The sources are read, not run. From a function the walk follows each name that it reads to its definition (function,
class with all its methods, module constant), through imports, aliases, re-exports and `package.module.attribute`,
across first-party modules. Whatever an import runs besides definitions counts too, and what two branches of an `if`
or `try` bind under one name counts twice. What cannot change a result does not count: comments, formatting,
docstrings, the order of imports, and the annotations of undecorated functions.

In doubt the walk takes too much: names are not distinguished by scope, and a module or class that is used as a value
counts whole. It cannot see what is looked up by a computed name (`import_module(text)`, `getattr` on `sys.modules`),
environment variables, or the kind of processor. The sources are read once per process, as they are on the disk then.
"""

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version

from tasks.runtime.modules import BEHAVIOUR, EFFECTS, WHOLE, Definition, is_first_party, parsed

# Libraries that carry the stages but cannot change what these compute.
NO_NUMBERS = frozenset({"distributed", "prefect", "pydantic", "pydantic_core"})

# Distributions whose name differs from their module; looking them up takes a tenth of a second.
DISTRIBUTIONS = {"PIL": "pillow"}


@dataclass(frozen=True, slots=True)
class Provenance:
    """The code that a stage reaches: a digest by first-party module, a version by third-party library."""

    modules: dict[str, str]
    libraries: dict[str, str]


@cache
def provenance(module: str, name: str) -> Provenance:
    """Return the code behind the function `name` of `module`, a stage whose decorator is not part of it.

    Python itself is among the libraries: since 3.12, for one, `sum` adds floats more exactly.

    Raises:
        LookupError: a module on the way has no source to read.
    """
    reached, libraries = _reach((module, name))
    by_module: dict[str, str] = {}
    for (where, what), source in sorted(reached.items()):
        if source:
            by_module[where] = by_module.get(where, "") + f"{what}\n{source}\n"

    digests = {where: hashlib.sha256(text.encode()).hexdigest() for where, text in by_module.items()}
    versions = {library: version(library) for library in sorted(libraries)}
    return Provenance(digests, versions | {"python": "{}.{}".format(*sys.version_info)})


def _reach(stage: Definition) -> tuple[dict[Definition, str], set[str]]:
    """Walk from a stage; return the normalised source of each definition met, and the distributions met."""
    reached: dict[Definition, str] = {}
    libraries: set[str] = set()
    ahead = [stage, *_parameters(stage)]
    while ahead:
        definition = ahead.pop()
        if definition in reached:
            continue

        module, name = definition
        source, used = parsed(module).definition(name, stage)
        reached[definition] = source
        ahead.append((module, EFFECTS))  # whoever uses a definition imports its module

        for each in used:
            if is_first_party(each[0]):
                ahead.append(each)
            else:
                libraries |= _distributions(each[0].partition(".")[0])
    return reached, libraries


def _parameters(stage: Definition) -> Iterator[Definition]:
    """Yield the behaviour of the classes that a stage's parameters are annotated with.

    Their fields' values are in the key already; what is left of such a class is its methods, properties and
    constants, which the stage's code calls by attribute.
    """
    module, name = stage
    for where, what in parsed(module).annotations(name):
        if is_first_party(where) and what != WHOLE:
            yield where, what + BEHAVIOUR


@cache
def _distributions(top: str) -> frozenset[str]:
    if top in sys.stdlib_module_names or top in NO_NUMBERS:
        return frozenset()
    likely = DISTRIBUTIONS.get(top, top)
    try:
        version(likely)
    except PackageNotFoundError:
        return frozenset(_by_module().get(top, ()))
    return frozenset({likely})


@cache
def _by_module() -> Mapping[str, Sequence[str]]:
    """Look the distributions of all modules up, once: of the optional libraries several may be missing."""
    return packages_distributions()
