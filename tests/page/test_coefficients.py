"""The coefficients stand beside truth and least squares, with the digits that they deserve."""

import pytest

from tasks.outputs.result import ReferenceFit, Result
from tasks.page.coefficients import coefficient_records, coefficient_table, coefficients
from tests.page.examples import result_of
from tests.page.reading import row, shown, tables, text_of


def test_each_weight_stands_beside_truth_and_least_squares() -> None:
    """Estimate, truth, least squares, standard error, t, p, interval, and the difference in standard errors."""
    text = text_of(result_of())
    assert row(text, "z") == [
        "z", "-2.9986", "-3", "-2.9986", "0.0035", "-857", "&lt; 1e-16", "-3.0055 to -2.9917", "-0.0029",
    ]  # fmt: skip
    assert row(text, "**bias**")[1:5] == ["5.0123", "5", "5.0124", "0.0035"]


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


def test_what_is_not_known_is_a_dash() -> None:
    """R² of a constant target, all figures of an undetermined weight and the z without them stay readable."""
    text = text_of(result_of(undetermined=True))
    assert row(text, "x")[4:] == ["–"] * 5
    assert row(text, "neuron, train")[-1] == "–"
    assert "None" not in text
    assert "nan" not in text


@pytest.mark.parametrize("known", [True, False])
def test_two_hundred_weights_are_all_shown(known: bool) -> None:
    """The report holds every weight, in tables with the same number of cells in each row, and stays small."""
    text = text_of(result_of([f"f{i}" for i in range(200)], known=known))
    assert sum(cells[0].startswith("f") for cells in tables(text)[1]) == 200
    assert all(len({len(cells) for cells in block}) == 1 for block in tables(text))
    assert len(text) < 60_000


def with_t(result: Result, t: dict[str, float]) -> Result:
    """Replace the t values; a weight that is not among them has no test."""
    reference = result.least_squares
    tests = {name: reference.t_tests[name].model_copy(update={"t": value}) for name, value in t.items()}
    fit = ReferenceFit(**{**dict(reference), "t_tests": tests})
    return result.model_copy(update={"least_squares": fit})


def rows_of(result: Result) -> list[list[str]]:
    table = coefficient_table(result, coefficients(result))
    return [[shown(cell) for cell in row] for row in table.rows]


def test_the_largest_t_comes_first_and_the_bias_last() -> None:
    """By size, whatever the sign; weights without a test keep the model's order behind the others."""
    result = with_t(result_of("abcde"), {"a": 1.0, "d": -30.0, "e": 2.0, "bias": 99.0})
    assert [row[0] for row in rows_of(result)] == ["d", "e", "a", "b", "c", "bias"]


def test_records_keep_the_models_order_and_all_digits() -> None:
    """They are for programs and for comparison from run to run."""
    result = with_t(result_of("ab"), {"a": 1.0, "b": -30.0})
    records = coefficient_records(coefficients(result))
    assert [record["name"] for record in records] == ["a", "b", "bias"]
    assert records[0]["estimate"] == result.model.weights["a"]


def test_a_zero_is_not_shown_as_its_rounding() -> None:
    """Neither where the standard error says so, nor in an exact fit, whose standard errors are roundings themselves."""
    result = result_of(["x", "z"], known=False)
    for error in (0.0035, 1e-17):
        weights = {"x": 1.11022e-16, "z": 2.0000000000000004}
        tests = {
            "x": result.least_squares.t_tests["x"].model_copy(update={"low": -1e-17, "high": 1e-16}),
        }
        fit = ReferenceFit(
            weights=weights, bias=5.0, standard_errors=dict.fromkeys(weights, error), t_tests=tests
        )
        exact = result.model_copy(
            update={
                "model": result.model.model_copy(update={"weights": weights}),
                "least_squares": fit,
            }
        )
        cells = {row[0]: row for row in rows_of(exact)}
        assert cells["x"][1:3] == ["0", "0"]
        assert cells["x"][-2] == "0 to 0"
        assert cells["z"][1:3] == ["2", "2"]


def test_long_names_that_differ_stay_different() -> None:
    """In the middle as well as at the end."""
    names = [f"{'w' * 100}{middle}{'w' * 100}{end}" for middle in "ab" for end in "cd"]
    labels = [row[0] for row in rows_of(result_of(names))]
    assert len(set(labels)) == len(labels) == 5
    assert max(map(len, labels)) <= 80


def test_undetermined_weights_are_named() -> None:
    """A constant column alone, columns that depend on each other together."""
    result = result_of(["a", "b", "c"])
    fit = result.least_squares.model_copy(update={"undetermined": [["c"], ["a", "b"]]})
    singular = result.model_copy(update={"least_squares": fit})
    caption = coefficient_table(singular, coefficients(singular)).caption
    assert "The weight of the constant column c is not determined." in caption
    assert "The weights of a and b are not determined, since these columns depend on each other" in caption
