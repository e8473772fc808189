"""The account of a run: which stages ran, why, what they left and noted, and what a damaged input makes run again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, tags

from tasks.config import Problem, Split
from tasks.generate import generate
from tasks.runtime.run import Run
from tasks.split import split
from tasks.store.artifact import Artifact
from tasks.store.leases import claims, lease

pytestmark = pytest.mark.usefixtures("prefect_server")

PROBLEM = Problem(rows=30)


def called(root: Path, work: Callable[[Run], Any]) -> tuple[Run, Any]:
    """Call stages as a flow does; return the account, and what came of it."""
    runs: list[Run] = []

    @flow(persist_result=False)
    def around() -> list[Any]:
        with lease(root) as held:
            runs.append(Run(root, held))
            return [work(runs[0])]

    (found,) = around()
    return runs[0], found


def two_stages(run: Run, *, seed: int = 1) -> Artifact:
    data = run(generate, problem=PROBLEM, seed=1)
    return run(split, data=data, options=Split(), seed=seed)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_each_stage_is_accounted_for_in_its_order(root: Path) -> None:
    run, artifact = called(root, two_stages)
    assert {name: (each.state, each.reason) for name, each in run.stages.items()} == {
        "generate": ("ran", "first run"),
        "split": ("ran", "first run"),
    }
    files = run.stages["split"].files
    assert {file.path: file.bytes for file in files} == {
        file.path: file.bytes for file in artifact.files.values()
    }
    assert run.at is None
    assert run.input_of("split", "seed") == 1
    assert run.input_of("split", "none") is None
    assert run.input_of("train", "seed") is None


def test_a_second_run_is_cached_and_a_changed_setting_is_the_reason(root: Path) -> None:
    called(root, two_stages)
    again, _ = called(root, two_stages)
    assert {each.state for each in again.stages.values()} == {"cached"}
    assert {each.reason for each in again.stages.values()} == {"nothing changed"}
    other, _ = called(root, lambda run: two_stages(run, seed=2))
    assert [each.state for each in other.stages.values()] == ["cached", "ran"]
    assert other.stages["split"].reason == "`seed`: 1 → 2"
    (change,) = other.stages["split"].changes
    assert (change.name, change.before, change.after) == ("seed", "1", "2")


def test_several_calls_have_one_account(root: Path) -> None:
    """Equal ones count once; the artifacts come in the order of the values."""
    called(root, lambda run: run(generate, problem=PROBLEM, seed=5))
    run, artifacts = called(root, lambda run: run.each(generate, "seed", [4, 5, 6], problem=PROBLEM))
    account = run.stages["generate"]
    assert (account.state, account.reason) == ("ran", "2 of 3: `seed`: 5 → 4")
    assert len(account.files) == 3
    _, alone = called(root, lambda run: run(generate, problem=PROBLEM, seed=6))
    assert artifacts[2] == alone


def test_a_damaged_input_is_made_again_by_the_stage_that_made_it(root: Path) -> None:
    """Its reason is the damage, and what it leaves is the same."""
    _, first = called(root, lambda run: run(generate, problem=PROBLEM, seed=1))
    (file,) = first.files.values()
    content = (root / file.path).read_bytes()
    (root / file.path).write_bytes(content[:-1])
    run, _ = called(root, two_stages)
    assert run.stages["generate"].state == "ran"
    assert (
        run.stages["generate"].reason
        == f"{file.path} holds {len(content) - 1} bytes instead of {len(content)}"
    )
    assert (root / file.path).read_bytes() == content


def test_what_a_run_uses_is_claimed_while_it_lasts(root: Path) -> None:
    def work(run: Run) -> set[str]:
        two_stages(run)
        return set(claims(root).folders)

    _, claimed = called(root, work)
    assert {folder.split("/")[0] for folder in claimed} == {"generate", "split"}
    assert claims(root).folders == frozenset()


def test_a_failing_stage_is_where_the_run_is(root: Path) -> None:
    def work(run: Run) -> None:
        with pytest.raises(ValueError, match="leaves no test rows"):
            run(
                split, data=run(generate, problem=PROBLEM, seed=1), options=Split(test_fraction=0.001), seed=1
            )

    run, _ = called(root, work)
    assert run.at == "split"
    assert list(run.stages) == ["generate"]


def test_a_store_that_all_can_write_to_is_said(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    root.mkdir()
    root.chmod(0o777)
    called(root, lambda _: None)
    assert "every user of this machine can write to" in caplog.text


def test_no_stage_waits_for_the_server_on_account_of_the_run_s_tags(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect asks its server for a place for every tag of a task, before the task may even look into the cache."""
    asked: list[object] = []

    def ask(names: object, *_: object, **__: object) -> None:
        asked.append(names)
        raise AssertionError

    monkeypatch.setattr("prefect.concurrency._sync.acquire_concurrency_slots_with_lease", ask)
    with tags("sales"):
        run, _ = called(root, two_stages)
    assert not asked
    assert run.stages["split"].state == "ran"
