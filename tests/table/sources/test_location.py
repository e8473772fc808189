"""Where data lies: paths and URLs, anchored in any folder, and one line where they cannot be reached."""

from pathlib import Path

import fsspec
import pytest
from pyarrow import fs

from tasks.table.errors import BadTable
from tasks.table.sources.location import anchored, is_url, place, reached


@pytest.mark.parametrize(
    "data", ["s3://bucket/t.csv", "memory://rows", "https://host/t.csv", "file:///t.csv"]
)
def test_addresses_are_told_from_paths_and_stay_as_they_are(data: str) -> None:
    assert is_url(data)
    assert anchored(data) == data


def test_a_path_is_anchored_in_the_present_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links in it stay links: a table that is replaced by turning a link is found again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("elsewhere")
    assert anchored("a/../link/t.csv") == str(tmp_path / "link" / "t.csv")
    assert anchored(str(tmp_path / "t.csv")) == str(tmp_path / "t.csv")


@pytest.mark.parametrize("name", ["t.csv", "my rows.csv", "50%.csv", "a#b?.csv", "größe.csv"])
def test_a_file_is_found_by_its_path_and_by_its_address(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    for data in (str(tmp_path / name), *([] if set(name) & set("%#?") else [f"file://{tmp_path}/{name}"])):
        filesystem, path = place(data)
        assert isinstance(filesystem, fs.LocalFileSystem)
        assert filesystem.get_file_info(path).size == 1


def test_what_arrow_does_not_reach_fsspec_does() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/located/t.csv", b"abc")
    filesystem, path = place("memory://located/t.csv")
    assert filesystem.get_file_info(path).size == 3
    memory.rm("/located", recursive=True)


@pytest.mark.parametrize("error", [OSError("no\nroute"), ValueError("odd"), ImportError("install x")])
def test_what_cannot_be_reached_is_one_line(error: Exception) -> None:
    """Without the credentials of the address."""
    with pytest.raises(BadTable) as caught, reached("s3://me:secret@bucket/t.csv"):
        raise error
    assert str(caught.value).isprintable()
    assert "cannot be reached" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_finding_passes_as_it_is() -> None:
    with pytest.raises(BadTable, match=r"^a; b$"), reached("t.csv"):
        raise BadTable("a; b")
