"""What a failed run says: which stage failed, why, what is cached, and how to resume."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.page.markdown import escaped, markdown
from tasks.page.text import visible
from tasks.page.violations import tabulated
from tasks.table.errors import Violation


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed run.

    Attributes:
        stage: The stage that failed; None if the run failed outside all stages.
        reason: Why, in one line.
        finished: The stages before it, whose results are in the cache.
        resume: The command that resumes at the failed stage.
        violations: What is wrong with the user's table, if that is the reason.
    """

    stage: str | None
    reason: str
    finished: Sequence[str]
    resume: str
    violations: Sequence[Violation] = ()


def in_words(failure: Failure) -> str:
    """Write it as three lines of plain text, for the terminal and the log.

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
    """Write it as a page for Prefect's UI."""
    where = f"Stage {failure.stage}" if failure.stage else "The run"
    cached = ", ".join(failure.finished) or "nothing"
    command = "".join(f"    {line}\n" for line in visible(failure.resume).splitlines())
    if len(failure.violations) > 1:
        why = markdown([tabulated(failure.violations)], lambda _: None)
    else:
        why = f"{escaped(failure.reason)}\n"
    return (
        f"# {where} failed\n\n{why}\n"
        f"The next run takes these stages from the cache: {cached}.\n\nTo resume:\n\n{command}"
    )
