"""What a stage says of its files: typed on both sides of the store, and nothing else passes."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks.outputs.facts import Facts
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish


class Sample(Facts):
    """Facts with and without a default."""

    rows: int
    names: tuple[str, ...] = ()
    rate: float | None = None


def stored(root: Path, facts: Facts) -> Artifact:
    with draft(root) as folder:
        (folder / "x").write_bytes(b"")
        return publish(folder, root, "sample", facts.as_json())


@pytest.mark.parametrize("facts", [Sample(rows=3), Sample(rows=0, names=("é", "a"), rate=0.1 + 0.2)])
def test_facts_come_back_through_a_record(tmp_path: Path, facts: Sample) -> None:
    artifact = stored(tmp_path, facts)
    again = Artifact.model_validate_json(artifact.model_dump_json())
    assert Sample.of(again) == facts


def test_what_keeps_its_default_is_not_written() -> None:
    """So that a new fact with a default changes no key."""
    assert Sample(rows=3, rate=None).as_json() == {"rows": 3}
    assert Sample(rows=3, names=("a",)).as_json() == {"rows": 3, "names": ["a"]}


def test_another_stages_record_is_refused(tmp_path: Path) -> None:
    class Other(Facts):
        columns: int

    with pytest.raises(ValidationError):
        Sample.of(stored(tmp_path, Other(columns=2)))


@pytest.mark.parametrize("rate", [float("nan"), float("inf")])
def test_what_json_cannot_hold_is_refused(rate: float) -> None:
    with pytest.raises(ValidationError):
        Sample(rows=3, rate=rate)
