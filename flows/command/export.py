"""The command `linear-neuron export`: a model in a format that other programs read."""

import json
from collections.abc import Mapping
from pathlib import Path

from flows.chosen_model import chosen
from flows.command.exits import Exit
from flows.command.messages import print_result, refuse, say
from flows.local_output import local_output
from tasks.config import Export
from tasks.store.folders import BadStore
from tasks.store.writing import sweep_beside, whole
from tasks.table.errors import BadTable, quoted
from tasks.table.model.exports import EXPORTS, export_of
from tasks.table.model.linear import read


def export(options: Export, as_json: bool) -> Exit:
    """Write the model, and print where it is; return the exit status."""
    output = options.output or EXPORTS[options.to].name
    path = Path(output)
    try:
        local_output(output, overwrite=options.overwrite)
        found = chosen(options.model, Path(options.artifacts))
        model = read(found.path)
        write(export_of(options.to, model), path)
    except (BadTable, BadStore) as error:
        return refuse(str(error))
    except OSError as error:
        say(f"`output` of {str(path)!r} cannot be written: {error.strerror or error}")
        return Exit.FAILED

    what = {"to": options.to, "target": model.target, "output": str(path)}
    text = f"{EXPORTS[options.to].does}, for {quoted(model.target)}, in {str(path)!r}"
    return print_result(
        json.dumps(what, indent=1) if as_json else text, f"; the model is stored: {str(path)!r}"
    )


def write(content: bytes | Mapping[str, bytes], path: Path) -> None:
    """Write a file, or the files of a folder; each appears under its name once it is complete.

    Raises:
        OSError: it cannot be written.
    """
    files = (
        {path: content} if isinstance(content, bytes) else {path / name: content[name] for name in content}
    )
    for file, text in files.items():
        if file != path:
            file.parent.mkdir(parents=True, exist_ok=True)
        target = file.resolve()
        sweep_beside(target)
        with whole(target) as part:
            part.write_bytes(text)
