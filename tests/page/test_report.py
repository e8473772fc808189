"""The report says what is known, in the promised order, and nothing that is not."""

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tasks.page.blocks import Heading, Picture, TableBlock
from tasks.page.report import report
from tests.page.examples import FIGURES, HOSTILE, result_of
from tests.page.reading import row, text_of

ROUNDING = "rounding error of the targets (not a model error)"


def test_the_report_keeps_its_order() -> None:
    """The verdict and the key figures come before everything else; figures stand in their sections."""
    blocks = report(result_of(notes=["a column was left out"]), FIGURES)
    outline = [
        block.text if isinstance(block, Heading) else block.file
        for block in blocks
        if isinstance(block, Heading | Picture)
    ]
    assert outline == [
        "Linear regression of y",
        "Trend",
        "Notes on the data",
        "Weights and bias",
        "coefficients.png",
        "Fit",
        "predictions.png",
        "Training",
        "loss_curve.png",
        "Data",
        "Stages",
        "Settings",
        "Lineage",
    ]


def test_the_rounding_figure_is_labelled_and_only_the_tutorials() -> None:
    """0.0289 never appears without saying that it is no error of the model."""
    text = text_of(result_of().model_copy(update={"rounding_rmse": 0.02887}))
    assert row(text, ROUNDING)[1] == "0.02887"
    assert row(text, "genuine RMSE of the predictions")[1] == "0.5739"
    assert ROUNDING not in text_of(result_of())


@given(st.text(max_size=20) | st.just(HOSTILE))
def test_no_text_changes_the_reports_structure(name: str) -> None:
    """Target, features, verdict, notes and alternative texts may hold anything: the same blocks come out."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])

    def kinds(each: str, other: str) -> list[str]:
        figure = FIGURES[-1].model_copy(update={"alt": each})
        result = result_of([each, other], target=each, text=each, notes=[each])
        text = text_of(result, [figure])
        assert "<script" not in text
        return [token.type for token in parser.parse(text)]

    assert kinds(name, name + "b") == kinds("a", "b")


def test_tables_have_captions_and_named_rows() -> None:
    """Every table says what it holds, for those who cannot see where it stands."""
    found = [block for block in report(result_of(), FIGURES, [result_of()]) if isinstance(block, TableBlock)]
    assert len(found) == 8
    assert all(block.caption.endswith(".") for block in found)


def test_the_statistic_z_goes_without_its_letter_beside_a_feature_z() -> None:
    assert "least squares: 0.0043 standard errors (SE)" in text_of(result_of(["x", "z"]))
    assert "least squares (z): 0.0043 standard errors (SE)" in text_of(result_of(["x", "w"]))


def test_r2_of_the_mean_is_zero_and_not_its_rounding() -> None:
    result = result_of()
    scores = result.baseline.train.model_copy(update={"r2": 1.11022e-16})
    baseline = result.baseline.model_copy(update={"train": scores})
    text = text_of(result.model_copy(update={"baseline": baseline}))
    assert row(text, "training mean, train")[-1] == "0"
