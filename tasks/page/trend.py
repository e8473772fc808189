"""How the error went over the last runs: the picture, a table of the newest, and what changed in the settings."""

from collections.abc import Iterator, Sequence

from tasks.config import values
from tasks.outputs.result import Result
from tasks.page.blocks import Block, Heading, Paragraph, Picture, Strong, TableBlock, Text
from tasks.page.comparison import compared, scored_rows
from tasks.page.text import number, visible

NEWEST = 5  # runs in the table, this one included


def trend(
    past: Sequence[Result], now: Result, pictures: Sequence[Picture], failed: Sequence[str] = ()
) -> Iterator[Block]:
    """Write the section; from the second run on there is something to compare with.

    Args:
        past: The runs before this one, the oldest first.
        now: This run.
        pictures: The trend, drawn.
        failed: What failed between the previous run and this one, in a few words each.
    """
    yield Heading(2, "Trend")
    if not past:
        yield Paragraph("The first run of this name in this folder: nothing to compare with.")
        return
    yield from pictures
    yield _table([*past, now])
    yield Paragraph(_settings(past[-1], now))
    if failed:
        yield Paragraph(f"Failed since the previous run: {visible('; '.join(failed))}.")


def _table(runs: Sequence[Result]) -> TableBlock:
    newest = list(reversed(runs))[:NEWEST]
    before = [*list(reversed(runs))[1 : NEWEST + 1], None]
    return TableBlock(
        caption=f"The newest runs, each with the RMSE of its own {scored_rows(runs[-1])}.",
        header=["run", "rows", "RMSE", "change", "equals least squares"],
        rows=[
            [*_named(run, run is runs[-1]), compared(older, run) if older else "–", _yes(run)]
            for run, older in zip(newest, before, strict=False)
        ],
        align="lrrrl",
    )


def _named(run: Result, is_this: bool) -> list[Text]:
    rows = run.metrics.train.rows + (run.metrics.test.rows if run.metrics.test else 0)
    name: Text = [run.run, " ", Strong("(this one)")] if is_this else run.run
    return [name, f"{rows:,}", number(run.rmse, 4)]


def _yes(run: Result) -> str:
    return "yes" if run.verdict.converged else "no"


def _settings(before: Result, now: Result) -> str:
    old, new = ({str(each): value for each, value in values(run.settings)} for run in (before, now))
    changed = [
        f"{name} {_value(old.get(name))} → {_value(new.get(name))}"
        for name in dict.fromkeys([*new, *old])
        if old.get(name) != new.get(name)
    ]
    return f"Settings changed since the previous run: {'; '.join(changed) or 'none'}."


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value)) or "–"
    return "–" if value is None else str(value)
