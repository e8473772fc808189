"""The section on penalty and folds."""

from tasks.outputs.result import CrossValidation, Ridge, RidgePoint
from tasks.page.blocks import Heading, Paragraph, TableBlock
from tasks.page.coefficients import reference_name
from tasks.page.ridge import SHOWN, ridge_section
from tests.page.examples import result_of

EXAMPLE = result_of()


def test_a_plain_fit_has_none() -> None:
    assert list(ridge_section(EXAMPLE)) == []
    assert reference_name(EXAMPLE) == "least squares"


def test_a_chosen_penalty_stands_in_its_path() -> None:
    """A dozen points and always the chosen one, marked."""
    path = [RidgePoint(l2=float(number), rmse=10.0 - number / 100, sd=1.0) for number in range(1, 38)]
    result = EXAMPLE.model_copy(update={"ridge": Ridge(l2=37.0, path=path)})
    heading, text, table = ridge_section(result)
    assert heading == Heading(2, "Penalty and folds")
    assert isinstance(text, Paragraph)
    assert "is 37, chosen by 10 folds" in str(text)
    assert isinstance(table, TableBlock)
    assert len(table.rows) <= SHOWN + 1
    assert [row[0] for row in table.rows if row[-1] == "chosen"] == ["37"]
    assert reference_name(result) == "ridge"


def test_folds_alone_are_a_sentence() -> None:
    folds = CrossValidation(folds=5, rmse=2.5, sd=0.25, errors=[2.0, 3.0, 2.5, 2.5, 2.5], leave_one_out=2.625)
    heading, text = ridge_section(EXAMPLE.model_copy(update={"cross_validation": folds}))
    assert heading == Heading(2, "Folds")
    assert "over 5 folds" in str(text)
    assert "2.5, with a standard deviation of 0.25" in str(text)
    assert "(from the leverages): RMSE 2.625." in str(text)


def test_errors_of_a_logarithm_are_called_so() -> None:
    """The path and the folds are of what was fitted, the report's other errors in units of the target."""
    path = [RidgePoint(l2=1.0, rmse=0.1, sd=0.01)]
    folds = CrossValidation(folds=5, rmse=0.1, sd=0.01, errors=[0.1] * 5)
    result = EXAMPLE.model_copy(update={"ridge": Ridge(l2=1.0, path=path), "cross_validation": folds})
    of_log = (
        f"Errors are those of log({EXAMPLE.target}), which was fitted; they are not in units of the target."
    )
    logged = result.model_copy(update={"smearing": 1.01})
    assert [of_log in str(block) for block in ridge_section(logged)] == [False, True, False, True]
    assert not any("Errors are those of" in str(block) for block in ridge_section(result))
