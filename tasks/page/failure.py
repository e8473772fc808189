"""What a failed run says: which stage failed, why, what is cached, and how to resume."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.page.blocks import AnswerBlock, Block, Command, Heading
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
        resume: The command that can work and takes the finished stages from the cache; None if something must be mended
            first.
        violations: What is wrong with the user's table, if that is the reason.
    """

    stage: str | None
    reason: str
    finished: Sequence[str]
    resume: str | None
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
    resume = (
        "mend that, and run it again" if failure.resume is None else f"to resume: {visible(failure.resume)}"
    )
    return f"{where} failed: {visible(failure.reason)}\ncached: {cached}\n{resume}"


def failure_page(failure: Failure) -> list[Block]:
    """Write it as a page, for the run's folder and Prefect's UI."""
    where = f"Stage {failure.stage}" if failure.stage else "The run"
    cached = ", ".join(failure.finished) or "nothing"
    several = len(failure.violations) > 1
    reason = f"{len(failure.violations)} findings, see below." if several else failure.reason
    todo = "Run the command below." if failure.resume else "Fix the cause above and run it again."
    return [
        Heading(1, f"{where} failed"),
        AnswerBlock("Can I use it?", [f"No, there is no model: {visible(reason)}"], "bad"),
        AnswerBlock("What to do?", [f"{todo} From the cache it takes: {cached}."]),
        *([tabulated(failure.violations)] if several else []),
        *([Command(failure.resume)] if failure.resume else []),
    ]
