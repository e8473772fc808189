"""What may lie where a file of the store belongs, and is none."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

# Where a link out of the store leads, relative to its folder's folder's folder; nothing may read or change it.
OUTSIDE = Path("..", "..", "outside")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the whole path may be too long for a socket
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _folder(path: Path) -> None:
    (path / "inner").mkdir(parents=True)
    (path / "inner" / "file").write_text("deep")


def _dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def _self_link(path: Path) -> None:
    path.symlink_to(path)


def _outward_link(path: Path) -> None:
    path.symlink_to(OUTSIDE)


OBSTACLES: dict[str, Callable[[Path], None]] = {
    "pipe": _pipe,
    "socket": _socket,
    "device": _device,
    "folder": _folder,
    "dangling link": _dangling_link,
    "link to itself": _self_link,
    "link out of the store": _outward_link,
}
