"""The command `sweep`: values by flags and by a file, the table and the run of the best, and what is refused."""

import json
from pathlib import Path

import pytest

from flows.command import cli
from flows.command.sweep import lines
from tasks.config import SweepPlan
from tasks.outputs.validation import Candidate, Sweep, ValidationError


def asked(*arguments: str) -> SweepPlan:
    plan = cli.parse(["sweep", *arguments]).sweep
    assert plan is not None
    return plan


def test_values_come_from_flags_and_a_file(tmp_path: Path) -> None:
    """Other flags are settings that all candidates share; a candidate that comes twice is one."""
    file = tmp_path / "sweep.toml"
    file.write_text("[sweep]\nepochs = [10, 100]\nfolds = 3\n[training]\nbatch_size = 8\n")
    plan = asked("--config", str(file), "--training.l2", "0, 0.1,0.0", "--seed", "7")
    assert (plan.folds, plan.settings.seed) == (3, 7)
    found = [(each.training.epochs, each.training.l2, each.training.batch_size) for each in plan.candidates()]
    assert found == [(10, 0.0, 8), (10, 0.1, 8), (100, 0.0, 8), (100, 0.1, 8)]
    assert asked("--training.epochs", "5", "--folds", "2").folds == 2
    assert asked("--config", str(file), "--folds", "10").folds == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "`sweep` needs values to try, such as `--training.epochs 10,100`"),
        (["--training.epochs", "10,0"], "`epochs` of '0': input should be greater than or equal to 1"),
        (["--training.l2", "0,x"], "`l2` of 'x'"),
        (["--training.l2", "0,1", "--recipe", "tutorial"], "`l2` needs the recipe 'calibrated'"),
        (["--training.seed", "1,2"], "`--training.seed` is not an option"),
        (["--training.epochs", "1,2", "--folds", "1"], "`folds` of '1'"),
        (
            ["--training.epochs", ",".join(map(str, range(1, 1002)))],
            "`sweep` of 1,001 combinations: at most 1,000; name fewer values",
        ),
    ],
)
def test_what_cannot_be_tried_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["sweep", *arguments])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_a_file_can_name_no_other_setting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sweep.toml").write_text("[sweep]\nrows = [1, 2]\n")
    with pytest.raises(SystemExit):
        cli.main(["sweep", "--config", str(tmp_path / "sweep.toml")])
    assert "`rows` is no setting of the training; there is recipe, epochs" in capsys.readouterr().err


def test_the_table_is_sorted_and_says_what_is_not_known() -> None:
    known = ValidationError(rmse=0.5612, low=0.5, high=0.62, folds=[0.5, 0.6])
    found = Sweep(
        name="example",
        target="y",
        folds=2,
        notes=["beware"],
        candidates=[
            Candidate(training={"epochs": 100, "l2": 0.1}, error=known),
            Candidate(training={"epochs": 10, "l2": "auto"}, error=known.model_copy(update={"low": None})),
            Candidate(training={"epochs": 1, "l2": 0.0}, error=None, refused="diverged at epoch 1"),
        ],
    )
    assert lines(found) == [
        "y by 2 folds of the training rows; the test rows are not looked at",
        "epochs  l2    RMSE    95 %",
        "100     0.1   0.5612  0.5 to 0.62",
        "10      auto  0.5612  –",
        "1       0     –       diverged at epoch 1",
        "note: beware",
        "run with the best, on all training rows: --epochs=100 --l2=0.1",
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server", "readable_stderr")
def test_the_best_is_a_run_like_any_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its summary follows the table; as JSON, both are one object."""
    command = ["sweep", "--training.epochs", "1,40", "--folds", "2", "--artifacts", str(tmp_path)]
    assert cli.main(command) == 0
    told = capsys.readouterr().out
    assert told.startswith("y by 2 folds of the training rows")
    assert "\ny         estimate" in told
    assert cli.main([*command, "--json"]) == 0
    both = json.loads(capsys.readouterr().out)
    best = both["sweep"]["candidates"][0]["training"]["epochs"]
    assert both["run"]["settings"]["training"]["epochs"] == best
    assert {stage["state"] for stage in both["run"]["stages"].values()} == {"cached"}
