"""The model as an Excel workbook: the columns' names, and below them the prediction as one formula.

A file, unlike a formula's text, is read alike by an Excel of any language. Rows are pasted below the names, and the
formula is filled down. It needs Excel 2019, LibreOffice or Google Sheets: IFS is as old.
"""

import io
from collections.abc import Iterator

from tasks.table.errors import BadTable, counted, quoted
from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput

# Excel's limits: characters of a formula and of a text in it, columns of a sheet, arguments of a function in pairs.
MOST_CHARACTERS, MOST_TEXT, MOST_COLUMNS, MOST_PAIRS = 8192, 255, 16_384, 127


def as_workbook(model: LinearModel) -> bytes:
    """Write the workbook.

    Raises:
        BadTable: the model is beyond Excel's limits, or a name has a character that it cannot hold.
        ModuleNotFoundError: without the package openpyxl.
    """
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    texts = [model.target, *(column.name for column in model.plain), *_levels(model)]
    if illegal := [text for text in texts if ILLEGAL_CHARACTERS_RE.search(text)]:
        raise BadTable(_beyond(f"{quoted(illegal[0])} has a character that Excel cannot hold"))
    written = formula(model)
    workbook = Workbook()
    sheet = workbook.active
    for place, name in enumerate([*(column.name for column in model.plain), f"predicted_{model.target}"], 1):
        # Set as text: a name that begins with = would be a formula.
        cell = sheet.cell(1, place)
        cell.value, cell.data_type = name, "s"
    sheet.cell(2, len(model.plain) + 1).value = written
    sheet.freeze_panes = "A2"

    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def formula(model: LinearModel) -> str:
    """Write the prediction of row 2, the columns being A, B, … in the model's order; #N/A where there is none.

    Raises:
        BadTable: it is beyond Excel's limits.
    """
    from openpyxl.utils import get_column_letter

    if len(model.plain) >= MOST_COLUMNS:
        raise BadTable(_beyond(f"{counted(len(model.plain), 'column')} are more than a sheet has"))
    if long := [level for level in _levels(model) if len(level) > MOST_TEXT]:
        raise BadTable(_beyond(f"the level {quoted(long[0])} has more than {MOST_TEXT} characters"))
    cells = [f"{get_column_letter(place)}2" for place in range(1, len(model.plain) + 1)]
    terms = [_term(column, cell) for column, cell in zip(model.plain, cells, strict=True)]
    total = "+".join([_number(model.bias), *terms])
    written = f"={total}" if model.smearing is None else f"={_number(model.smearing)}*EXP({total})"
    if len(written) > MOST_CHARACTERS:
        raise BadTable(
            _beyond(f"the formula would have {len(written):,} characters, {MOST_CHARACTERS:,} are allowed")
        )
    return written


def _beyond(reason: str) -> str:
    return f"`to` of 'excel': {reason}; export another format, such as sql"


def _levels(model: LinearModel) -> Iterator[str]:
    for column in model.plain:
        if isinstance(column, CategoryInput):
            yield from column.weights


def _term(column: NumberInput | CategoryInput, cell: str) -> str:
    if isinstance(column, NumberInput):
        otherwise = "NA()" if column.mean is None else _number(column.mean)
        return f'{_number(column.weight)}*IF({cell}="",{otherwise},{cell})'
    # An empty cell equals an empty text; where that is a level, only a cell without content is missing.
    is_missing = f"ISBLANK({cell})" if "" in column.weights else f'{cell}=""'
    average = _number(column.average)
    pairs = [(is_missing, average if column.fill else "NA()")]
    # EXACT, since = takes upper and lower case for the same.
    pairs += [(f"EXACT({cell},{_text(level)})", _number(weight)) for level, weight in column.weights.items()]
    return _chosen(pairs, average)


def _chosen(pairs: list[tuple[str, str]], otherwise: str) -> str:
    """Write a choice: the second of the first pair whose first holds; a function takes 127 pairs, the last for all."""
    some, rest = pairs[: MOST_PAIRS - 1], pairs[MOST_PAIRS - 1 :]
    last = _chosen(rest, otherwise) if rest else otherwise
    return f"_xlfn.IFS({','.join(f'{condition},{value}' for condition, value in some)},TRUE,{last})"


def _number(value: float) -> str:
    """Write a number with the 15 digits that Excel keeps."""
    digits = f"{value:.15G}"
    return f"({digits})" if value < 0 else digits


def _text(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
