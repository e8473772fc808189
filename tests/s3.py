"""A server that speaks S3, with an empty bucket, and the log of what it is asked."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs

BUCKET = "bucket"


@dataclass
class Server:
    """Where it listens, and every request as `GET /bucket/prefix/object` since `asked` was last emptied."""

    address: str
    asked: list[str] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which programs find it."""
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.address,
        }

    def files(self) -> fs.S3FileSystem:
        """Return what it holds, as Arrow sees it."""
        return fs.S3FileSystem(
            access_key="test",
            secret_key="test",  # noqa: S106 - any will do
            region="us-east-1",
            endpoint_override=self.address,
            allow_bucket_creation=True,
        )


class _Requests(logging.Handler):
    def __init__(self, asked: list[str]) -> None:
        super().__init__()
        self.asked = asked

    def emit(self, record: logging.LogRecord) -> None:
        self.asked.append(record.getMessage().partition('"')[2].partition(" HTTP")[0])


@contextmanager
def serving() -> Iterator[Server]:
    """Run the server while the block runs."""
    log = logging.getLogger("werkzeug")
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    server = Server(f"http://{host}:{port}")
    server.files().create_dir(BUCKET)
    handler = _Requests(server.asked)
    before = log.level, log.propagate
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(handler)
    server.asked.clear()
    try:
        yield server
    finally:
        running.stop()
        log.removeHandler(handler)
        log.level, log.propagate = before


def point_to(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this process find the server by the usual variables."""
    for name, value in server.variables.items():
        monkeypatch.setenv(name, value)
