"""Settings written as flags, or as a mapping, lead back to the same settings."""

from typing import Any

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from flows.command.cli import parse
from flows.flags import changes, flags
from tasks.config import PRESETS, Settings

# No commas, which separate names, and no blanks or control characters, which are stripped.
SIGNS = st.characters(codec="utf-8", exclude_characters=",", exclude_categories=["Cs", "Cc", "Z"])
NAMES = st.text(SIGNS, min_size=1)
RATES = st.floats(1e-12, 1e12)
TRAINING = st.fixed_dictionaries(
    {},
    optional={
        "epochs": st.integers(1, 1_000_000),
        "learning_rate": RATES,
        "bias": st.booleans(),
        "recipe": st.sampled_from(["calibrated", "tutorial"]),
    },
)
TABLE = st.fixed_dictionaries(
    {"data": NAMES, "target": NAMES},
    optional={
        "features": st.lists(NAMES, min_size=1, max_size=3),
        "missing": st.sampled_from(["drop", "mean"]),
        "warn": st.lists(st.sampled_from(["missing-values", "drift"]), unique=True),
        "delimiter": st.sampled_from([";", "\t", "|"]),
    },
)
PROBLEM = st.fixed_dictionaries(
    {}, optional={"rows": st.integers(1, 10**10), "true_weights": st.lists(RATES, min_size=1, max_size=3)}
)
SOURCE = st.one_of(
    TABLE.map(lambda table: {"input": table}), PROBLEM.map(lambda problem: {"problem": problem})
)
SETTINGS = st.builds(
    lambda preset, seed, source, training: {"preset": preset, "seed": seed, "training": training, **source},
    st.sampled_from(sorted(PRESETS)),
    st.integers(0, 2**63 - 1),
    SOURCE,
    TRAINING,
).map(Settings.model_validate)


@hypothesis.settings(max_examples=50)  # each builds the parser anew
@given(SETTINGS)
def test_flags_lead_back_to_the_settings(settings: Settings) -> None:
    """The command that a report shows repeats the run, to the last digit of a rate."""
    assert parse(["run", *flags(settings)]).settings == settings


@given(SETTINGS)
def test_changes_lead_back_to_the_settings(settings: Settings) -> None:
    """So do a deployment's parameters, which travel as JSON."""
    assert Settings.model_validate(changes(settings)) == settings


def test_what_the_preset_implies_is_not_written() -> None:
    for preset in PRESETS:
        settings = Settings.model_validate({"preset": preset})
        expected: dict[str, Any] = {} if preset == "default" else {"preset": preset}
        assert changes(settings) == expected
        assert flags(settings) == [f"--preset={name}" for name in expected.values()]
