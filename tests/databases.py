"""A PostgreSQL of the tests' own, started from Debian's package on a folder and a port of its own."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from adbc_driver_postgresql import dbapi

# Whose name asks for a password; the others are let in.
READER, PASSWORD = "reader", "TOPSECRET'% x"

_HBA = f"host all {READER} 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\nlocal all all trust\n"


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; None where it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    on_path = shutil.which("postgres")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@dataclass
class Server:
    """A server that runs; `address` is that of an empty database."""

    bin: Path
    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    database: str = "postgres"

    @property
    def address(self) -> str:
        """The database, for a user who needs no password."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{self.database}"

    def of(self, database: str) -> "Server":
        """Return the server with another of its databases."""
        return replace(self, database=database)

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        command: list[str | Path] = [
            self.bin / "postgres",
            "-D",
            self.folder / "data",
            "-p",
            str(self.port),
            "-k",
            self.folder,
        ]
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "logging_collector=off"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([*_unprivileged(), *command, *options], stdout=log, stderr=log)
        ready: list[str | Path] = [self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + 60
        while self.process.poll() is not None or subprocess.run(ready, check=False).returncode:
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once and with all of its connections, as a machine that loses power does."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in (self.process.pid, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it, without waiting for those who are connected."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)

    def execute(self, *statements: str) -> None:
        """Execute statements, each in a transaction of its own."""
        with dbapi.connect(self.address, autocommit=True) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """Return what a query answers."""
        with dbapi.connect(self.address) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())


@contextmanager
def serving(installed: Path) -> Iterator[Server]:
    """Run a server on a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        options = ["--auth=trust", "--username=postgres", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
        made: list[str | Path] = [*_unprivileged(), installed / "initdb", "-D", folder / "data", *options]
        subprocess.run(made, check=True, capture_output=True)
        (folder / "data/pg_hba.conf").write_text(_HBA)
        server = Server(installed, folder, _free_port())
        server.start()
        secret = PASSWORD.replace("'", "''")
        server.execute(f"CREATE ROLE {READER} LOGIN PASSWORD '{secret}'", "GRANT pg_read_all_data TO reader")
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _unprivileged() -> list[str]:
    """Return what runs a command as another user than root, whom PostgreSQL refuses."""
    if os.getuid():
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
