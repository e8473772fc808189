"""What the gate decided: the sentence, the champion on today's rows, and what the new model changes."""

from collections.abc import Iterator

from tasks.outputs.result import Decision, Result
from tasks.page.blocks import Block, Fact, Heading, Paragraph, TableBlock, Text
from tasks.page.text import counted, named, number

MOST_WEIGHTS = 20


def decision_card(result: Result) -> Iterator[Fact]:
    """Write the decision for the first screen; nothing where nothing was decided."""
    decision = result.decision
    if decision is None:
        return
    champion = "there was no champion"
    if decision.champion_version is not None:
        champion = f"the champion is version {decision.champion_version}"
        if decision.comparison:
            champion += f", RMSE {number(decision.comparison.champion_rmse, 4)} on the same rows"
    yield Fact("decision", "waits for consent" if decision.waits else decision.outcome, champion)


def decision_section(result: Result) -> Iterator[Block]:
    """Write the section; nothing where nothing was decided."""
    decision = result.decision
    if decision is None:
        return
    yield Heading(2, "Decision")
    yield Paragraph(f"{decision.text}.")
    if decision.champion is not None:
        yield _fate(result, decision)
    if decision.champion_weights:
        yield _weights(result, decision.champion_weights)


def _fate(result: Result, decision: Decision) -> TableBlock:
    """Tabulate the RMSE of the champion when it was trained and today, beside the new model's."""
    today, test = decision.comparison, result.metrics.test
    rows: list[list[Text]] = [
        ["champion, on its own test rows when it was trained", number(decision.promoted_rmse, 4)],
        ["champion, on today's test rows", number(today.champion_rmse if today else None, 4)],
        ["this run, on today's test rows", number(test.rmse if test else None, 4)],
    ]
    units = f", {counted(today.units, today.unit)} independent of each other" if today else ""
    return TableBlock(
        f"RMSE of the champion (version {decision.champion_version}, run {decision.champion}) and of this run{units}.",
        ["model and rows", "RMSE"],
        rows,
        "lr",
    )


def _weights(result: Result, champion: dict[str, float]) -> TableBlock:
    """Tabulate the weights side by side, those that moved furthest in standard errors first."""
    errors = result.least_squares.standard_errors
    now = {**result.model.weights, "bias": result.model.bias}

    def moved(name: str) -> float | None:
        error = errors.get(name)
        return (now[name] - champion[name]) / error if error else None

    by_move = sorted(now, key=lambda name: -abs(moved(name) or 0.0))
    shown = by_move[:MOST_WEIGHTS]
    rows: list[list[Text]] = [
        [named(name), number(champion[name]), number(now[name]), number(moved(name), 3)] for name in shown
    ]
    rest = f", the {len(shown)} of {len(now):,} that moved most" if len(shown) < len(now) else ""
    return TableBlock(
        f"Weights of the champion and of this run{rest}; moved is their difference in this run's standard errors.",
        ["", "champion", "this run", "moved"],
        rows,
        "lrrr",
    )
