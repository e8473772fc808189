"""What a time of scoring says: how many rows there were, which predictions they got, and what was amiss."""

from collections.abc import Iterator

from tasks.outputs.scoring import ScoringResult
from tasks.page.blocks import AnswerBlock, Block, Grade, Heading, Listing, TableBlock, Text
from tasks.page.text import named, number, visible

# Features that the sentence names, and that the table has.
MOST_NAMED, MOST_DRIFTS = 5, 20


def scoring_page(result: ScoringResult) -> list[Block]:
    """Write it as a page, for Prefect's UI."""
    lost = result.rows - result.predicted
    grade: Grade = "doubtful" if lost or not result.rows else "good"
    facts: list[list[Text]] = [
        ["model", visible(", ".join(f"{name} {value}" for name, value in result.model.items())) or "a file"],
        ["predictions", f"column {visible(result.column)} in {visible(result.output)}"],
        ["smallest", _figure(result.lowest)],
        ["mean", _figure(result.mean)],
        ["largest", _figure(result.highest)],
    ]
    return [
        Heading(1, f"Scored by {result.name}"),
        AnswerBlock("Are all rows predicted?", [_all(result)], grade),
        *_drift_answer(result),
        TableBlock("What the rows got.", ["what", "value"], facts, "ll"),
        *([_drift_table(result)] if result.drift else []),
        *_noticed(result),
    ]


def _noticed(result: ScoringResult) -> Iterator[Block]:
    if result.notes:
        yield Heading(2, "Noticed")
        yield Listing([visible(note) for note in result.notes])


def refusal_page(name: str, reason: str) -> list[Block]:
    """Write why nothing was predicted."""
    return [
        Heading(1, f"Nothing was scored by {name}"),
        AnswerBlock("Are all rows predicted?", [f"No: {visible(reason)}"], "bad"),
    ]


def _drift_answer(result: ScoringResult) -> Iterator[AnswerBlock]:
    if result.drift:
        far = ", ".join(named(each.name) for each in result.drifted[:MOST_NAMED])
        more = len(result.drifted) - MOST_NAMED
        rest = f" and {more:,} more" if more > 0 else ""
        answer = f"No: {far}{rest} moved, beyond chance." if far else "Yes, as far as chance can tell."
        yield AnswerBlock("Are they like the training rows?", [answer], "doubtful" if far else "good")


def _drift_table(result: ScoringResult) -> TableBlock:
    """Tabulate how far the features are from the training rows, the furthest first."""
    shown = sorted(result.drift, key=lambda each: (not each.drifted, -each.psi))[:MOST_DRIFTS]
    rows: list[list[Text]] = [
        [
            named(each.name),
            number(each.psi, 3),
            "–" if each.p is None else number(each.p, 2),
            "yes" if each.drifted else "no",
        ]
        for each in shown
    ]
    rest = (
        f", the {len(shown)} of {len(result.drift):,} that are furthest"
        if len(shown) < len(result.drift)
        else ""
    )
    caption = (
        f"Features against the model's training rows{rest}: population stability index, chi-square test."
    )
    return TableBlock(caption, ["feature", "PSI", "p", "drifted"], rows, "lrrl")


def _all(result: ScoringResult) -> str:
    if not result.rows:
        return "There are no rows."
    if result.predicted == result.rows:
        return f"Yes, all {result.rows:,}."
    return f"No: {result.rows - result.predicted:,} of {result.rows:,} rows have no prediction."


def _figure(value: float | None) -> str:
    return "–" if value is None else number(value)
