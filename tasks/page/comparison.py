"""What a page says of a run beside another: when it started, which error counts, how far it moved."""

from tasks.outputs.naming import difference
from tasks.outputs.result import Result
from tasks.page.text import number


def compared(past: Result, now: Result) -> str:
    """Say how far the RMSE moved since a past run: the difference, and its share; or why it cannot be compared.

    Differences below the sixth digit count as none: that is where another processor's rounding begins.
    """
    if why := difference(past, now):
        return why
    change = now.rmse - past.rmse
    if abs(change) <= 1e-6 * max(past.rmse, now.rmse):
        return "the same"
    share = f" ({100 * change / past.rmse:+.2g} %)" if past.rmse else ""
    return f"{'+' if change > 0 else '-'}{number(abs(change), 3)}{share}"


def started(run: Result) -> str:
    """Write when a run started, in UTC: its name begins with it."""
    name = run.run
    return f"{name[:4]}-{name[4:6]}-{name[6:8]} {name[9:11]}:{name[11:13]}"


def scored_rows(run: Result) -> str:
    """Name the rows that the run's error is of."""
    return "test rows" if run.metrics.test else "training rows"
