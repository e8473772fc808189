"""Several trainings that differ by their seed: how far they lie apart, beside what theory expects."""

from collections.abc import Iterator

from tasks.outputs.result import Repeats, Spread
from tasks.page.blocks import Block, Heading, Strong, TableBlock, Text
from tasks.page.text import named, number

MOST_WEIGHTS = 8


def repeats_section(repeats: Repeats | None) -> Iterator[Block]:
    """Write the section, where there was more than one training."""
    if repeats is None:
        return
    yield Heading(2, "Repeats")
    rows = [_row(label, spread) for label, spread in _spreads(repeats)]
    caption = (
        f"{len(repeats.seeds):,} trainings on the same rows, with the seeds {repeats.seeds[0]} to {repeats.seeds[-1]}. "
        "Expected: least squares, and the standard deviation about it that theory predicts for this recipe."
    )
    yield TableBlock(caption, ["", "mean", "sd", "min", "max", "expected", "expected sd"], rows, "lrrrrrr")


def repeats_line(repeats: Repeats) -> str:
    """Say in one line how far the trainings lie apart, for the terminal."""
    spreads = dict(list(repeats.weights.items())[:MOST_WEIGHTS])
    sds = ", ".join(
        f"{named(name)} {number(spread.sd, 2)} ({number(spread.expected_sd, 2)})"
        for name, spread in spreads.items()
    )
    train = repeats.rmse["train"]
    return (
        f"{len(repeats.seeds)} seeds: sd (expected) {sds}; "
        f"RMSE train {number(train.min, 4)} to {number(train.max, 4)}"
    )


def _spreads(repeats: Repeats) -> Iterator[tuple[Text, Spread]]:
    yield from ((named(name), spread) for name, spread in repeats.weights.items())
    if repeats.bias:
        yield Strong("bias"), repeats.bias
    yield from ((f"RMSE, {part}", spread) for part, spread in repeats.rmse.items())


def _row(label: Text, spread: Spread) -> list[Text]:
    figures = (spread.mean, spread.sd, spread.min, spread.max, spread.expected, spread.expected_sd)
    digits = (6, 3, 6, 6, 6, 3)
    return [label, *(number(figure, kept) for figure, kept in zip(figures, digits, strict=True))]
