"""What changed in a table since its last run is found, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.table.drift import FAR, ColumnRange, TableSchema, grown, lost

BEFORE = TableSchema(
    columns=(
        ColumnRange(name="x", lowest=0, highest=10),
        ColumnRange(name="kind"),
        ColumnRange(name="y", lowest=5, highest=5),
    )
)

floats = st.floats(-1e6, 1e6)


def test_lost_columns_are_told_from_retyped_ones() -> None:
    """Gone from the table, or still there but no numbers any more."""
    found = {breach.column: breach.rule for breach in lost(BEFORE, ["y"], ["kind"])}
    assert found == {"x": "removed-columns", "kind": "retyped-columns"}
    assert list(lost(BEFORE, ["x", "kind", "y"], [])) == []


def test_new_columns_are_named() -> None:
    now = BEFORE.model_copy(update={"columns": (*BEFORE.columns, ColumnRange(name="z", lowest=0, highest=1))})
    assert [(breach.rule, breach.column) for breach in grown(BEFORE, now)] == [("added-columns", "z")]
    assert list(grown(now, BEFORE)) == []


@given(floats, floats, floats, floats)
def test_drift_is_more_than_half_of_the_former_width_further_out(
    a: float, b: float, c: float, d: float
) -> None:
    (low, high), (least, most) = sorted([a, b]), sorted([c, d])
    before = TableSchema(columns=(ColumnRange(name="x", lowest=low, highest=high),))
    now = TableSchema(columns=(ColumnRange(name="x", lowest=least, highest=most),))
    out = max(low - least, most - high)
    if abs(out - FAR * (high - low)) > 1e-6:  # at the edge rounding decides
        assert bool(list(grown(before, now))) == (out > FAR * (high - low))


def test_a_category_has_no_range_to_leave() -> None:
    now = TableSchema(columns=(ColumnRange(name="kind", lowest=0, highest=1e9),))
    assert list(grown(BEFORE, now)) == []


def test_the_message_has_both_ranges() -> None:
    (breach,) = grown(BEFORE, TableSchema(columns=(ColumnRange(name="x", lowest=-6, highest=2),)))
    assert "from -6 to 2" in str(breach)
    assert "from 0 to 10" in str(breach)
