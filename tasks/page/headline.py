"""The first screen: whether the result can be used, what changed, what to do; and the key figures."""

from collections.abc import Iterator, Sequence

from tasks.outputs.result import Answers, Result, Scores
from tasks.page.answers import interval
from tasks.page.blocks import AnswerBlock, Block, Fact, FactCards, Heading
from tasks.page.coefficients import reference_name
from tasks.page.comparison import change, started
from tasks.page.decision import decision_answer, decision_card
from tasks.page.text import counted, named, number


def opening(result: Result, before: Result | None, found: Answers) -> Iterator[Block]:
    """Write title, answers and key figures; `before` is the previous run, if there is one."""
    yield Heading(1, f"Linear regression of {named(result.target)}")
    yield AnswerBlock("Can I use it?", [found.usable], found.grade)
    yield AnswerBlock("What changed?", [found.changed])
    yield from decision_answer(result)
    yield AnswerBlock("What to do?", _points(found.advice))
    yield FactCards(
        [
            *_errors(result),
            _comparison(before, result),
            _r2(result),
            _least_squares(result),
            *decision_card(result),
        ]
    )


def _points(advice: Sequence[str]) -> list[str]:
    if len(advice) > 1:
        return [f"{len(advice)} points:", *advice]
    return list(advice) or ["Nothing: no test found fault with the fit."]


def _errors(result: Result) -> Iterator[Fact]:
    train, test = result.metrics.train, result.metrics.test
    if test is not None:
        beside = f"{counted(test.rows, 'row')}{interval(test)}; train: {number(train.rmse, 4)}"
        yield Fact("RMSE, test", number(test.rmse, 4), beside)
        yield _baseline(test, result.baseline.test)
    else:
        yield Fact(
            "RMSE, train", number(train.rmse, 4), f"{counted(train.rows, 'row')}; no rows were held out"
        )
        yield _baseline(train, result.baseline.train)


def _baseline(scores: Scores, mean: Scores | None) -> Fact:
    label = "versus the mean"
    if mean is None:
        return Fact(label, "–")
    remark = f"the {number(mean.rmse, 4)} of predicting the training mean"
    if not scores.rmse or not mean.rmse:
        return Fact(label, "exact" if not scores.rmse else "–", f"against {remark}")
    ratio = mean.rmse / scores.rmse
    if ratio >= 1:
        return Fact(label, f"{number(ratio, 3)} ×", f"smaller than {remark}")
    return Fact(label, f"{number(1 / ratio, 3)} ×", f"larger than {remark}")


def _comparison(before: Result | None, now: Result) -> Fact:
    label = "since the previous run"
    found = change(before, now)
    if before is None or found is None:
        return Fact(label, "–", "first run of this name")
    beside = f"from {number(before.rmse, 4)} in the run of {started(before)}"
    return Fact(label, found.share, "; ".join(filter(None, [found.chance, beside])))


def _r2(result: Result) -> Fact:
    scores = result.metrics.test or result.metrics.train
    part = "test" if result.metrics.test else "train"
    share = "variance" if scores.r2_about == "mean" else "sum of squares about zero"
    return Fact(f"R², {part}", number(scores.r2, 4), f"share of the target's {share} explained")


def _least_squares(result: Result) -> Fact:
    figure = f"D = {number(result.verdict.D, 2)}"
    near = "indistinguishable" if result.verdict.converged else "not reached"
    return Fact(reference_name(result), near, f"{figure}; the limit is 0.01, in units of the sampling risk")
