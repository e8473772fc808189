"""A formula as text becomes data: `price ~ area * city + log(income) + C(store) + month(sold_on)`.

formulaic finds the signs and their order; it evaluates nothing. What stands inside of a function is read by Python's
parser, and only what this module knows is taken over: names of columns, numbers, arithmetic and a fixed list of
functions. Length, depth and the number of terms are limited.
"""

import ast
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from tasks.table.errors import BadTable, printable, quoted
from tasks.table.terms.design import Terms, coded
from tasks.table.terms.expression import (
    ColumnValue,
    ConstantValue,
    DatePart,
    DateValue,
    Expression,
    FunctionCall,
    FunctionName,
    columns_of,
    dates_of,
)
from tasks.table.terms.variables import (
    MOST_POWERS,
    LevelPart,
    LevelVariable,
    NumberVariable,
    PowerBasis,
    Standardization,
)

# Limits: characters, signs and names, functions within functions, terms, and the highest power of a sum.
MOST_CHARACTERS, MOST_TOKENS, DEEPEST, MOST_TERMS, HIGHEST = 4000, 400, 50, 500, 6

FUNCTIONS: tuple[FunctionName, ...] = ("log", "log2", "log10", "log1p", "exp", "sqrt", "abs")
DATE_NUMBERS: tuple[DatePart, ...] = ("year", "trend")
DATE_LEVELS: tuple[LevelPart, ...] = ("month", "weekday")
LEVELS = ("C", "factor")
# What is fitted to the training rows, and so stands in a term by itself.
BASES = ("poly", "scale", "center")
SPLINES = ("bs", "ns", "cr", "cc", "cs", "s", "te")
KNOWN = (*LEVELS, "I", *FUNCTIONS, "pow", *BASES, *DATE_NUMBERS, *DATE_LEVELS)

_OPERATORS: Mapping[type[ast.operator], FunctionName] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
}

# A term is the set of its variables; the empty one is the intercept.
TermSet: TypeAlias = dict[frozenset[int], None]


@dataclass(frozen=True, slots=True)
class PlainVariable:
    """A column by its name alone: a number or levels, as the table has it."""

    column: str


FormulaVariable: TypeAlias = PlainVariable | NumberVariable | LevelVariable


@dataclass(frozen=True, slots=True)
class Formula:
    """What a formula says, before anything is known of the table: variables, and terms as places of them."""

    target: str
    variables: tuple[FormulaVariable, ...]
    products: tuple[tuple[int, ...], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names, in their order."""
        return tuple(dict.fromkeys(name for each in self.variables for name in _columns(each)))

    @property
    def levels(self) -> tuple[str, ...]:
        """Those that it calls categories."""
        named = (each for each in self.variables if isinstance(each, LevelVariable) and each.part is None)
        return tuple(dict.fromkeys(each.column for each in named))

    @property
    def dates(self) -> tuple[str, ...]:
        """Those that it takes for dates."""
        return tuple(dict.fromkeys(name for each in self.variables for name in _dates(each)))

    @property
    def plain(self) -> tuple[str, ...]:
        """Those that may be categories: it names them, and computes nothing of them."""
        computed = {
            name for each in self.variables if isinstance(each, NumberVariable) for name in each.columns
        }
        named = (each.column for each in self.variables if isinstance(each, PlainVariable))
        return tuple(name for name in named if name not in computed)

    def terms(self, categorical: Collection[str]) -> Terms:
        """Return the terms, now that the columns of categories are known."""
        resolved = [_resolved(each, categorical) for each in self.variables]
        unique = list(dict.fromkeys(resolved))
        place = [unique.index(each) for each in resolved]
        products = dict.fromkeys(tuple(sorted({place[v] for v in term})) for term in self.products)
        return coded(unique, sorted(products, key=len))


def date_terms(columns: Sequence[str]) -> Terms:
    """Return the terms that columns of dates become without a formula: year, month, weekday and trend."""
    variables: list[NumberVariable | LevelVariable] = []
    for name in columns:
        year, trend = (_date_number(part, name) for part in DATE_NUMBERS)
        month, weekday = (_date_level(part, name) for part in DATE_LEVELS)
        variables += [year, month, weekday, trend]
    return coded(variables, [(place,) for place in range(len(variables))])


@lru_cache(maxsize=8)
def parse(text: str) -> Formula:
    """Read a formula.

    Raises:
        BadTable: it says what is not known here, or is beyond the limits; or the package formulaic is not installed.
    """
    if len(text) > MOST_CHARACTERS:
        raise _refusal(
            f"it has {len(text):,} characters, {MOST_CHARACTERS:,} are allowed", "name fewer terms"
        )
    target, right = _sides(_tree(_with_powers(text)))
    reader = _TermCollector()
    found = reader.terms(right)
    if frozenset() not in found:
        raise _refusal("it takes the intercept out", "write it without `- 1` and `0 +`, and set `--no-bias`")
    products = sorted((tuple(sorted(term)) for term in found if term), key=len)
    if not products:
        raise _refusal("no term stands on the right of ~", "name at least one column")
    formula = _in_use(target, reader.variables, products)
    _check(formula)
    return formula


def _tree(text: str) -> Any:
    """Return the tree of signs and names that formulaic makes of a formula."""
    try:
        from formulaic.errors import FormulaicError
        from formulaic.parser import DefaultFormulaParser
    except ModuleNotFoundError as error:
        raise BadTable(
            f"`formula` needs the package {error.name}; `pip install '.[formula]'` in the checkout"
        ) from error
    parser = DefaultFormulaParser(feature_flags={"twosided"})
    try:
        tokens = list(itertools.islice(parser.get_tokens(text), MOST_TOKENS + 1))
        if len(tokens) > MOST_TOKENS:
            raise _refusal(f"it has more than {MOST_TOKENS} names and signs", "name fewer terms")
        return parser.get_ast(text)
    except (FormulaicError, SyntaxError, ValueError) as error:
        if isinstance(error, BadTable):
            raise
        reason = printable(str(error).partition("\n")[0])[:120]
        raise _refusal(f"it cannot be read ({reason})", "write target ~ term + term") from error
    except (RecursionError, MemoryError) as error:
        raise BadTable("`formula`: it is too deep; write fewer terms within each other") from error


def _with_powers(text: str) -> str:
    """Write R's sign for powers as Python does, outside of quoted names: formulaic would move its brackets."""
    parts = text.split("`")
    return "`".join(part.replace("^", "**") if place % 2 == 0 else part for place, part in enumerate(parts))


def _sides(tree: Any) -> tuple[str, Any]:
    if _operator(tree) != "~" or len(tree.args) != 2:
        raise _refusal("it names no target", "write target ~ term + term")
    left, right = tree.args
    if _kind(left) != "name":
        raise _refusal("left of ~ stands more than a column", "name the target alone")
    return str(left.token), right


class _TermCollector:
    """Collects the variables of a formula while its tree is walked."""

    def __init__(self) -> None:
        self.variables: list[FormulaVariable] = []

    def terms(self, node: Any, depth: int = 0) -> TermSet:
        """Return the terms of a tree of signs."""
        sign = _operator(node)
        if sign is None:
            return self._leaf(node)
        if len(node.args) != 2:
            raise _refusal(f"{quoted(sign)} stands alone", "write it between two terms")
        left, right = node.args
        if sign == "**":
            return _power(self.terms(left, depth + 1), right)
        if sign not in _SIGNS:
            raise _refusal(f"the sign {quoted(sign)} is not known", f"use {', '.join([*_SIGNS, '**'])}")
        found = _SIGNS[sign](self.terms(left, depth + 1), self.terms(right, depth + 1))
        if len(found) > MOST_TERMS:
            raise _refusal(f"it has more than {MOST_TERMS} terms", "name fewer")
        return found

    def _leaf(self, token: Any) -> TermSet:
        kind, text = _kind(token), str(token.token)
        if kind == "value":
            if text != "1":
                raise _refusal(f"{quoted(text)} is no term", "name a column; write I(2 * x) for a multiple")
            return {frozenset(): None}
        variable = PlainVariable(text) if kind == "name" else _variable(text)
        if variable not in self.variables:
            self.variables.append(variable)
        return {frozenset({self.variables.index(variable)}): None}


def _crossed(a: TermSet, b: TermSet) -> TermSet:
    if len(a) * len(b) > MOST_TERMS**2:
        raise _refusal(f"it has more than {MOST_TERMS} terms", "name fewer")
    return {left | right: None for left in a for right in b}


def _nested(a: TermSet, b: TermSet) -> TermSet:
    return a | _crossed({frozenset().union(*a): None}, b)


def _power(base: TermSet, exponent: Any) -> TermSet:
    text = str(exponent.token) if _kind(exponent) == "value" else ""
    if not re.fullmatch("[1-9]", text) or int(text) > HIGHEST:
        raise _refusal("a sum of terms has a power", f"give a whole number up to {HIGHEST}, or write I(x**2)")
    found = base
    for _ in range(int(text) - 1):
        found = _crossed(found, base)
        if len(found) > MOST_TERMS:
            raise _refusal(f"it has more than {MOST_TERMS} terms", "name fewer")
    return found


_SIGNS: Mapping[str, Callable[[TermSet, TermSet], TermSet]] = {
    "+": lambda a, b: a | b,
    "-": lambda a, b: {term: None for term in a if term not in b},
    ":": _crossed,
    "*": lambda a, b: a | b | _crossed(a, b),
    "/": _nested,
    "in": lambda a, b: _crossed(b, a),
}


def _variable(text: str) -> NumberVariable | LevelVariable:
    """Read what stands in a term besides plain names: a function, or arithmetic in I(…) or {…}."""
    names: dict[str, str] = {}

    def placeholder(found: re.Match[str]) -> str:
        names.setdefault(f"quoted_{len(names)}_{prefix}", found[1])
        return f" {next(key for key in names if names[key] == found[1])} "

    prefix = "x" * (max(map(len, re.findall("x+", text)), default=0) + 1)
    code = re.sub(r"`([^`]*)`", placeholder, text).strip()
    if max(itertools.accumulate((c in "([{") - (c in ")]}") for c in code), default=0) > DEEPEST:
        raise _refusal("it is too deep", f"write at most {DEEPEST} brackets within each other")
    try:
        node = ast.parse(code, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadTable(f"`formula`: {quoted(text)} cannot be read; write a function of columns") from error
    return _Arithmetic(text.replace("`", ""), names).variable(node)


@dataclass(frozen=True, slots=True)
class _Arithmetic:
    """Reads one term: its text for messages, and the names that were quoted in it."""

    text: str
    names: Mapping[str, str]

    def variable(self, node: ast.expr) -> NumberVariable | LevelVariable:
        """Return the variable that a term is."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in LEVELS:
                column = self._column(self._arguments(node, 1)[0])
                return LevelVariable(label=column, column=column)
            if node.func.id in DATE_LEVELS:
                column = self._column(self._arguments(node, 1)[0])
                return _date_level(node.func.id, column)
            if node.func.id == "poly":
                return self._polynomial(node)
            if node.func.id in BASES:
                return self._standardized(node)
        return NumberVariable(label=self.text, expression=self._of_columns(node))

    def _polynomial(self, node: ast.Call) -> NumberVariable:
        """Read poly(x, degree = 1, raw = FALSE)."""
        given = self._named(node, "x", "degree", "raw")
        degree = self._value_of(given["degree"]) if "degree" in given else 1
        if isinstance(degree, bool) or not isinstance(degree, int) or not 1 <= degree <= MOST_POWERS:
            raise self._refusal(
                "has another degree than a whole number",
                f"give one from 1 to {MOST_POWERS}, as in poly(x, 2)",
            )
        basis = PowerBasis(degree=degree, raw=self._switch(given, "raw", default=False))
        return self._fitted(node, given["x"], basis)

    def _standardized(self, node: ast.Call) -> NumberVariable:
        """Read scale(x, center = TRUE, scale = TRUE), or center(x), which does not scale."""
        is_scale = isinstance(node.func, ast.Name) and node.func.id == "scale"
        given = self._named(node, *(("x", "center", "scale") if is_scale else ("x",)))
        basis = Standardization(
            center=self._switch(given, "center", default=True),
            scale=self._switch(given, "scale", default=is_scale),
        )
        return self._fitted(node, given["x"], basis)

    def _fitted(self, node: ast.Call, x: ast.expr, basis: PowerBasis | Standardization) -> NumberVariable:
        expression = self._of_columns(x)  # before the label: it refuses what is too deep to be written
        return NumberVariable(label=self._label(node), expression=expression, basis=basis)

    def _named(self, node: ast.Call, *names: str) -> dict[str, ast.expr]:
        """Return the arguments of a call by name, as R matches them; the first must be there."""
        found: dict[str, ast.expr] = dict(zip(names, node.args, strict=False))
        for each in node.keywords:
            if each.arg in names and each.arg not in found:
                found[each.arg] = each.value
        is_starred = any(isinstance(each, ast.Starred) for each in node.args)
        if is_starred or len(found) != len(node.args) + len(node.keywords) or names[0] not in found:
            raise self._refusal(
                "calls a function with other arguments than it takes", f"it takes {', '.join(names)}"
            )
        return found

    def _switch(self, given: Mapping[str, ast.expr], name: str, *, default: bool) -> bool:
        value = self._value_of(given[name]) if name in given else default
        if not isinstance(value, bool):
            raise self._refusal(f"has a value of {name} that is neither", "write TRUE or FALSE")
        return value

    def _value_of(self, node: ast.expr) -> object:
        """Return a constant, or R's words for true and false; None of anything else."""
        if isinstance(node, ast.Name):
            return {"TRUE": True, "FALSE": False}.get(node.id)
        return node.value if isinstance(node, ast.Constant) else None

    def _label(self, node: ast.Call) -> str:
        """Write a call as R names it: poly(x, 2, raw = TRUE)."""
        words = {"True": "TRUE", "False": "FALSE"}
        given = [(f"{each.arg} = ", each.value) for each in node.keywords]
        written = [
            (name, ast.unparse(value)) for name, value in [*(("", each) for each in node.args), *given]
        ]
        inner = ", ".join(name + words.get(value, value) for name, value in written)
        for placeholder, name in self.names.items():
            inner = inner.replace(placeholder, name)
        return f"{ast.unparse(node.func)}({inner})"

    def _of_columns(self, node: ast.expr) -> Expression:
        found = self._expression(node)
        if not {*columns_of(found)}:
            raise self._refusal("names no column", "name one")
        return found

    def _expression(self, node: ast.expr, depth: int = 0) -> Expression:
        if depth > DEEPEST:
            raise self._refusal("is too deep", f"write at most {DEEPEST} functions within each other")
        if isinstance(node, ast.Name):
            return ColumnValue(name=self._column(node))
        if isinstance(node, ast.Constant):
            return self._constant(node.value)
        if isinstance(node, ast.UnaryOp):
            return self._signed(node, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            return self._power(node.left, node.right, depth)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            sides = (self._expression(each, depth + 1) for each in (node.left, node.right))
            return FunctionCall(function=_OPERATORS[type(node.op)], arguments=tuple(sides))
        if isinstance(node, ast.Call):
            return self._call(node, depth)
        raise self._unknown()

    def _signed(self, node: ast.UnaryOp, depth: int) -> Expression:
        inner = self._expression(node.operand, depth + 1)
        if isinstance(node.op, ast.UAdd):
            return inner
        if not isinstance(node.op, ast.USub):
            raise self._unknown()
        if isinstance(inner, ConstantValue):
            return ConstantValue(value=-inner.value)
        return FunctionCall(function="negate", arguments=(inner,))

    def _call(self, node: ast.Call, depth: int) -> Expression:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "I":
            return self._expression(self._arguments(node, 1)[0], depth + 1)
        if name == "pow":
            base, exponent = self._arguments(node, 2)
            return self._power(base, exponent, depth)
        if name in DATE_NUMBERS:
            column = self._column(self._arguments(node, 1)[0])
            return DateValue(part=name, column=column)
        if name in FUNCTIONS:
            inner = self._expression(self._arguments(node, 1)[0], depth + 1)
            return FunctionCall(function=name, arguments=(inner,))
        if name in (*LEVELS, *DATE_LEVELS, *BASES):
            raise self._refusal(f"computes with what {name}() makes", "let it be a term of its own")
        if name in SPLINES:
            raise self._refusal("is a spline, of which none is known", "use poly(x, 3), or log(x) or sqrt(x)")
        raise self._refusal("calls a function that is not known", f"use {', '.join(KNOWN)}")

    def _power(self, base: ast.expr, exponent: ast.expr, depth: int) -> Expression:
        power = self._expression(exponent, depth + 1)
        if not isinstance(power, ConstantValue):
            raise self._refusal("has a power that is no number", "write x**2, or exp(b * log(a))")
        return FunctionCall(function="power", arguments=(self._expression(base, depth + 1), power))

    def _arguments(self, node: ast.Call, count: int) -> list[ast.expr]:
        if (
            node.keywords
            or len(node.args) != count
            or any(isinstance(each, ast.Starred) for each in node.args)
        ):
            raise self._refusal(
                "calls a function with other arguments than it takes", "give the column alone"
            )
        return node.args

    def _column(self, node: ast.expr) -> str:
        if not isinstance(node, ast.Name):
            raise self._refusal(
                "needs a column's name there", "name it, in backticks if it holds other signs"
            )
        return self.names.get(node.id, node.id)

    def _constant(self, value: object) -> ConstantValue:
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
            raise self._refusal("holds a value that is no number", "write a number up to 1e300")
        return ConstantValue(value=float(value))

    def _unknown(self) -> BadTable:
        return self._refusal("is more than functions of columns", f"use {', '.join(KNOWN)}, and + - * / **")

    def _refusal(self, problem: str, remedy: str) -> BadTable:
        return _refusal(f"{quoted(self.text)} {problem}", remedy)


def _in_use(
    target: str, variables: Sequence[FormulaVariable], products: Sequence[tuple[int, ...]]
) -> Formula:
    """Leave the variables out that no term has any more, as after `- x`."""
    used = sorted({v for term in products for v in term})
    place = {v: number for number, v in enumerate(used)}
    terms = tuple(tuple(place[v] for v in term) for term in products)
    return Formula(target, tuple(variables[v] for v in used), terms)


def _check(formula: Formula) -> None:
    """Refuse a column that is to be two things at once."""
    if formula.target in formula.columns:
        raise _refusal(
            f"the target {quoted(formula.target)} stands on the right of ~, too", "take it out there"
        )
    numbers = {
        name
        for each in formula.variables
        if isinstance(each, NumberVariable)
        for name in {*columns_of(each.expression)} - {*dates_of(each.expression)}
    }
    plain = {each.column for each in formula.variables if isinstance(each, PlainVariable)}
    uses = {"a number": numbers, "a category": {*formula.levels}, "a date": {*formula.dates}}
    for (one, first), (other, second) in itertools.combinations(uses.items(), 2):
        if both := first & second:
            raise _refusal(f"the column {quoted(min(both))} is {one} and {other}", "use it as one of the two")
    if both := plain & {*formula.dates}:
        raise _refusal(
            f"the column {quoted(min(both))} is a date", "write trend() of it, or year(), month(), weekday()"
        )


def _resolved(variable: FormulaVariable, categorical: Collection[str]) -> NumberVariable | LevelVariable:
    if not isinstance(variable, PlainVariable):
        return variable
    name = variable.column
    if name in categorical:
        return LevelVariable(label=name, column=name)
    return NumberVariable(label=name, expression=ColumnValue(name=name))


def _date_number(part: DatePart, column: str) -> NumberVariable:
    return NumberVariable(label=f"{part}({column})", expression=DateValue(part=part, column=column))


def _date_level(part: LevelPart, column: str) -> LevelVariable:
    return LevelVariable(label=f"{part}({column})", column=column, part=part)


def _columns(variable: FormulaVariable) -> tuple[str, ...]:
    return (variable.column,) if isinstance(variable, PlainVariable) else variable.columns


def _dates(variable: FormulaVariable) -> Iterator[str]:
    if isinstance(variable, NumberVariable):
        yield from dates_of(variable.expression)
    elif isinstance(variable, LevelVariable) and variable.part is not None:
        yield variable.column


def _operator(node: Any) -> str | None:
    return str(node.operator.symbol) if hasattr(node, "operator") else None


def _kind(node: Any) -> str:
    return str(node.kind.value) if hasattr(node, "kind") else ""


def _refusal(problem: str, remedy: str) -> BadTable:
    return BadTable(f"`formula`: {problem}; {remedy}")
