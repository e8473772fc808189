"""A failed run says where, why and how to resume, and no text in it becomes markup."""

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tasks.page.failure import Failure, failure_page, in_words
from tasks.page.markdown import markdown
from tasks.table.errors import Violation
from tests.page.examples import HOSTILE

MISSING = Violation("missing-values", "column 'x' has 3 missing values", "fill them in", column="x", count=3)


def in_markdown(failure: Failure) -> str:
    return markdown(failure_page(failure), lambda _: None)


def parsed(failure: Failure) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(in_markdown(failure))


def test_a_failure_outside_the_stages_names_the_run() -> None:
    failure = Failure(None, "OSError: disk full", [], "linear-neuron run")
    assert in_words(failure).splitlines() == [
        "the run failed: OSError: disk full",
        "cached: nothing",
        "to resume: linear-neuron run",
    ]
    assert in_markdown(failure).startswith(
        "# The run failed\n\n**Can I use it?** No, there is no model: OSError: disk full\n"
    )


def test_the_page_has_the_reason_the_cached_stages_and_the_command() -> None:
    page = in_markdown(Failure("train", "OSError: disk full", ["generate", "split"], "linear-neuron run"))
    assert page.splitlines()[0] == "# Stage train failed"
    assert "OSError: disk full" in page
    assert "From the cache it takes: generate, split." in page
    assert page.endswith("\n    linear-neuron run\n")


def test_one_violation_is_the_reason_and_several_are_a_table() -> None:
    one, two = (Failure("ingest", "2 findings", [], "linear-neuron run", [MISSING] * n) for n in (1, 2))
    assert "table_open" not in {token.type for token in parsed(one)}
    assert "table_open" in {token.type for token in parsed(two)}


def test_nothing_reaches_the_page_or_the_terminal_raw() -> None:
    """Neither from the reason nor from the violations nor from the command."""
    hostile = Violation("unreadable-files", HOSTILE, HOSTILE, column=HOSTILE, file=HOSTILE, value=HOSTILE)
    for violations in ([hostile, MISSING], []):
        failure = Failure("ingest", HOSTILE, [], HOSTILE, violations)
        inline = {child.type for token in parsed(failure) for child in token.children or []}
        assert not inline & {"html_inline", "link_open", "image"}
        assert all(line.isprintable() for line in in_words(failure).splitlines())


def test_where_no_command_can_work_none_is_offered() -> None:
    failure = Failure("ingest", "BadTable: it is empty", [], None)
    assert in_words(failure).splitlines()[-1] == "mend that, and run it again"
    assert "linear-neuron" not in in_markdown(failure)
