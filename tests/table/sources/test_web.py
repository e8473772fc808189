"""Files behind http: every format as from a disk, whatever a server tells of them; and what goes wrong, in words."""

import http.server
import os
import threading
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import fs

from tasks.table.errors import BadTable
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.discovery import source
from tasks.table.sources.found import FoundTable
from tasks.table.sources.location import place
from tasks.table.sources.source import Origin
from tests.table.reading import read, refusal

FRAME = pd.DataFrame({"x": np.arange(40.0), "y": np.arange(40.0) ** 2 % 11})


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves a folder; the server's attributes say in which way."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_HEAD(self) -> None:
        self.answer(is_head=True)

    def do_GET(self) -> None:
        self.answer(is_head=False)

    def answer(self, *, is_head: bool) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        status, headers = self.server.status, {}
        if is_head and not self.server.knows_head:
            status = 405
        path = self.server.folder / self.path.partition("?")[0].lstrip("/").replace("%20", " ")
        content = path.read_bytes() if status == 200 and path.is_file() else b""
        if status == 200 and not path.is_file():
            status = 404
        if self.server.tells_time and status == 200:
            headers["Last-Modified"] = formatdate(path.stat().st_mtime, usegmt=True)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not is_head:
            self.wfile.write(content[: self.server.cut])
            if self.server.cut is not None:
                self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Any]:
    """Serve a folder."""
    server: Any = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.folder, server.status, server.knows_head, server.tells_time = tmp_path, 200, True, True
    server.cut, server.asked, server.address = None, [], f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", ["t.csv", "my rows.csv.gz", "t.parquet", "t.feather"])
@pytest.mark.parametrize("knows_head", [True, False])
@pytest.mark.parametrize("tells_time", [True, False])
def test_every_format_is_read_whatever_the_server_tells(
    web: Any, name: str, knows_head: bool, tells_time: bool
) -> None:
    """The file is fetched once, for first look, digest and rows alike."""
    web.knows_head, web.tells_time = knows_head, tells_time
    path = web.folder / name
    if "csv" in name:
        FRAME.to_csv(path, index=False)
    elif name.endswith("parquet"):
        FRAME.to_parquet(path, index=False)
    else:
        FRAME.to_feather(path)
    table, _ = read(f"{web.address}/{name}")
    pd.testing.assert_frame_equal(table.to_pandas(), FRAME)
    assert sum(line.startswith("GET") for line in web.asked) == 1


def test_a_version_is_size_and_time_where_the_server_tells_both(web: Any) -> None:
    FRAME.to_csv(web.folder / "t.csv", index=False)
    os.utime(web.folder / "t.csv", (10**9, 10**9))
    (member,) = source(Origin(f"{web.address}/t.csv")).members
    assert member.version() == ((web.folder / "t.csv").stat().st_size, 10**18)
    assert not [line for line in web.asked if line.startswith("GET")]
    web.tells_time = False
    (member,) = source(Origin(f"{web.address}/t.csv")).members
    assert member.version() is None


def test_rows_and_digest_are_of_the_same_bytes(web: Any) -> None:
    """A file that is replaced meanwhile, at a server that tells no time, is not read for another's digest."""
    web.tells_time = False
    FRAME.to_csv(web.folder / "t.csv", index=False)
    found = FoundTable.at(Origin(f"{web.address}/t.csv"), Dialect())
    before = found.digests(lambda *asked: asked[-1]())
    (web.folder / "t.csv").write_text("x,y\n1,1\n")
    (look,) = found.previews()
    assert look.contents is not None
    types = {"x": pa.float64(), "y": pa.float64()}
    assert sum(batch.num_rows for batch in look.contents.batches(types, 100)) == 40
    again = FoundTable.at(Origin(f"{web.address}/t.csv"), Dialect())
    assert again.digests(lambda *asked: asked[-1]()) != before


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "does not exist; check the path"),
        (
            401,
            "cannot be reached ([Errno 13] the server answers 401 Unauthorized); check the address and the permissions",
        ),
        (500, "cannot be reached (the server answers 500 Internal Server Error); check the address"),
        (418, "cannot be reached (the server answers 418 I'm a Teapot); check the address"),
    ],
)
def test_what_the_server_refuses_is_one_line(web: Any, status: int, message: str) -> None:
    FRAME.to_csv(web.folder / "t.csv", index=False)
    web.status = status
    assert message in refusal(f"{web.address}/t.csv")


def test_a_file_that_breaks_off_is_never_a_shorter_table(web: Any) -> None:
    """It may be whole the next time."""
    FRAME.to_csv(web.folder / "t.csv", index=False)
    web.cut = 100
    with pytest.raises(ConnectionError, match="broke off after 100 of"):
        read(f"{web.address}/t.csv")


def test_a_server_that_is_not_there_is_said() -> None:
    with pytest.raises(BadTable, match=r"cannot be reached .*refused"):
        source(Origin("http://127.0.0.1:9/t.csv"))


def test_it_is_only_read() -> None:
    filesystem, path = place("https://host/t.csv")
    assert isinstance(filesystem, fs.PyFileSystem)
    with pytest.raises(OSError, match="only read"):
        filesystem.open_output_stream(path)


def test_what_follows_the_path_in_an_address_is_no_part_of_its_ending(web: Any) -> None:
    """Another query may be answered by another file; a missing one is a missing file, and no pattern."""
    FRAME.to_csv(web.folder / "t.csv.gz", index=False)
    table, _ = read(f"{web.address}/t.csv.gz?day=3&only=x,y")
    pd.testing.assert_frame_equal(table.to_pandas(), FRAME)
    assert any(line.endswith("?day=3&only=x,y") for line in web.asked)
    assert "does not exist; check the path" in refusal(f"{web.address}/other.csv?day=3")
    (web.folder / "export").write_bytes(b"x,y\n1,2\n")
    assert "is of no known format" in refusal(f"{web.address}/export?file=t.csv")
