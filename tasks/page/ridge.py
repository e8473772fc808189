"""The section on the penalty and the error by folds, where they were asked for."""

from collections.abc import Iterator

from tasks.outputs.result import Evaluation, Ridge
from tasks.page.blocks import Block, Heading, Paragraph, TableBlock
from tasks.page.text import named, number

SHOWN = 13  # points of the path, evenly spread, and the chosen one


def ridge_section(evaluation: Evaluation) -> Iterator[Block]:
    """Write how the weights were shrunk, along which path that was chosen, and the error by folds."""
    ridge, folds = evaluation.ridge, evaluation.cross_validation
    if ridge or folds:
        yield Heading(2, "Penalty and folds" if ridge else "Folds")
    if folds:
        yield Paragraph(
            f"Root mean squared error over {folds.folds} folds, each predicted by a fit to the others: "
            f"{number(folds.rmse, 4)}, with a standard deviation of {number(folds.sd, 3)} among the folds. "
            f"It comes from the folds' moments and so is that of the exact solution.{_left_out(folds.leave_one_out)}"
            f"{_unit(evaluation)}"
        )
    if ridge:
        chosen = "chosen by 10 folds" if ridge.path else "as set"
        yield Paragraph(
            f"Ridge: the penalty `l2` on the squared weights of standardised features is {number(ridge.l2)}, {chosen}. "
            "The neuron was trained towards least squares, and its weights carried over to ridge exactly. They are "
            "biased towards zero: standard errors, t tests and normal intervals do not apply to them."
            f"{'' if folds else _left_out(ridge.leave_one_out)}"
        )
    if ridge and ridge.path:
        yield _path(ridge, _unit(evaluation))


def _left_out(rmse: float | None) -> str:
    if rmse is None:
        return ""
    return f" Leave-one-out, each row predicted by a fit to all others (from the leverages): RMSE {number(rmse, 4)}."


def _unit(evaluation: Evaluation) -> str:
    """Say what the errors are of, where the model was fitted to something else than the target."""
    if evaluation.smearing is None:
        return ""
    return f" Errors are those of {named(evaluation.fitted)}, which was fitted; they are not in units of the target."


def _path(ridge: Ridge, unit: str) -> TableBlock:
    step = -(-len(ridge.path) // SHOWN)
    shown = [each for place, each in enumerate(ridge.path) if not place % step or each.l2 == ridge.l2]
    return TableBlock(
        f"The path: penalty, error over all folds, and its standard deviation among them.{unit}",
        ["l2", "RMSE", "SD", ""],
        [
            [
                number(each.l2, 3),
                number(each.rmse, 5),
                number(each.sd, 3),
                "chosen" if each.l2 == ridge.l2 else "",
            ]
            for each in shown
        ],
        "rrrl",
    )
