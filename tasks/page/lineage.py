"""What a run did and where its result comes from: stages, files with their digests, versions, the command."""

import shlex
from collections.abc import Iterator, Mapping

from tasks.outputs.result import Lineage, Result, Stage
from tasks.page.blocks import Block, Code, Command, Heading, Paragraph, TableBlock, Text
from tasks.page.text import counted, plain, shortened

MOST_FILES = 6
"""Files of a stage that are listed; large data has one per shard."""

ARTIFACTS = "artifacts"
"""The folder that `predict` looks for runs in, if not told otherwise."""

LONGEST_REASON = 300
DIGITS = 12
"""Of a SHA-256 that are shown; `result.json` has all 64."""


def stage_table(stages: Mapping[str, Stage]) -> TableBlock:
    """Tabulate what each stage did, why, and how long it took."""
    rows: list[list[Text]] = [
        [name, stage.state, f"{stage.seconds:.2f}", shortened(plain(stage.reason), LONGEST_REASON)]
        for name, stage in stages.items()
    ]
    return TableBlock(f"{stages_in_words(stages)}.", ["stage", "state", "seconds", "why"], rows, "llrl")


def stages_in_words(stages: Mapping[str, Stage]) -> str:
    """Count the stages by state, with the seconds of them all."""
    cached = sum(stage.state == "cached" for stage in stages.values())
    seconds = sum(stage.seconds for stage in stages.values())
    return f"{cached} cached, {len(stages) - cached} ran, in {seconds:.1f} s"


def lineage(result: Result) -> Iterator[Block]:
    """Write the section: run and code, libraries, files, and how to get the same again."""
    yield Heading(2, "Lineage")
    if result.lineage is not None:
        yield _origin(result, result.lineage)
    yield _files(result.stages)
    yield Paragraph(
        [
            "Predictions for other rows (the run's folder also has the model as ",
            Code("model.json"),
            " and ",
            Code("model.sql"),
            "):",
        ]
    )
    yield Command(_predicting(result))
    if result.lineage is not None:
        yield Paragraph("The same again, or, where nothing has changed, from the cache:")
        yield Command(result.lineage.command)


def _predicting(result: Result) -> str:
    artifacts = str(result.settings.get("artifacts", ARTIFACTS))
    elsewhere = [f"--artifacts={artifacts}"] if artifacts != ARTIFACTS else []
    given = [f"--model={result.run}", "--data=rows.csv", "--output=predicted.csv"]
    return shlex.join(["linear-neuron", "predict", *elsewhere, *given])


def _origin(result: Result, origin: Lineage) -> TableBlock:
    rows: list[list[Text]] = [
        ["run", result.run],
        ["started", origin.started],
        ["Prefect flow run", f"{origin.flow_run_name} ({origin.flow_run})"],
        ["code of the stages, SHA-256", Code(origin.code)],
        ["libraries", ", ".join(f"{name} {version}" for name, version in origin.libraries.items())],
    ]
    if origin.source:
        rows.append(["the user's files, SHA-256", Code(origin.source)])
    return TableBlock("What the result was made by.", ["", "value"], rows, "ll")


def _files(stages: Mapping[str, Stage]) -> TableBlock:
    rows: list[list[Text]] = []
    for name, stage in stages.items():
        listed, rest = stage.files[:MOST_FILES], stage.files[MOST_FILES:]
        rows += [[name, file.path, f"{file.bytes:,}", Code(file.sha256[:DIGITS])] for file in listed]
        if rest:
            size = sum(file.bytes for file in rest)
            rows.append([name, f"… and {counted(len(rest), 'more file')}", f"{size:,}", "–"])
    return TableBlock(
        "The stages' files, relative to the artifacts folder, with the start of their SHA-256.",
        ["stage", "file", "bytes", "digest"],
        rows,
        "llrl",
    )
