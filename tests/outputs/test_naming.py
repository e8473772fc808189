"""What is modelled has a name of its own, and errors are compared between like and like alone."""

from typing import Any

import pytest

from tasks.config import LONGEST_RUN_NAME, RUN_NAME, Settings, overlaid
from tasks.outputs.naming import (
    EXAMPLE,
    default_name,
    difference,
    distinct_name,
    name_of_run,
    owner,
    owner_in_words,
)
from tasks.outputs.result import Result
from tests.page.examples import result_of


def own(data: str, target: str = "price") -> dict[str, Any]:
    return {"input": {"data": data, "target": target}}


def run_with(changes: dict[str, Any]) -> Result:
    settings = Settings.model_validate(overlaid(Settings().model_dump(exclude_unset=True), changes))
    return result_of().model_copy(update={"settings": settings.model_dump(mode="json")})


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, EXAMPLE),
        (own("sales.csv"), "sales-price"),
        (own("s3://bucket/Sales.2024.csv.gz", "Net price (€)"), "sales-net-price"),
        (own("nights/*.csv"), "nights-price"),
        (own("shops/berlin.csv,shops/rome.csv"), "berlin-price"),
        (own("https://host/sales.csv?day=3"), "sales-price"),
        (own("/data/nights/"), "nights-price"),
    ],
)
def test_the_name_comes_from_table_and_target(settings: dict[str, Any], name: str) -> None:
    """A pattern's name says nothing: then the folder's stands for it."""
    assert default_name(settings) == name


@pytest.mark.parametrize("data", ["売上.csv", "-.csv", "a" * 300, "ß-" * 90])
def test_whatever_a_table_is_called_the_name_is_one(data: str) -> None:
    name = default_name(own(data, "価格"))
    assert RUN_NAME.fullmatch(name)
    assert len(name) <= LONGEST_RUN_NAME


def test_tables_whose_names_would_be_the_same_get_distinct_ones() -> None:
    a, b = own("/a/sales.csv"), own("/b/sales.csv")
    assert default_name(a) == default_name(b)
    names = {distinct_name(default_name(each), each) for each in (a, b)}
    assert len(names) == 2
    assert all(RUN_NAME.fullmatch(name) for name in names)


def test_a_new_file_every_day_is_the_same_table() -> None:
    assert owner(own("/t/sales-2026-11-26.csv")) == owner(own("/t/sales-2026-11-27.csv"))
    others = [own("/t/sales.csv"), own("/t/sales.csv", "cost"), own("/u/sales.csv"), {}]
    assert len({owner(each) for each in others}) == 4
    assert owner_in_words(own("t.csv", "y")) == "'t.csv' with the target 'y'"


@pytest.mark.parametrize(
    ("then", "today", "why"),
    [
        ({}, {}, None),
        ({}, {"training": {"epochs": 3}}, None),
        (own("t.csv"), own("t.csv") | {"training": {"epochs": 3}}, None),
        ({}, own("t.csv"), "other data"),
        (own("t.csv"), own("u.csv"), "other data"),
        (own("t.csv"), own("t.csv", "cost"), "other data"),
        ({}, {"problem": {"noise": 2}}, "other data"),
        ({}, {"seed": 1}, "other data"),
        (own("t.csv"), own("t.csv") | {"seed": 1}, "other split"),
        (own("t.csv"), own("t.csv") | {"split": {"test_fraction": 0.3}}, "other split"),
        (own("t.csv"), own("t.csv") | {"split": {"method": "hash", "by": "id"}}, "other split"),
    ],
)
def test_errors_are_compared_on_the_same_table_and_split_alone(
    then: dict[str, Any], today: dict[str, Any], why: str | None
) -> None:
    """The example's seed draws its rows; that of a table deals them."""
    assert difference(run_with(then), run_with(today)) == why


def test_a_split_by_time_draws_no_lots() -> None:
    by_time = own("t.csv") | {"split": {"method": "time", "by": "day"}}
    assert difference(run_with(by_time), run_with(by_time | {"seed": 5})) is None


def test_rows_that_count_otherwise_have_other_errors() -> None:
    now = run_with(own("t.csv"))
    weighted = now.model_copy(update={"weights": "by 'n'"})
    assert difference(now, weighted) == "other weights"
    assert difference(weighted, weighted) is None


def test_settings_that_an_earlier_release_did_not_have_do_not_count() -> None:
    now = run_with({})
    split = {"method": "random", "test_fraction": 0.2}
    assert difference(now.model_copy(update={"settings": {**now.settings, "split": split}}), now) is None


def test_a_run_of_an_earlier_release_counts_under_the_name_that_it_would_get() -> None:
    assert name_of_run(run_with(own("t.csv", "y"))) == "t-y"
    assert name_of_run(result_of().model_copy(update={"name": "sales"})) == "sales"
