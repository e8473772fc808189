"""The report says what is known, in the promised order, and nothing that is not."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tasks.outputs.result import Figure, Result
from tasks.page.blocks import Heading, Picture, TableBlock
from tasks.page.coefficients import coefficients
from tasks.page.markdown import markdown
from tasks.page.report import report
from tests.page.examples import FIGURES, HOSTILE, result_of

ROUNDING = "rounding error of the targets (not a model error)"


def text_of(result: Result, figures: Sequence[Figure] = (), past: Sequence[Result] = ()) -> str:
    return markdown(report(result, figures, past), str)


def tables(text: str) -> list[list[list[str]]]:
    """Split each table into rows of cells, at the pipes that are not escaped."""
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    split = re.compile(r"(?<!\\)\|")
    return [[[c.strip() for c in split.split(line)[1:-1]] for line in block.splitlines()] for block in blocks]


def row(text: str, name: str) -> list[str]:
    return next(cells for block in tables(text) for cells in block if cells[0] == name)


def test_the_report_keeps_its_order() -> None:
    """The verdict and what to hold it against come before everything else; figures stand in their sections."""
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


def test_the_first_screen_says_what_happened() -> None:
    """Verdict, RMSE, against the mean and the run before, R², stages: in this order."""
    text = text_of(result_of())
    first = text[: text.index("## ")]
    assert first.startswith("# Linear regression of y\n\n**Verdict.** largest distance")
    assert [cells[:2] for cells in tables(first)[0][2:]] == [
        ["RMSE, test", "**0.5812**"],
        ["against the mean", "**36.6 ×**"],
        ["against the run before", "**–**"],
        ["R², test", "**0.9988**"],
        ["stages", "**1 cached, 1 ran**"],
    ]
    assert row(first, "RMSE, test")[2] == "200 rows; train: 0.5739 on 800 rows"
    assert row(first, "against the mean")[2] == "smaller than the 21.3 of predicting the training mean"


def test_the_run_before_is_compared_with() -> None:
    """By the difference of the RMSE and its share of what it was."""
    before = result_of()
    worse = before.model_copy(
        update={
            "run": "20261122T000000-00000000",
            "metrics": before.metrics.model_copy(
                update={"test": before.metrics.train.model_copy(update={"rmse": 0.6})}
            ),
        }
    )
    assert row(text_of(result_of(), past=[worse]), "against the run before")[1:] == [
        "**-0.0188 (-3.1 %)**",
        "from 0.6 in the run of 2026-11-22 00:00",
    ]
    assert row(text_of(result_of(), past=[before]), "against the run before")[1] == "**the same**"


def test_each_weight_stands_beside_truth_and_least_squares() -> None:
    """Estimate, truth, least squares, standard error, t, p, interval, and the difference in standard errors."""
    text = text_of(result_of())
    assert row(text, "z") == [
        "z", "-2.9986", "-3", "-2.99859", "0.0035", "-856.7", "&lt; 1e-16", "-3.0055 to -2.9917", "-0.0029",
    ]  # fmt: skip
    assert row(text, "**bias**")[1:5] == ["5.0123", "5", "5.0124", "0.0035"]


def test_truth_is_shown_only_where_it_is_known() -> None:
    """For the user's own data there is no column of true values, nor the example problem's settings."""
    text = text_of(result_of(known=False))
    assert row(text, "z")[:4] == ["z", "-2.9986", "-2.99859", "0.0035"]
    assert "`problem.rows`" not in text
    assert "`input.data`" in text
    assert "`problem.rows`" in text_of(result_of())


def test_a_model_without_bias_shows_none() -> None:
    """The count of parameters tells whether the zero is an estimate."""
    whole = result_of()
    without = whole.model_copy(
        update={"model": whole.model.model_copy(update={"parameters": 2, "bias": 0.0})}
    )
    assert [coefficient.name for coefficient in coefficients(without)] == ["x", "z"]
    assert "1 layer (the input is not counted), 1 neuron, 2 parameters: 2 weights and no bias." in text_of(
        without
    )
    assert "3 parameters: 2 weights and a bias." in text_of(whole)


def test_the_rounding_figure_is_labelled_and_only_the_tutorials() -> None:
    """0.0289 never appears without saying that it is no error of the model."""
    text = text_of(result_of(rounding=0.02887))
    assert row(text, ROUNDING)[1] == "0.02887"
    assert row(text, "genuine RMSE of the predictions")[1] == "0.573912"
    assert ROUNDING not in text_of(result_of())


def test_what_is_not_known_is_a_dash() -> None:
    """R² of a constant target, all figures of an undetermined weight and the z without them stay readable."""
    text = text_of(result_of(undetermined=True))
    assert row(text, "x")[4:] == ["–"] * 5
    assert row(text, "neuron, train")[-1] == "–"
    assert "None" not in text
    assert "nan" not in text


def test_without_a_test_part_the_report_says_so() -> None:
    """No row of the tables is about a test that was not held."""
    text = text_of(result_of(held_out=False))
    assert "No rows were held out" in text
    assert row(text, "RMSE, train")[1] == "**0.5739**"
    assert not [cells for block in tables(text) for cells in block if cells[0].endswith("test")]


def test_the_learning_rate_stands_beside_the_stable_range() -> None:
    """The limit is that of raw inputs, which the calibrated recipe does not train on."""
    tutorial = result_of().model_copy(update={"settings": {"training": {"recipe": "tutorial"}}})
    assert "Learning rate used: 0.457 at first. " in text_of(tutorial)
    assert "stable below 0.0284.\n" in text_of(tutorial)
    assert "whitens" in text_of(result_of())


def test_drift_is_told_in_standard_deviations_of_the_run_before() -> None:
    """A mean that moved from 0.1 to 1.254 at a standard deviation of 5.77 drifted by 0.2."""
    now = result_of()
    moved = [column.model_copy(update={"mean": 1.254}) for column in now.profile]
    text = text_of(now.model_copy(update={"profile": moved}), past=[now])
    drift = next(block for block in tables(text) if block[0][-1] == "drift of the mean")
    assert [cells[-1] for cells in drift[2:]] == ["0.2"] * 3
    assert "drift" not in text_of(now)


def test_stages_tell_what_they_did_and_why_and_where_it_lies() -> None:
    """A stage with thousands of shards lists a few and counts the others."""
    text = text_of(result_of(shards=1000))
    assert row(text, "train") == ["train", "ran", "1.23", r"\`epochs\`: 100 → 200"]
    assert "… and 994 more files" in text
    assert text.count("part-") == 6


def test_the_lineage_says_how_to_get_the_same_again() -> None:
    """Run, flow run, code, libraries; the command is the last line, to copy."""
    text = text_of(result_of())
    assert row(text, "Prefect flow run")[1] == "brave-otter (5b6c)"
    assert row(text, "libraries")[1] == "numpy 2.4.6"
    assert "user's files" not in text
    assert text.endswith("\n\n    linear-neuron run\n")


@pytest.mark.parametrize("known", [True, False])
def test_two_hundred_weights_are_all_shown(known: bool) -> None:
    """The report holds every weight, in tables with the same number of cells in each row, and stays small."""
    text = text_of(result_of([f"f{i}" for i in range(200)], known=known))
    assert sum(cells[0].startswith("f") for cells in tables(text)[1]) == 200
    assert all(len({len(cells) for cells in block}) == 1 for block in tables(text))
    assert len(text) < 60_000


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
