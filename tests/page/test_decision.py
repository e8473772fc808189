"""The report says what the gate decided, how the champion fares today, and what the new model changes."""

from tasks.outputs.result import ChampionComparison, ColumnDrift, Decision, Result
from tests.page.examples import result_of
from tests.page.reading import row, tables, text_of


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
        drift=[
            ColumnDrift(name="x", psi=0.0123, p=0.41, drifted=False),
            ColumnDrift(name="z|", psi=0.314, p=1e-9, drifted=True),
        ],
        drift_text="Drifted from the champion's training rows: 'z|'",
    )
    return result_of().model_copy(update={"decision": decision.model_copy(update=changes)})


def test_the_champions_fate_stands_beside_what_it_promised() -> None:
    """Its error when it was trained, today, and the new model's, on the same rows."""
    text = text_of(decided())
    assert row(text, "decision")[1:] == [
        "**promoted**",
        "the champion is version 3, RMSE 0.8 on the same rows, 0.6 on its own when it was trained",
    ]
    assert row(text, "champion, on its own test rows when it was trained")[1] == "0.6"
    assert row(text, "champion, on today's test rows")[1] == "0.8"
    assert row(text, "this run, on today's test rows")[1] == "0.5812"
    assert "20 days independent of each other" in text


def test_the_first_screen_says_in_sentences_what_was_decided_and_what_has_drifted() -> None:
    text = text_of(decided())
    first = text[: text.index("## ")]
    assert (
        "\n\n**Is it in use?** Promoted, as better \\| beyond chance.\n\n- Drifted from the champion's"
        in first
    )
    assert row(first, "drift")[1:] == [
        "**1 of 2 features**",
        "from the champion's training rows; largest PSI 0.31 (z\\|)",
    ]


def test_drift_is_tabled_by_feature_the_furthest_first() -> None:
    text = text_of(decided())
    found = next(block for block in tables(text) if block[0] == ["feature", "PSI", "p", "drifted"])
    assert found[2:] == [["z\\|", "0.314", "1e-9", "yes"], ["x", "0.0123", "0.41", "no"]]


def test_drift_that_is_not_known_is_said_to_be() -> None:
    unknown = decided(drift=[], drift_text="Drift is not known: an earlier release")
    assert row(text_of(unknown), "drift")[1:] == ["**–**", "not known"]
    assert "Drift is not known: an earlier release." in text_of(unknown)


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
