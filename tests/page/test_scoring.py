"""What a time of scoring says, in plain words; no text of the user's becomes markup."""

from markdown_it import MarkdownIt

from tasks.outputs.result import ColumnDrift
from tasks.outputs.scoring import ScoringResult
from tasks.page.markdown import markdown
from tasks.page.scoring import refusal_page, scoring_page
from tests.page.examples import HOSTILE

RESULT = ScoringResult(
    name="sales",
    model={"name": "sales", "run": "20261122T000001-0123abcd"},
    column="predicted_y",
    output="'out.csv'",
    rows=1200,
    predicted=1200,
    lowest=-1.5,
    mean=2.0,
    highest=1e6,
    notes=[],
)


def page(result: ScoringResult) -> str:
    return markdown(scoring_page(result), lambda _: None)


def test_the_first_line_answers_whether_all_rows_are_predicted() -> None:
    assert "**Are all rows predicted?** Yes, all 1,200." in page(RESULT)
    assert "Noticed" not in page(RESULT)
    some = RESULT.model_copy(update={"predicted": 1100, "notes": ["100 rows without a prediction: …"]})
    assert "No: 100 of 1,200 rows have no prediction." in page(some)
    assert "## Noticed\n\n- 100 rows without" in page(some)
    none = RESULT.model_copy(
        update={"rows": 0, "predicted": 0, "lowest": None, "mean": None, "highest": None}
    )
    assert "There are no rows." in page(none)
    assert "No: it is gone" in markdown(refusal_page("sales", "it is gone"), lambda _: None)


def test_drift_is_a_sentence_and_a_table_with_the_furthest_first() -> None:
    features = [
        ColumnDrift(name="calm", psi=0.3, p=0.5, drifted=False),
        ColumnDrift(name="far", psi=0.4, p=1e-9, drifted=True),
        ColumnDrift(name="constant", psi=0.0, p=None, drifted=False),
    ]
    told = page(RESULT.model_copy(update={"drift": features}))
    assert "**Are they like the training rows?** No: far moved, beyond chance." in told
    assert [line.split("|")[1].strip() for line in told.splitlines() if line.startswith("| ")][-3:] == [
        "far",
        "calm",
        "constant",
    ]
    calm = page(RESULT.model_copy(update={"drift": features[:1]}))
    assert "Yes, as far as chance can tell." in calm
    assert "training rows" not in page(RESULT)


def test_hostile_text_stays_text() -> None:
    hostile = RESULT.model_copy(update={"column": HOSTILE, "output": HOSTILE, "notes": [HOSTILE]})
    refused = markdown(refusal_page("sales", HOSTILE), lambda _: None)
    for text in (page(hostile), refused):
        tokens = MarkdownIt("commonmark").enable("table").parse(text)
        kinds = {child.type for token in tokens for child in token.children or []}
        assert kinds <= {"text", "strong_open", "strong_close", "softbreak", "hardbreak"}
        assert "<script>" not in MarkdownIt("commonmark").enable("table").render(text)
