"""The formats of files that can be read; a new one is a module with a `read`, and an entry here."""

from pathlib import PurePosixPath

from tasks.table.sources import delimited, excel, feather, npz, parquet
from tasks.table.sources.files import COMPRESSIONS, Format

CSV = Format("CSV", (".csv", ".tsv", ".txt"), delimited.read, is_compressible=True)
PARQUET = Format("Parquet", (".parquet", ".parq", ".pq"), parquet.read)

FORMATS = (
    CSV,
    PARQUET,
    Format("Feather", (".feather", ".arrow", ".ipc"), feather.read),
    Format("npz", (".npz",), npz.read),
    Format(excel.NAME, (".xlsx", ".xlsm"), excel.read),
)

KNOWN = ".csv, .csv.gz, .parquet, .feather, .arrow, .npz or .xlsx"

# Endings of what may lie beside tables and is none.
_NO_TABLES = (
    *(".md", ".pdf", ".html", ".htm", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".css", ".js", ".py", ".sh"),
    *(".crc", ".md5", ".sha1", ".sha256", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".log", ".license"),
)


def is_no_table(path: str) -> bool:
    """Say whether a file's name says that it is no table.

    >>> is_no_table("README.md"), is_no_table("rows.orc")
    (True, False)
    """
    return PurePosixPath(path.lower()).suffix in _NO_TABLES


def format_of(path: str) -> Format | None:
    """Tell the format from a file's name.

    >>> format_of("rows.CSV.gz").name, format_of("rows.orc")
    ('CSV', None)
    """
    suffixes = [suffix.lower() for suffix in PurePosixPath(path).suffixes]
    is_compressed = suffixes[-1:] != [] and suffixes[-1] in COMPRESSIONS
    ending = "".join(suffixes[:-1][-1:] if is_compressed else suffixes[-1:])
    found = next((each for each in FORMATS if ending in each.endings), None)
    return found if found is None or found.is_compressible or not is_compressed else None
