"""What one stage knows it hands to the next; what it only says makes no later stage run again."""

from pathlib import Path
from typing import Any

import pytest

from flows.regression import regression
from tasks.config import Settings, overlaid
from tasks.runtime.caching import forget, recorded, records
from tasks.store.artifact import Artifact, StoredFile

pytestmark = pytest.mark.usefixtures("prefect_server")


def changed(settings: Settings, **changes: Any) -> Settings:
    return Settings.model_validate(overlaid(settings.model_dump(exclude_unset=True), changes))


def test_another_wording_of_a_note_runs_no_later_stage(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stage that says it runs again; those after it are cached, and the report has the new words."""
    hashed = changed(settings, split={"method": "hash", "by": ["x"]}, training={"epochs": 2})
    first = regression(hashed)
    root = Path(settings.artifacts)
    for record in records(root).iterdir():
        artifact = recorded(root, record.name)
        if artifact is not None and artifact.stage == "split":
            forget(root, record.name)
    monkeypatch.setattr("tasks.split.split_note", lambda *_: "other words")

    second = regression(hashed)

    assert [stage.state for stage in second.stages.values()] == [
        "cached",
        "ran",
        "cached",
        "cached",
        "cached",
    ]
    assert "other words" in second.notes
    assert "other words" not in first.notes
    report = (root / second.report).read_text()
    assert "other words" in report


def test_notes_are_in_the_checksum_and_not_in_what_stages_depend_on() -> None:
    """An altered note is damage, but no reason to run."""
    files = {"a": StoredFile(path="s/0/a", bytes=1, sha256="0" * 64)}
    one, other = (Artifact(stage="s", files=files, notes=(note,)).checked() for note in ("so", "thus"))
    assert one.contents() == other.contents()
    assert one.checksum != other.checksum
    with pytest.raises(ValueError, match="its checksum has changed"):
        Artifact.model_validate(one.model_dump() | {"notes": ("thus",)})


@pytest.mark.parametrize("rows", [1000, 5000])
def test_no_stage_after_split_computes_the_moments(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """In memory and in parts: training, least squares and the report's profile read what split has left."""

    def moments(_: object) -> None:
        raise AssertionError("the moments are in the profile already")

    monkeypatch.setattr("tasks.store.parts.MOST_ROWS", 2000)
    monkeypatch.setattr("tasks.store.parts.PART_ROWS", 1500)
    monkeypatch.setattr("tasks.neuron.fit.all_moments", moments)
    monkeypatch.setattr("tasks.neuron.parts.all_moments", moments)
    result = regression(changed(settings, problem={"rows": rows}, training={"epochs": 2}))
    assert result.metrics.train.rows == 0.8 * rows
