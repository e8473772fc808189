"""Malformed files of every format at the reading path of `run`: refused in words, or read; never a traceback.

The same examples come in every run, a few of very many; FUZZ=5000 in the environment draws so many new ones.
"""

import gzip
import io
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.command import cli
from tasks.config import Input
from tasks.ingest import ingest
from tasks.runtime.user_table import table_of
from tasks.table.errors import BadTable

pytestmark = pytest.mark.usefixtures("readable_stderr")

# Seconds that one file may take; a hundredth of one is usual.
LONGEST = 60

FRAME = pd.DataFrame(
    {"x": np.arange(40.0) % 7, "k": list("abcd") * 10, "n": np.arange(40) % 9, "y": np.arange(40.0) ** 2 % 11}
)

bounded = settings(
    max_examples=int(os.environ.get("FUZZ", "60")),
    derandomize="FUZZ" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@contextmanager
def alarm() -> Iterator[None]:
    """Fail instead of hanging."""

    def too_long(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)


def assert_harmless(name: str, content: bytes, *more: str) -> None:
    """Plan a run on a file and take it in: an exit status, words that can be printed, and all or nothing stored."""
    with tempfile.TemporaryDirectory() as folder, alarm():
        path, store = Path(folder) / name, Path(folder) / "store"
        path.write_bytes(content)
        status = 2
        with suppress(SystemExit):
            status = cli.main(
                ["plan", "--data", str(path), "--target", "y", "--artifacts", str(store), *more]
            )
        assert status in {0, 2}
        if status == 0:
            assert_all_or_nothing(path, store, *more)


def assert_all_or_nothing(path: Path, store: Path, *more: str) -> None:
    given = dict(zip((flag[2:].replace("-", "_") for flag in more[::2]), more[1::2], strict=True))
    try:
        artifact = ingest.fn(table_of(Input(data=str(path), target="y", **given)), store)  # type: ignore[arg-type]
    except BadTable as error:
        assert str(error).isprintable()  # noqa: PT017 - most damage is refused, some is read
        assert [each for each in store.rglob("*") if each.is_file()] == []
    else:
        left = {str(each.relative_to(store)) for each in store.rglob("*") if each.is_file()}
        assert left == {file.path for file in artifact.files.values()}


CELLS = st.one_of(
    st.integers().map(str),
    st.floats().map(repr),
    st.sampled_from(
        [
            "",
            "NA",
            "nan",
            "true",
            "1,5",
            "1.200,50",
            "6.953",
            "6,953",
            "1,234,567",
            "69\u00a0530",
            "12%",
            "$1,200.50",
            "1.5D+03",
            "−2",
            "3.0",
            "# no",
            "?",
            "0x1F",
            "1e999",
            "2024-01-01",
            '"',
            '""',
            "'",
            "\0",
            "\r",
            "é",
            " ",
        ]
    ),
    st.text(max_size=8),
)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Draw a text file that is nearly a table: ragged rows, loose quotes, odd line ends, any encoding."""
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    header = draw(st.lists(st.one_of(st.sampled_from(["x", "k", "y"]), CELLS), min_size=1, max_size=5))
    rows = draw(st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=12))
    end = draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "latin-1"]))
    lines = [delimiter.join(row) for row in [header, *rows]]
    return (end.join(lines) + draw(st.sampled_from(["", end, '"', "\x1a"]))).encode(
        encoding, errors="replace"
    )


@bounded
@given(texts(), st.sampled_from([(), ("--categorical", "k"), ("--missing", "drop"), ("--missing", "mean")]))
def test_text_that_is_nearly_a_table(content: bytes, more: tuple[str, ...]) -> None:
    assert_harmless("t.csv", content, *more)


READINGS = st.lists(
    st.one_of(
        st.tuples(st.just("--thousands"), st.sampled_from([",", ".", " ", "'"])),
        st.tuples(st.just("--decimal"), st.sampled_from([",", "."])),
        st.tuples(st.just("--delimiter"), st.sampled_from([",", ";", "\\t", "|", " ", "x"])),
        st.tuples(st.just("--na-values"), st.sampled_from(["", "?", "NA,nan", "0"])),
        st.tuples(st.just("--skip-rows"), st.integers(0, 14).map(str)),
        st.tuples(st.just("--header-row"), st.integers(0, 14).map(str)),
        st.tuples(st.just("--comment"), st.sampled_from(["#", "x", '"', "//"])),
        st.tuples(st.just("--encoding"), st.sampled_from(["utf-8", "utf-16", "cp1252"])),
        st.tuples(
            st.just("--warn"), st.sampled_from(["text-in-numbers", "irregular-rows,ambiguous-numbers"])
        ),
    ),
    max_size=4,
    unique_by=lambda pair: pair[0],
)


@bounded
@given(texts(), READINGS)
def test_text_that_is_read_with_settings(content: bytes, pairs: list[tuple[str, str]]) -> None:
    """Any of them, whether they fit or not."""
    if dict(pairs).get("--decimal", "?") == dict(pairs).get("--thousands"):
        pairs = [pair for pair in pairs if pair[0] != "--decimal"]
    assert_harmless("t.csv", content, *(part for pair in pairs for part in pair))


@bounded
@given(st.binary(max_size=400))
def test_bytes_that_are_no_table(content: bytes) -> None:
    """Whatever the name says."""
    for name in ("t.csv", "t.csv.gz", "t.parquet", "t.feather", "t.npz"):
        assert_harmless(name, content)


def as_npz() -> bytes:
    file = io.BytesIO()
    np.savez(file, inputs=FRAME[["x", "n"]].to_numpy(), targets=FRAME["y"].to_numpy())
    return file.getvalue()


def as_feather() -> bytes:
    file = io.BytesIO()
    FRAME.to_feather(file)
    return file.getvalue()


WRITERS: dict[str, Callable[[], bytes]] = {
    "t.csv": lambda: FRAME.to_csv(index=False).encode(),
    "t.csv.gz": lambda: gzip.compress(FRAME.to_csv(index=False).encode(), mtime=0),
    "t.parquet": FRAME.to_parquet,
    "t.feather": as_feather,
    "t.npz": as_npz,
}


@st.composite
def damages(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Draw what happens to a sound file: bytes are altered, lost, doubled or put in."""
    edits = draw(
        st.lists(
            st.tuples(
                st.floats(0, 1),
                st.sampled_from(["alter", "lose", "double", "insert", "cut"]),
                st.binary(max_size=9),
            ),
            min_size=1,
            max_size=5,
        )
    )

    def damage(content: bytes) -> bytes:
        for place, kind, other in edits:
            at = int(place * len(content))
            if kind == "alter":
                content = content[:at] + other + content[at + len(other) :]
            elif kind == "insert":
                content = content[:at] + other + content[at:]
            elif kind == "double":
                content = content[:at] + content[at // 2 :]
            elif kind == "lose":
                content = content[:at] + content[at + 20 :]
            else:
                content = content[: max(1, at)]
        return content

    return damage


@pytest.mark.parametrize("name", WRITERS)
@bounded
@given(damages())
def test_damaged_files(name: str, damage: Callable[[bytes], bytes]) -> None:
    """A sound file with some of its bytes altered, lost, doubled or put in."""
    assert_harmless(name, damage(WRITERS[name]()), "--categorical", "k", "--missing", "mean")


SETTINGS = b"""preset = "default"
seed = 1
[input]
data = "t.csv"
target = "y"
features = ["x", "n*"]
missing = "drop"
warn = ["missing-values"]
[training]
epochs = 5
learning_rate = 0.5
[split]
test_fraction = 0.25
"""

TRICKS = [
    '[input]\ndata = "/dev/zero"\ntarget = "y"',
    '[input]\ndata = "/proc/self/mem"\ntarget = "y"',
    '[input]\ndata = "../../../../etc/passwd"\ntarget = "y"',
    '[input]\ndata = "file:///etc/passwd"\ntarget = "y"',
    '[input]\ndata = "t.csv\\u0000.parquet"\ntarget = "y"',
    '[input]\ndata = "python://os.system"\ntarget = "y"',
    '[input]\ndata = "simplecache::file:///etc/passwd"\ntarget = "y"',
    '[input]\ndata = "t.csv"\ntarget = "y"\nencoding = "zip"',
    '[input]\ndata = "t.csv"\ntarget = "y"\nencoding = "\\u0000"',
    '[input]\ndata = "t.csv"\ntarget = "y"\ndelimiter = "\\u0000"',
    '[input]\ndata = "t.csv"\ntarget = "y"\ndelimiter = "\\n"',
    '[input]\ndata = "t.csv"\ntarget = "y"\ndelimiter = "ü"',
    '[input]\ndata = "t.csv"\ntarget = "y"\nwarn = ["all"]',
    'artifacts = "store\\u0000"',
    "seed = 1e400",
    "[[input]]",
    "a" * 5000 + "=" + "[" * 500,
]


def assert_settings_harmless(config: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, alarm():
        (Path(folder) / "t.csv").write_text(FRAME.to_csv(index=False))
        (Path(folder) / "settings.toml").write_bytes(config)
        with pytest.MonkeyPatch.context() as patched:
            patched.chdir(folder)
            status = 2
            with suppress(SystemExit):
                status = cli.main(["plan", "--config", "settings.toml"])
            assert status in {0, 2}
            assert {path.name for path in Path(folder).iterdir()} <= {"t.csv", "settings.toml", "artifacts"}


@bounded
@given(damages())
def test_damaged_settings(damage: Callable[[bytes], bytes]) -> None:
    """A settings file with some of its bytes altered."""
    assert_settings_harmless(damage(SETTINGS))


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks_in_settings(trick: str) -> None:
    """Devices, other folders, addresses that name code, encodings that are none, signs that cannot delimit."""
    assert_settings_harmless(trick.encode())
