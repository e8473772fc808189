"""The one schema: TOML file, command-line flags and the flow's parameters are all validated here.

A preset is a set of starting values; whatever the user gives, in the file or as a flag, goes over it.
`schema_fields` walks the schema for everyone who lists settings: flags, form, messages and report.
Importing this module imports neither Prefect nor TensorFlow.
"""

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic.fields import FieldInfo

from tasks.table.rules import Rule
from tasks.table.setting_types import (
    Comment,
    DatabaseTableName,
    Decimal,
    Delimiter,
    HeaderRow,
    MissingWords,
    Names,
    PasswordBlock,
    Place,
    Places,
    Sheet,
    SkippedRows,
    TableQuery,
    TableVersion,
    TextEncoding,
    Thousands,
    check_separators,
    comma_separated,
    target_of,
)

Preset = Literal["default", "article", "course"]

# Of models: also a part of keys in Prefect's UI, of names of files and of addresses.
RUN_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_RUN_NAME = 60

# What each preset changes in the fields' own defaults.
PRESETS: dict[str, dict[str, dict[str, object]]] = {
    "default": {},
    "article": {
        "problem": {"noise": 10.0},
        "split": {"test_fraction": 0.0},
        "training": {"recipe": "tutorial"},
    },
    "course": {
        "split": {"test_fraction": 0.0},
        "training": {"recipe": "tutorial", "initializer": "uniform"},
    },
}


def _half_life(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d{0,5}[hdw]", text):
        raise ValueError(f"`half_life` of {text!r} is not a duration; write 12h, 90d or 8w")
    return text


def _duration(value: object) -> object:
    found = re.fullmatch(r"(\d+)([hdw])", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"`older_than` of {value!r} is not a duration; write 12h, 30d or 8w")
    return timedelta(hours=int(found[1]) * {"h": 1, "d": 24, "w": 168}[found[2]])


REMOTES = ("s3", "gs", "az", "file")


def _remote(address: str) -> str:
    found = re.fullmatch(rf"(?:{'|'.join(REMOTES)})://([^?#]*[^?#/][^?#]*)", address)
    if found is None:
        raise ValueError(
            f"`remote` of {address!r} is no address of an object store; give s3://bucket/prefix, gs://bucket/prefix, "
            "az://container/prefix or file:///folder"
        )
    return address.rstrip("/")


RemoteAddress = Annotated[
    Annotated[Place, AfterValidator(_remote)] | None,
    Field(
        description=f"Object store that machines share, behind the folder: {', '.join(REMOTES)}://bucket/prefix."
    ),
]


def _tracking(address: str) -> str:
    if address != "databricks" and not re.fullmatch(r"[a-z][a-z0-9+]*://\S+", address):
        raise ValueError(
            f"`log_to_mlflow` of {address!r} is no address that MLflow tracks at; give http://host:5000, a database "
            "such as sqlite:///mlflow.db, or databricks"
        )
    return address


TrackingAddress = Annotated[
    Annotated[Place, AfterValidator(_tracking)] | None,
    Field(
        description="MLflow server or database that gets settings, metrics, figures and model: http://host:5000, "
        "sqlite:///mlflow.db."
    ),
]


def _scheduler(address: str) -> str:
    if not re.fullmatch(r"(tcp|tls)://[^/?#@\s]+:\d{1,5}", address):
        raise ValueError(f"`address` of {address!r} is no address of a scheduler; give tcp://host:8786")
    return address


def _run_name(name: str) -> str:
    if len(name) > LONGEST_RUN_NAME or not RUN_NAME.fullmatch(name):
        raise ValueError(
            f"`name` of {name!r} cannot name a model; use up to {LONGEST_RUN_NAME} lower-case letters and digits, "
            "with single dashes between them"
        )
    return name


class Section(BaseModel):
    """A frozen group of settings that refuses unknown names."""

    # What is wrong may be a secret in an address: errors are shown without their input.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


class Problem(Section):
    """The example problem that `generate` draws: y = weights · inputs + bias + uniform noise."""

    rows: int = Field(default=1000, ge=1, le=10**10, description="Rows to draw.")
    noise: float = Field(default=1.0, ge=0, description="Half-width of the uniform noise on the target.")
    true_weights: Annotated[tuple[float, ...], BeforeValidator(comma_separated)] = Field(
        default=(2.0, -3.0),
        min_length=1,
        description="Weights to recover, one per feature [2,-3].",
    )
    true_bias: float = Field(default=5.0, description="The bias that the fit should recover.")
    lowest: float = Field(default=-10.0, description="Lower end of the inputs' range.")
    highest: float = Field(default=10.0, description="Upper end of the inputs' range.")

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> Self:
        if self.lowest >= self.highest:
            raise ValueError(
                f"`lowest` of {self.lowest:g} is not below `highest` of {self.highest:g}; give a range to draw from"
            )
        return self


class Input(Section):
    """The user's own table, in place of the example problem."""

    data: Places | None = Field(
        default=None,
        min_length=1,
        description="CSV, Parquet, Feather, npz or Excel file, a folder, pattern or comma-separated list of them, or "
        "a URL such as s3://bucket/folder or postgresql://host/db.",
    )
    query: TableQuery = None
    table: DatabaseTableName = None
    unchanged_if: str | None = Field(
        default=None,
        min_length=1,
        description="SQL such as select max(updated_at), count(*) from t; while its answer is the same, the rows are "
        "not read again.",
    )
    password_block: PasswordBlock = None
    version: TableVersion = None
    key: Names = Field(
        default=(),
        description="Columns that identify a row: they are no features, and where a source has no order of its own, "
        "rows are sorted by them.",
    )
    target: str | None = Field(default=None, min_length=1, description="Column to predict.")
    log_target: bool = Field(
        default=False,
        description="Fit the logarithm of the target, which must be above 0; predictions and errors stay in its own "
        "units.",
    )
    weights: str | None = Field(
        default=None,
        min_length=1,
        description="Column by which rows count, in the fit and in all errors: weights of precision, as in R's lm; 0 "
        "leaves a row out.",
    )
    features: Names | None = Field(
        default=None,
        min_length=1,
        description="Columns to predict from: comma-separated names or patterns (bill_*); all numeric by default.",
    )
    exclude: Names = Field(default=(), description="Columns to leave out: names or patterns.")
    categorical: Names = Field(
        default=(),
        description="Categorical columns: names or patterns; each level but the first becomes an indicator.",
    )
    formula: str | None = Field(
        default=None,
        min_length=1,
        max_length=4000,
        description="Terms as in R: price ~ area * city + log(income) + C(store) + month(sold_on).",
    )
    dates: Names = Field(
        default=(), description="Columns of dates; year, month, weekday and trend become features."
    )
    dates_format: str | None = Field(
        default=None,
        min_length=1,
        description="How text in columns of dates is written, such as %d/%m/%Y; 2024-02-13 by default.",
    )
    min_frequency: int = Field(
        default=1,
        ge=1,
        description="Levels of categories with fewer training rows are pooled as one, (rare).",
    )
    missing: Literal["error", "drop", "mean"] = Field(
        default="error",
        description="Rows with missing values: refuse them, drop them, or fill in the training rows' mean.",
    )
    warn: Annotated[tuple[Rule, ...], BeforeValidator(comma_separated)] = Field(
        default=(),
        description="Rules whose violations are warnings instead of errors: missing-values, text-in-numbers, …; "
        "the affected cells or columns are dropped.",
    )
    strict: bool = Field(
        default=False,
        description="Refuse a table where anything would be skipped, dropped or guessed, unless `warn` allows it.",
    )
    delimiter: Delimiter = None
    decimal: Decimal = None
    thousands: Thousands = None
    encoding: TextEncoding = None
    na_values: MissingWords = None
    skip_rows: SkippedRows = None
    header_row: HeaderRow = None
    comment: Comment = None
    sheet: Sheet = None

    @model_validator(mode="before")
    @classmethod
    def _formula_names_the_target(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not isinstance(given.get("formula"), str):
            return given
        target = target_of(given["formula"])
        if given.get("target") not in (None, target):
            raise ValueError(
                f"`target` of {given['target']!r} is not that of the formula, {target!r}; leave it out"
            )
        return {**given, "target": target}

    @model_validator(mode="after")
    def _formula_names_all_columns(self) -> Self:
        chosen = {name: getattr(self, name) for name in ("features", "exclude", "categorical", "dates")}
        if self.formula is not None and (given := [name for name, value in chosen.items() if value]):
            raise ValueError(
                f"`{given[0]}` and `formula` both choose columns; put all of them into the formula"
            )
        if self.dates_format is not None and not self.dates and self.formula is None:
            raise ValueError(
                "`dates_format` needs `dates`, or a formula with dates: the columns that it is for"
            )
        return self

    @model_validator(mode="after")
    def _data_and_target_come_together(self) -> Self:
        usual = {name: field.default for name, field in type(self).model_fields.items()}
        given = [f"`{name}`" for name, value in self if value != usual[name]]
        if self.data is None and given:
            raise ValueError(
                f"{', '.join(given)}: only for a table of your own; add `data` (the file's path)"
            )
        if self.data is not None and self.target is None:
            raise ValueError("`data` needs `target`: the column to predict")
        if self.weights is not None and self.weights in (
            self.target,
            *(self.features or ()),
            *self.categorical,
        ):
            raise ValueError(
                f"`weights` of {self.weights!r} is also the target or a feature; a column has one role, take it out "
                "of one of the two"
            )
        check_separators(self.decimal, self.thousands)
        return self


class Split(Section):
    """How rows are assigned to training and test."""

    method: Literal["random", "hash", "time", "group"] = Field(
        default="random",
        description="How rows are assigned: random; hash of columns; time, where the last rows are the test; group, "
        "where the rows of a group stay together.",
    )
    by: Annotated[tuple[str, ...], BeforeValidator(comma_separated)] = Field(
        default=(),
        description="Columns to split by, comma-separated: a key, a time or a group; they need not be features. "
        "By default hash uses the features and the target.",
    )
    test_fraction: float = Field(
        default=0.2, ge=0, lt=1, description="Share of the rows held out for the test; 0 trains on all rows."
    )
    half_life: Annotated[str, AfterValidator(_half_life)] | None = Field(
        default=None,
        description="Rows count half for every such time before the latest one, in the column of times that `by` "
        "names: 90d, 12h, 8w.",
    )
    date_format: str | None = Field(
        default=None,
        min_length=1,
        description="How text in the column of times is written, such as %m/%d/%Y; detected if there is no doubt.",
    )

    @model_validator(mode="after")
    def _columns_fit_the_method(self) -> Self:
        if self.half_life is not None and (len(self.by) != 1 or self.method not in ("random", "time")):
            raise ValueError(
                "`half_life` needs `by`, the one column of dates or times, and a `method` of 'random' or 'time'"
            )
        if self.method == "random" and self.by and self.half_life is None:
            raise ValueError(
                "`by` names columns, but `method` of 'random' ignores columns; choose hash, time or group"
            )
        if self.method == "group" and not self.by:
            raise ValueError("`method` of 'group' needs `by`: the column whose equal values stay together")
        if self.method == "time" and len(self.by) != 1:
            raise ValueError("`method` of 'time' needs `by`: the one column of dates, times or numbers")
        if self.date_format is not None and self.method != "time" and self.half_life is None:
            raise ValueError(
                f"`date_format` is only for `method` of 'time', not {self.method!r}; leave it out"
            )
        return self


class Beside(Section):
    """Columns that go beside the rows that are learnt from, each with its role; taken from the other sections."""

    cluster: str | None = None
    key: tuple[str, ...] = ()
    weights: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        single = [name for name in (self.cluster, self.weights) if name is not None]
        return tuple(dict.fromkeys([*single, *self.key]))


NOTHING = Beside()


class Training(Section):
    """How the neuron is trained."""

    recipe: Literal["calibrated", "tutorial"] = Field(
        default="calibrated",
        description="calibrated: whitened inputs, decaying learning rate; tutorial: raw inputs, constant rate.",
    )
    epochs: int = Field(default=100, ge=1, le=1_000_000, description="Passes over the training rows.")
    learning_rate: float | None = Field(
        default=None, gt=0, description="Initial learning rate; the recipe's own by default (tutorial: 0.02)."
    )
    batch_size: int = Field(default=32, ge=1, le=2**20, description="Rows per gradient step.")
    bias: bool = Field(default=True, description="Fit a bias as well as the weights.")
    initializer: Literal["glorot_uniform", "uniform"] = Field(
        default="glorot_uniform", description="Initial weights; uniform draws from (-0.1, 0.1)."
    )
    l2: Annotated[float, Field(ge=0)] | Literal["auto"] = Field(
        default=0.0,
        description="Ridge penalty on the squared weights of standardised features; auto chooses it by 10 folds.",
    )


class Gate(Section):
    """When a run becomes the champion of its name: the model in use. Without a setting here nothing is decided."""

    promote_if: Literal["better", "not_worse"] | None = Field(
        default=None,
        description="Promote a run whose test error is surely smaller than the champion's (better), or surely not "
        "larger by more than `margin` (not_worse); without it, only `linear-neuron promote` does.",
    )
    margin: float = Field(
        default=0.0,
        ge=0,
        description="In units of the target: by how much the RMSE must at least fall (better) or may rise (not_worse).",
    )
    confidence: float = Field(
        default=0.99, gt=0.5, lt=1, description="Confidence of the comparison with the champion."
    )
    max_rmse: float | None = Field(
        default=None, gt=0, description="Reject a run whose test RMSE is above this, in the target's units."
    )
    max_mae: float | None = Field(
        default=None, gt=0, description="Reject a run whose mean absolute test error is above this."
    )
    min_r2: float | None = Field(default=None, le=1, description="Reject a run whose test R² is below this.")
    require_verdict: bool = Field(
        default=False, description="Reject a run that is not indistinguishable from least squares."
    )
    approve: Literal["automatic", "by_hand"] = Field(
        default="automatic",
        description="by_hand: a deployment's run waits in Prefect's UI for a person to agree; elsewhere the run "
        "becomes the challenger, for `linear-neuron promote`.",
    )

    @property
    def decides(self) -> bool:
        """Whether there is anything to decide."""
        return self != type(self)()

    @model_validator(mode="after")
    def _not_worse_has_a_margin(self) -> Self:
        if self.promote_if == "not_worse" and not self.margin:
            raise ValueError(
                "`promote_if` of 'not_worse' needs `margin`: by how much the RMSE may rise, in units of the target"
            )
        if self.approve == "by_hand" and self.promote_if is None:
            raise ValueError(
                "`approve` of 'by_hand' needs `promote_if`, since without it no run is proposed; set better, say"
            )
        return self


class Inference(Section):
    """How the uncertainty of the weights, and of the error, is estimated."""

    standard_errors: Literal["classic", "HC0", "HC1", "HC2", "HC3", "cluster"] = Field(
        default="classic",
        description="classic assumes errors of equal variance; HC0 to HC3 do not; cluster also lets the errors of the "
        "rows of a cluster depend on each other.",
    )
    cluster: str | None = Field(
        default=None,
        min_length=1,
        description="Column whose equal values are a cluster; it need not be a feature.",
    )

    cross_validate: int | None = Field(
        default=None, ge=2, le=100, description="Folds by whose errors the fit is judged as well."
    )

    @model_validator(mode="after")
    def _cluster_belongs_to_its_errors(self) -> Self:
        if self.standard_errors == "cluster" and self.cluster is None:
            raise ValueError("`standard_errors` of 'cluster' needs `cluster`: the column of clusters")
        if self.standard_errors != "cluster" and self.cluster is not None:
            raise ValueError(
                f"`cluster` is only for `standard_errors` of 'cluster', not {self.standard_errors!r}; leave it out"
            )
        return self


class Execution(Section):
    """Who works on the parts of a large table. The results are the same, so nothing here is part of a cache key."""

    runner: Literal["local", "processes", "dask"] = Field(
        default="local",
        description="Threads of this process (local), processes of this machine, or the workers of a Dask cluster.",
    )
    workers: int | None = Field(
        default=None,
        ge=1,
        le=10_000,
        description="Processes, by default one a core (at most 8); with `address`, workers to wait for.",
    )
    address: Annotated[Place, AfterValidator(_scheduler)] | None = Field(
        default=None,
        description="Of Dask's scheduler: tcp://host:8786. Without it Dask runs on this machine.",
    )

    @model_validator(mode="after")
    def _belongs_to_its_runner(self) -> Self:
        if self.address is not None and self.runner != "dask":
            raise ValueError(f"`address` belongs to the runner 'dask', not {self.runner!r}; leave it out")
        if self.workers is not None and self.runner == "local":
            raise ValueError(
                "`workers` belongs to the runners 'processes' and 'dask'; 'local' uses every core"
            )
        return self


class Cleaning(Section):
    """Which finished runs `cache clean` keeps; whatever none of them needs is removed."""

    artifacts: Place = Field(default="artifacts", min_length=1, description="Folder for the runs' files.")
    remote: RemoteAddress = None
    keep_runs: int | None = Field(default=None, ge=0, description="Keep the newest N runs.")
    older_than: Annotated[timedelta, BeforeValidator(_duration)] | None = Field(
        default=None, description="Drop runs older than this: 12h, 30d, 8w."
    )
    max_size: ByteSize | None = Field(
        default=None, description="Drop the oldest runs above this size: 500MB, 5GB."
    )
    keep_promotions: int = Field(
        default=5,
        ge=0,
        description="Keep the runs of the last N champions of every name, besides those of all aliases.",
    )
    dry_run: bool = Field(default=False, description="List what would be removed; remove nothing.")


class ModelListing(Section):
    """What `models` lists."""

    name: str | None = Field(default=None, description="Name of what is modelled; all names by default.")
    artifacts: Place = Field(default="artifacts", min_length=1, description="Folder for the runs' files.")


class Promotion(Section):
    """What `promote` brings into use."""

    run: Place = Field(min_length=1, description="A run's name, latest, or a version: sales@3.")
    alias: str = Field(
        default="champion", min_length=1, description="Alias to point to it, such as champion."
    )
    why: str = Field(default="by hand", min_length=1, description="The reason, for the history.")
    artifacts: Place = Field(default="artifacts", min_length=1, description="Folder for the runs' files.")


class Rollback(Section):
    """What `rollback` brings back."""

    name: str = Field(min_length=1, description="Name of what is modelled.")
    to: int | None = Field(
        default=None, ge=1, description="Version to bring back; the champion before by default."
    )
    why: str = Field(default="rolled back", min_length=1, description="The reason, for the history.")
    artifacts: Place = Field(default="artifacts", min_length=1, description="Folder for the runs' files.")


class RunPair(Section):
    """What `diff` compares."""

    first: Place = Field(min_length=1, description="A run's name, latest, or a version: sales@champion.")
    second: Place = Field(min_length=1, description="Another one.")
    artifacts: Place = Field(default="artifacts", min_length=1, description="Folder for the runs' files.")


class Prediction(Section):
    """What `predict` reads and writes."""

    model: Place = Field(
        min_length=1,
        description="A model.json; a run: its folder, its name or latest; or a name of models: sales, sales@champion.",
    )
    data: Places = Field(
        min_length=1, description="Rows to predict: any table that `run` takes; the target is not needed."
    )
    query: TableQuery = None
    table: DatabaseTableName = None
    password_block: PasswordBlock = None
    version: TableVersion = None
    output: Place = Field(
        min_length=1,
        description="File for the rows and their predictions: .csv, .csv.gz, .tsv, .parquet, .feather; or a database, "
        "such as postgresql://host/db, with `output_table`.",
    )
    output_table: str | None = Field(
        default=None,
        min_length=1,
        description="Table of the output's database, such as schema.name; made if it is not there.",
    )
    output_key: Names = Field(
        default=(),
        description="Columns that identify a row of the output's table: rows of the same key are replaced, the others "
        "stay.",
    )
    output_password_block: str | None = Field(
        default=None,
        min_length=1,
        description="Prefect Secret block with the password of the output's database; by default PGPASSWORD or "
        "~/.pgpass.",
    )
    stamp: bool = Field(
        default=False,
        description="Add `model_run` and `predicted_at`: which run's model predicted a row, and when.",
    )
    column: str | None = Field(
        default=None,
        min_length=1,
        description="Name of the predictions' column; predicted_TARGET by default.",
    )
    interval: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Add `lower` and `upper`: the ends of an interval of this level, such as 0.95.",
    )
    interval_kind: Literal["prediction", "confidence", "conformal"] = Field(
        default="prediction",
        description="prediction: of a new row; confidence: of the mean of such rows; conformal: of a new row whatever "
        "the errors' distribution, from the test rows.",
    )
    overwrite: bool = Field(
        default=False, description="Replace the output if it exists; of a table, all of its rows."
    )
    artifacts: Place = Field(
        default="artifacts", min_length=1, description="Folder in which to look for runs."
    )
    warn: Annotated[tuple[Rule, ...], BeforeValidator(comma_separated)] | None = Field(
        default=None,
        description="Rules whose violations are warnings: text-in-numbers, irregular-rows; as in the run by default.",
    )
    delimiter: Delimiter = None
    decimal: Decimal = None
    thousands: Thousands = None
    encoding: TextEncoding = None
    na_values: MissingWords = None
    skip_rows: SkippedRows = None
    header_row: HeaderRow = None
    comment: Comment = None
    sheet: Sheet = None

    @model_validator(mode="after")
    def _kind_belongs_to_an_interval(self) -> Self:
        if self.interval is None and self.interval_kind != "prediction":
            raise ValueError(
                f"`interval_kind` of {self.interval_kind!r} needs `interval`: a level such as 0.95"
            )
        return self

    @model_validator(mode="after")
    def _rows_of_a_table_have_one_fate(self) -> Self:
        if self.output_key and self.output_table is None:
            raise ValueError(
                "`output_key` is for a table of a database; give `output_table`, or leave it out"
            )
        if self.output_key and self.overwrite:
            raise ValueError(
                "`output_key` replaces the rows of a key and `overwrite` all rows; give one of them"
            )
        return self

    @model_validator(mode="after")
    def _separators_differ(self) -> Self:
        check_separators(self.decimal, self.thousands)
        return self


class Export(Section):
    """What `export` writes."""

    to: Literal[
        "json",
        "sql",
        "sql-interval",
        "tsql",
        "bigquery",
        "snowflake",
        "onnx",
        "pmml",
        "excel",
        "skops",
        "mlflow",
    ] = Field(description="The format.")
    model: Place = Field(
        default="latest",
        min_length=1,
        description="A model.json; a run: its folder, its name or latest; or a name of models: sales, sales@champion.",
    )
    output: Place | None = Field(
        default=None,
        min_length=1,
        description="File to write, of mlflow the folder; by default model.onnx and the like, in this folder.",
    )
    overwrite: bool = Field(default=False, description="Replace the output if it exists.")
    artifacts: Place = Field(
        default="artifacts", min_length=1, description="Folder in which to look for runs."
    )


class Opening(Section):
    """Which report `open` shows."""

    run: str | None = Field(
        default=None, min_length=1, description="A run's name; the one that ended last by default."
    )
    artifacts: Place = Field(
        default="artifacts", min_length=1, description="Folder in which to look for runs."
    )


class Settings(Section):
    """Every setting of a run."""

    preset: Preset = Field(
        default="default",
        description="default: agrees with least squares; article, course: the recipe of a tutorial, unchanged.",
    )
    name: Annotated[str, AfterValidator(_run_name)] | None = Field(
        default=None,
        description="Name of what is modelled; runs of one name are compared. By default from table and target.",
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="Seed of every random choice.")
    repeats: int = Field(
        default=1,
        ge=1,
        le=10_000,
        description="Train with this many seeds, from `seed` on, and compare them.",
    )
    artifacts: Place = Field(default="artifacts", min_length=1, description="Folder for the runs' files.")
    remote: RemoteAddress = None
    log_to_mlflow: TrackingAddress = None
    problem: Problem = Field(default_factory=Problem, description="The example problem.")
    input: Input = Field(default_factory=Input, description="Your own table.")
    split: Split = Field(default_factory=Split, description="Training and test rows.")
    training: Training = Field(default_factory=Training, description="The training.")
    inference: Inference = Field(default_factory=Inference, description="The uncertainty of the weights.")
    gate: Gate = Field(default_factory=Gate, description="Which runs come into use.")
    execution: Execution = Field(default_factory=Execution, description="Who works on large tables.")

    @model_validator(mode="before")
    @classmethod
    def _start_from_preset(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return overlaid(PRESETS.get(str(given.get("preset")), {}), given)

    @property
    def beside(self) -> Beside:
        """Columns that go beside the rows that are learnt from."""
        return Beside(cluster=self.inference.cluster, key=self.input.key, weights=self.input.weights)

    @property
    def columns_beside(self) -> tuple[str, ...]:
        """Columns that rows are split, clustered or weighed by; they need not be learnt from."""
        single = [name for name in (self.inference.cluster, self.input.weights) if name is not None]
        return tuple(dict.fromkeys([*self.split.by, *single]))

    @model_validator(mode="after")
    def _learns_from_one_source(self) -> Self:
        usual = dict(Problem.model_validate(PRESETS[self.preset].get("problem", {})))
        changed = [name for name, value in self.problem if value != usual[name]]
        if self.input.data is not None and changed:
            raise ValueError(
                f"`{changed[0]}` belongs to the example problem, but `data` names a file; give only one of them"
            )
        return self

    @model_validator(mode="after")
    def _ridge_has_no_standard_errors(self) -> Self:
        if self.training.l2 and self.inference.standard_errors != "classic":
            raise ValueError(
                f"`standard_errors` of {self.inference.standard_errors!r}: under `l2` weights are biased and have "
                "none; leave one of the two out"
            )
        if self.training.l2 and self.training.recipe == "tutorial":
            raise ValueError(
                "`l2` needs the recipe 'calibrated', since 'tutorial' ends away from least squares"
            )
        return self

    @model_validator(mode="after")
    def _errors_are_in_the_units_of_the_target(self) -> Self:
        if self.input.log_target and self.inference.cross_validate is not None:
            raise ValueError(
                "`cross_validate` knows the errors of the logarithm alone under `log_target`; hold out test rows"
            )
        if self.input.log_target and self.repeats > 1:
            raise ValueError(
                "`repeats` compares errors of least squares, which `log_target` has none of; leave it out"
            )
        return self

    @model_validator(mode="after")
    def _rows_count_by_one_thing(self) -> Self:
        if self.split.half_life is None:
            return self
        if self.input.weights is not None:
            raise ValueError("`weights` and `half_life` both say how rows count; give one of them")
        if self.input.data is None:
            raise ValueError("`half_life` needs a table of your own with times; add `data` (the file's path)")
        return self

    @model_validator(mode="after")
    def _clusters_a_table(self) -> Self:
        if self.inference.cluster is not None and self.input.data is None:
            raise ValueError("`cluster` names a column of a table of your own; add `data` (the file's path)")
        return self

    @model_validator(mode="after")
    def _hashes_known_columns(self) -> Self:
        certain = self.input.formula or (
            self.input.features and not any(mark in name for name in self.input.features for mark in "*?[")
        )
        if self.split.method == "hash" and not self.split.by and self.input.data and not certain:
            raise ValueError(
                "`method` of 'hash' would hash all numeric columns, so a new column would move every row; add `by` (a "
                "key, or the columns that identify a row) or `features`"
            )
        return self


# Candidates of a sweep: each is trained once for every fold.
MOST_CANDIDATES = 1000


class SweepPlan(Section):
    """What `sweep` tries: every combination of some values of the training's settings."""

    settings: Settings = Field(default_factory=Settings, description="The settings that all of them share.")
    training: dict[str, tuple[Any, ...]] = Field(
        description="Values to try, by the name of the setting: {epochs: [10, 100], l2: [0, 1]}."
    )
    folds: int = Field(
        default=5, ge=2, le=100, description="Folds of the training rows by which candidates are compared."
    )

    @model_validator(mode="after")
    def _candidates_are_settings(self) -> Self:
        if unknown := [name for name in self.training if name not in Training.model_fields]:
            raise ValueError(
                f"`{unknown[0]}` is no setting of the training; there is {', '.join(Training.model_fields)}"
            )
        if not self.training or not all(self.training.values()):
            raise ValueError("`sweep` needs values to try, such as `--training.epochs 10,100`")
        count = math.prod(map(len, self.training.values()))
        if count > MOST_CANDIDATES:
            raise ValueError(
                f"`sweep` of {count:,} combinations: at most {MOST_CANDIDATES:,}; name fewer values"
            )
        return self

    def candidates(self) -> list[Settings]:
        """Return the settings of each combination, in the order in which the values are given; none of them twice.

        Raises:
            ValidationError: a value is out of bounds, or settings do not go together.
        """
        base, names = self.settings.model_dump(), [*self.training]
        found = [
            Settings.model_validate(overlaid(base, {"training": dict(zip(names, values, strict=True))}))
            for values in itertools.product(*self.training.values())
        ]
        return [*{each.training: each for each in found}.values()]


@dataclass(frozen=True, slots=True)
class SchemaField:
    """A setting in the schema: its section (empty at the top level), its name and its field."""

    section: str
    name: str
    field: FieldInfo

    def __str__(self) -> str:
        """Return the name in full: `section.name`."""
        return f"{self.section}.{self.name}" if self.section else self.name

    def nested(self, value: object) -> dict[str, Any]:
        """Return the settings in which this one alone is given."""
        return {self.section: {self.name: value}} if self.section else {self.name: value}


def schema_fields(schema: type[Section] = Settings) -> Iterator[SchemaField]:
    """Yield every setting of a schema, in its order; a section's own settings stand in its place."""
    for name, field in schema.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            for inner, inner_field in field.annotation.model_fields.items():
                yield SchemaField(name, inner, inner_field)
        else:
            yield SchemaField("", name, field)


def values(settings: Mapping[str, Any]) -> Iterator[tuple[SchemaField, Any]]:
    """Yield the settings of a `Settings.model_dump()` with their values.

    A dump that an earlier release wrote may lack some: these are left out.
    """
    for each in schema_fields():
        level = settings.get(each.section, {}) if each.section else settings
        if each.name in level:
            yield each, level[each.name]


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two nested mappings; where both have a value, `above` wins.

    >>> overlaid({"split": {"test_fraction": 0.0}}, {"split": {}, "seed": 3})
    {'split': {'test_fraction': 0.0}, 'seed': 3}
    """
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        if isinstance(under, Mapping) and isinstance(value, Mapping):
            merged[name] = overlaid(under, value)
        else:
            merged[name] = value
    return merged
