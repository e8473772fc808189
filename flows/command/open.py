"""The command `linear-neuron open`: a run's report in the browser."""

import json
import webbrowser
from pathlib import Path

from flows.command.exits import Exit
from flows.command.messages import print_result, refuse, say
from tasks.config import Opening
from tasks.outputs import runs


def show_report(options: Opening, as_json: bool) -> Exit:
    """Open the page of a run, and print its address; return the exit status, 1 where there is no browser."""
    root = Path(options.artifacts).resolve()
    name = runs.latest(root) if options.run is None else options.run
    if name is None:
        return refuse(f"there is no finished run in {str(root)!r}; `linear-neuron run` first")
    page = runs.folder(root, name) / runs.PAGE
    if not (runs.RUN_NAME.fullmatch(name) and page.is_file()):
        known = f"the latest is {latest!r}" if (latest := runs.latest(root)) else "there is none"
        return refuse(f"`run` of {name!r} is no run in {str(root)!r}; {known}")

    opened = webbrowser.open(page.as_uri())
    status = print_result(json.dumps({"report": str(page)}, indent=1) if as_json else page.as_uri())
    if not opened:
        say("no browser could be started; open the address above yourself")
    return status if opened else Exit.FAILED
