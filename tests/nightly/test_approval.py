"""`approve = "by_hand"` on a real server: the run waits in Prefect's UI, without a process, for a person's answer."""

from functools import partial
from typing import Any

import pytest
from httpx import HTTPError

from tests.nightly.shop import ENDED, Shop
from tests.nightly.terminals import Terminals, until

pytestmark = pytest.mark.slow

BY_HAND = {"gate": {"approve": "by_hand"}}


@pytest.fixture(scope="module")
def shop(terminals: Terminals) -> Shop:
    """Begin with a champion of 300 rows."""
    shop = Shop(terminals, "asked")
    shop.add(1)
    assert shop.night()[0] == "Completed"
    return shop


def waiting(shop: Shop, run: str) -> str:
    """Wait until a run is suspended; return what the person is asked."""
    state = shop.state(run, "Suspended", *ENDED)
    assert state["name"] == "Suspended", state
    key = state["state_details"]["run_input_keyset"]["description"]
    # The state is there first, the question a moment later.
    return str(until(partial(shop.terminals.ask, f"flow_runs/{run}/input/{key}"), HTTPError))


def answered(shop: Shop, run: str, **answer: Any) -> None:
    """Answer as the UI's form does, and wait for the run's end."""
    answer_made = shop.terminals.ask(f"flow_runs/{run}/resume", run_input=answer)
    assert answer_made["status"] == "ACCEPT"
    assert shop.state(run, *ENDED)["name"] == "Completed"


def test_a_run_that_would_be_promoted_waits_and_heeds_a_refusal(shop: Shop) -> None:
    """The champion stays, the reason is in the report, and what comes back finds every stage cached."""
    shop.add(1, slope=-2.0)
    run = shop.start(**BY_HAND)
    assert "Promoted, as better beyond chance" in waiting(shop, run)
    assert shop.champion == 1
    answered(shop, run, promote=False, why="not before the fair")
    assert shop.champion == 1
    assert shop.decision(run).text.startswith(
        "Kept, as a person has refused the promotion (not before the fair)"
    )


def test_consent_counts_for_the_model_that_was_asked_about(shop: Shop) -> None:
    """The table changes while the run waits: it asks anew, and the first answer promotes nothing.

    After the second one the model is promoted from the cache; the history has the person and the reason.
    """
    shop.add(1, slope=5.0)
    run = shop.start(**BY_HAND)
    first = waiting(shop, run)
    shop.add(1, slope=8.0)
    shop.terminals.ask(f"flow_runs/{run}/resume", run_input={"promote": True})
    second = until(lambda: found if (found := waiting(shop, run)) != first else "")
    assert "Promoted, as better beyond chance" in second
    assert shop.champion == 1
    answered(shop, run, promote=True, why="agreed")
    last = shop.known.history[-1]
    assert (shop.champion, last.before, last.after) == (3, 1, 3)
    assert last.by == "a person, in Prefect's UI"
    assert "a person has agreed (agreed)" in last.why
    assert {stage.state for stage in shop.result(run).stages.values()} == {"cached"}
    until(lambda: shop.events() == ["promoted", "promoted"])
