"""What the README tells people to type."""

import re
from dataclasses import dataclass

from tests.paths import ROOT


@dataclass(frozen=True, slots=True)
class Line:
    """A command, and whether it takes a terminal of its own, in which it stays."""

    command: str
    stays: bool


def console(heading: str) -> list[list[Line]]:
    """Return the commands of each console block under a heading."""
    return [
        [_line(text) for text in re.findall(r"^\$ (.*)$", block, flags=re.MULTILINE)]
        for block in _blocks(heading, "console")
    ]


def program(heading: str) -> str:
    """Return the first Python program under a heading."""
    return _blocks(heading, "python")[0]


def _blocks(heading: str, language: str) -> list[str]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)


def _line(text: str) -> Line:
    command, _, remark = text.partition("  # ")
    return Line(command.strip(), "its own terminal" in remark)
