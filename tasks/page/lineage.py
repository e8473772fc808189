"""What a run did and where its result comes from: stages, files with their digests, versions, the command."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping

from tasks.outputs.result import Change, Lineage, Result, Stage
from tasks.page.blocks import Block, Code, Command, Heading, Paragraph, Strong, TableBlock, Text
from tasks.page.text import counted, plain, shortened

MOST_FILES = 6  # files listed for a stage; large data has one per part
LONGEST_REASON = 300  # characters
LONGEST_VALUE = 60  # characters
MOST_CHANGES = 6  # listed in a stage's reason
DIGITS = 12  # shown of a SHA-256; `result.json` has all 64

# The default of `predict --artifacts`.
ARTIFACTS = "artifacts"

# Of a file or of code; a setting's value is written as JSON.
_DIGEST = re.compile(r"[0-9a-f]{64}")


def stage_table(stages: Mapping[str, Stage]) -> TableBlock:
    """Tabulate what each stage did, why, and how long it took."""
    rows: list[list[Text]] = [
        [name, stage.state, f"{stage.seconds:.2f}", reason_in_words(stage)] for name, stage in stages.items()
    ]
    return TableBlock(f"{stages_in_words(stages)}.", ["stage", "state", "seconds", "why"], rows, "llrl")


def reason_in_words(stage: Stage) -> Text:
    """Write a stage's reason for readers: no digests, no backticks, no escapes."""
    if not stage.changes:
        return shortened(plain(stage.reason), LONGEST_REASON)

    count, _, _ = stage.reason.partition("`")  # such as "2 of 5: ", or nothing
    text: list[str | Code | Strong] = [count] if count else []
    for place, change in enumerate(stage.changes[:MOST_CHANGES]):
        text += [*(["; "] if place else []), Code(change.name), _difference(change)]
    if (rest := len(stage.changes) - MOST_CHANGES) > 0:
        text.append(f"; and {counted(rest, 'more change')}")
    return text


def _difference(change: Change) -> str:
    """Write how one input changed; of files and code, whose digests say nothing to readers, only that they did."""
    present = [value for value in (change.before, change.after) if value is not None]
    if all(_DIGEST.fullmatch(value) for value in present):
        return ": new" if change.before is None else ": removed" if change.after is None else " changed"
    return f": {_value(change.before)} → {_value(change.after)}"


def _value(text: str | None) -> str:
    """Write a value that is recorded as JSON, or a version of a library as it is."""
    if text is None:
        return "absent"
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
    if origin.table:
        rows.append(["table", origin.table])
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
