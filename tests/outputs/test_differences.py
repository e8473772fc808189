"""Two runs side by side: what differs, and on whose rows the errors are."""

from tasks.config import Settings
from tasks.outputs.differences import differences
from tasks.outputs.result import Result, RunFile
from tests.page.examples import generated, result_of


def dealt(result: Result, digest: str) -> Result:
    """Give a run test rows with this digest."""
    test = RunFile(path="split/0123456789abcdef/test.parquet", sha256=digest * 64, bytes=1)
    stage = generated(1).model_copy(update={"files": [test]})
    return result.model_copy(update={"stages": {**result.stages, "split": stage}})


def test_equal_runs_do_not_differ() -> None:
    result = dealt(result_of(), "a")
    found = differences(result, result)
    assert (found.settings, found.origins, found.rows) == ([], [], "on the same test rows")
    assert found.errors
    assert {each.name for each in found.weights} >= {"x"}
    assert all(each.first == each.second for each in found.errors)
    assert all((each.low or 0) < 0 < (each.high or 0) for each in found.weights)


def test_what_differs_is_listed_with_both_values() -> None:
    """A feature of one run alone has no value in the other, and no change."""
    first, second = result_of(["x", "z"]), result_of(["x", "q"])
    settings = Settings.model_validate({"training": {"epochs": 7}}).model_dump()
    found = differences(first, second.model_copy(update={"settings": settings}))
    assert [(each.name, each.first, each.second) for each in found.settings] == [
        ("training.epochs", "100", "7")
    ]
    weights = {each.name: each for each in found.weights}
    assert (weights["z"].second, weights["q"].first, weights["q"].low) == (None, None, None)
    assert any("training.epochs" in line and "100" in line for line in found.lines())


def test_whose_rows_the_errors_are_of_is_said() -> None:
    one, other = dealt(result_of(), "a"), dealt(result_of(), "b")
    assert differences(one, other).rows == "each on its own test rows"
    assert differences(result_of(held_out=False), one).rows == "each on its own training rows"
    seeded = other.model_copy(update={"settings": {**other.settings, "seed": 4}})
    assert differences(one, seeded).rows == "not comparable: other data"
