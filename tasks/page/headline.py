"""The first screen: what happened, and whether the result can be trusted."""

from collections.abc import Iterator

from tasks.outputs.result import Result, Scores
from tasks.page.blocks import Block, Fact, FactCards, Heading, Paragraph, VerdictBlock
from tasks.page.comparison import compared, started
from tasks.page.lineage import stages_in_words
from tasks.page.text import counted, named, number


def opening(result: Result, before: Result | None) -> Iterator[Block]:
    """Write title, verdict and key figures; `before` is the previous run, if there is one."""
    yield Heading(1, f"Linear regression of {named(result.target)}")
    yield VerdictBlock(result.verdict.converged, result.verdict.text)
    yield FactCards([*_errors(result), _comparison(before, result), _r2(result), _stages(result)])
    if result.metrics.test is None:
        yield Paragraph(
            "No rows were held out: the errors are those of the training rows, there is no test error."
        )


def _errors(result: Result) -> Iterator[Fact]:
    train, test = result.metrics.train, result.metrics.test
    if test is not None:
        beside = (
            f"{counted(test.rows, 'row')}; train: {number(train.rmse, 4)} on {counted(train.rows, 'row')}"
        )
        yield Fact("RMSE, test", number(test.rmse, 4), beside)
        yield _baseline(test, result.baseline.test)
    else:
        yield Fact("RMSE, train", number(train.rmse, 4), counted(train.rows, "row"))
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
    if before is None:
        return Fact(label, "–", "first run of this name")
    return Fact(
        label, compared(before, now), f"from {number(before.rmse, 4)} in the run of {started(before)}"
    )


def _r2(result: Result) -> Fact:
    scores = result.metrics.test or result.metrics.train
    part = "test" if result.metrics.test else "train"
    share = "variance" if scores.r2_about == "mean" else "sum of squares about zero"
    return Fact(f"R², {part}", number(scores.r2, 4), f"share of the target's {share} explained")


def _stages(result: Result) -> Fact:
    words, _, seconds = stages_in_words(result.stages).rpartition(", in ")
    return Fact("stages", words, f"{seconds} in all")
