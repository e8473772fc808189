"""What a run did and where its result comes from: stages, files with their digests, versions, the command."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping

from tasks.outputs.result import Lineage, Result, Stage
from tasks.page.blocks import Block, Code, Command, Heading, Paragraph, Strong, TableBlock, Text
from tasks.page.text import counted, plain, shortened

MOST_FILES = 6  # files listed for a stage; large data has one per part
LONGEST_REASON = 300  # characters
LONGEST_VALUE = 60  # characters
MOST_CHANGES = 6  # listed in a stage's reason
DIGITS = 12  # shown of a SHA-256; `result.json` has all 64

# The default of `predict --artifacts`.
ARTIFACTS = "artifacts"

# A stage's reason, as `tasks.runtime.caching` writes it.
_COUNT = re.compile(r"\d+ of \d+: ")
_CHANGE = re.compile(r"`(?P<name>[^`]+)`: (?P<old>.*?) → (?P<new>.*)", re.DOTALL)
ABSENT = "absent"
_DIGEST = re.compile(rf"[0-9a-f]{{8}}|{ABSENT}")


def stage_table(stages: Mapping[str, Stage]) -> TableBlock:
    """Tabulate what each stage did, why, and how long it took."""
    rows: list[list[Text]] = [
        [name, stage.state, f"{stage.seconds:.2f}", reason_in_words(stage.reason)]
        for name, stage in stages.items()
    ]
    return TableBlock(f"{stages_in_words(stages)}.", ["stage", "state", "seconds", "why"], rows, "llrl")


def reason_in_words(reason: str) -> Text:
    """Rewrite a stage's reason for readers: no digests, no backticks, no escapes.

    >>> reason_in_words("`epochs`: 100 → 200; `contents of 9.parquet`: absent → 0a1b2c3d")
    [Code(text='epochs'), ': 100 → 200', '; ', Code(text='contents of 9.parquet'), ': new']
    """
    count, changes = _COUNT.match(reason), _COUNT.sub("", reason)
    matches = [_CHANGE.fullmatch(change) for change in re.split(r"; (?=`)", changes)]
    if not all(matches):
        return shortened(plain(reason), LONGEST_REASON)

    text: list[str | Code | Strong] = [count[0]] if count else []
    for place, change in enumerate(each for each in matches[:MOST_CHANGES] if each):
        text += [*(["; "] if place else []), Code(change["name"]), _change(**change.groupdict())]
    if (rest := len(matches) - MOST_CHANGES) > 0:
        text.append(f"; and {counted(rest, 'more change')}")
    return text


def _change(name: str, old: str, new: str) -> str:
    """Write how one input changed; files and code, whose names have a dot, are known by their digests."""
    if "." in name and all(_DIGEST.fullmatch(value) for value in (old, new)):
        return ": new" if old == ABSENT else ": removed" if new == ABSENT else " changed"
    return f": {_value(old)} → {_value(new)}"


def _value(text: str) -> str:
    """Write a value that is recorded as JSON, or cut short."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    return "–" if value is None else shortened(value if isinstance(value, str) else text, LONGEST_VALUE)


def stages_in_words(stages: Mapping[str, Stage]) -> str:
    """Count the stages by state, and add up their seconds."""
    cached = sum(stage.state == "cached" for stage in stages.values())
    seconds = sum(stage.seconds for stage in stages.values())
    return f"{cached} cached, {len(stages) - cached} ran, in {seconds:.1f} s"


def lineage(result: Result) -> Iterator[Block]:
    """Write the section: run, code, libraries, files, and the commands to predict and to reproduce the result."""
    yield Heading(2, "Lineage")
    if result.lineage is not None:
        yield _origin(result, result.lineage)
    yield _files(result.stages)
    yield Paragraph(
        [
            "To predict other rows (the run's folder also has the model as ",
            Code("model.json"),
            " and ",
            Code("model.sql"),
            "):",
        ]
    )
    yield Command(_prediction_command(result))
    if result.lineage is not None:
        yield Paragraph("To reproduce the result, from the cache where nothing has changed:")
        yield Command(result.lineage.command)


def _prediction_command(result: Result) -> str:
    artifacts = str(result.settings.get("artifacts", ARTIFACTS))
    store = [f"--artifacts={artifacts}"] if artifacts != ARTIFACTS else []
    options = [f"--model={result.run}", "--data=rows.csv", "--output=predicted.csv"]
    return shlex.join(["linear-neuron", "predict", *store, *options])


def _origin(result: Result, origin: Lineage) -> TableBlock:
    rows: list[list[Text]] = [
        ["run", result.run],
        ["started", origin.started],
        ["Prefect flow run", f"{origin.flow_run_name} ({origin.flow_run})"],
        ["stages' code, SHA-256", Code(origin.code)],
        ["libraries", ", ".join(f"{name} {version}" for name, version in origin.libraries.items())],
    ]
    if origin.source:
        rows.append(["input files, SHA-256", Code(origin.source)])
    return TableBlock("Where the result comes from.", ["", "value"], rows, "ll")


def _files(stages: Mapping[str, Stage]) -> TableBlock:
    from humanize import naturalsize  # with the first page that is written, as Jinja

    rows: list[list[Text]] = []
    for name, stage in stages.items():
        listed, rest = stage.files[:MOST_FILES], stage.files[MOST_FILES:]
        rows += [[name, file.path, naturalsize(file.bytes), Code(file.sha256[:DIGITS])] for file in listed]
        if rest:
            size = naturalsize(sum(file.bytes for file in rest))
            rows.append([name, f"… and {counted(len(rest), 'more file')}", size, "–"])
    return TableBlock(
        "The stages' files, relative to the artifacts folder, with the first digits of their SHA-256.",
        ["stage", "file", "size", "digest"],
        rows,
        "llrl",
    )
