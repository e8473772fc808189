"""The report in markdown: verdict and errors first, then weights, metrics, figures, settings and stages.

`render` writes what findings and settings say, `stage_table` what this run did for them, `report` both.
"""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from tasks.page.coefficients import coefficient_table, coefficients
from tasks.page.markdown import escaped, number, table
from tasks.page.result import File, Findings, Model, Result, Scores, Stage
from tasks.page.settings import learning_rate, settings_table

MOST_FILES = 4
"""Files of a stage that are listed; large data has one per shard."""


def report(result: Result, figures: Mapping[str, str]) -> str:
    """Write the whole report of a run.

    Args:
        result: The run.
        figures: By the figure's name its link target: a relative path or a data URI.
    """
    stages = _section("Stages", f"Run {escaped(result.run)}.\n", stage_table(result.stages))
    return "\n".join((render(result, settings=result.settings, figures=figures), *stages))


def render(findings: Findings, *, settings: Mapping[str, object], figures: Mapping[str, str]) -> str:
    """Write the part of the report that is the same in every run with the same findings and settings.

    Args:
        findings: What training and evaluation found out.
        settings: The settings by section, as in a result.
        figures: By the figure's name its link target: a relative path or a data URI.
    """
    blocks = [
        f"# Linear regression of {escaped(findings.target)}\n",
        f"**Verdict.** {escaped(findings.verdict.text)}\n",
        _errors(findings),
        *(_section("Notes on the data", _notes(findings.notes)) if findings.notes else ()),
        *_section("Weights and bias", coefficient_table(coefficients(findings)), _yardsticks(findings)),
        *_section("Metrics", _metrics(findings), *_rounding(findings)),
        *_section("Architecture", _architecture(findings.model)),
        *(_section("Figures", *_pictures(figures)) if figures else ()),
        *_section("Settings", settings_table(findings, settings), learning_rate(findings, settings)),
    ]
    return "\n".join(blocks)


def stage_table(stages: Mapping[str, Stage]) -> str:
    """Tabulate what each stage did, why, how long it took and which files it left."""
    rows = [
        [escaped(name), stage.state, escaped(stage.reason), f"{stage.seconds:.2f}", _files(stage.files)]
        for name, stage in stages.items()
    ]
    return table(["stage", "state", "reason", "seconds", "files, start of their SHA-256"], rows, "lllrl")


def _section(title: str, *blocks: str) -> Iterator[str]:
    yield f"## {title}\n"
    yield from blocks


def _errors(findings: Findings) -> str:
    rows = [
        [part, f"**{number(scores.rmse, 4)}**", number(mean.rmse, 4), f"{scores.rows:,}"]
        for part, scores, mean in _parts(findings)
    ]
    return table(["part", "RMSE", "RMSE of predicting the training mean", "rows"], rows, "lrrr")


def _notes(notes: Sequence[str]) -> str:
    return "".join(f"- {escaped(note)}\n" for note in notes)


def _parts(findings: Findings) -> Iterator[tuple[str, Scores, Scores]]:
    """Give each part's name, the neuron's scores and the training mean's."""
    yield "train", findings.metrics.train, findings.baseline.train
    if findings.metrics.test and findings.baseline.test:
        yield "test", findings.metrics.test, findings.baseline.test


def _yardsticks(findings: Findings) -> str:
    parameters, verdict = findings.model.parameters, findings.verdict
    return (
        f"- z = {number(verdict.z, 3)}: the largest distance of a weight or the bias from least squares, "
        "in its standard errors (SE).\n"
        f"- D = {number(verdict.D, 3)}: the excess risk over least squares in units of the sampling risk, "
        f"(w − w\\_ols)ᵀ XᵀX (w − w\\_ols) / ({parameters} s²); "
        "at most 0.01 is indistinguishable from least squares.\n"
    )


def _metrics(findings: Findings) -> str:
    scores = {
        "neuron, train": findings.metrics.train,
        "neuron, test": findings.metrics.test,
        "training mean, train": findings.baseline.train,
        "training mean, test": findings.baseline.test,
    }
    rows = [
        [name, f"{part.rows:,}", number(part.rmse), number(part.mae), number(part.r2)]
        for name, part in scores.items()
        if part
    ]
    held_out = "" if findings.metrics.test else "\nNo rows were held out: there is no test error.\n"
    return table(["predictor, part", "N", "RMSE", "MAE", "R²"], rows, "lrrrr") + held_out


def _rounding(findings: Findings) -> Iterator[str]:
    if findings.rounding_rmse is not None:
        rows = [
            ["genuine RMSE of the predictions", number(findings.metrics.train.rmse)],
            ["rounding error of the targets (not a model error)", number(findings.rounding_rmse)],
        ]
        yield table(["", "value"], rows, "lr")
        yield "The second compares the targets with the same targets rounded; the model has no part in it.\n"


def _architecture(model: Model) -> str:
    weights = f"{len(model.weights):,} weight{'s' if len(model.weights) != 1 else ''}"
    bias = "and a bias" if model.parameters > len(model.weights) else "and no bias"
    parameters = f"{model.parameters:,} parameter{'s' if model.parameters != 1 else ''}"
    layers = f"{model.layers} layer (the input is not counted), {model.neurons} neuron"
    return f"{layers}, {parameters}: {weights} {bias}.\n"


def _pictures(figures: Mapping[str, str]) -> Iterator[str]:
    for name, target in figures.items():
        yield f"![{escaped(name)}]({quote(target, safe='/:;,=+')})\n"


def _files(files: Sequence[File]) -> str:
    listed = [f"{escaped(file.path)} `{file.sha256[:12]}`" for file in files[:MOST_FILES]]
    rest = len(files) - len(listed)
    return ", ".join([*listed, f"… and {rest:,} more"] if rest else listed)
