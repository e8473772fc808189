"""A file on this machine that a user wants written: what keeps it from that is said before anything is read."""

from pathlib import Path

from tasks.table.errors import BadTable


def local_output(output: str, *, overwrite: bool) -> Path:
    """Check, before anything is read, that an output can be written.

    Raises:
        BadTable: it cannot, or it already exists.
    """
    path, where = Path(output), f"`output` of {output!r}"
    if "://" in output:
        raise BadTable(f"{where} is not on this machine; write a local file and copy it there")
    if not path.parent.is_dir():
        raise BadTable(f"{where}: the folder {str(path.parent)!r} does not exist; make it")
    if path.exists() and not overwrite:
        raise BadTable(f"{where} already exists; give another name or `--overwrite`")
    return path
