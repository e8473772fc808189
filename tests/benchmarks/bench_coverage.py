"""How often intervals hold the value: normal and conformal ones, where errors are normal and where they are not.

docs/statistics.md has the table.
"""

import math
from collections.abc import Callable

import numpy as np

from tasks.neuron.least_squares import solve
from tasks.neuron.moments import Array
from tasks.neuron.student_t import critical
from tasks.table.model.uncertainty import Conformal
from tests.benchmarks.results import scaled, table

SETS = scaled(1_000_000) // 1000
ROWS = 400
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)

Draw = Callable[[np.random.Generator], tuple[Array, Array]]


def normal(rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw x (n,) and y (n,) with the noise that normal intervals assume."""
    x = rng.uniform(0, 3, ROWS)
    return x, 1 + 2 * x + rng.normal(size=ROWS)


def skewed(rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw x and y with log-normal noise whose spread grows with x."""
    x = rng.uniform(0, 3, ROWS)
    return x, 1 + 2 * x + x * (rng.lognormal(0, 1, ROWS) - math.exp(0.5))


def inside(draw: Draw, rng: np.random.Generator, level: float) -> list[list[float]]:
    """Return by kind the shares of new rows within: of all, and of the lowest and the highest third of x."""
    (x, y), (tests, actual), (new, other) = draw(rng), draw(rng), draw(rng)
    fit = solve(x[:, None], y)

    def missed(at: Array, value: Array) -> Array:
        return np.asarray(np.abs(value - at * fit.weights[0] - fit.bias))

    spread = np.sqrt(1 + fit.factor.leverage(new[:, None]))
    usual = critical(1 - level, fit.degrees_of_freedom) * fit.residual_deviation * spread
    ranked = Conformal(
        rows=ROWS, ranks=tuple(range(1, ROWS + 1)), errors=tuple(np.sort(missed(tests, actual)))
    )
    found = []
    for half in (usual, ranked.half_width(level)):
        within = missed(new, other) <= half
        found.append([float(within[part].mean()) for part in (new >= 0, new < 1, new > 2)])
    return found


def test_coverage() -> None:
    """Print the shares."""
    lines = []
    for name, draw in (("normal", normal), ("skewed, spread grows with x", skewed)):
        for level in LEVELS:
            rng = np.random.default_rng(0)
            shares = np.mean([inside(draw, rng, level) for _ in range(SETS)], axis=0)
            cells = [f"{100 * share:.1f}" for kind in shares for share in kind]
            lines.append([f"{name}, {100 * level:g} %", *cells])
    thirds = [f"{kind}{where}" for kind in ("normal", "conformal") for where in ("", ", x low", ", x high")]
    print(f"\n{SETS} sets of {ROWS} rows, per cent of {ROWS} new rows in each\n")
    print(table(["noise, level", *thirds], lines))
