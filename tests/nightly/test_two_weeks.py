"""Two weeks of nights on a real server with a real worker, and what they leave: registry, states, events, caches.

The table grows, a night has broken rows, another wild ones, the world moves, a night dies in the middle of its
promotion, and somebody rolls back by hand.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.nightly.chat import Chat, open_chat
from tests.nightly.shop import Shop
from tests.nightly.terminals import Terminals, until
from tests.nightly.ui import errors, open_artifact
from tests.page.browser import Tab

pytestmark = pytest.mark.slow

ALL = {"ingest", "split", "train", "evaluate", "report"}

# Runs in every process that the worker starts: the power fails as the registry gets its new content, once.
POWER_CUT = """
import os, signal
_replace = os.replace
def _cut(source, target, **more):
    if str(target).endswith("/registry/shop.json") and os.path.exists({marker!r}):
        os.unlink({marker!r})
        os.kill(os.getpid(), signal.SIGKILL)
    return _replace(source, target, **more)
os.replace = _cut
"""


@dataclass(frozen=True, slots=True)
class Night:
    """A night: what happened before it, its run, state and stages that were not cached, and the champion after it."""

    story: str
    run: str
    state: str
    ran: set[str]
    champion: int | None


@pytest.fixture(scope="module")
def chat() -> Iterator[Chat]:
    """Open a chat."""
    with open_chat() as opened:
        yield opened


@pytest.fixture(scope="module")
def shop(terminals: Terminals, chat: Chat) -> Shop:
    """Set up the shop, and subscribe the chat to bad nights as the README says."""
    chat.subscribe(terminals)
    return Shop(terminals, "shop")


@pytest.fixture(scope="module")
def nights(shop: Shop) -> dict[str, Night]:
    """Play the nights, one after the other."""
    played: dict[str, Night] = {}

    def night(story: str) -> None:
        state, run = shop.night()
        ran = shop.ran(run) if state in {"Completed", "Rejected"} else set()
        played[story] = Night(story, run, state, ran, shop.champion)

    shop.add(1)
    night("the first")
    night("nothing changed")
    shop.add(2)
    night("the table grew")
    (shop.table / "3.csv").write_text("x,y\n1.0,2.0\noops,3.0\n")
    night("broken rows")
    shop.remove(3)
    night("mended")
    shop.add(4, 60, slope=500.0)
    night("wild rows")
    shop.remove(4)
    night("wild rows gone")
    for file in (1, 2, 3):
        shop.add(file, shift=3.0, slope=-2.0)
    night("the world moved")
    night("calm again")
    for file in (1, 2, 3):
        shop.add(file, shift=3.0, slope=-6.0)
    marker = shop.terminals.folder / "power-cut"
    shop.terminals.start_with(POWER_CUT.format(marker=str(marker)))
    marker.touch()
    night("power cut")
    night("power is back")
    done = shop.terminals.run(
        f"linear-neuron rollback shop --artifacts {shop.store.name} --why 'the season is over'"
    )
    assert done.returncode == 0, done.stdout
    night("rolled back")
    shop.add(4, shift=3.0, slope=-6.0)
    night("the table grew again")
    night("the last")
    return played


def test_every_night_has_its_state(nights: dict[str, Night]) -> None:
    """Bad rows fail a night, a broken bound rejects it, a dead process is Crashed; all others are Completed."""
    odd = {"broken rows": "Failed", "wild rows": "Rejected", "power cut": "Crashed"}
    assert len(nights) == 14
    assert {each.story: each.state for each in nights.values()} == {
        story: odd.get(story, "Completed") for story in nights
    }


def test_only_what_changed_is_made_again(nights: dict[str, Night]) -> None:
    """A night after another one with the same data finds all in the cache, the one after the power cut too."""
    cached = {
        "nothing changed",
        "mended",
        "wild rows gone",
        "calm again",
        "power is back",
        "rolled back",
        "the last",
    }
    assert {story for story, each in nights.items() if not each.ran} - {"broken rows", "power cut"} == cached
    assert all(each.ran == ALL for each in nights.values() if each.ran)


def test_the_champion_changes_when_the_world_does_and_by_hand(nights: dict[str, Night]) -> None:
    champions = {story: each.champion for story, each in nights.items()}
    before = [
        "the first",
        "nothing changed",
        "the table grew",
        "broken rows",
        "mended",
        "wild rows",
        "wild rows gone",
    ]
    assert {champions[story] for story in before} == {1}
    assert champions["the world moved"] == champions["calm again"] == champions["power cut"]
    assert champions["the world moved"] != 1
    assert champions["power is back"] not in {1, champions["the world moved"]}


def test_the_history_has_one_line_for_each_change(shop: Shop, nights: dict[str, Night]) -> None:
    """What was killed left no trace; what was rolled back by hand has its reason, and the gate goes on after it."""
    history = shop.known.history
    assert {each.alias for each in history} == {"champion"}
    assert [number for number, each in enumerate(history) if each.by == "the gate"] == [0, 1, 2, 4]
    assert history[3].by.endswith(", by `linear-neuron rollback`")
    assert history[3].why == "the season is over"
    assert history[3].after == history[2].before == nights["the world moved"].champion
    assert history[4].after == nights["rolled back"].champion == nights["the last"].champion
    runs = {version.run.rpartition("-")[2] for version in shop.known.versions}
    left_out = {each.run[:8] for each in nights.values() if each.state in {"Failed", "Crashed"}}
    assert runs == {each.run[:8] for each in nights.values()} - left_out


def test_a_drift_is_said_to_people_and_told_to_automations(
    shop: Shop, nights: dict[str, Night], chat: Chat
) -> None:
    """The night on which the world moved says so beside its decision; calm nights do not."""
    moved = shop.decision(nights["the world moved"].run)
    assert [each.name for each in moved.drifted] == ["x"]
    calm = ["table grew", "mended", "wild rows gone", "calm again"]
    assert not any(shop.decision(nights[story].run).drifted for story in nights if story in calm)
    told = until(lambda: [text for text in chat.heard if "PSI" in text])
    assert told[0].startswith(
        "regression: drifted\nDrifted from the champion's training rows, beyond chance: 'x'"
    )
    assert nights["the world moved"].run in told[0]


def test_events_and_messages_tell_of_every_change(shop: Shop, nights: dict[str, Night], chat: Chat) -> None:
    changes = ["promoted"] * len(shop.known.history) + ["rejected"]  # the rollback by hand is one, too
    until(lambda: sorted(each for each in shop.events() if each != "drifted") == changes)
    for story, state in {"broken rows": "Failed", "wild rows": "Rejected", "power cut": "Crashed"}.items():
        heard = until(lambda run=nights[story].run: [text for text in chat.heard if run in text])  # type: ignore[misc]
        assert heard[0].startswith(f"regression: {state}\n")


def test_the_report_in_the_ui_says_what_was_decided(tab: Tab, shop: Shop, nights: dict[str, Night]) -> None:
    """On the page of the night on which the world moved."""
    run = nights["the world moved"].run
    open_artifact(tab, shop.terminals, shop.terminals.artifact(run, "markdown")["id"])
    tab.wait("document.body.innerText.includes('Is it in use?')")
    text = tab.value("document.body.innerText")
    assert "Promoted, as better beyond chance" in text
    assert "Drifted from the champion's training rows" in text
    assert errors(tab) == []
