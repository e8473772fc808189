"""The gate over simulated nights: how often noise changes the champion, and how soon a truly better model takes over.

Every night has new rows, a least-squares fit to them, and the gate's own comparison and rule. Nothing is trained.
"""

import math
from itertools import islice
from statistics import NormalDist, fmean

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.neuron.paired import FEW
from tests.benchmarks.results import SCALE
from tests.outputs.nights import GATE, Noise, nights, normal

# Hundreds of nights.
HUNDREDS = max(4, int(20 * SCALE))
# Nights that a better model may take to be promoted.
MOST_NIGHTS = 500


def heavy(rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
    """Draw errors with outliers: Student's t with 3 degrees of freedom."""
    return rng.standard_t(3, size=rows)


def skewed(rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
    """Draw errors with a long tail on one side."""
    return rng.exponential(size=rows) - 1


@pytest.mark.parametrize("noise", [normal, heavy, skewed])
@pytest.mark.parametrize(("train", "test"), [(80, 20), (400, 100), (4000, 1000)])
def test_calm_nights_keep_the_champion(noise: Noise, train: int, test: int) -> None:
    """At most 5 % of the nights of one distribution change it, on the whole; the worst hundred is printed beside."""
    hundreds = (
        HUNDREDS if test >= FEW else HUNDREDS // 4
    )  # few rows are drawn again and again, which takes longer
    changes = [
        sum(night.promoted for night in nights([1.0] * 101, train, test, seed, noise)) - 1
        for seed in range(hundreds)
    ]
    print(
        f"\n{noise.__name__} errors, {train} training and {test} test rows: {fmean(changes):.2f} of 100 calm nights "
        f"change the champion, at worst {max(changes)}"
    )
    assert fmean(changes) <= 5


@pytest.mark.parametrize("shift", [2.0, 1.0, 0.7, 0.5, 0.3])
def test_a_truly_better_model_takes_over_as_soon_as_its_power_allows(shift: float) -> None:
    """Where the champion's slope is off by so much, in SD of the errors, on 100 test rows a night.

    The squared errors then differ by 2·e·s·x + s²x² with e and x standard normal: mean s², variance 4s² + 2s⁴.
    """
    power = 1 - NormalDist().cdf(
        NormalDist().inv_cdf(0.5 + GATE.confidence / 2)
        - shift**2 * 10 / math.sqrt(4 * shift**2 + 2 * shift**4)
    )
    waits = []
    for seed in range(HUNDREDS * 4):
        played = islice(nights([1.0] + [1.0 + shift] * MOST_NIGHTS, 400, 100, seed), 1, None)
        waits.append(next((n for n, night in enumerate(played, start=1) if night.promoted), MOST_NIGHTS))
    print(
        f"\na slope that is {shift} off: promoted after {fmean(waits):.1f} nights, {1 / power:.1f} by its power; "
        f"nine times of ten after {sorted(waits)[int(0.9 * len(waits))]} at most"
    )
    assert fmean(waits) <= 2 / power + 1


@pytest.mark.parametrize("step", [0.02, 0.05, 0.1, 0.3])
def test_a_drifting_world_hands_over(step: float) -> None:
    """The champion stays within reach of a slope that grows every night."""
    slopes = [1.0 + step * night for night in range(200)]
    played = list(nights(slopes, 400, 100, seed=0))
    behind = [abs(night.slope - slope) for night, slope in zip(played, slopes, strict=True)]
    print(
        f"\na slope that grows by {step} a night: {sum(night.promoted for night in played[1:])} changes in "
        f"{len(slopes)} nights, the champion {fmean(behind):.2f} behind on average and {max(behind):.2f} at most"
    )
    assert max(behind) < 1.5
