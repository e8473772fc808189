"""The formats of files that can be read; a new one is a module with a `read`, and an entry here."""

from pathlib import PurePosixPath

from tasks.table.sources import delimited, feather, npz, parquet
from tasks.table.sources.files import COMPRESSIONS, Format

CSV = Format("CSV", (".csv", ".tsv", ".txt"), delimited.read, is_compressible=True)

FORMATS = (
    CSV,
    Format("Parquet", (".parquet", ".parq", ".pq"), parquet.read),
    Format("Feather", (".feather", ".arrow", ".ipc"), feather.read),
    Format("npz", (".npz",), npz.read),
)

KNOWN = ".csv, .csv.gz, .parquet, .feather, .arrow or .npz"


def format_of(path: str) -> Format | None:
    """Tell the format from a file's name.

    >>> format_of("rows.CSV.gz").name, format_of("rows.xlsx")
    ('CSV', None)
    """
    suffixes = [suffix.lower() for suffix in PurePosixPath(path).suffixes]
    is_compressed = suffixes[-1:] != [] and suffixes[-1] in COMPRESSIONS
    ending = "".join(suffixes[:-1][-1:] if is_compressed else suffixes[-1:])
    found = next((each for each in FORMATS if ending in each.endings), None)
    return found if found is None or found.is_compressible or not is_compressed else None
