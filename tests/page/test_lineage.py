"""Stages, files and commands: what was done, why, and how to repeat it."""

import pytest

from tasks.outputs.result import Stage
from tasks.page.blocks import Code
from tasks.page.lineage import reason_in_words, stage_table
from tests.page.examples import generated, result_of
from tests.page.reading import row, shown, text_of


def test_stages_say_what_they_did_and_why_and_where_their_files_are() -> None:
    """A stage with thousands of shards lists a few and counts the others."""
    result = result_of()
    stages = result.stages | {"generate": generated(1000)}
    text = text_of(result.model_copy(update={"stages": stages}))
    assert row(text, "train") == ["train", "ran", "1.23", "`epochs`: 100 → 200"]
    assert "… and 994 more files" in text
    assert text.count("part-") == 6


def test_the_lineage_says_how_to_reproduce_the_result() -> None:
    """Run, flow run, code, libraries; the command is the last line, to copy."""
    text = text_of(result_of())
    assert row(text, "Prefect flow run")[1] == "brave-otter (5b6c)"
    assert row(text, "libraries")[1] == "numpy 2.4.6"
    assert "input files" not in text
    assert text.endswith("\n\n    linear-neuron run\n")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("first run", "first run"),
        ("`seed`: 0 → 1", "seed: 0 → 1"),
        ("`learning_rate`: null → 0.4", "learning_rate: – → 0.4"),
        ('`by`: "\\u4ef7" → "a\\"b"', 'by: 价 → a"b'),
        ("`true_weights`: [2.0, -3.0] → [2.0]", "true_weights: [2.0, -3.0] → [2.0]"),
        ("`rows`: 10000000 → 20000000", "rows: 10000000 → 20000000"),
        ("`train.parquet`: 0123abcd → fedc4567", "train.parquet changed"),
        ("`contents of 9.parquet`: absent → 0123abcd", "contents of 9.parquet: new"),
        ("`code of tasks.config`: 0123abcd → absent", "code of tasks.config: removed"),
        ("3 of 5: `a.b`: 0123abcd → fedc4567; `epochs`: 1 → 2", "3 of 5: a.b changed; epochs: 1 → 2"),
        ("its record was lost", "its record was lost"),
    ],
)
def test_a_reason_reads_as_words(reason: str, words: str) -> None:
    """Neither digests nor escapes; what has another form is left alone."""
    assert shown(reason_in_words(reason)) == words


def test_many_changes_are_counted() -> None:
    reason = "; ".join(f"`m.{i}`: 0123abcd → fedc4567" for i in range(8))
    words = "; ".join(f"m.{i} changed" for i in range(6))
    assert shown(reason_in_words(reason)) == f"{words}; and 2 more changes"


def test_a_long_reason_is_cut() -> None:
    (cells,) = stage_table({"train": Stage(state="ran", reason="w" * 999, seconds=1, files=[])}).rows
    assert len(str(cells[-1])) == 300
    (cells,) = stage_table(
        {"train": Stage(state="ran", reason=f"`by`: 1 → {'w' * 999}", seconds=1, files=[])}
    ).rows
    assert cells[-1] == [Code("by"), f": 1 → {'w' * 59}…"]
