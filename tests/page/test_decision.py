"""The report says what the gate decided, how the champion fares today, and what the new model changes."""

from tasks.outputs.result import ChampionComparison, Decision, Result
from tests.page.examples import result_of
from tests.page.reading import row, text_of


def decided(**changes: object) -> Result:
    found = ChampionComparison(
        champion_rmse=0.8, rmse=0.58, low=0.1, high=0.3, confidence=0.99, method="normal", rows=200,
        units=20, unit="day",
    )  # fmt: skip
    decision = Decision(
        outcome="promoted",
        text="Promoted, as better | beyond chance",
        champion="20261122T000000-0123abcd",
        champion_version=3,
        champion_weights={"x": 2.0014, "z": -3.1, "bias": 5.0123},
        promoted_rmse=0.6,
        comparison=found,
    )
    return result_of().model_copy(update={"decision": decision.model_copy(update=changes)})


def test_the_champions_fate_stands_beside_what_it_promised() -> None:
    """Its error when it was trained, today, and the new model's, on the same rows."""
    text = text_of(decided())
    assert row(text, "decision")[1:] == [
        "**promoted**",
        "the champion is version 3, RMSE 0.8 on the same rows",
    ]
    assert row(text, "champion, on its own test rows when it was trained")[1] == "0.6"
    assert row(text, "champion, on today's test rows")[1] == "0.8"
    assert row(text, "this run, on today's test rows")[1] == "0.5812"
    assert "20 days independent of each other" in text


def test_weights_stand_side_by_side_those_that_moved_most_first() -> None:
    text = text_of(decided()).partition("## Decision")[2].partition("\n## ")[0]
    places = [text.index(f"\n| {name}") for name in ("z", "x", "bias")]
    assert places[0] < min(places[1:])


def test_a_first_model_has_no_champion_beside_it() -> None:
    first = decided(champion=None, champion_version=None, champion_weights=None, comparison=None)
    text = text_of(first)
    assert row(text, "decision")[1:] == ["**promoted**", "there was no champion"]
    assert "today's test rows" not in text


def test_where_nothing_was_decided_nothing_is_said() -> None:
    assert "decision" not in text_of(result_of()).lower()
