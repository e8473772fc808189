"""What a time of scoring says, in plain words; no text of the user's becomes markup."""

from markdown_it import MarkdownIt

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


def test_hostile_text_stays_text() -> None:
    hostile = RESULT.model_copy(update={"column": HOSTILE, "output": HOSTILE, "notes": [HOSTILE]})
    refused = markdown(refusal_page("sales", HOSTILE), lambda _: None)
    for text in (page(hostile), refused):
        tokens = MarkdownIt("commonmark").enable("table").parse(text)
        kinds = {child.type for token in tokens for child in token.children or []}
        assert kinds <= {"text", "strong_open", "strong_close", "softbreak", "hardbreak"}
        assert "<script>" not in MarkdownIt("commonmark").enable("table").render(text)
