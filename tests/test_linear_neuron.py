"""Where a project has packages called `flows` or `tasks` too, the command and an import say so in one line."""

from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.processes import environment, python

COMMAND = "import sys; from linear_neuron import main; sys.argv[1:] = ['--help']; sys.exit(main())"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project with a module and a package of these names."""
    for name in ("flows", "tasks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
        (tmp_path / name / "config.py").write_text("")
    return tmp_path


def test_the_command_runs_in_a_folder_that_has_both(project: Path) -> None:
    """As long as the folder is not on Python's path, which an installed command does not put it on."""
    done = python("-P", "-c", COMMAND, cwd=project)
    assert done.stdout.startswith("usage: linear-neuron")


@pytest.mark.parametrize("name", ["flows", "tasks"])
def test_the_command_names_the_package_that_comes_first(project: Path, name: str) -> None:
    other = {"flows": "tasks", "tasks": "flows"}[name]
    for path in (project / other).iterdir():
        path.unlink()
    (project / other).rmdir()
    env = environment(PYTHONPATH=f"{project}:{ROOT}")
    done = python("-P", "-c", COMMAND, env=env, status=2)
    place = project / name / "__init__.py"
    assert done.stderr == (
        f"linear-neuron: the package `{name}` is {str(place)!r} here, not linear-neuron's; install linear-neuron into "
        "an environment of its own, or take the other from PYTHONPATH\n"
    )


def test_an_import_names_a_module_that_comes_first(tmp_path: Path) -> None:
    """From a script beside a module `tasks` of its own, which would fail with "'tasks' is not a package"."""
    (tmp_path / "tasks.py").write_text("")
    done = python("-c", "from flows import fit", cwd=tmp_path, status=1)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        f"ImportError: the package `tasks` is {str(tmp_path / 'tasks.py')!r} here, not linear-neuron's; "
    )
