"""The spread of several trainings: beside what theory predicts, on the page and in the terminal's line."""

from tasks.outputs.result import Repeats, Spread
from tasks.page.blocks import TableBlock
from tasks.page.repeats import MOST_WEIGHTS, repeats_line, repeats_section
from tests.page.reading import shown


def spread(mean: float, sd: float, expected_sd: float | None = 0.05) -> Spread:
    return Spread(
        mean=mean, sd=sd, min=mean - sd, max=mean + sd, expected=mean + 0.001, expected_sd=expected_sd
    )


def repeats_of(weights: int = 2, *, bias: bool = True, test: bool = True) -> Repeats:
    rmse = {"train": spread(0.57, 0.0001)} | ({"test": spread(0.58, 0.0002)} if test else {})
    return Repeats(
        seeds=[3, 4, 5],
        weights={f"x{number}": spread(number + 0.123456789, 0.0441) for number in range(weights)},
        bias=spread(5.0, 0.2, None) if bias else None,
        rmse=rmse,
    )


def test_a_single_training_has_no_section() -> None:
    assert list(repeats_section(None)) == []


def test_the_table_has_a_row_for_each_number() -> None:
    """Six digits of values, three of spreads; a dash where theory says nothing."""
    _, table = repeats_section(repeats_of())
    assert isinstance(table, TableBlock)
    assert "of 3 trainings on the same rows, with seeds 3 to 5" in table.caption
    rows = [[shown(cell) for cell in row] for row in table.rows]
    assert [row[0] for row in rows] == ["x0", "x1", "bias", "RMSE, train", "RMSE, test"]
    assert rows[0][1:] == ["0.123457", "0.0441", "0.0793568", "0.167557", "0.124457", "0.05"]
    assert rows[2][-1] not in {"", "None", "nan"}


def test_without_bias_or_test_rows_their_lines_are_left_out() -> None:
    _, table = repeats_section(repeats_of(bias=False, test=False))
    assert isinstance(table, TableBlock)
    assert [shown(row[0]) for row in table.rows] == ["x0", "x1", "RMSE, train"]


def test_the_terminals_line_has_the_first_weights() -> None:
    """And says how many more there are."""
    assert repeats_line(repeats_of()) == (
        "3 seeds: SD (expected) x0 0.044 (0.05), x1 0.044 (0.05); RMSE train 0.5699 to 0.5701"
    )
    line = repeats_line(repeats_of(MOST_WEIGHTS + 1234))
    assert "x7 0.044 (0.05), … and 1,234 more; " in line
    assert "x8" not in line
