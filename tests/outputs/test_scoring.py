"""What became of rows, in one line."""

from tasks.outputs.scoring import ScoringResult
from tests.page.test_scoring import RESULT


def test_a_line_has_what_is_known() -> None:
    assert RESULT.line == "1,200 rows by sales, run 20261122T000001-0123abcd, -1.5 to 1e+06"
    bare = {"model": {}, "rows": 2, "predicted": 0, "lowest": None}
    assert RESULT.model_copy(update=bare).line == "2 rows by sales, a file, 2 without a prediction"
    assert ScoringResult.model_validate_json(RESULT.model_dump_json()) == RESULT
