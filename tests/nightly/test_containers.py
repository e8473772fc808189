"""Containers: what the image is made of, and its steps without an engine: an empty environment, home and folder."""

import asyncio
import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.deployments.steps.pull import agit_clone
from ruamel.yaml import YAML

from tasks.config import Settings
from tests.nightly.readme import console
from tests.paths import ROOT
from tests.s3 import Server, serving

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
DEPLOYMENTS = YAML(typ="safe").load(ROOT / "docs" / "containers" / "prefect.yaml")["deployments"]


def instructions() -> list[list[tuple[str, str]]]:
    """Return the instructions of each stage of the Dockerfile, as name and arguments."""
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    stages: list[list[tuple[str, str]]] = []
    for line in filter(None, joined.splitlines()):
        name, _, arguments = line.partition(" ")
        if name == "FROM":
            stages.append([])
        stages[-1].append((name, arguments))
    return stages


def test_every_package_of_the_image_is_in_the_lock_and_checked() -> None:
    build, _ = instructions()
    installs = [each for name, each in build if name == "RUN" and "pip --python" in each]
    (fetched,) = (each for name, each in build if name == "RUN" and "pip download" in each)
    assert "--no-deps --require-hashes -r requirements.lock --dest /srv/packages" in fetched
    (install,) = installs
    assert "--no-index --find-links /srv/packages" in install
    assert install.split("&&")[0].strip().endswith("--editable '.[remote]'")
    assert "hatchling==" in (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_the_last_layers_hold_no_tools_and_run_as_a_user_who_can_change_nothing() -> None:
    build, last = instructions()
    ran = [each for name, each in last if name == "RUN"]
    assert ran == ["useradd --uid 1000 --create-home neuron"]
    names = [name for name, _ in last]
    assert names.index("USER") > max(number for number, name in enumerate(names) if name in {"RUN", "COPY"})
    assert dict(last)["USER"] == "neuron"
    copied = [each for name, each in last if name == "COPY"]
    assert all(each.startswith("--from=build /") for each in copied)
    assert not any("--chown" in each for each in copied)
    assert any("compileall" in each for name, each in build if name == "RUN")
    assert build[0][1].split()[0] == last[0][1]
    assert re.fullmatch(r"python:3\.1[123]-slim-\w+", last[0][1])


def test_what_the_build_copies_is_there_and_is_sent() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = [rule[1:] for rule in rules if rule.startswith("!")]
    build, _ = instructions()
    copied = [each.split()[:-1] for name, each in build if name == "COPY"]
    assert sorted(path for paths in copied for path in paths) == sorted(sent)
    assert all((ROOT / path).exists() for path in sent)
    assert [rule for rule in rules if rule and rule[0] not in "#!"] == ["*", "**/__pycache__"]
    assert not [rule for rule in sent if fnmatch.fnmatch("artifacts", rule)]


def test_the_deployments_name_what_there_is() -> None:
    """Settings that are valid, a remote behind a folder that starts empty, and the folder that the image has."""
    assert {each["name"] for each in DEPLOYMENTS} == {"nightly-container", "nightly-clone"}
    for each in DEPLOYMENTS:
        file, _, flow = each["entrypoint"].partition(":")
        assert f"def {flow}(" in (ROOT / file).read_text(encoding="utf-8")
        assert Settings.model_validate(each["parameters"]["settings"]).remote
        assert each["schedules"][0]["parameters"] == each["parameters"]
        assert all(value.startswith("{{ prefect.blocks.secret.") for value in secrets(each))
    (step,) = DEPLOYMENTS[0]["pull"]
    assert step["prefect.deployments.steps.set_working_directory"]["directory"] == "/srv/linear-neuron"
    assert ("COPY", "--from=build /srv/linear-neuron /srv/linear-neuron") in instructions()[1]
    assert [*DEPLOYMENTS[1]["pull"][0]] == ["prefect.deployments.steps.git_clone"]


def secrets(deployment: dict[str, Any]) -> Iterator[str]:
    env = deployment["work_pool"]["job_variables"]["env"]
    yield from (value for name, value in env.items() if "KEY" in name)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def in_a_container(command: str, folder: Path, server: Server, code: Path = ROOT) -> str:
    """Run a command as a container does: nothing inherited, an empty home, an empty folder; return its output."""
    home = folder / "home"
    home.mkdir(parents=True)
    variables = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(code)} | server.variables
    words = shlex.split(command.replace("linear-neuron", f"{sys.executable} -m flows", 1))
    done = subprocess.run(
        words, cwd=home, env=variables, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_two_nights_as_the_readme_has_them_each_in_an_empty_environment(
    tmp_path: Path, server: Server
) -> None:
    """The second night is all cached, and then the other commands of that section do what they say."""
    (lines,) = console("Past one machine")
    install, run, *others = (line.command for line in lines)
    assert install == ".venv/bin/pip install '.[remote]'"
    first, second = (
        json.loads(in_a_container(f"{run} --json", tmp_path / night, server)) for night in ("one", "two")
    )
    assert {stage["state"] for stage in first["stages"].values()} == {"ran"}
    assert {stage["state"] for stage in second["stages"].values()} == {"cached"}
    assert second["model"] == first["model"]
    report = tmp_path / "two" / "home" / "artifacts" / second["report"]
    assert "![" in report.read_text(encoding="utf-8")
    assert report.with_name("trend.svg").exists()

    assert [command.split()[1:3] for command in others] == [
        ["plan", "--remote"],
        ["cache", "list"],
        ["cache", "verify"],
        ["cache", "clean"],
    ]
    said = [in_a_container(command, tmp_path / str(number), server) for number, command in enumerate(others)]
    assert said[0].count("cached    nothing changed") == len(second["stages"])
    assert {"contents", "records", "runs"} <= {line.split()[0] for line in said[1].splitlines()[1:]}
    assert "every file is as it was written" in said[2]
    assert said[3].startswith("would remove 0 objects")


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / ".git").exists() or shutil.which("git") is None, reason="no repository here")
def test_a_clone_made_by_the_pull_step_finds_last_night_cached(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = []
    for night in ("one", "two"):
        (tmp_path / night).mkdir()
        monkeypatch.chdir(tmp_path / night)
        cloned = asyncio.run(agit_clone(repository=str(ROOT)))
        code = tmp_path / night / cloned["directory"]
        command = "linear-neuron run --json --epochs 5 --remote s3://bucket/clones"
        nights.append(json.loads(in_a_container(command, tmp_path / night / "container", server, code)))
    assert {stage["state"] for stage in nights[0]["stages"].values()} == {"ran"}
    assert {stage["state"] for stage in nights[1]["stages"].values()} == {"cached"}
