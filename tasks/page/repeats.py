"""Trainings that differ only by their seed: their spread, beside what theory predicts."""

from collections.abc import Iterator

from tasks.outputs.result import Repeats, Spread
from tasks.page.blocks import Block, Heading, Strong, TableBlock, Text
from tasks.page.text import named, number

MOST_WEIGHTS = 8  # in the terminal's line


def repeats_section(repeats: Repeats | None) -> Iterator[Block]:
    """Write the section, if there was more than one training."""
    if repeats is None:
        return
    yield Heading(2, "Repeats")
    rows = [_row(label, spread) for label, spread in _spreads(repeats)]
    caption = (
        f"Mean, SD, minimum and maximum of {len(repeats.seeds):,} trainings on the same rows, with seeds "
        f"{repeats.seeds[0]} to {repeats.seeds[-1]}. Expected: least squares, and the SD around it that theory "
        "predicts for this recipe."
    )
    yield TableBlock(caption, ["", "mean", "SD", "min", "max", "expected", "expected SD"], rows, "lrrrrrr")


def repeats_line(repeats: Repeats) -> str:
    """Summarise the spread in one line, for the terminal."""
    spreads = dict(list(repeats.weights.items())[:MOST_WEIGHTS])
    sds = ", ".join(
        f"{named(name)} {number(spread.sd, 2)} ({number(spread.expected_sd, 2)})"
        for name, spread in spreads.items()
    )
    rest = len(repeats.weights) - len(spreads)
    more = f", … and {rest:,} more" if rest else ""
    train = repeats.rmse["train"]
    return (
        f"{len(repeats.seeds)} seeds: SD (expected) {sds}{more}; "
        f"RMSE train {number(train.min, 4)} to {number(train.max, 4)}"
    )


def _spreads(repeats: Repeats) -> Iterator[tuple[Text, Spread]]:
    yield from ((named(name), spread) for name, spread in repeats.weights.items())
    if repeats.bias:
        yield Strong("bias"), repeats.bias
    yield from ((f"RMSE, {part}", spread) for part, spread in repeats.rmse.items())


def _row(label: Text, spread: Spread) -> list[Text]:
    numbers = (spread.mean, spread.sd, spread.min, spread.max, spread.expected, spread.expected_sd)
    digits = (6, 3, 6, 6, 6, 3)
    return [label, *(number(value, kept) for value, kept in zip(numbers, digits, strict=True))]
