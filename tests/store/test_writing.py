"""Files of the store under a second name."""

import errno
import os
from pathlib import Path

import pytest

from tasks.store.writing import share


@pytest.fixture
def figure(tmp_path: Path) -> Path:
    path = tmp_path / "report" / "a" / "figure.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"drawn")
    return path


def test_a_shared_file_takes_no_space(figure: Path, tmp_path: Path) -> None:
    """Shared again, as by a run that is retried, it is there once and nothing else is."""
    path = tmp_path / "runs" / "b" / "figure.png"
    for _ in range(2):
        share(figure, path)
        assert path.samefile(figure)
        assert list(path.parent.iterdir()) == [path]


def test_another_file_of_that_name_is_replaced(figure: Path, tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")
    share(figure, path)
    assert path.read_bytes() == b"drawn"


@pytest.mark.parametrize("reason", [errno.EPERM, errno.EMLINK, errno.EXDEV])
def test_where_there_are_no_links_it_is_copied(
    figure: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int
) -> None:
    def refused(*_: object) -> None:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr("os.link", refused)
    path = tmp_path / "runs" / "b" / "figure.png"
    share(figure, path)
    assert path.read_bytes() == b"drawn"
    assert not path.samefile(figure)
    assert list(path.parent.iterdir()) == [path]
