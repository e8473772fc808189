"""The command `linear-neuron run`: the flow, and on the terminal its summary or its result as JSON."""

import threading
import time
from collections.abc import Collection
from pathlib import Path

from flows.command.connection import Connection
from flows.command.exits import Exit
from flows.command.folders import require_writable
from flows.command.messages import explain, print_result
from flows.command.news import News
from flows.command.signals import Stops
from tasks.config import Settings
from tasks.outputs.runs import PAGE
from tasks.runtime.memory import check_memory, importing


def run(
    settings: Settings, as_json: bool, stops: Stops, news: News, fail_when_rejected: bool = False
) -> Exit:
    """Run the flow and print its summary, or its result as JSON; return the exit status."""
    root = Path(settings.artifacts).resolve()
    started = time.monotonic()
    news.tell(f"starting; files go to {str(root)!r}")
    try:
        require_writable("artifacts", Path(settings.artifacts))
        connection = Connection(stops)
        # The imports take as long as a temporary server takes to start, in a process of its own.
        with importing():
            from prefect import tags

            from flows.command.plan import dry_run
            from flows.command.recording import recorded
            from flows.regression import regression
            from tasks.outputs.registry import claimed_name
            from tasks.page.summary import summary
            from tasks.runtime.progress import Activity, end_display
            from tasks.runtime.user_table import looking_once
            from tasks.store.remote import using

        news.follow_stages()
        with looking_once(), using(settings.remote):
            # A password that Prefect keeps cannot be had before its server is there.
            if settings.input.password_block is None:
                _prepare(dry_run(settings).waiting)
            with Activity("waiting for Prefect's server"):
                connection.establish()
            stops.on_stop(end_display)
            with tags(claimed_name(root, settings.model_dump(mode="json"))):
                result = recorded(regression, stops)(settings)
    except Exception as error:  # noqa: BLE001 - the border: every failure becomes one line and a status
        return explain(error)

    text = result.model_dump_json(indent=1) if as_json else summary(result)
    page = (root / result.report).with_name(PAGE)
    status = print_result(text, f"; the run is finished and stored: {str(page)!r}")
    if result.answers is not None:
        news.tell(f"{result.answers.line}; {time.monotonic() - started:.1f} s; {page.as_uri()}")
    if fail_when_rejected and result.decision and result.decision.outcome == "rejected":
        return Exit.REJECTED
    return status


def _prepare(stages: Collection[str]) -> None:
    """Begin, in a thread, with what these stages will need.

    Raises:
        MemoryTooSmall: A limit of the memory is below what training needs.
    """
    if "train" in stages:
        check_memory()
    if stages:
        threading.Thread(target=_load, args=[stages]).start()


def _load(stages: Collection[str]) -> None:
    """Import what these stages import only where they run, and read their code, which is part of their keys."""
    from tasks.runtime.provenance import provenance
    from tasks.train import load

    if "train" in stages:
        load(alone=True)
    for stage in stages:
        provenance(f"tasks.{stage}", stage)
    if "report" in stages:
        with importing():
            import tasks.page.figures.catalogue  # noqa: F401
