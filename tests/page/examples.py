"""Results to write pages about: as small or as hostile as a test asks."""

import base64
from collections.abc import Mapping, Sequence

import numpy as np

from tasks.config import Settings
from tasks.neuron.moments import moments
from tasks.neuron.parts import Batch
from tasks.neuron.profile import TableProfile
from tasks.neuron.student_t import t_tests
from tasks.outputs.result import (
    ActualPredicted,
    Change,
    ColumnProfile,
    Figure,
    Gain,
    Lineage,
    Model,
    PartScores,
    ReferenceFit,
    Result,
    RunFile,
    Scores,
    Stage,
    Truth,
    TTest,
    Verdict,
)
from tasks.page.figures.plot import PlotData

HOSTILE = "a|b `c` <script>$x_{1$</script>\n# *new* [line](http://x.y)\r\x1b[31m\u202e\ud800 & ~~www.z.org~~"


RUN = "20261123T004051-39451abf"

FIGURES = [
    Figure(file="coefficients.png", section="weights", worth=80, caption="weights", alt="Two weights."),
    Figure(file="predictions.png", section="fit", worth=70, caption="predictions", alt="Near the line."),
    Figure(file="loss_curve.png", section="training", worth=50, caption="loss", alt="It falls."),
]

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


TRAINED = Stage(
    state="ran",
    reason="`epochs`: 100 → 200",
    changes=[Change(name="epochs", before="100", after="200")],
    seconds=1.234,
    files=[],
)


def result_of(
    names: Sequence[str] = ("x", "z"),
    *,
    target: str = "y",
    text: str = "largest distance from least squares 0.0043 standard errors, D = 6e-6",
    known: bool = True,
    held_out: bool = True,
    undetermined: bool = False,
    notes: Sequence[str] = (),
) -> Result:
    """Make a result with a weight per name and a bias."""
    weights = {name: 2.0 - 5.0 * index for index, name in enumerate(names)}
    near = {name: weight + 0.0014 for name, weight in weights.items()}
    test = Scores(rows=200, rmse=0.581234, low=0.55, high=0.614, mae=0.5, r2=0.9988)
    mean, mean_test = (Scores(rows=rows, rmse=21.3, mae=18.2, r2=0.0) for rows in (800, 200))
    return Result(
        target=target,
        model=Model(weights=near, bias=5.0123, parameters=len(names) + 1),
        metrics=PartScores(
            train=Scores(rows=800, rmse=0.573912, mae=0.494, r2=None), test=test if held_out else None
        ),
        baseline=PartScores(train=mean, test=mean_test if held_out else None),
        least_squares=reference_fit(
            {name: weight + 1e-5 for name, weight in near.items()}, 5.0124, None if undetermined else 0.0035
        ),
        verdict=Verdict(z=None if undetermined else 0.0043, D=6e-6, converged=True, text=text),
        gain=Gain(p=1e-99, significant=True),
        truth=Truth(weights=weights, bias=5.0) if known else None,
        rounding_rmse=None,
        notes=list(notes),
        learning_rate=0.457,
        stable_limit=0.0284,
        run=RUN,
        settings=Settings().model_dump(),
        stages={
            "generate": generated(1),
            "train": TRAINED,
        },
        report=f"runs/{RUN}/report.md",
        profile=[
            ColumnProfile(name=name, rows=800, mean=0.1, sd=5.77, lowest=-10, highest=10)
            for name in (*names, target)
        ],
        lineage=Lineage(
            flow_run="5b6c",
            flow_run_name="brave-otter",
            started="2026-11-23T00:40:51Z",
            code="cd" * 32,
            libraries={"numpy": "2.4.6"},
            source=None,
            command="linear-neuron run",
        ),
    )


def generated(files: int) -> Stage:
    """Make a cached stage that has left so many files."""
    paths = [f"data/{'ab' * 4}/part-{index}.parquet" for index in range(files)]
    left = [RunFile(path=path, sha256="ab" * 32, bytes=9) for path in paths]
    return Stage(state="cached", reason="nothing changed", seconds=0.1, files=left)


def reference_fit(weights: dict[str, float], bias: float, error: float | None) -> ReferenceFit:
    """Make least squares of 800 rows, with one standard error for all; None leaves everything undetermined."""
    labels = [*weights, "bias"]
    tests = t_tests([*weights.values(), bias], [error or np.nan] * len(labels), degrees := 800 - len(labels))
    rows = zip(labels, tests.t, tests.p, tests.low, tests.high, strict=True)
    return ReferenceFit(
        weights=weights,
        bias=bias,
        standard_errors=dict.fromkeys(labels, error),
        degrees_of_freedom=degrees if error else 0,
        t_tests={label: TTest(t=t, p=p, low=low, high=high) for label, t, p, low, high in rows}
        if error
        else {},
    )


def before(result: Result, rmse: float | None = None) -> Result:
    """Make the run of the day before, maybe with another test error."""
    scores = result.metrics.test or result.metrics.train
    test = scores.model_copy(update={"rmse": scores.rmse if rmse is None else rmse})
    metrics = result.metrics.model_copy(update={"test": test})
    return result.model_copy(update={"run": "20261122T000000-00000000", "metrics": metrics})


def rows_of(table: np.ndarray) -> TableProfile:
    """Profile a table (n, k) of training rows, the target last."""
    return TableProfile(
        moments(table), table.min(axis=0), table.max(axis=0), Batch(list(table[:, :-1].T), table[:, -1])
    )


def plot_data(
    result: Result,
    *,
    predictions: Mapping[str, ActualPredicted] | None = None,
    loss: np.ndarray | None = None,
    rows: TableProfile | None = None,
) -> PlotData:
    """Make what a run leaves to draw; its rows are noise unless given."""
    noise = np.random.default_rng(0).normal(size=(300, len(result.model.weights) + 1))
    return PlotData(
        evaluation=result,
        predictions=parts_of() if predictions is None else predictions,
        loss=np.array([3.0, 2.0, 1.0]) if loss is None else loss,
        rows=rows_of(noise) if rows is None else rows,
        columns=result.profile,
        bias=True,
    )


def parts_of(
    train: int = 800, test: int = 200, noise: float = 1.0
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Draw actual and predicted values as the example problem has them."""
    rng = np.random.default_rng(0)
    actual = rng.uniform(-45, 55, train + test)
    predicted = actual + rng.uniform(-noise, noise, actual.size)
    return {"train": (actual[:train], predicted[:train]), "test": (actual[train:], predicted[train:])}
