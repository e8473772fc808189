"""Terms as expressions of SQL: numbers that are computed, and what levels add as CASE.

Where a function has no value the expression is NULL, as many databases would stop with an error.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import zip_longest

from tasks.table.model.sql_dialect import SqlDialect, identifier, literal, text
from tasks.table.terms.design import Design
from tasks.table.terms.expression import (
    DAYS_A_YEAR,
    TREND_STARTS,
    ColumnValue,
    ConstantValue,
    DateValue,
    Expression,
    FunctionCall,
    FunctionName,
    columns_of,
)
from tasks.table.terms.variables import (
    PARTS,
    FittedLevels,
    FittedNumbers,
    FittedPolynomial,
    FittedScale,
    FittedVariable,
    names_of,
)

# The largest number whose exponential float64 holds.
_LARGEST_EXPONENT = 709.782712893384

# Functions by name, the arguments being {0} and {1}, the logarithm {ln}.
_PLAIN: Mapping[FunctionName, str] = {
    "add": "({0} + {1})",
    "subtract": "({0} - {1})",
    "multiply": "({0} * {1})",
    "negate": "(-{0})",
    "abs": "ABS({0})",
}
# The same, with what must hold for there to be a value.
_GUARDED: Mapping[FunctionName, tuple[str, str]] = {
    "divide": ("{1} <> 0e0", "{0} / {1}"),
    "log": ("{0} > 0e0", "{ln}({0})"),
    "log2": ("{0} > 0e0", "{ln}({0}) / 0.6931471805599453e0"),
    "log10": ("{0} > 0e0", "{ln}({0}) / 2.302585092994046e0"),
    "log1p": ("{0} > -1e0", "{ln}(1e0 + {0})"),
    "exp": (f"{{0}} < {_LARGEST_EXPONENT}e0", "EXP({0})"),
    "sqrt": ("{0} >= 0e0", "SQRT({0})"),
}

Variables = Sequence[tuple[FittedVariable, bool]]


def terms_as_sql(design: Design, weights: Sequence[float], database: SqlDialect) -> Iterator[str]:
    """Yield an expression for each term: the sum of its columns, each times its weight."""
    start = 0
    for term in design.products:
        count = len(design.names(term))
        if not count:  # of a single level no column is left: it adds nothing, and needs no value
            continue
        variables = [(design.variables[v], full) for v, full in zip(term.variables, term.full, strict=True)]
        yield _folded(variables, weights[start : start + count], database)
        start += count


def _folded(variables: Variables, weights: Sequence[float], database: SqlDialect) -> str:
    """Write the sum of a term's columns times their weights, of which those of the last variable vary slowest."""
    if not variables:
        return literal(weights[0], database)
    *before, (variable, full) = variables
    count = len(names_of(variable, full=full))
    size = len(weights) // count if count else 0
    parts = [weights[place * size : (place + 1) * size] for place in range(count)]
    if isinstance(variable, FittedLevels):
        return _cases(variable, parts, full, lambda own: _folded(before, own, database), database)
    if isinstance(variable, FittedPolynomial) and not before:
        return _polynomial(variable, weights, database)
    sums = (
        f"{_number(variable, place, database)} * {_folded(before, part, database)}"
        for place, part in enumerate(parts)
    )
    return f"({' + '.join(sums)})"


def _cases(
    variable: FittedLevels,
    parts: list[Sequence[float]],
    full: bool,
    write: Callable[[Sequence[float]], str],
    database: SqlDialect,
) -> str:
    """Write a choice by level, of what the other variables add with the weights of each."""
    own = parts if full else [[0.0] * len(parts[0]), *parts]
    column = identifier(variable.column, database)
    average = [
        sum(share * part[at] for share, part in zip(variable.shares, own, strict=True))
        for at in range(len(own[0]))
    ]
    choices = [] if variable.fill else [f"WHEN {column} IS NULL THEN NULL"]
    for test, place in _tests(variable, column, database):
        choices.append(f"WHEN {test} THEN {write(own[place])}")
    return f"CASE {' '.join(choices)} ELSE {write(average)} END"


def _tests(variable: FittedLevels, column: str, database: SqlDialect) -> Iterator[tuple[str, int]]:
    """Yield for each level when a row has it, and its place; that of rare ones is the last."""
    if variable.part is not None:
        template = database.month if variable.part == "month" else database.weekday
        code = template.format(database.time.format(column))
        for place, level in enumerate(variable.levels):
            yield f"{code} = {PARTS[variable.part].index(level) + 1}", place
        return
    column = database.text.format(column)
    last = len(variable.levels) - 1
    named = variable.levels[:last] if variable.pooled else variable.levels
    for place, level in enumerate(named):
        yield f"{column} = {text(level, database)}", place
    for level in variable.pooled:
        yield f"{column} = {text(level, database)}", last


def _number(
    variable: FittedNumbers | FittedPolynomial | FittedScale, place: int, database: SqlDialect
) -> str:
    """Write a number that is computed, and its mean where a column of it is missing."""
    if isinstance(variable, FittedPolynomial):
        return _polynomial(variable, [float(each == place) for each in range(len(variable.alpha))], database)
    if isinstance(variable, FittedNumbers):
        expression, mean = variable.expressions[place], variable.means[place] if variable.means else None
        return _filled(expression, _computed(expression, database), mean, database)
    center, scale = literal(variable.center, database), literal(variable.scale, database)
    written = f"(({_computed(variable.expression, database)} - {center}) / {scale})"
    return _filled(variable.expression, written, variable.mean, database)


def _polynomial(variable: FittedPolynomial, weights: Sequence[float], database: SqlDialect) -> str:
    """Write the sum of orthogonal polynomials times their weights as one, by Horner's rule about the mean."""
    centre = variable.alpha[0]
    by_power = zip_longest(*variable.in_powers(centre), fillvalue=0.0)
    factors = [sum(w * each for w, each in zip(weights, powers, strict=True)) for powers in by_power]
    number = f"({_computed(variable.expression, database)} - {literal(centre, database)})"
    *lower, highest = (literal(each, database) for each in factors)
    written = reduce(lambda found, factor: f"({factor} + {number} * {found})", reversed(lower), highest)
    return _filled(variable.expression, written, 0.0 if variable.fill else None, database)


def _filled(expression: Expression, written: str, mean: float | None, database: SqlDialect) -> str:
    """Write what is made of an expression, or the mean where a column of it is missing, if there is one."""
    if mean is None:
        return written
    if isinstance(expression, ColumnValue):
        return f"COALESCE({written}, {literal(mean, database)})"
    missing = " OR ".join(
        f"{identifier(name, database)} IS NULL" for name in dict.fromkeys(columns_of(expression))
    )
    return f"CASE WHEN {missing} THEN {literal(mean, database)} ELSE {written} END"


def _computed(expression: Expression, database: SqlDialect) -> str:
    if isinstance(expression, ColumnValue):
        return f"CAST({identifier(expression.name, database)} AS {database.double})"
    if isinstance(expression, ConstantValue):
        return literal(expression.value, database)
    if isinstance(expression, DateValue):
        return _date_number(expression, database)
    arguments = [_computed(argument, database) for argument in expression.arguments]
    if expression.function == "power":
        return _power(arguments[0], expression, database)
    if expression.function in _PLAIN:
        return _PLAIN[expression.function].format(*arguments)
    condition, value = _GUARDED[expression.function]
    return f"CASE WHEN {condition.format(*arguments)} THEN {value.format(*arguments, ln=database.ln)} END"


def _power(base: str, call: FunctionCall, database: SqlDialect) -> str:
    """Write a power, whose exponent is a constant: of what base it has a value depends on that."""
    exponent = call.arguments[1]
    value = exponent.value if isinstance(exponent, ConstantValue) else 0.0
    written = f"POWER({base}, {_computed(exponent, database)})"
    if value.is_integer():
        return written if value >= 0 else f"CASE WHEN {base} <> 0e0 THEN {written} END"
    return f"CASE WHEN {base} {'>=' if value > 0 else '>'} 0e0 THEN {written} END"


def _date_number(expression: DateValue, database: SqlDialect) -> str:
    time = database.time.format(identifier(expression.column, database))
    if expression.part == "year":
        return f"CAST({database.year.format(time)} AS {database.double})"
    days, start = database.days.format(time), literal(float(TREND_STARTS), database)
    return f"(({days} - {start}) / {literal(DAYS_A_YEAR, database)})"
