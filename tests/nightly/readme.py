"""What the README tells people to type, and the page that it leads to for being told."""

import re
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML

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


def program(page: str, heading: str) -> str:
    """Return the first Python program of a page under a heading."""
    return _blocks(heading, "python", page)[0]


def automation(page: str) -> dict[str, Any]:
    """Return the first automation of a page."""
    found = _blocks("By events of your own", "yaml", page)[0]
    return dict(YAML(typ="safe").load(found)["automations"][0])


def _blocks(heading: str, language: str, page: str = "README.md") -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"^```{language}\n(.*?)^```", section, flags=re.MULTILINE | re.DOTALL)


def _line(text: str) -> Line:
    command, _, remark = text.partition("  # ")
    return Line(command.strip(), "its own terminal" in remark)
