"""What went wrong, on stderr and in one line where that is enough: settings, the user's table, a stage."""

import difflib
import errno
import sys

from pydantic import ValidationError

from flows.command.exits import Exit
from flows.command.terminal import discard_stdout
from tasks.config import schema_fields
from tasks.neuron.recipe import Diverged
from tasks.page.violations import listed
from tasks.runtime.failures import WorkersFailed
from tasks.runtime.memory import MemoryTooSmall
from tasks.store.folders import BadStore
from tasks.store.objects import NoRemote, RemoteError
from tasks.table.errors import BadTable
from tasks.table.sources.address import redacted

# Errors that the user can mend: one line says all, and a traceback would hide it.
EXPECTED: dict[type[Exception], Exit] = {
    BadTable: Exit.BAD_INPUT,
    BadStore: Exit.BAD_INPUT,
    NoRemote: Exit.BAD_INPUT,
    Diverged: Exit.REFUSED,
    MemoryTooSmall: Exit.BAD_INPUT,
    WorkersFailed: Exit.FAILED,
}


class Unusable(Exception):
    """What the command needs of the machine cannot be used; the message says what, why, and what to do."""

    def __init__(self, message: str, status: Exit = Exit.FAILED) -> None:
        """Keep the message and the exit status."""
        super().__init__(message)
        self.status = status


def say(message: str) -> None:
    """Print one line on stderr, under the command's name; an address is shown without its credentials."""
    print(f"linear-neuron: {redacted(message)}", file=sys.stderr)


def print_result(text: str, otherwise: str = "") -> Exit:
    """Print a command's result on stdout; return the exit status.

    A reader that went away ends the command quietly, as it ends others. Where stdout cannot be written for another
    reason, the message says so, and `otherwise` says where the result is.
    """
    try:
        _write(text)
    except OSError as error:
        discard_stdout()
        if isinstance(error, BrokenPipeError) and not otherwise:
            return Exit.BROKEN_PIPE
        say(f"standard output cannot be written: {error.strerror}{otherwise}")
        return Exit.FAILED
    return Exit.DONE


def _write(text: str) -> None:
    if sys.stdout is None:  # what Python makes of a closed descriptor; it would drop the text
        raise OSError(errno.EBADF, "it is closed")
    print(text, flush=True)


def refuse(message: str) -> Exit:
    """Say in one line why nothing is done; return the status for bad input."""
    say(message)
    return Exit.BAD_INPUT


def explain(error: Exception) -> Exit:
    """Say what made a command fail; return its exit status."""
    if isinstance(error, Unusable):
        say(str(error))
        return error.status
    if type(error).__module__.partition(".")[0] in {"httpx", "httpcore"}:
        say(_dead_server(error))
        return Exit.FAILED
    status = next((code for kind, code in EXPECTED.items() if isinstance(error, kind)), Exit.FAILED)
    notes = getattr(error, "__notes__", []) if status == Exit.FAILED else []
    for line in notes or [_message(error, status)]:
        say(line)
    return status


def _message(error: Exception, status: Exit) -> str:
    if isinstance(error, BadTable):
        return listed(error.violations)
    if isinstance(error, RemoteError):
        return error.strerror or str(error)
    return str(error) if status != Exit.FAILED else repr(error)


def _dead_server(error: Exception) -> str:
    from prefect.settings import PREFECT_API_URL

    return (
        f"Prefect's server at {str(PREFECT_API_URL.value())!r} does not answer any more "
        f"({str(error) or type(error).__name__}); start it again and repeat the command: what is finished stays"
    )


def described(error: ValidationError) -> str:
    """Say in one line everything that is wrong with settings: field, value, rule, and the nearest name."""
    return "; ".join(
        _problem(each["type"], each["loc"], each["input"], each["msg"]) for each in error.errors()
    )


def _problem(kind: str, place: tuple[int | str, ...], value: object, message: str) -> str:
    names = [str(part) for part in place if isinstance(part, str) and part.isidentifier()] or ["settings"]
    if kind == "extra_forbidden":
        return _unknown(str(place[-1]), [str(part) for part in place[:-1]])
    if kind == "missing":
        return f"`{names[-1]}` is required"
    if kind == "value_error":
        return message.removeprefix("Value error, ")

    near = difflib.get_close_matches(str(value), message.split("'")[1::2], n=1) if "literal" in kind else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"`{names[-1]}` of {value!r}: {message[:1].lower()}{message[1:]}{hint}"


def _unknown(name: str, section: list[str]) -> str:
    """Refuse a setting's name; the nearest one may be a setting of any section, or a section."""
    sections = {each.section: "" for each in schema_fields() if each.section}
    known = sections | {each.name: each.section for each in schema_fields()}
    where = f" in [{section[0]}]" if section else ""
    near = difflib.get_close_matches(name, known, n=1)
    if not near:
        return f"`{name}`{where} is not a setting"
    home = f" in [{known[near[0]]}]" if known[near[0]] else ""
    return f"`{name}`{where} is not a setting; did you mean `{near[0]}`{home}?"
