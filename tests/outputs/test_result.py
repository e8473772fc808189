"""The result of a run: JSON and back, of this release and of others."""

import pytest
from pydantic import ValidationError

from tasks.outputs.result import Result, Scores
from tests.page.examples import HOSTILE, result_of


@pytest.mark.parametrize(
    "result", [result_of(), result_of([HOSTILE.encode(errors="replace").decode(), "ü"], held_out=False)]
)
def test_it_comes_back_from_json(result: Result) -> None:
    written = result.model_dump_json()
    again = Result.model_validate_json(written)
    assert again.model_dump_json() == written
    assert (again.stages, again.lineage, again.least_squares) == (
        result.stages,
        result.lineage,
        result.least_squares,
    )


def test_what_another_release_knows_more_is_passed_over() -> None:
    """In every part of it; a run of an earlier one lacks what has a default."""
    content = result_of().model_dump(mode="json")
    more = content | {"new": 1, "verdict": content["verdict"] | {"new": [1]}}
    assert Result.model_validate(more).model_dump(mode="json") == content
    less = {
        name: value
        for name, value in content.items()
        if name not in {"format", "files", "repeats", "checksum"}
    }
    del less["least_squares"]["undetermined"]
    found = Result.model_validate(less)
    assert (found.format, found.files, found.repeats, found.checksum) == (1, [], None, "")
    assert found.least_squares.undetermined == []


def test_a_format_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValidationError):
        Result.model_validate(result_of().model_dump() | {"format": 99})


def test_the_rmse_is_that_of_the_test_rows_where_there_are_some() -> None:
    assert result_of().rmse == 0.581234
    assert result_of(held_out=False).rmse == 0.573912


@pytest.mark.parametrize("rmse", [-1.0, float("nan"), float("inf")])
def test_an_error_that_is_none_is_refused(rmse: float) -> None:
    with pytest.raises(ValidationError):
        Scores(rows=1, rmse=rmse, mae=0.0, r2=None)
