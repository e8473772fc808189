"""The table of drift: the furthest features come first, drifted ones before all others, and the rest is counted."""

from tasks.outputs.result import ColumnDrift
from tasks.page.drift import MOST, drift_table


def far(name: str, psi: float, *, drifted: bool) -> ColumnDrift:
    return ColumnDrift(name=name, psi=psi, p=0.25, drifted=drifted)


def test_drifted_features_come_first_and_then_the_furthest() -> None:
    found = [far("a", 0.3, drifted=False), far("b", 0.2, drifted=True), far("c", 0.5, drifted=False)]
    table = drift_table("Today's rows against earlier ones", found)
    assert [row[1:] for row in table.rows] == [
        ["0.2", "0.25", "yes"],
        ["0.5", "0.25", "no"],
        ["0.3", "0.25", "no"],
    ]
    assert table.caption.startswith("Today's rows against earlier ones, by feature")
    assert "furthest" not in table.caption


def test_what_is_left_out_is_counted() -> None:
    table = drift_table("x", [far(f"f{i}", i / 100, drifted=False) for i in range(MOST + 7)])
    assert len(table.rows) == MOST
    assert f", the {MOST} of {MOST + 7} that are furthest" in table.caption
