"""What a reader wants to know first, in words: can I use it, what changed, what to do.

Green says that the fit beats the mean beyond chance on rows that it has not seen, and that nothing speaks against it:
the training has settled, and the test has at least `FEWEST` rows. Red says that it does not beat the mean at all. All
between is amber.
"""

from collections.abc import Iterator

from tasks.outputs.result import Answers, Result, Scores
from tasks.page.blocks import Grade, pieces
from tasks.page.coefficients import SMALLEST_P, reference_name
from tasks.page.comparison import ErrorChange, change
from tasks.page.diagnosis import wrong_lines
from tasks.page.lineage import reason_in_words
from tasks.page.text import counted, named, number, shortened

# Test rows below which a test decides nothing.
FEWEST = 10

# Ends of the RMSE's interval apart by more than this factor: the error itself is hardly known.
WIDE = 1.5

# Share of weights indistinguishable from zero above which the report says so; a few always are.
MOSTLY = 0.5

LONGEST_CAUSE = 120  # characters

# The grade as a word, for lists and the terminal.
VERDICTS: dict[Grade, str] = {"good": "usable", "doubtful": "in doubt", "bad": "not usable"}


def answers(result: Result, before: Result | None) -> Answers:
    """Answer for a run, with the previous run of its kind, if there is one."""
    grade = _grade(result)
    moved = change(before, result)
    return Answers(
        grade=grade,
        line=_line(result, grade, moved),
        usable=_usable(result),
        changed=_changed(moved),
        advice=list(_advice(result, grade)),
    )


def _changed(found: ErrorChange | None) -> str:
    """Say what moved since the previous run."""
    return (
        "It is the first run of its name: nothing to compare with." if found is None else f"{found.sentence}."
    )


def _line(result: Result, grade: Grade, moved: ErrorChange | None) -> str:
    """Write target, error, change, verdict and cause, for a list of many runs."""
    change = f" ({moved})" if moved else ""
    error = f"{named(result.target)}: RMSE {number(result.rmse, 4)}{change}, {VERDICTS[grade]}"
    return f"{error}; {_cause(result)}"


def _cause(result: Result) -> str:
    """Say why stages ran: the first one that did has the reason of all that follow."""
    for name, stage in result.stages.items():
        if stage.state == "ran":
            reason = "".join(p if isinstance(p, str) else p.text for p in pieces(reason_in_words(stage)))
            return f"from {name} on: {shortened(reason, LONGEST_CAUSE)}"
    return "nothing changed, all from the cache"


def _grade(result: Result) -> Grade:
    if not _is_better(result):
        return "bad"
    return "doubtful" if _doubt(result, _scored(result)[0].rows) else "good"


def _is_better(result: Result) -> bool:
    scores, mean = _scored(result)
    return scores.rmse < mean.rmse if mean else True


def _is_significant(result: Result) -> bool:
    return result.gain is not None and result.gain.significant


def _scored(result: Result) -> tuple[Scores, Scores | None]:
    """Return the scores that count, and those of the mean on the same rows."""
    if result.metrics.test:
        return result.metrics.test, result.baseline.test
    return result.metrics.train, result.baseline.train


def _usable(result: Result) -> str:
    scores, mean = _scored(result)
    part = "test" if result.metrics.test else "training"
    error = f"the {part} RMSE of {number(scores.rmse, 4)}{interval(scores)}"
    if mean is None:
        return f"In doubt: {error} has no mean to stand beside."
    beside = f"the {number(mean.rmse, 4)} of predicting the mean"
    if not _is_better(result):
        return f"No: {error} is no better than {beside}."

    found = f"{error} is below {beside}"
    doubt = _doubt(result, scores.rows)
    return f"In doubt: {found}, {doubt}." if doubt else f"Yes: {found}, {_chance(result)}."


def _doubt(result: Result, rows: int) -> str:
    """Say what speaks against using a fit that is better than the mean; nothing where nothing does."""
    chance = _chance(result)
    if not _is_significant(result):
        return f"but {chance}"
    if not result.metrics.test:
        return f"{chance}, but no rows were held out"
    if rows < FEWEST:
        return f"{chance}, but {counted(rows, 'test row')} decide little"
    return "" if result.verdict.converged else f"{chance}, but the training has not settled"


def interval(scores: Scores) -> str:
    """Write the 95 % interval of an RMSE in parentheses, where there is one."""
    if scores.low is None or scores.high is None:
        return ""
    return f" (95 %: {number(scores.low, 3)} to {number(scores.high, 3)})"


def _chance(result: Result) -> str:
    if result.gain is None or result.gain.p is None:
        return "no test says whether that is chance"
    if result.gain.significant:
        return (
            f"beyond chance (p = {number(result.gain.p, 2)})"
            if result.gain.p >= SMALLEST_P
            else "beyond chance"
        )
    return f"that may be chance (p = {number(result.gain.p, 2)})"


def _advice(result: Result, grade: Grade) -> Iterator[str]:
    test = result.metrics.test
    if grade == "bad":
        yield "Predict the mean instead, or look for columns that say more about the target."
    if test is None:
        yield "Hold out rows to learn the error on new ones: a `test_fraction` above 0."
    elif test.rows < FEWEST:
        yield f"The test has {counted(test.rows, 'row')}: hold out or collect more before you judge by it."
    elif test.low and test.high and test.high > WIDE * test.low:
        yield (
            f"The test RMSE is known to a factor of {number(test.high / test.low, 2)} only: hold out or collect more "
            "rows."
        )
    if not result.verdict.converged:
        yield f"The training is not at {reference_name(result)}: {result.verdict.text}."
    yield from _patterns(result)
    yield from wrong_lines(result)
    yield from _weak_weights(result)


def _patterns(result: Result) -> Iterator[str]:
    for pattern in result.patterns:
        if pattern.name == "curve":
            yield (
                "The residuals curve: a straight line misses part of the relation. Add a square or a logarithm of a "
                "feature; see the first diagnostic plot."
            )
        else:
            way = "grow" if pattern.correlation > 0 else "shrink"
            remedy = (
                "Try the logarithm of the target"
                if result.smearing is None
                else "Set `standard_errors` to HC3"
            )
            yield (
                f"The residuals {way} with the prediction (a fan): standard errors and intervals are off. {remedy}; "
                "see the third diagnostic plot."
            )


def _weak_weights(result: Result) -> Iterator[str]:
    tests = [test for name, test in result.least_squares.t_tests.items() if name in result.model.weights]
    weak = sum(test.low <= 0 <= test.high for test in tests)
    if weak > MOSTLY * len(tests):
        yield (
            f"The error bands of {weak} of {counted(len(tests), 'weight')} include zero: collect more rows, or leave "
            "out columns."
        )
