"""The locked set: within the bounds of pyproject.toml, whole, checked by hash; a new one must have proved itself."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LOCKS = ["requirements.lock", "tests/benchmarks/requirements.lock"]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_checked_and_none_names_an_address(lock: str) -> None:
    told = (ROOT / lock).read_text(encoding="utf-8")
    pins = re.findall(r"^\S+==.*(?:\n    .*)*", told, flags=re.MULTILINE)
    assert pins
    assert [pin for pin in pins if "--hash=sha256:" not in pin] == []
    assert "://" not in told
    assert not re.search(r"^--", told, flags=re.MULTILINE)


def test_the_lock_is_within_the_bounds() -> None:
    """Such as those that a library that Prefect's server runs on has, lest no schedule fires."""
    told = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = dict(re.findall(r"^([\w.-]+)(?:\[.*?\])?==([^\s;]+)", told, flags=re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [Requirement(each) for each in project["dependencies"] + project["optional-dependencies"]["dev"]]
    assert [str(each) for each in wanted if locked[each.name] not in each.specifier] == []


@pytest.mark.parametrize(("schedules", "taken"), [("true", True), ("false", False)])
def test_a_new_lock_is_taken_only_when_schedules_fire(tmp_path: Path, schedules: str, *, taken: bool) -> None:
    """The commands that resolve and that test are stood in for; what `make lock` makes of their exit status is not."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for lock in LOCKS:
        (tmp_path / lock).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / lock).write_text("old\n")
    resolver = tmp_path / "uv"
    resolver.write_text('#!/bin/sh\nwhile [ "$1" != --output-file ]; do shift; done\necho new >> "$2"\n')
    resolver.chmod(0o755)
    done = subprocess.run(
        ["make", "lock", "UV=./uv", f"MAKE={schedules}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) == taken, done.stderr
    assert {(tmp_path / lock).read_text() for lock in LOCKS} == {"old\nnew\n" if taken else "old\n"}
