"""What the gate decided: the sentence, the champion on today's rows, what the new model changes, and drift."""

from collections.abc import Iterator

from tasks.outputs.result import Decision, Result
from tasks.page.blocks import AnswerBlock, Block, Fact, Heading, TableBlock, Text
from tasks.page.drift import drift_table
from tasks.page.text import counted, named, number

MOST_WEIGHTS = 20


def decision_answer(result: Result) -> Iterator[AnswerBlock]:
    """Say in a sentence which model is in use and why, for the first screen; nothing where nothing was decided."""
    if result.decision:
        told = filter(None, [result.decision.text, result.decision.drift_text])
        yield AnswerBlock("Is it in use?", [f"{each}." for each in told])


def decision_card(result: Result) -> Iterator[Fact]:
    """Write the decision for the first screen; nothing where nothing was decided."""
    decision = result.decision
    if decision is None:
        return
    yield Fact("decision", "waits for consent" if decision.waits else decision.outcome, _champion(decision))
    if decision.champion is not None:
        yield _drift_card(decision)


def decision_section(result: Result) -> Iterator[Block]:
    """Write how the champion fares today; nothing where there is none."""
    decision = result.decision
    if decision is None or decision.champion is None:
        return
    yield Heading(2, "Decision")
    yield _fate(result, decision)
    if decision.champion_weights:
        yield _weights(result, decision.champion_weights)
    if decision.drift:
        yield drift_table("This run's training rows against the champion's", decision.drift)


def _champion(decision: Decision) -> str:
    """Say how the champion fares: its error on today's test rows beside the one that it had when it was trained."""
    if decision.champion_version is None:
        return "there was no champion"
    told = [f"the champion is version {decision.champion_version}"]
    if decision.comparison:
        told.append(f"RMSE {number(decision.comparison.champion_rmse, 4)} on the same rows")
    if decision.promoted_rmse is not None:
        told.append(f"{number(decision.promoted_rmse, 4)} on its own when it was trained")
    return ", ".join(told)


def _drift_card(decision: Decision) -> Fact:
    if not decision.drift:
        return Fact("drift", "–", "not known")
    most = max(decision.drift, key=lambda each: each.psi)
    return Fact(
        "drift",
        f"{len(decision.drifted)} of {counted(len(decision.drift), 'feature')}",
        f"from the champion's training rows; largest PSI {number(most.psi, 2)} ({named(most.name)})",
    )


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
