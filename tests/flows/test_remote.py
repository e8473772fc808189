"""A remote behind the store: an empty store finds last night, damage there is mended, and little is asked."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyarrow import fs

from flows.command.plan import plan
from flows.regression import regression
from tasks.config import Settings, overlaid
from tasks.outputs import runs
from tasks.outputs.files import IngestedFile, read_file
from tasks.outputs.result import Result
from tasks.store.folders import RECORDS
from tasks.store.remote import using
from tasks.table.sources.reader import Preview
from tests.processes import environment, started
from tests.s3 import BUCKET, Server, point_to, serving

pytestmark = pytest.mark.usefixtures("prefect_server")

Night = Callable[..., Result]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def address(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    point_to(server, monkeypatch)
    return f"s3://{BUCKET}/{tmp_path.name}"


@pytest.fixture
def night(address: str, tmp_path: Path) -> Night:
    """Return a function that runs a night in the store of this name, with these changes of the settings."""

    def run(store: str, **changes: Any) -> Result:
        given = {"artifacts": str(tmp_path / store), "remote": address, "training": {"epochs": 5}}
        return regression(Settings.model_validate(overlaid(given, changes)))

    return run


def states(result: Result) -> set[str]:
    return {stage.state for stage in result.stages.values()}


def files(result: Result) -> dict[str, list[str]]:
    return {name: sorted(file.sha256 for file in stage.files) for name, stage in result.stages.items()}


def in_bucket(server: Server, address: str, folder: str) -> list[str]:
    found = server.files().get_file_info(
        fs.FileSelector(f"{address.removeprefix('s3://')}/{folder}", allow_not_found=True)
    )
    return sorted(info.path for info in found)


def overwrite(server: Server, path: str, content: bytes) -> None:
    with server.files().open_output_stream(path, compression=None) as stream:
        stream.write(content)


def test_an_empty_store_finds_last_night_cached_with_its_pages_trend_and_little_asked(
    night: Night, server: Server, tmp_path: Path
) -> None:
    """Fetched is what the pages show alone: neither the rows nor the predictions nor the network."""
    first = night("one")
    server.asked.clear()
    second = night("two")
    asked = list(server.asked)
    assert states(first) == {"ran"}
    assert states(second) == {"cached"}
    assert files(second) == files(first)
    assert second.model == first.model
    assert (tmp_path / "two" / "runs" / second.run / "trend.svg").exists()
    assert not list((tmp_path / "two").rglob("*.keras"))
    assert {path.name for path in (tmp_path / "two").rglob("*.parquet")} == set()

    # 5 records, 10 contents, the list of the runs and the earlier one; of the new run 6 files and its result.
    kinds = [each.split(f"{tmp_path.name}/")[-1].split("/")[0] for each in asked]
    assert {kind: kinds.count(kind) for kind in kinds} == {"records": 5, "contents": 16, "runs": 3}

    server.asked.clear()
    assert states(night("two")) == {"cached"}
    assert len(server.asked) == 14


@pytest.mark.slow
def test_a_stage_that_changed_runs_on_what_it_fetches_and_says_what_changed(night: Night) -> None:
    night("one")
    changed = night("two", training={"epochs": 6})
    assert changed.stages["split"].state == "cached"
    assert changed.stages["train"].reason == "`epochs`: 5 → 6"
    assert files(changed) == files(night("three", training={"epochs": 6}))


@pytest.mark.slow
def test_what_was_computed_before_the_remote_goes_up(night: Night, address: str) -> None:
    night("one", remote=None)
    assert states(night("one")) == {"cached"}
    assert states(night("two")) == {"cached"}


def test_a_plan_looks_there_too_and_writes_nothing(
    night: Night, address: str, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    night("one")
    server.asked.clear()
    settings = {"artifacts": str(tmp_path / "two"), "remote": address, "training": {"epochs": 5}}
    assert plan(Settings.model_validate(settings), False) == 0
    assert capsys.readouterr().out.count("cached    nothing changed") == 5
    assert {each.split()[0].removeprefix("\x1b[33m") for each in server.asked} == {"GET"}
    assert not (tmp_path / "two").exists()


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["gone", "half", "altered"])
def test_damaged_objects_are_noticed_and_mended(
    night: Night, server: Server, address: str, caplog: pytest.LogCaptureFixture, harm: str
) -> None:
    """All contents at once: whatever a night needs of them is made again, to the same bits, and is whole afterwards."""
    first = night("one")
    contents = in_bucket(server, address, "contents")
    for path in contents:
        if harm == "gone":
            server.files().delete_file(path)
            continue
        with server.files().open_input_stream(path) as stream:
            whole = stream.read()
        overwrite(server, path, whole[: len(whole) // 2] if harm == "half" else whole[::-1])
    second = night("two", training={"epochs": 6})
    assert {name: second.stages[name].state for name in ("generate", "split", "train")} == dict.fromkeys(
        ("generate", "split", "train"), "ran"
    )
    assert files(second)["split"] == files(first)["split"]
    third = night("three", training={"epochs": 6})
    assert states(third) == {"cached"}
    assert files(third) == files(second)


@pytest.mark.slow
def test_damaged_records_are_named_and_written_anew(
    night: Night, server: Server, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = night("one")
    for path in in_bucket(server, address, RECORDS):
        overwrite(server, path, b'{"stage": "train"')
    with caplog.at_level(logging.WARNING):
        assert states(night("one")) == {"cached"}
    assert caplog.text.count("of the remote cannot be read as a record, and is written anew") == 5
    assert files(night("two")) == files(first)
    assert states(night("two")) == {"cached"}


@pytest.mark.slow
def test_the_remote_is_part_of_no_key(night: Night, tmp_path: Path) -> None:
    first = night("one")
    assert first.settings["remote"]
    assert states(night("one", remote=f"file://{tmp_path}/elsewhere")) == {"cached"}
    assert states(night("one", remote=None)) == {"cached"}


@pytest.mark.slow
def test_a_folder_is_read_file_by_file_on_one_machine_and_known_on_the_next(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a file is added, an empty store reads only that one, and knows the columns of the run before."""
    frame = pd.DataFrame({"x": range(40), "y": [2.0 * x + (x % 3) for x in range(40)]})
    (tmp_path / "nights").mkdir()
    frame[:20].to_csv(tmp_path / "nights" / "1.csv", index=False)
    frame[20:30].to_csv(tmp_path / "nights" / "2.csv", index=False)
    table = {"input": {"data": str(tmp_path / "nights"), "target": "y"}}
    night("one", **table)

    frame[30:].to_csv(tmp_path / "nights" / "3.csv", index=False)
    read: list[str] = []

    def noted(look: Preview, *rest: Any) -> IngestedFile:
        read.append(look.member.name)
        return read_file(look, *rest)

    monkeypatch.setattr("tasks.outputs.files.read_file", noted)
    added = night("two", **table)
    assert read == ["3.csv"]
    assert added.stages["ingest"].state == "ran"
    read.clear()
    assert files(night("three", **table)) == files(added)
    assert read == []


@pytest.mark.slow
def test_a_column_that_is_gone_is_noticed_by_an_empty_store(night: Night, tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": range(40), "z": [x % 7 for x in range(40)], "y": [2.0 * x for x in range(40)]})
    frame["y"] += frame["z"]
    frame.to_csv(tmp_path / "t.csv", index=False)
    table = {"input": {"data": str(tmp_path / "t.csv"), "target": "y"}}
    night("one", **table)
    frame.drop(columns="z").to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(ValueError, match="z"):
        night("two", **table)


@pytest.mark.slow
def test_runs_of_several_machines_are_one_history_in_the_order_of_their_ends(
    night: Night, address: str, server: Server, tmp_path: Path
) -> None:
    """What is no result, or another run's, is passed over; so is a name that is no run's."""
    names = []
    for store in ("one", "two", "one", "three"):
        names.append(night(store).run)
        time.sleep(1)  # S3 tells seconds
    last = runs.read(tmp_path / "three", names[-1])
    assert last is not None
    there = f"{address.removeprefix('s3://')}/runs"
    with server.files().open_input_stream(f"{there}/{names[0]}.json") as stream:
        genuine = stream.read()
    overwrite(server, f"{there}/20990101T000000-0f0f0f0f.json", genuine)
    overwrite(server, f"{there}/20990101T000000-1f1f1f1f.json", b'{"run": "../../etc"}')
    overwrite(server, f"{there}/passwd.json", genuine)
    with using(address):
        listed = runs.before(tmp_path / "four", "")
        earlier = runs.earlier(tmp_path / "four", last.model_copy(update={"run": "20990101T000000-2f2f2f2f"}))
    assert listed[::-1][: len(names)] == names
    assert "passwd" not in listed
    assert [each.run for each in earlier] == names


MACHINE = """
import json, sys
from flows.regression import regression
from tasks.config import Settings
print(json.dumps({n: s.state for n, s in regression(Settings.model_validate_json(sys.argv[1])).stages.items()}))
"""


@pytest.mark.slow
def test_of_two_machines_that_need_the_same_one_computes_and_the_other_waits(
    address: str, server: Server, tmp_path: Path, prefect_server: str
) -> None:
    machines = []
    for name in ("one", "two"):
        settings = {"artifacts": str(tmp_path / name), "remote": address, "problem": {"rows": 20_000}}
        env = environment(tmp_path / f"{name}-home", prefect_server, **server.variables)
        machines.append(started("-c", MACHINE, Settings.model_validate(settings).model_dump_json(), env=env))
    ends = [json.loads(machine.communicate(timeout=120)[0].splitlines()[-1]) for machine in machines]
    assert set(ends[0]) == set(ends[1])
    for stage in ends[0]:
        assert {end[stage] for end in ends} == {"ran", "cached"}, stage
    assert in_bucket(server, address, "leases") == []
