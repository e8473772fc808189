"""The gate's rule is total: every case has an outcome and says why; and noise does not change the champion."""

from typing import Any

import pytest
from pydantic import ValidationError

from tasks.config import Gate
from tasks.outputs.gate import Rival, decide, figures
from tasks.outputs.result import ChampionComparison, Result, Scores
from tests.outputs.nights import VERSION, nights
from tests.page.examples import result_of


def rival(low: float | None = 0.1, high: float | None = 0.3, **changes: Any) -> Rival:
    found = ChampionComparison(
        champion_rmse=0.8, rmse=0.6, low=low, high=high, confidence=0.99, method="normal",
        rows=200, units=200, unit="row",
    )  # fmt: skip
    return Rival(VERSION, **({"comparison": found} | changes))


def run_with(rmse: float = 0.58, mae: float = 0.5, r2: float | None = 0.99) -> Result:
    result = result_of()
    test = Scores(rows=200, rmse=rmse, mae=mae, r2=r2)
    return result.model_copy(update={"metrics": result.metrics.model_copy(update={"test": test})})


@pytest.mark.parametrize(
    ("gate", "met", "outcome", "said"),
    [
        ({"promote_if": "better"}, None, "promoted", "the first model of this name"),
        ({"promote_if": "better"}, rival(), "promoted", "better beyond chance"),
        ({"promote_if": "better"}, rival(low=-0.01), "kept", "not surely better"),
        ({"promote_if": "better", "margin": 0.2}, rival(), "kept", "not surely better by more than 0.2"),
        ({"promote_if": "not_worse", "margin": 0.05}, rival(low=-0.04), "promoted", "not worse by more than"),
        ({"promote_if": "not_worse", "margin": 0.05}, rival(low=-0.06), "kept", "not surely not worse"),
        (
            {"promote_if": "better"},
            rival(low=None, high=None),
            "kept",
            "too few rows to tell that from chance",
        ),
        ({"promote_if": "better"}, Rival(VERSION, obstacle="gone"), "kept", "today's rows: gone; to replace"),
        ({"promote_if": "better"}, Rival(VERSION, same=True), "kept", "the champion itself, version 3"),
        ({"max_rmse": 0.5}, None, "rejected", "RMSE of 0.58 is above the 0.5"),
        ({"max_mae": 0.4}, rival(), "rejected", "MAE of 0.5 is above the 0.4"),
        ({"min_r2": 0.999}, rival(), "rejected", "R² of 0.99 is below the 0.999"),
        ({"max_rmse": 1.0}, None, "kept", "nothing is promoted by itself"),
        ({"max_rmse": 0.58, "promote_if": "better"}, None, "promoted", "first"),
    ],
)
def test_every_case_has_its_outcome(gate: dict[str, Any], met: Rival | None, outcome: str, said: str) -> None:
    decision = decide(Gate.model_validate(gate), run_with(), met)
    assert decision.outcome == outcome
    assert said in decision.text
    assert decision.champion == (met.version.run if met else None)


def test_a_bound_that_cannot_be_checked_is_not_kept() -> None:
    decision = decide(Gate(min_r2=0.1), run_with(r2=None), None)
    assert (decision.outcome, "R² is undefined" in decision.text) == ("rejected", True)
    verdict = result_of().verdict.model_copy(update={"converged": False})
    unsettled = run_with().model_copy(update={"verdict": verdict})
    assert decide(Gate(require_verdict=True), unsettled, None).outcome == "rejected"


def test_without_test_rows_nothing_is_decided() -> None:
    gate = Gate(promote_if="better", max_rmse=1e-9)
    assert decide(gate, result_of(held_out=False), None).outcome == "kept"


def test_settings_that_make_no_rule_are_refused() -> None:
    for given in ({"promote_if": "not_worse"}, {"approve": "by_hand"}):
        with pytest.raises(ValidationError, match="needs `"):
            Gate.model_validate(given)
    assert not Gate().decides
    assert Gate(min_r2=0.5).decides


def test_the_history_gets_the_figures_that_decided() -> None:
    result = run_with()
    found = figures(result, decide(Gate(promote_if="better"), result, rival()))
    assert found == {
        "rmse": 0.58, "mae": 0.5, "r2": 0.99, "champion_rmse": 0.8, "gain_low": 0.1, "gain_high": 0.3
    }  # fmt: skip


@pytest.mark.parametrize(("train", "test"), [(400, 100), (4000, 1000)])
def test_calm_nights_do_not_change_the_champion(train: int, test: int) -> None:
    """Over four times a hundred nights of one distribution at most 5 % promote, the first of each aside."""
    changes = [night for seed in range(4) for night in list(nights([1.0] * 101, train, test, seed))[1:]]
    assert sum(night.promoted for night in changes) <= 0.05 * 400


def test_a_truly_better_model_is_promoted_within_the_nights_that_its_power_allows() -> None:
    """Where the world has moved. On a hundred rows a slope that is 1 off has z = 4: a night or two; 0.5 off has 2.4."""
    for shift, most in ((1.0, 2), (0.5, 20)):
        slopes = [1.0] * 5 + [1.0 + shift] * 30
        promoted = [night.promoted for night in nights(slopes, 400, 100, seed=9)]
        assert any(promoted[5 : 5 + most])
        assert sum(promoted[5:]) <= 2


def test_a_world_that_drifts_hands_over_again_and_again() -> None:
    """And the champion is never far behind."""
    slopes = [1.0 + 0.1 * night for night in range(40)]
    played = list(nights(slopes, 400, 100, seed=10))
    assert sum(night.promoted for night in played) >= 8
    assert max(abs(night.slope - slope) for night, slope in zip(played, slopes, strict=True)) < 1
