"""The model as one expression of standard SQL over the user's own columns."""

from collections.abc import Iterator

from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput


def expression(model: LinearModel) -> str:
    """Write the prediction as an expression, a line for each column, added up in the order in which `predict` does.

    Every literal has an exponent, which makes it a double: without one, some databases compute in decimals. A
    column is cast, so that booleans and decimals are doubles too.
    """
    return "\n  + ".join([literal(model.bias), *(_term(column) for column in model.inputs)]) + "\n"


def literal(value: float) -> str:
    """Write a double so that it is read back to the last bit.

    >>> literal(0.1), literal(-2.5e-300)
    ('0.1e0', '(-2.5e-300)')
    """
    digits = repr(value)
    exact = digits if "e" in digits else f"{digits}e0"
    return f"({exact})" if digits.startswith("-") else exact


def identifier(name: str) -> str:
    """Quote a column's name.

    >>> print(identifier('5" pipe'))
    "5"" pipe"
    """
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Quote a text.

    >>> print(text("O'Hara"))
    'O''Hara'
    """
    return "'" + value.replace("'", "''") + "'"


def _term(column: NumberInput | CategoryInput) -> str:
    name = identifier(column.name)
    if isinstance(column, NumberInput):
        value = f"CAST({name} AS DOUBLE PRECISION)"
        filled = value if column.mean is None else f"COALESCE({value}, {literal(column.mean)})"
        return f"{literal(column.weight)} * {filled}"
    return f"CASE {' '.join(_cases(column, name))} END"


def _cases(column: CategoryInput, name: str) -> Iterator[str]:
    if not column.fill:
        yield f"WHEN {name} IS NULL THEN NULL"
    for level, weight in column.weights.items():
        yield f"WHEN {name} = {text(level)} THEN {literal(weight)}"
    yield f"ELSE {literal(column.average)}"
