"""What a page says of a run beside another: when it started, which error counts, how far it moved."""

import math
from dataclasses import dataclass

from tasks.outputs.naming import difference, same_rows
from tasks.outputs.result import Result, Scores
from tasks.page.text import number


@dataclass(frozen=True, slots=True)
class ErrorChange:
    """How the RMSE of two runs differs, in words.

    Attributes:
        share: By how much, in percent of what it was, such as "+2.7 %"; or "the same", "other data", "other split".
        chance: Whether that is chance, with the 95 % interval; empty where the runs do not say.
        sentence: All of it, and against which run.
    """

    share: str
    chance: str
    sentence: str

    def __str__(self) -> str:
        """Write it short, for a cell of a table."""
        return ", ".join(filter(None, [self.share, self.chance.partition(" (")[0]]))


def compared(past: Result, now: Result) -> str:
    """Say how far the RMSE moved since a past run, and whether that is chance."""
    return str(_change(past, now))


def change(past: Result | None, now: Result) -> ErrorChange | None:
    """Say the same in a sentence too; None where there is no past run."""
    return _change(past, now) if past else None


def _change(past: Result, now: Result) -> ErrorChange:
    """Compare two runs.

    Differences below the sixth digit count as none: that is where another processor's rounding begins.
    """
    since, rows = f"in the run of {started(past)}", _rows(past, now)
    if why := difference(past, now):
        return ErrorChange(why, "", f"The RMSE is not compared with that {since}: {why}")
    if abs(now.rmse - past.rmse) <= 1e-6 * max(past.rmse, now.rmse):
        return ErrorChange(
            "the same", "", ", ".join(filter(None, [f"The RMSE is the same as {since}", rows]))
        )
    moved = f"from {number(past.rmse, 4)} {since} to {number(now.rmse, 4)}"
    if not past.rmse or not now.rmse:
        return ErrorChange(
            f"{'+' if now.rmse else '-'}{number(max(now.rmse, past.rmse), 3)}",
            "",
            ", ".join(filter(None, [f"The RMSE went {moved}", rows])),
        )

    share = f"{_percent(now.rmse / past.rmse)} %"
    chance = _chance(past.metrics.test, now.metrics.test)
    return ErrorChange(
        share, chance, f"The RMSE went {moved}: {', '.join(filter(None, [share, chance, rows]))}"
    )


def _rows(past: Result, now: Result) -> str:
    """Say on whose rows the errors are, where that is known."""
    same = same_rows(past, now)
    if same is None:
        return ""
    return f"on the same {scored_rows(now)}" if same else f"each on its own {scored_rows(now)}"


def _chance(past: Scores | None, now: Scores | None) -> str:
    """Say whether a change is chance, with its 95 % interval; both tests' rows count as samples of their own.

    The interval of the ratio comes from those of the two errors: G. Y. Zou and A. Donner, Statistics in Medicine 27
    (2008), 1693-1702. Where the test rows are the same in both runs it is wider than it need be.
    """
    if not (past and now and past.low and past.high and now.low and now.high):
        return ""
    reach = math.hypot(math.log(past.high / past.low), math.log(now.high / now.low)) / 2
    ratio = now.rmse / past.rmse
    low, high = ratio * math.exp(-reach), ratio * math.exp(reach)
    which = "within" if low <= 1 <= high else "beyond"
    return f"{which} chance (95 %: {_percent(low)} to {_percent(high)} %)"


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.2g}"


def started(run: Result) -> str:
    """Write when a run started, in UTC: its name begins with it."""
    name = run.run
    return f"{name[:4]}-{name[4:6]}-{name[6:8]} {name[9:11]}:{name[11:13]}"


def scored_rows(run: Result) -> str:
    """Name the rows that the run's error is of."""
    return "test rows" if run.metrics.test else "training rows"
