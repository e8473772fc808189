"""The templates in `templates/`: HTML and SVG whose every value is escaped.

Jinja is imported with the first page that is written, since the command's help and a dry run write none.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tasks.page.blocks import TableBlock, Text, pieces
from tasks.page.text import plain

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = "templates"


def rendered(template: str, **values: object) -> str:
    """Fill in a template of `templates/`."""
    return _environment().get_template(template).render(**values)


def source(name: str) -> str:
    """Return a file of `templates/` as it is."""
    return files(__package__).joinpath(FOLDER, name).read_text(encoding="utf-8")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: object) -> object:
        """Show control characters as code points in whatever is not markup already; Jinja escapes it next."""
        return value if isinstance(value, Markup) else plain(str(value))

    environment = Environment(
        loader=PackageLoader(__package__, FOLDER),
        autoescape=True,
        finalize=shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"kind": _kind, "longest_name": _longest_name, "pieces": pieces}
    return environment


def _kind(value: Any) -> str:
    """Return what a block or a piece of text is, such as `heading`, `table` or `code`."""
    return type(value).__name__.removesuffix("Block").lower()


def _longest_name(table: TableBlock) -> int:
    return max((_length(row[0]) for row in table.rows), default=0)


def _length(text: Text) -> int:
    parts: Sequence[Any] = pieces(text)
    return sum(len(part if isinstance(part, str) else part.text) for part in parts)
