"""Stages, files and commands: what was done, why, and how to repeat it."""

import pytest

from tasks.outputs.result import Change, Stage
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


A, B = "0123abcd" * 8, "fedc4567" * 8


def stage(*changes: tuple[str, str | None, str | None], reason: str = "`…`") -> Stage:
    listed = [Change(name=name, before=before, after=after) for name, before, after in changes]
    return Stage(state="ran", reason=reason, changes=listed, seconds=1, files=[])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("seed", "0", "1"), "seed: 0 → 1"),
        (("learning_rate", "null", "0.4"), "learning_rate: – → 0.4"),
        (("by", '"\\u4ef7"', '"a\\"b"'), 'by: 价 → a"b'),
        (("true_weights", "[2.0, -3.0]", "[2.0]"), "true_weights: [2.0, -3.0] → [2.0]"),
        (("rows", "10000000", "20000000"), "rows: 10000000 → 20000000"),
        (("numpy", "2.4.5", "2.4.6"), "numpy: 2.4.5 → 2.4.6"),
        (("polars", None, "1.30"), "polars: absent → 1.30"),
        (("train.parquet", A, B), "train.parquet changed"),
        (("contents of 9.parquet", None, A), "contents of 9.parquet: new"),
        (("code of tasks.config", A, None), "code of tasks.config: removed"),
    ],
)
def test_a_change_reads_as_words(change: tuple[str, str | None, str | None], words: str) -> None:
    """Neither digests nor escapes."""
    assert shown(reason_in_words(stage(change))) == words


def test_another_reason_stays_as_it_is() -> None:
    assert shown(reason_in_words(stage(reason="its record was lost"))) == "its record was lost"


def test_of_several_calls_the_count_comes_first() -> None:
    several = stage(
        ("a.b", A, B), ("epochs", "1", "2"), reason="3 of 5: `a.b`: 0123abcd → fedc4567; `epochs`: …"
    )
    assert shown(reason_in_words(several)) == "3 of 5: a.b changed; epochs: 1 → 2"


def test_many_changes_are_counted() -> None:
    words = "; ".join(f"m.{i} changed" for i in range(6))
    many = stage(*((f"m.{i}", A, B) for i in range(8)))
    assert shown(reason_in_words(many)) == f"{words}; and 2 more changes"


def test_a_long_reason_is_cut() -> None:
    (cells,) = stage_table({"train": stage(reason="w" * 999)}).rows
    assert len(str(cells[-1])) == 300
    (cells,) = stage_table({"train": stage(("by", "1", "w" * 999))}).rows
    assert cells[-1] == [Code("by"), f": 1 → {'w' * 59}…"]
