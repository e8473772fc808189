"""The command `predict`: the same rows out as in, with the predictions of the model that was trained."""

import gzip
import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from pyarrow import feather
from pydantic import ValidationError

from flows.command import predict as command
from flows.regression import regression
from tasks.config import Prediction, Settings
from tasks.outputs.model import KERAS
from tasks.outputs.result import Result
from tasks.outputs.scores import PREDICTIONS
from tasks.table.errors import BadTable
from tests.processes import imported, python

MODEL = {
    "target": "y",
    "bias": 1.0,
    "inputs": [
        {"type": "number", "name": "a", "weight": 2.0, "mean": None},
        {"type": "number", "name": "b", "weight": -0.5, "mean": 4.0},
        {
            "type": "category",
            "name": "k",
            "weights": {"u": 0.0, "v": 10.0},
            "reference": "u",
            "average": 5.0,
            "fill": False,
        },
    ],
}
ROWS = pd.DataFrame(
    {
        "id": ["007", "NA", "", "x,1", 'say "hi"\n', "6"],
        "k": ["u", "v", "w", "u", "v", "u"],
        "b": [1.0, 2.0, np.nan, 3.0, 0.0, 1.5],
        "a": [1.0, 2.0, 3.0, np.nan, -1e-300, 1e15],
    }
)
PREDICTED = [2.5, 14.0, 10.0, np.nan, 11.0, 2e15 + 0.25]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model.json").write_text(json.dumps(MODEL))
    return tmp_path / "model.json"


def predict(model: Path | str, data: Path, output: Path, **more: Any) -> int:
    return command.predict(
        Prediction(model=str(model), data=str(data), output=str(output), **more), as_json=False
    )


def read(path: Path) -> pd.DataFrame:
    """Read what was written, text as it stands."""
    if path.suffix == ".parquet":
        return pd.DataFrame(pq.read_table(path).to_pandas())
    if path.suffix == ".feather":
        return pd.DataFrame(feather.read_table(path).to_pandas())
    separator = "\t" if path.suffix == ".tsv" else ","
    return pd.read_csv(
        path,
        sep=separator,
        dtype={"id": str, "k": str},
        keep_default_na=False,
        na_values={"a": "", "b": "", "predicted_y": ""},
    )


def write(rows: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        rows.to_parquet(path, index=False)
    elif path.suffix == ".feather":
        feather.write_feather(pa.Table.from_pandas(rows, preserve_index=False), path)
    else:
        rows.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("given", ["in.csv", "in.csv.gz", "in.parquet", "in.feather"])
@pytest.mark.parametrize("wanted", ["out.csv", "out.CSV.gz", "out.tsv", "out.parquet", "out.feather"])
def test_rows_go_out_as_they_came_with_their_predictions(
    tmp_path: Path, model: Path, given: str, wanted: str
) -> None:
    """Columns in any order, more of them than are needed, text to the letter; a missing `a` leaves no prediction."""
    assert predict(model, write(ROWS, tmp_path / given), tmp_path / wanted) == 0
    found = read(tmp_path / wanted)
    expected = ROWS.assign(predicted_y=PREDICTED)
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-15)
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_text_comes_back_byte_by_byte(tmp_path: Path, model: Path) -> None:
    """Delimiter, decimal sign, leading zeros, trailing zeros, NA: only the new column is new."""
    lines = ['a;b;k;"a ""name"""', "1,50;NA;u;007", "1e3;,5;v;", '+2;1;u;"x;y"']
    (tmp_path / "in.csv").write_text("\n".join(lines) + "\n")
    assert predict(model, tmp_path / "in.csv", tmp_path / "out.csv") == 0
    ends = ["predicted_y", "2", "2010,75", "4,5"]
    assert (tmp_path / "out.csv").read_text() == "".join(
        f"{line};{end}\n" for line, end in zip(lines, ends, strict=True)
    )


def test_what_cannot_be_predicted_is_counted_on_stderr(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A level that is new is named and counts as an average row; the rest of the rows is untouched by it."""
    write(ROWS, tmp_path / "in.csv")
    predict(model, tmp_path / "in.csv", tmp_path / "out.csv")
    told = capsys.readouterr()
    assert told.out == f"6 rows with 'predicted_y' in {str(tmp_path / 'out.csv')!r}\n"
    assert told.err == (
        "linear-neuron: 1 row without a prediction: column 'a' misses 1 value, and the model has no mean for it\n"
        "linear-neuron: column 'b': 1 missing value replaced by the training rows' mean, as in the run\n"
        "linear-neuron: column 'k': 1 row with a level that no training row has, taken for an average row: 'w' (1)\n"
    )
    options = Prediction(
        model=str(model), data=str(tmp_path / "in.csv"), output=str(tmp_path / "out.parquet"), column="ŷ"
    )
    assert command.predict(options, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {
        "rows": 6,
        "predicted": 5,
        "column": "ŷ",
        "output": str(tmp_path / "out.parquet"),
        "missing": {"a": 1},
        "filled": {"b": 1},
        "infinite": {},
        "unknown_levels": {"k": {"w": 1}},
    }
    assert pq.read_schema(tmp_path / "out.parquet").names[-1] == "ŷ"


def test_a_folder_is_predicted_file_by_file_in_order(tmp_path: Path, model: Path) -> None:
    """The values of its folders are columns."""
    for year in (2022, 2021):
        (tmp_path / f"in/year={year}").mkdir(parents=True)
        write(ROWS.assign(b=float(year)), tmp_path / f"in/year={year}/part.parquet")
    assert predict(model, tmp_path / "in", tmp_path / "out.parquet") == 0
    found = pq.read_table(tmp_path / "out.parquet").to_pandas()
    assert found["year"].tolist() == [2021] * 6 + [2022] * 6
    assert found["predicted_y"][0] == 1 + 2 - 2021 / 2


def test_order_and_count_are_kept_over_many_batches(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.table.sources.reader.ROWS", 100)
    monkeypatch.setattr("tasks.table.sources.delimited.BLOCK", 1000)
    rows = pd.DataFrame({"a": np.arange(5000.0), "b": 0.0, "k": "u"})
    for name in ("in.csv", "in.parquet"):
        assert predict(model, write(rows, tmp_path / name), tmp_path / "out.parquet", overwrite=True) == 0
        found = pq.read_table(tmp_path / "out.parquet")["predicted_y"].to_numpy()
        np.testing.assert_array_equal(found, 1 + 2 * np.arange(5000.0))


def test_no_rows_in_no_rows_out(tmp_path: Path, model: Path) -> None:
    for name in ("in.csv", "in.parquet"):
        assert predict(model, write(ROWS.head(0), tmp_path / name), tmp_path / "out.csv", overwrite=True) == 0
        assert (tmp_path / "out.csv").read_text() == "id,k,b,a,predicted_y\n"


@pytest.mark.parametrize(
    ("rows", "more", "message"),
    [
        (ROWS.drop(columns="b"), {}, "has no column 'b', which the model needs"),
        (
            ROWS.rename(columns={"a": "aa"}),
            {},
            "has no column 'a', which the model needs; did you mean 'aa'?",
        ),
        (
            ROWS.assign(a=["1", "2", "oops", "4", "5", "6"]),
            {},
            "column 'a' of `data` of '{}' has 'oops' in row 3; the model needs numbers there",
        ),
        (ROWS.assign(predicted_y=1), {}, "`column`: the data have a column 'predicted_y' already"),
        (ROWS, {"column": "k"}, "`column`: the data have a column 'k' already"),
    ],
)
@pytest.mark.parametrize("name", ["in.csv", "in.parquet"])
def test_data_that_do_not_fit_are_refused_in_one_line(
    tmp_path: Path,
    model: Path,
    capsys: pytest.CaptureFixture[str],
    rows: pd.DataFrame,
    more: dict[str, str],
    message: str,
    name: str,
) -> None:
    """With status 2, and nothing is written."""
    data = write(rows, tmp_path / name)
    assert predict(model, data, tmp_path / "out.csv", **more) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert message.format(data) in told.err
    assert {path.name for path in tmp_path.iterdir()} == {"model.json", name}


def test_late_text_and_damage_leave_nothing_half_written(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What comes out in the last batch undoes what was written before; an output that was there stays."""
    monkeypatch.setattr("tasks.table.sources.delimited.BLOCK", 1000)
    lines = ["a,b,k", *(f"{number},0,u" for number in range(9000))]
    text = "\n".join([*lines, "x,0,u\n"])
    (tmp_path / "late.csv").write_text(text)
    (tmp_path / "ragged.csv").write_text("\n".join([*lines, "1,0\n"]))
    (tmp_path / "garbled.csv").write_bytes("\n".join([*lines, "1,0,"]).encode() + b"\xff\n")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode())[:-40])
    (tmp_path / "out.csv").write_text("before")
    messages = {
        "late.csv": "has 'x' in row 9,001",
        "ragged.csv": "row 9,001 has 2 cells",
        "garbled.csv": "is not UTF-8, first in row 9,001",
        "cut.csv.gz": "is damaged",
    }
    for name, message in messages.items():
        assert predict(model, tmp_path / name, tmp_path / "out.csv", overwrite=True) == 2
        assert message in capsys.readouterr().err
        assert (tmp_path / "out.csv").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("there.csv", "already exists; give another name or `--overwrite`"),
        ("out.xlsx", "has no known format"),
        ("no/out.csv", "does not exist; make it"),
        ("folder.csv", "exists and is not a file"),
        ("s3://bucket/out.csv", "is not on this machine"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_anything_is_read(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str], output: str, message: str
) -> None:
    (tmp_path / "there.csv").touch()
    (tmp_path / "folder.csv").mkdir()
    given = output if "://" in output else str(tmp_path / output)
    options = Prediction(model=str(model), data="absent.csv", output=given)
    assert command.predict(options, as_json=False) == 2
    assert message in capsys.readouterr().err


def test_nested_columns_have_no_place_in_text(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(ROWS.assign(tags=pd.Series([[1]] * 6, dtype=object)), tmp_path / "in.parquet")
    assert predict(model, tmp_path / "in.parquet", tmp_path / "out.csv") == 2
    assert "cannot hold the columns" in capsys.readouterr().err
    assert predict(model, tmp_path / "in.parquet", tmp_path / "out.parquet") == 0


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, model: Path) -> None:
    """The file's size is limited in the process, as a disk would be; the status is that of a failure."""
    write(pd.concat([ROWS.dropna()] * 20_000), tmp_path / "in.csv")
    program = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))\n"
        f"from flows.command.cli import main; raise SystemExit(main({arguments(model, tmp_path)}))"
    )
    done = python("-c", program, status=1)
    assert done.stdout == ""
    assert done.stderr.startswith("linear-neuron: `output` of")
    assert done.stderr.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "model.json"}


def arguments(model: Path, folder: Path) -> list[str]:
    return ["predict", f"--model={model}", f"--data={folder / 'in.csv'}", f"--output={folder / 'out.csv'}"]


def test_killed_at_any_moment_it_leaves_no_output_and_the_next_one_sweeps_up(
    tmp_path: Path, model: Path
) -> None:
    """kill -9 before the file has its name: nothing is to be seen of it; what lies hidden goes with the next call."""
    write(ROWS, tmp_path / "in.csv")
    program = (
        "import os, signal, sys\n"
        "sys.addaudithook(lambda name, _: name == 'os.rename' and os.kill(os.getpid(), signal.SIGKILL))\n"
        f"from flows.command.cli import main; main({arguments(model, tmp_path)})"
    )
    python("-c", program, status=-signal.SIGKILL)
    (left,) = {path.name for path in tmp_path.iterdir()} - {"in.csv", "model.json"}
    assert left.startswith(".")
    (tmp_path / ".theirs.part").touch()
    assert predict(model, tmp_path / "in.csv", tmp_path / "out.csv") == 0
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "model.json", "out.csv", ".theirs.part"}


def test_it_needs_neither_prefect_nor_tensorflow(tmp_path: Path, model: Path) -> None:
    write(ROWS, tmp_path / "in.csv")
    program = f"from flows.command.cli import main; raise SystemExit(main({arguments(model, tmp_path)}))"
    assert not {"prefect", "tensorflow", "keras", "matplotlib"} & imported(program)
    assert (tmp_path / "out.csv").is_file()


@pytest.fixture
def trained(settings: Settings, tmp_path: Path, prefect_server: str) -> tuple[Result, pd.DataFrame]:
    """Train on a table with a text column and missing values; return the result and the table."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "size": rng.normal(50, 9, 400),
            "kind": rng.choice(["a", "b", "c"], 400),
            "n": rng.integers(0, 9, 400),
        }
    )
    rows["price"] = rows["size"] * 3 - (rows["kind"] == "b") * 40 + rows["n"] + rng.normal(size=400)
    rows.loc[::7, "size"] = np.nan
    rows.to_csv(tmp_path / "sales.csv", index=False)
    given = {"data": str(tmp_path / "sales.csv"), "target": "price", "categorical": "kind", "missing": "mean"}
    base = settings.model_dump(include={"artifacts"})
    return regression(Settings.model_validate({**base, "input": given})), rows


def test_the_predictions_are_those_of_the_saved_model(
    trained: tuple[Result, pd.DataFrame], settings: Settings, tmp_path: Path
) -> None:
    """Equal to `model.keras` on the encoded rows within float32, and to the run's own predictions of the test rows."""
    import keras

    result, rows = trained
    root = Path(settings.artifacts)
    folder = root / "runs" / result.run
    models: list[Path | str] = ["latest", result.run, folder, folder / "model.json"]
    outputs = [tmp_path / f"{number}.parquet" for number in range(4)]
    for model, output in zip(models, outputs, strict=True):
        assert predict(model, tmp_path / "sales.csv", output, artifacts=str(root)) == 0
    tables = [pq.read_table(output) for output in outputs]
    assert all(table.equals(tables[0]) for table in tables)
    found = tables[0]["predicted_price"].to_numpy()
    files = {
        Path(file.path).name: root / file.path for stage in result.stages.values() for file in stage.files
    }
    encoded = pd.concat([pq.read_table(files[f"{part}.parquet"]).to_pandas() for part in ("train", "test")])
    saved = keras.models.load_model(files[KERAS]).predict(
        encoded.drop(columns="price").to_numpy(float), verbose=0
    )[:, 0]
    by_price = pd.Series(saved, index=encoded["price"].to_numpy())
    np.testing.assert_allclose(found, by_price.loc[rows["price"]], rtol=1e-5)
    own = pq.read_table(files[f"{PREDICTIONS}.parquet"]).to_pandas().set_index("actual")["predicted"]
    np.testing.assert_allclose(found, own.loc[rows["price"]], rtol=1e-12)


@pytest.mark.usefixtures("prefect_server")
def test_a_name_stands_for_its_newest_run_and_the_run_is_said(
    tmp_path: Path, settings: Settings, penguins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`latest` is the last run of any table, and says of which; a name taken by one table is refused to another."""
    small: dict[str, Any] = {"artifacts": settings.artifacts, "training": {"epochs": 1}}
    own = small | {"name": "birds", "input": {"data": str(penguins), "target": "body_mass"}}
    result = regression(Settings.model_validate(own))
    other = regression(Settings.model_validate(small))
    assert (result.name, other.name) == ("birds", "example")
    said = f"'body_mass' of {str(penguins)!r}, run {result.run}, due {result.run[:4]}-"
    for model, version in {"birds": "version 1", "birds@1": "version 1", result.run: None}.items():
        assert predict(model, penguins, tmp_path / f"{model}.csv", artifacts=settings.artifacts) == 0
        told = capsys.readouterr().err
        assert told.startswith(f"linear-neuron: model of 'birds'{', ' + version if version else ''}: target ")
        assert said in told
    for model, why in {
        "latest": "no column 'x'",
        "birds@champion": "no alias and no version 'champion'",
    }.items():
        assert predict(model, penguins, tmp_path / "none.csv", artifacts=settings.artifacts) == 2
        assert why in capsys.readouterr().err
    with pytest.raises(BadTable, match="`name` of 'birds' is taken"):
        regression(Settings.model_validate(small | {"name": "birds"}))


def test_a_model_that_is_not_there_is_said(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name is looked up in the artifacts folder, and does not lead out of it."""
    write(ROWS, tmp_path / "in.csv")
    (tmp_path / "empty").mkdir()
    (tmp_path / "artifacts/runs").mkdir(parents=True)
    for name, message in {
        "latest": "there is no run in",
        "absent": "is neither a file, nor a folder, nor a run or a name in",
        "../../" + tmp_path.name: "is neither a file, nor a folder, nor a run or a name in",
        str(tmp_path / "empty"): "there is no model.json in the folder",
        str(tmp_path / "in.csv"): "is no model.json (it: ",
    }.items():
        assert (
            predict(name, tmp_path / "in.csv", tmp_path / "out.csv", artifacts=str(tmp_path / "artifacts"))
            == 2
        )
        assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--model", "x", "--data", "y"], "linear-neuron: `output` is required\n"),
        (["--modle", "x"], "`--modle` is not an option; did you mean `--model`?"),
    ],
)
def test_bad_usage_is_said_in_one_line(given: list[str], message: str) -> None:
    done = python("-m", "flows", "predict", *given, status=2)
    assert done.stdout == ""
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


PEAK = """
import sys
from flows.command.cli import main
from tests.memory import peak
status = main(["predict", *sys.argv[1:], "--overwrite"])
print(peak())
raise SystemExit(status)
"""


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, model: Path, ending: str) -> None:
    """A million rows and six times as many need about the same: a few blocks, whatever the row groups."""
    block = pa.table(
        {"a": np.random.default_rng(0).normal(size=10**6), "b": np.ones(10**6), "k": ["u", "v"] * 500_000}
    )
    data, peaks = tmp_path / f"in.{ending}", []
    for count in (1, 6):
        rows = pa.concat_tables([block] * count)
        pq.write_table(rows, data) if ending == "parquet" else arrow_csv.write_csv(rows, data)
        given = [f"--model={model}", f"--data={data}", f"--output={tmp_path / 'out'}.{ending}"]
        peaks.append(float(python("-c", PEAK, *given).stdout.split()[-1]))
    assert peaks[1] < peaks[0] + 150, peaks
    assert peaks[1] < 700


INTERVALS = {
    "uncertainty": {
        "residual_deviation": 2.0,
        "degrees_of_freedom": 10,
        "critical": 2.2281388519649385,
        "at_centre": 0.25,
        "design": [
            {"column": "a", "level": None, "centre": 1.0},
            {"column": "k", "level": "v", "centre": 0.5},
        ],
        "inverse": [[0.5], [1.0, 2.0]],
    },
    "conformal": {"rows": 19, "ranks": [10, 19], "errors": [1.5, 4.0]},
}


def test_intervals_stand_beside_the_predictions(tmp_path: Path) -> None:
    """Worked out by hand; a row without a prediction has no interval, nor has any row more columns otherwise."""
    model = tmp_path / "model.json"
    model.write_text(json.dumps(MODEL | INTERVALS))
    data = write(ROWS[["k", "b", "a"]], tmp_path / "in.parquet")
    assert predict(model, data, tmp_path / "out.parquet", interval=0.95) == 0
    found = read(tmp_path / "out.parquet")
    assert list(found) == ["k", "b", "a", "predicted_y", "lower", "upper"]
    first = found.iloc[0]  # a = 1, k = u: (0, −1) by the inverse
    half = 2.2281388519649385 * 2.0 * np.sqrt(1.25 + (0.5 * 0) ** 2 + (1.0 * 0 + 2.0 * -0.5) ** 2)
    np.testing.assert_allclose([first["lower"], first["upper"]], [2.5 - half, 2.5 + half], rtol=1e-10)
    assert found.isna()["lower"].tolist() == found.isna()["predicted_y"].tolist()

    kind = {"interval": 0.9, "interval_kind": "conformal"}
    assert predict(model, data, tmp_path / "conformal.parquet", **kind) == 0
    np.testing.assert_allclose(read(tmp_path / "conformal.parquet")["upper"], np.array(PREDICTED) + 4.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"interval": 0.95}, "the model holds no residual deviation; set `interval_kind` to conformal"),
        (
            {"interval": 0.95, "interval_kind": "conformal"},
            "the model holds no errors of test rows; hold out",
        ),
        ({"interval": 0.95, "column": "lower"}, "no residual deviation"),
    ],
)
def test_an_interval_that_the_model_cannot_give_is_refused(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str], options: dict[str, Any], message: str
) -> None:
    """In one line, before anything is read."""
    assert predict(model, tmp_path / "absent.csv", tmp_path / "out.csv", **options) == 2
    assert message in capsys.readouterr().err


def test_a_column_called_like_an_end_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "model.json"
    model.write_text(json.dumps(MODEL | INTERVALS))
    data = write(ROWS.assign(lower=1.0), tmp_path / "in.csv")
    assert predict(model, data, tmp_path / "out.csv", interval=0.5) == 2
    assert "`interval` adds a column 'lower', and there is one already; rename it" in capsys.readouterr().err


def test_a_kind_without_an_interval_is_refused() -> None:
    with pytest.raises(ValidationError, match="`interval_kind` of 'conformal' needs `interval`"):
        Prediction(model="m", data="d", output="o.csv", interval_kind="conformal")
