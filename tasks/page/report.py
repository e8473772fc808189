"""The report, as blocks: the answers and errors first, then trend, weights, fit, data, stages, settings and lineage."""

from collections.abc import Iterator, Mapping, Sequence

from tasks.outputs.naming import difference
from tasks.outputs.result import Evaluation, Figure, Model, ReportSection, Result
from tasks.page.answers import answers
from tasks.page.blocks import Block, Heading, Listing, Paragraph, Picture, TableBlock
from tasks.page.coefficients import coefficient_table, coefficients
from tasks.page.decision import decision_section
from tasks.page.diagnosis import diagnosis_section, segment_section, worst_section
from tasks.page.headline import opening
from tasks.page.lineage import lineage, stage_table
from tasks.page.profile import profile_table
from tasks.page.repeats import repeats_section
from tasks.page.ridge import ridge_section
from tasks.page.settings import learning_rate, settings_table
from tasks.page.text import counted, number, visible
from tasks.page.trend import trend


def report(
    result: Result,
    figures: Sequence[Figure] = (),
    past: Sequence[Result] = (),
    failed: Sequence[str] = (),
) -> list[Block]:
    """Write the whole report of a run.

    Args:
        result: The run.
        figures: Its figures; each names its section.
        past: The runs to compare with, the oldest first.
        failed: What failed between the previous run and this one, in a few words each.
    """
    before = past[-1] if past else None

    def pictures(section: ReportSection) -> list[Picture]:
        return [
            Picture(figure.file, figure.caption, figure.alt, figure.worth)
            for figure in figures
            if figure.section == section
        ]

    return [
        *opening(result, before, answers(result, before)),
        *decision_section(result),
        *trend(past, result, pictures("trend"), failed),
        *_notes(result.notes),
        *_weights(result, pictures("weights")),
        *_fit(result, pictures("fit")),
        *ridge_section(result),
        *diagnosis_section(result.diagnosis),
        *segment_section(result.segments),
        *worst_section(result.worst, _is_keyed(result)),
        *_training(result, pictures("training")),
        *repeats_section(result.repeats),
        *_data(result, before, pictures("data")),
        Heading(2, "Stages"),
        stage_table(result.stages),
        Heading(2, "Settings"),
        settings_table(result, result.settings),
        *lineage(result),
    ]


def _is_keyed(result: Result) -> bool:
    given = result.settings.get("input")
    return isinstance(given, Mapping) and bool(given.get("key"))


def _notes(notes: Sequence[str]) -> Iterator[Block]:
    if notes:
        yield Heading(2, "Notes on the data")
        yield Listing([visible(note) for note in notes])


def _weights(result: Result, pictures: Sequence[Picture]) -> Iterator[Block]:
    yield Heading(2, "Weights and bias")
    yield coefficient_table(result, coefficients(result))
    yield from pictures
    yield _distances(result)


def _distances(evaluation: Evaluation) -> Listing:
    """Explain the two measures of the distance from least squares."""
    parameters, verdict = evaluation.model.parameters, evaluation.verdict
    # Beside a feature called z the statistic goes without its letter.
    letter = "" if "z" in evaluation.model.weights else " (z)"
    largest = (
        f"Largest distance of a weight or the bias from least squares{letter}: "
        f"{number(verdict.z, 3)} standard errors (SE)."
    )
    excess = (
        f"D = {number(verdict.D, 3)}: the excess risk over least squares in units of the sampling risk, "
        f"(w − w_ols)ᵀ XᵀX (w − w_ols) / ({parameters} s²). Up to 0.01 the fit is indistinguishable from least squares."
    )
    return Listing([largest, excess])


def _fit(result: Result, pictures: Sequence[Picture]) -> Iterator[Block]:
    yield Heading(2, "Fit")
    yield _metrics(result)
    yield from _rounding(result)
    yield from pictures


def _metrics(evaluation: Evaluation) -> TableBlock:
    scores = {
        "neuron, train": evaluation.metrics.train,
        "neuron, test": evaluation.metrics.test,
        "training mean, train": evaluation.baseline.train,
        "training mean, test": evaluation.baseline.test,
    }
    rows = [
        [name, f"{part.rows:,}", number(part.rmse, 4), number(part.mae, 4), _r2(part.r2)]
        for name, part in scores.items()
        if part
    ]
    caption = "Errors of the neuron, and of predicting the mean of the training targets, on the N rows of each part."
    if evaluation.metrics.train.r2_about == "zero":
        caption += " Without a bias, the neuron's R² is about zero: 1 − Σ(y − ŷ)² / Σy²."
    if evaluation.smearing is not None:
        caption += (
            f" The logarithm was fitted; predictions are exp of it times {number(evaluation.smearing, 5)}, the mean of "
            "exp(residual) over the training rows, so that they are means (Duan's smearing)."
        )
    if evaluation.weights is not None:
        caption += f" Rows count {visible(evaluation.weights)}."
    return TableBlock(caption, ["predictor, part", "N", "RMSE", "MAE", "R²"], rows, "lrrrr")


def _r2(value: float | None) -> str:
    """Write R² with four decimals: the training mean's differs from zero by rounding alone."""
    return number(value if value is None else round(value, 4))


def _rounding(evaluation: Evaluation) -> Iterator[Block]:
    if evaluation.rounding_rmse is not None:
        yield TableBlock(
            "The tutorial prints the second number as its RMSE. That number compares the targets with the rounded "
            "targets and does not depend on the model.",
            ["", "value"],
            [
                ["genuine RMSE of the predictions", number(evaluation.metrics.train.rmse, 4)],
                ["rounding error of the targets (not a model error)", number(evaluation.rounding_rmse, 4)],
            ],
            "lr",
        )


def _training(result: Result, pictures: Sequence[Picture]) -> Iterator[Block]:
    yield Heading(2, "Training")
    yield Paragraph(architecture(result.model))
    yield learning_rate(result, result.settings)
    yield from pictures


def architecture(model: Model) -> str:
    """Describe the layers and parameters in a sentence."""
    bias = "and a bias" if model.parameters > len(model.weights) else "and no bias"
    layers = f"{model.layers} layer (the input is not counted), {model.neurons} neuron"
    weights = counted(len(model.weights), "weight")
    return f"{layers}, {counted(model.parameters, 'parameter')}: {weights} {bias}."


def _data(result: Result, before: Result | None, pictures: Sequence[Picture]) -> Iterator[Block]:
    if result.profile:
        yield Heading(2, "Data")
        yield profile_table(result.profile, before, difference(before, result) if before else None)
        yield from pictures
