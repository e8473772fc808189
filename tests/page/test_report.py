"""The report says what is known, in the promised order, and nothing that is not."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tasks.page.coefficients import coefficients
from tasks.page.figures import loss_curve, predicted_against_actual, residuals
from tasks.page.markdown import data_uri
from tasks.page.report import render, report, stage_table
from tests.page.examples import HOSTILE, parts_of, result_of

FIGURES = {"predicted against actual": "predicted.png"}
ROUNDING = "rounding error of the targets (not a model error)"


def tables(markdown: str) -> list[list[list[str]]]:
    """Split each table into rows of cells, at the pipes that are not escaped."""
    blocks = re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE)
    split = re.compile(r"(?<!\\)\|")
    return [[[c.strip() for c in split.split(line)[1:-1]] for line in block.splitlines()] for block in blocks]


def row(markdown: str, name: str) -> list[str]:
    return next(cells for block in tables(markdown) for cells in block if cells[0] == name)


def test_the_report_keeps_its_order() -> None:
    """The verdict and the errors come before everything else."""
    text = report(result_of(notes=["a column was left out"]), FIGURES)
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [
        "Notes on the data",
        "Weights and bias",
        "Metrics",
        "Architecture",
        "Figures",
        "Settings",
        "Stages",
    ]
    first = text[: text.index("## ")]
    assert first.startswith("# Linear regression of y\n\n**Verdict.** largest distance")
    assert row(first, "train") == ["train", "**0.5739**", "21.3", "800"]
    assert row(first, "test") == ["test", "**0.5812**", "21.3", "200"]


def test_each_weight_stands_beside_truth_and_least_squares() -> None:
    """Estimate, truth, least squares, standard error, and their difference in standard errors."""
    text = report(result_of(), FIGURES)
    assert row(text, "z") == ["z", "-2.9986", "-3", "-2.99859", "0.0035", "-0.0029"]
    assert row(text, "*bias*") == ["*bias*", "5.0123", "5", "5.0124", "0.0035", "-0.029"]


def test_truth_is_shown_only_where_it_is_known() -> None:
    """For the user's own data there is no column of true values, nor the example problem's settings."""
    text = report(result_of(known=False), FIGURES)
    assert row(text, "z") == ["z", "-2.9986", "-2.99859", "0.0035", "-0.0029"]
    assert "`problem.rows`" not in text
    assert "`input.data`" in text
    assert "`problem.rows`" in report(result_of(), FIGURES)


def test_a_model_without_bias_shows_none() -> None:
    """The count of parameters tells whether the zero is an estimate."""
    whole = result_of()
    without = whole.model_copy(
        update={"model": whole.model.model_copy(update={"parameters": 2, "bias": 0.0})}
    )
    assert [coefficient.name for coefficient in coefficients(without)] == ["x", "z"]
    assert "1 layer (the input is not counted), 1 neuron, 2 parameters: 2 weights and no bias." in report(
        without, {}
    )
    assert "3 parameters: 2 weights and a bias." in report(whole, {})


def test_the_rounding_figure_is_labelled_and_only_the_tutorials() -> None:
    """0.0289 never appears without saying that it is no error of the model."""
    text = report(result_of(rounding=0.02887), FIGURES)
    assert row(text, ROUNDING)[1] == "0.02887"
    assert row(text, "genuine RMSE of the predictions")[1] == "0.573912"
    assert ROUNDING not in report(result_of(), FIGURES)


def test_what_is_not_known_is_a_dash() -> None:
    """R² of a constant target, errors of an undetermined weight and the z without them stay readable."""
    text = report(result_of(undetermined=True), FIGURES)
    assert row(text, "x")[-2:] == ["–", "–"]
    assert row(text, "neuron, train")[-1] == "–"
    assert "None" not in text
    assert "nan" not in text


def test_without_a_test_part_the_report_says_so() -> None:
    """No row of the tables is about a test that was not held."""
    text = report(result_of(held_out=False), FIGURES)
    assert "No rows were held out" in text
    assert not [cells for block in tables(text) for cells in block if cells[0].endswith("test")]


def test_the_learning_rate_stands_beside_the_stable_range() -> None:
    """The limit is that of raw inputs, which the calibrated recipe does not train on."""
    text = render(result_of(), settings={"training": {"recipe": "tutorial"}}, figures={})
    assert "Learning rate used: 0.457 at first. " in text
    assert "stable below 0.0284.\n" in text
    assert "whitens" in report(result_of(), {})


def test_figures_are_linked_in_order() -> None:
    """Paths are quoted where a link needs it, data URIs stay whole."""
    uri = data_uri(bytes(range(256)))
    text = report(result_of(), {"residuals": "my runs/a (1).png", "loss": uri})
    assert "![residuals](my%20runs/a%20%281%29.png)\n\n![loss](" + uri + ")\n" in text
    assert "## Figures" not in report(result_of(), {})


def test_stages_tell_what_they_did_and_why() -> None:
    """A stage with thousands of shards lists a few and counts the others."""
    text = stage_table(result_of(shards=1000).stages)
    assert row(text, "train") == ["train", "ran", r"\`epochs\`: 100 → 200", "1.23", ""]
    assert row(text, "generate")[-1].endswith("part-3.parquet `abababababab`, … and 996 more")


@pytest.mark.parametrize("known", [True, False])
def test_two_hundred_weights_are_all_shown(known: bool) -> None:
    """The report holds every weight, in tables with the same number of cells in each row, and stays small."""
    text = report(result_of([f"f{i}" for i in range(200)], known=known), FIGURES)
    assert sum(cells[0].startswith("f") for cells in tables(text)[1]) == 200
    assert all(len({len(cells) for cells in block}) == 1 for block in tables(text))
    assert len(text) < 40_000


@given(st.text(max_size=20) | st.just(HOSTILE))
def test_no_text_changes_the_reports_structure(name: str) -> None:
    """Target, features, verdict, notes and figure names may hold anything: the same blocks come out."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    plain = report(result_of(["a", "b"], target="t", text="v", notes=["n"]), {"f": "f.png"})
    wild = report(result_of([name, name + "b"], target=name, text=name, notes=[name]), {name: "f.png"})
    assert [token.type for token in parser.parse(wild)] == [token.type for token in parser.parse(plain)]
    assert "<script" not in wild


def test_a_page_with_its_figures_inside_fits_into_prefects_page() -> None:
    """The default run's markdown artifact stays below 200 kB."""
    pictures = {
        "predicted against actual": predicted_against_actual("y", parts_of()),
        "residuals": residuals("y", parts_of()),
        "loss": loss_curve(0.33 + 400 * np.exp(-np.arange(100) / 3), 450.0),
    }
    text = report(result_of(), {name: data_uri(png) for name, png in pictures.items()})
    assert text.count("data:image/png;base64,") == 3
    assert len(text.encode()) < 200_000
