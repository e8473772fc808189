"""What `validate` leaves comes back as it was, an unknown interval too."""

from pathlib import Path

from tasks.outputs import validation
from tasks.outputs.validation import ValidationError
from tasks.store.writing import draft, publish


def test_errors_come_back_in_their_order(tmp_path: Path) -> None:
    errors = [
        ValidationError(rmse=1.5, low=1.0, high=2.0, folds=[1.0, 2.0]),
        ValidationError(rmse=0.0, low=None, high=None, folds=[0.0]),
    ]
    with draft(tmp_path) as folder:
        validation.write(folder, errors)
        left = publish(folder, tmp_path, "validate")
    assert validation.read(left, tmp_path) == errors
