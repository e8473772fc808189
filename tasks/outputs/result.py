"""The result of a run: what `--json` prints, what `result.json` holds and what the report shows."""

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

# Actual and predicted values of some rows, each (n,) in units of the target.
ActualPredicted: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]

# What of a fit is checked.
CheckName: TypeAlias = Literal[
    "inflation", "spread", "order", "normality", "curvature", "influence", "standard errors", "segment"
]

# What becomes of a run, and what of its test rows is independent of each other.
Outcome: TypeAlias = Literal["promoted", "kept", "rejected"]
Unit: TypeAlias = Literal["row", "group", "day"]

# How standard errors are estimated.
ErrorKind: TypeAlias = Literal["classic", "HC0", "HC1", "HC2", "HC3", "cluster"]

# The sections of the report that can show figures.
ReportSection: TypeAlias = Literal["trend", "weights", "fit", "training", "data"]


class Record(BaseModel):
    """A frozen part of the result."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # another release may know more


class Model(Record):
    """The fitted neuron, in the units of the raw inputs and of the target."""

    weights: dict[str, float]
    bias: float
    layers: Literal[1] = 1
    neurons: Literal[1] = 1
    parameters: int = Field(description="Trainable numbers: the weights, and the bias where one is fitted.")


class Scores(Record):
    """How well predictions meet the targets of one part; `r2` is None where the target is constant.

    `r2` is about the target's mean, 1 − Σ(y − ŷ)² / Σ(y − ȳ)²; of a model without bias about zero, 1 − Σ(y − ŷ)² / Σy²,
    as R and NIST define it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    rows: int
    rmse: float = Field(ge=0)
    low: float | None = Field(
        default=None, description="Lower end of the 95 % interval of `rmse`; test rows only."
    )
    high: float | None = Field(default=None, description="Upper end.")
    mae: float
    r2: float | None
    r2_about: Literal["mean", "zero"] = "mean"


class PartScores(Record):
    """A score per part; `test` is None when no rows were held out."""

    train: Scores
    test: Scores | None


class TTest(Record):
    """Student's t test of a least-squares estimate against zero, and its 95 % confidence interval."""

    t: float
    p: float = Field(description="Two-sided.")
    low: float
    high: float


class ReferenceFit(Record):
    """The reference: ordinary least squares on the training rows. An error without meaning is None."""

    weights: dict[str, float]
    bias: float
    standard_errors: dict[str, float | None] = Field(description="By feature, and `bias` for the bias.")
    undetermined: list[list[str]] = Field(
        default=[],
        description="Sets of features that depend on each other, or a constant one: only the sum of their effects is "
        "determined. Weights and errors are those of the solution in which the last ones have weight 0.",
    )
    degrees_of_freedom: int = Field(
        default=0,
        description="Of the t tests: training rows less the parameters that were fitted; with clusters, these less 1.",
    )
    kind: ErrorKind = Field(default="classic", description="How the standard errors were estimated.")
    t_tests: dict[str, TTest] = Field(
        default={}, description="By feature, and `bias`; absent without a positive standard error."
    )


class Finding(Record):
    """What one check of the fit's assumptions came to, see `tasks.neuron.diagnosis`."""

    check: CheckName
    figure: float
    p: float | None = Field(description="Of the check's test; None where it has none.")
    wrong: bool = Field(description="Whether the figure is past its threshold, and beyond chance.")
    subject: str = Field(default="", description="The column, row or segment that it is about.")


class SegmentErrors(Record):
    """The errors of the rows of one level of a category, or one tenth of a number, in units of the target."""

    column: str
    label: str = Field(description="The level, or the range.")
    rows: int
    rmse: float
    mean: float = Field(description="Of target − prediction: what the fit misses there on average.")


class Segments(Record):
    """Errors by segment, the largest first."""

    part: Literal["train", "test"] = Field(description="Of which rows: the test's where there are any.")
    rows: int = Field(description="How many they are, or of many a sample.")
    rmse: float = Field(description="Over all of them.")
    errors: list[SegmentErrors]


class WorstRow(Record):
    """One of the rows that the fit misses by most."""

    part: Literal["train", "test"]
    row: str = Field(
        description="Its key, or its number in the data, without rows that were left out; empty where neither is known."
    )
    actual: float
    predicted: float


class CrossValidation(Record):
    """Errors over rows that a fit to the other folds has not seen, in units of what was fitted, if need be a log."""

    folds: int
    rmse: float = Field(description="Over all rows.")
    sd: float = Field(description="Standard deviation of the folds' errors.")
    errors: list[float] = Field(description="By fold.")
    leave_one_out: float | None = Field(
        default=None, description="The error over rows that are each predicted by a fit to all others."
    )


class RidgePoint(Record):
    """A penalty, and the error by folds, in units of what was fitted: the target or its log."""

    l2: float
    rmse: float
    sd: float


class Ridge(Record):
    """The penalty on the squared weights of standardised features, and the path from which it was chosen, if it was."""

    l2: float
    path: list[RidgePoint] = []
    leave_one_out: float | None = Field(
        default=None, description="Error over rows that are each predicted by a fit to all others."
    )


class Verdict(Record):
    """How far the fit lies from least squares: `z` in standard errors, `D` in units of the sampling risk."""

    z: float | None
    D: float | None
    D_before: float | None = Field(
        default=None, description="D before the closing full-batch epoch, where one was needed."
    )
    converged: bool
    text: str


class Gain(Record):
    """Whether the fit beats the mean of the training targets beyond chance.

    On test rows by a paired t test of the squared errors, without a test part by the F test of least squares.
    """

    p: float | None = Field(description="One-sided; None where the rows or the model allow no test.")
    significant: bool


class ResidualPattern(Record):
    """A shape in the training rows' residuals, which those of a sound fit do not have."""

    name: Literal["fan", "curve"]
    correlation: float


class Truth(Record):
    """The parameters that the example problem was drawn with."""

    weights: dict[str, float]
    bias: float


class RunFile(Record):
    """One file of a stage; the path is relative to the artifacts folder."""

    path: str
    sha256: str
    bytes: int


class Change(Record):
    """What differs in a stage's input: a setting's value as JSON, or the digest of a file or of code; None: absent."""

    name: str
    before: str | None
    after: str | None


class Stage(Record):
    """What one stage did in this run, and why."""

    state: Literal["ran", "cached"]
    reason: str
    changes: list[Change] = Field(
        default=[], description="The reason, where it is that an input has changed."
    )
    seconds: float
    files: list[RunFile]


class ColumnProfile(Record):
    """What the training rows hold in one column; `sd` is None for a single row."""

    name: str
    rows: int
    mean: float
    sd: float | None
    lowest: float
    highest: float


class ColumnDistribution(Record):
    """How the values of a feature lie over some of the training rows, before encoding: cells, and the rows in each."""

    name: str
    edges: list[float] | list[str] = Field(
        description="The upper ends of the cells, which belong to them; a last cell is above. The first cell is below "
        "the lowest value, which is the first edge and has the second cell for itself."
    )
    counts: list[int] = Field(description="Rows in each cell: two more than edges.")
    missing: int = Field(description="Rows without a value.")


class Figure(Record):
    """A figure of the report."""

    file: str
    section: ReportSection
    worth: int = Field(
        ge=0, le=100, description="Where there is no room for all, the least is left out first."
    )
    caption: str = Field(description="How to read it.")
    alt: str = Field(description="What it shows, in words and numbers.")


class ReportFigures(Record):
    """What the stage `report` leaves for the pages: figures in the order of the page, and what the columns hold."""

    figures: list[Figure]
    profile: list[ColumnProfile] = Field(description="The features in their order, the target last.")
    distributions: list[ColumnDistribution] = Field(description="The features before encoding.")


class Lineage(Record):
    """Where a result comes from."""

    flow_run: str = Field(description="Prefect's id of the flow run.")
    flow_run_name: str
    started: str = Field(description="When the run was due, as YYYY-MM-DDTHH:MM:SSZ.")
    code: str = Field(description="SHA-256 over the code that the stages reach.")
    libraries: dict[str, str] = Field(description="Versions of the libraries that can change the numbers.")
    source: str | None = Field(description="SHA-256 over the user's files; None for the example problem.")
    table: str | None = Field(
        default=None,
        description="Of a table that keeps its past, or a query: what was read, with its version.",
    )
    command: str = Field(description="What to type to get the same result.")


class Evaluation(Record):
    """What training and evaluation found: the part of a result that is the same for every run that reuses it."""

    target: str
    model: Model
    metrics: PartScores
    baseline: PartScores = Field(description="The mean of the training targets as a predictor.")
    least_squares: ReferenceFit
    verdict: Verdict
    smearing: float | None = Field(
        default=None,
        description="Where the target's logarithm was fitted: by what exp is multiplied. Weights and least squares are "
        "then of the logarithm, errors in units of the target.",
    )
    gain: Gain | None = Field(default=None, description="None in a result of an earlier release.")
    patterns: list[ResidualPattern] = []
    truth: Truth | None = Field(description="None for the user's own data.")
    weights: str | None = Field(
        default=None,
        description="By what the rows count, in the fit and in all errors; None: all count as one.",
    )
    rounding_rmse: float | None = Field(
        description="RMSE of the targets rounded to one decimal; shown for the tutorial's recipe, else None."
    )
    ridge: Ridge | None = Field(
        default=None, description="None without a penalty; `least_squares` then holds the ridge fit."
    )
    cross_validation: CrossValidation | None = Field(default=None, description="Where it was asked for.")
    diagnosis: list[Finding] = Field(default=[], description="Checks of the fit's assumptions.")
    segments: Segments | None = Field(
        default=None, description="None of an exact fit, or in a result of an earlier release."
    )
    worst: list[WorstRow] = Field(default=[], description="The ten largest errors, the largest first.")
    learning_rate: float = Field(description="The first learning rate.")
    stable_limit: float = Field(description="Where constant-rate SGD on the raw inputs stops being stable.")

    @property
    def fitted(self) -> str:
        """What the weights add up to: the target, or its logarithm."""
        return self.target if self.smearing is None else f"log({self.target})"


class Spread(Record):
    """A number over several trainings, beside what is expected: least squares, and the spread that theory predicts."""

    mean: float
    sd: float
    min: float
    max: float
    expected: float
    expected_sd: float | None


class Repeats(Record):
    """Trainings on the same rows that differ by their seed alone."""

    seeds: list[int]
    weights: dict[str, Spread]
    bias: Spread | None = Field(description="None where no bias is fitted.")
    rmse: dict[str, Spread] = Field(description="By part: `train`, and `test` where rows were held out.")


class Answers(Record):
    """What a reader wants to know first, in words."""

    grade: Literal["good", "doubtful", "bad"]
    line: str = Field(description="In one line: target, RMSE, its change, the verdict, and why stages ran.")
    usable: str = Field(description="Whether the fit can be used, and why.")
    changed: str = Field(description="What moved since the previous run.")
    advice: list[str] = Field(description="What to do, a sentence each; empty if there is nothing to do.")


class ChampionComparison(Record):
    """The champion and this run's model on the same rows: the test rows of this run."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    champion_rmse: float = Field(description="Of the champion, on this run's test rows.")
    rmse: float = Field(description="Of this run's model, on the same rows.")
    low: float | None = Field(
        description="Lower end of the interval of the champion's RMSE less this one's; None: chance is not known."
    )
    high: float | None = Field(description="Upper end.")
    confidence: float
    method: Literal["normal", "bootstrap", "none"]
    rows: int
    units: int = Field(description="Independent units: the rows, or their groups or days.")
    unit: Unit


class ColumnDrift(Record):
    """How far today's training rows are from the champion's in a feature."""

    name: str
    psi: float = Field(description="Population stability index over the champion's cells.")
    p: float | None = Field(description="Of a chi-square test; None where all rows are in one cell.")
    drifted: bool = Field(description="Whether the difference is beyond chance, and not small.")


class Decision(Record):
    """What the gate decided, and on which grounds."""

    outcome: Outcome
    text: str = Field(description="The decision in a sentence.")
    waits: bool = Field(default=False, description="Whether a person has yet to agree to the promotion.")
    champion: str | None = Field(default=None, description="The run in use before the decision; None: none.")
    champion_version: int | None = None
    champion_weights: dict[str, float] | None = Field(
        default=None, description="The champion's weights for this run's features, and its `bias`."
    )
    promoted_rmse: float | None = Field(
        default=None, description="The champion's test RMSE when it was trained."
    )
    comparison: ChampionComparison | None = Field(
        default=None, description="None where the two cannot be compared, or need not be."
    )
    drift: list[ColumnDrift] = Field(
        default=[], description="Of the features that the champion knows; empty where that is not known."
    )
    drift_text: str = Field(
        default="", description="The drift in a sentence, or why it is not known; empty without a champion."
    )

    @property
    def drifted(self) -> list[ColumnDrift]:
        """Return the features that have drifted, the furthest first."""
        return sorted((each for each in self.drift if each.drifted), key=lambda each: -each.psi)


class Result(Evaluation):
    """A whole run."""

    format: Literal[1, 2] = Field(
        default=1, description="Version of this record: since 2 it lists the run's files and has a checksum."
    )
    run: str
    name: str | None = Field(
        default=None, description="Name of what is modelled; None in a run of an earlier release."
    )
    notes: list[str] = Field(
        default=[],
        description="What was noticed without being refused: columns left out, hard to fit, a rate too high.",
    )
    settings: dict[str, object] = Field(description="The settings, by section.")
    stages: dict[str, Stage]
    report: str = Field(description="Path of report.md, relative to the artifacts folder.")
    profile: list[ColumnProfile] = Field(default=[], description="The training rows, column by column.")
    distributions: list[ColumnDistribution] = Field(
        default=[],
        description="The features of some of the training rows, in cells; empty in a result of an earlier release.",
    )
    lineage: Lineage | None = None
    repeats: Repeats | None = Field(default=None, description="None for a single training.")
    decision: Decision | None = Field(default=None, description="None where the gate has no settings.")
    answers: Answers | None = Field(default=None, description="None in a result of an earlier release.")
    files: list[RunFile] = Field(default=[], description="The other files of the run's own folder.")
    checksum: str = Field(default="", description="SHA-256 of this record without its checksum.")

    @property
    def rmse(self) -> float:
        """The RMSE of the test rows, or of the training rows where none were held out."""
        return (self.metrics.test or self.metrics.train).rmse

    @property
    def line(self) -> str | None:
        """The run in one line, for lists; None for a result of an earlier release."""
        return self.answers.line if self.answers else None
