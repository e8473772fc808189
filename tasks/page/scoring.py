"""What a time of scoring says: how many rows there were, which predictions they got, and what was amiss."""

from collections.abc import Iterator

from tasks.outputs.scoring import ScoringResult
from tasks.page.blocks import AnswerBlock, Block, Grade, Heading, Listing, TableBlock, Text
from tasks.page.drift import drift_table
from tasks.page.text import named, number, visible

# Features that the sentence names.
MOST_NAMED = 5


def scoring_page(result: ScoringResult) -> list[Block]:
    """Write it as a page, for Prefect's UI."""
    lost = result.rows - result.predicted
    grade: Grade = "doubtful" if lost or not result.rows else "good"
    facts: list[list[Text]] = [
        ["model", visible(", ".join(f"{name} {value}" for name, value in result.model.items())) or "a file"],
        ["predictions", f"column {visible(result.column)} in {visible(result.output)}"],
        ["smallest", number(result.lowest)],
        ["mean", number(result.mean)],
        ["largest", number(result.highest)],
    ]
    return [
        Heading(1, f"Scored by {result.name}"),
        AnswerBlock("Are all rows predicted?", [_all(result)], grade),
        *_drift_answer(result),
        TableBlock("What the rows got.", ["what", "value"], facts, "ll"),
        *(
            [drift_table("These rows against the model's training rows", result.drift)]
            if result.drift
            else []
        ),
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


def _all(result: ScoringResult) -> str:
    if not result.rows:
        return "There are no rows."
    if result.predicted == result.rows:
        return f"Yes, all {result.rows:,}."
    return f"No: {result.rows - result.predicted:,} of {result.rows:,} rows have no prediction."
