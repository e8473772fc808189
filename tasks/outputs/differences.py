"""What differs between two runs: settings, data, code, weights with their intervals, errors, and on whose rows."""

import math
from collections.abc import Iterator
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict

from tasks.config import values
from tasks.outputs import naming
from tasks.outputs.parts import TEST
from tasks.outputs.result import Result

# Standard errors that a 95 % interval reaches to either side.
REACH = 1.96


class UnequalValue(BaseModel):
    """One thing in both runs, as text; None where a run does not have it."""

    model_config = ConfigDict(frozen=True)

    name: str
    first: str | None
    second: str | None


class WeightChange(BaseModel):
    """A weight in both runs, and its change with a 95 % interval, as if the runs' rows were drawn independently."""

    model_config = ConfigDict(frozen=True)

    name: str
    first: float | None
    second: float | None
    low: float | None = None
    high: float | None = None


class RunDifferences(BaseModel):
    """What differs between two runs."""

    model_config = ConfigDict(frozen=True)

    first: str
    second: str
    rows: str
    errors: list[UnequalValue]
    settings: list[UnequalValue]
    origins: list[UnequalValue]
    weights: list[WeightChange]

    def lines(self) -> Iterator[str]:
        """Yield it line by line, for a terminal."""
        yield f"{'':<24} {self.first:>26} {self.second:>26}"
        yield f"errors, {self.rows}"
        yield from map(_line, self.errors)
        for title, pairs in (("settings", self.settings), ("data and code", self.origins)):
            yield title if pairs else f"{title}: the same"
            yield from map(_line, pairs)
        yield "weights"
        for each in self.weights:
            change = "" if each.low is None else f"  change {each.low:.3g} to {each.high:.3g} (95 %)"
            yield f"  {each.name:<22} {_number(each.first):>26} {_number(each.second):>26}{change}"


def differences(first: Result, second: Result) -> RunDifferences:
    """Compare two runs."""
    return RunDifferences(
        first=first.run,
        second=second.run,
        rows=_rows(first, second),
        errors=list(_errors(first, second)),
        settings=_unequal(_settings(first), _settings(second)),
        origins=_unequal(_origins(first), _origins(second)),
        weights=list(_weights(first, second)),
    )


def _rows(first: Result, second: Result) -> str:
    """Say on whose rows the errors are."""
    if why := naming.difference(first, second):
        return f"not comparable: {why}"
    if not (first.metrics.test and second.metrics.test):
        return "each on its own training rows"
    if _test_digests(first) and _test_digests(first) == _test_digests(second):
        return "on the same test rows"
    return "each on its own test rows"


def _test_digests(result: Result) -> list[str]:
    files = result.stages["split"].files if "split" in result.stages else []
    return [
        file.sha256 for file in files if PurePosixPath(file.path).name.startswith((f"{TEST}.", f"{TEST}-"))
    ]


def _errors(first: Result, second: Result) -> Iterator[UnequalValue]:
    for part in ("train", "test"):
        scores = [getattr(each.metrics, part) for each in (first, second)]
        for name in ("rows", "rmse", "mae", "r2"):
            one, other = (_number(getattr(each, name)) if each else None for each in scores)
            yield UnequalValue(name=f"{part} {name}", first=one, second=other)


def _settings(result: Result) -> dict[str, str]:
    return {str(each): str(value) for each, value in values(result.settings)}


def _origins(result: Result) -> dict[str, str]:
    origin = result.lineage
    if origin is None:
        return {}
    described = {"code": origin.code[:12], "input files": (origin.source or "–")[:12]}
    return described | dict(origin.libraries)


def _unequal(first: dict[str, str], second: dict[str, str]) -> list[UnequalValue]:
    return [
        UnequalValue(name=name, first=first.get(name), second=second.get(name))
        for name in dict.fromkeys([*first, *second])
        if first.get(name) != second.get(name)
    ]


def _weights(first: Result, second: Result) -> Iterator[WeightChange]:
    both = [{**each.model.weights, "bias": each.model.bias} for each in (first, second)]
    errors = [each.least_squares.standard_errors for each in (first, second)]
    for name in dict.fromkeys([*both[0], *both[1]]):
        one, other = (each.get(name) for each in both)
        spread = [each.get(name) for each in errors]
        found = WeightChange(name=name, first=one, second=other)
        if one is not None and other is not None and all(each is not None for each in spread):
            reach = REACH * math.hypot(*(each or 0.0 for each in spread))
            found = found.model_copy(update={"low": other - one - reach, "high": other - one + reach})
        yield found


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def _line(pair: UnequalValue) -> str:
    return f"  {pair.name:<22} {pair.first or '–':>26} {pair.second or '–':>26}"
