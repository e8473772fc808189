"""What a run that stopped at a failure says: which stage, why, what is finished, and how to go on."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.page.markdown import escaped, markdown
from tasks.page.text import visible
from tasks.page.violations import tabulated
from tasks.table.errors import Violation


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that stopped.

    Attributes:
        stage: The stage that failed; None where the run failed outside all of them.
        reason: Why, in one line.
        finished: The stages before it, whose results are in the cache.
        resume: The command that takes up at the failed stage.
        findings: Where the user's table is why, what is wrong with it.
    """

    stage: str | None
    reason: str
    finished: Sequence[str]
    resume: str
    violations: Sequence[Violation] = ()


def in_words(failure: Failure) -> str:
    """Say it in plain text, for the terminal and the log: three lines.

    >>> print(in_words(Failure("train", "OSError: disk full", ["generate", "split"], "linear-neuron run")))
    stage `train` failed: OSError: disk full
    cached: generate, split
    to resume: linear-neuron run
    """
    where = f"stage `{failure.stage}`" if failure.stage else "the run"
    cached = ", ".join(failure.finished) or "nothing"
    return (
        f"{where} failed: {visible(failure.reason)}\ncached: {cached}\nto resume: {visible(failure.resume)}"
    )


def in_markdown(failure: Failure) -> str:
    """Say it as a page, for Prefect's UI."""
    where = f"Stage {failure.stage}" if failure.stage else "The run"
    cached = ", ".join(failure.finished) or "nothing"
    command = "".join(f"    {line}\n" for line in visible(failure.resume).splitlines())
    several = len(failure.violations) > 1
    why = (
        markdown([tabulated(failure.violations)], lambda _: None)
        if several
        else f"{escaped(failure.reason)}\n"
    )
    return (
        f"# {where} failed\n\n{why}\n"
        f"Finished, and taken from the cache by the next run: {cached}.\n\nTo resume:\n\n{command}"
    )
