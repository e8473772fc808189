"""A table that was found: looked at once, and held to what it was when its digests were taken."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import time_ns

from tasks.table.errors import BadTable, located, quoted
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.discovery import refuse_sheet, source
from tasks.table.sources.excel import SheetTable
from tasks.table.sources.reader import Preview, explained, preview
from tasks.table.sources.source import Member, Origin, SourceTable, Version

# Returns the digest of what lies in a place and looks so; computes it only if it is not known.
Remember = Callable[[str, Sequence[int], Callable[[], str]], str]

# Nanoseconds within which a write may leave the times of a file as they are: the coarsest file systems count in two
# seconds.
_RECENT = 2 * 10**9


@dataclass(slots=True)
class FoundTable:
    """A table and what is known of it; its members are listed, opened and digested once, when first asked for."""

    origin: Origin
    table: SourceTable
    dialect: Dialect
    _previews: dict[str, Preview] = field(default_factory=dict)
    _digests: dict[str, "_Digest"] = field(default_factory=dict)

    @classmethod
    def at(cls, origin: Origin, dialect: Dialect) -> "FoundTable":
        """Find a table.

        Raises:
            BadTable: there is none.
        """
        table = source(origin)
        refuse_sheet(table, dialect.sheet)
        return cls(origin, table, dialect)

    @property
    def described(self) -> str | None:
        """What the table is, in words, where there is more to say than its path: its version, or its sheet."""
        sheets = {
            look.contents.sheet: None
            for look in self._previews.values()
            if isinstance(look.contents, SheetTable)
        }
        return f"sheet {', '.join(map(quoted, sheets))}" if sheets else self.table.described

    def preview(self, member: Member) -> Preview:
        """Return the first look at a member."""
        if member.name not in self._previews:
            self._previews[member.name] = preview(member, self.dialect)
        return self._previews[member.name]

    def previews(self) -> list[Preview]:
        """Return the first look at every member, in order."""
        return [self.preview(member) for member in self.table.members]

    def digests(self, remember: Remember) -> dict[str, str]:
        """Return each member's digest by its name.

        Raises:
            BadTable: a member cannot be read, or is being written.
        """
        for member in self.table.members:
            if member.name not in self._digests:
                self._digests[member.name] = _digest(member, remember)
        return {name: known.digest for name, known in self._digests.items()}

    def check_unchanged(self, member: Member) -> None:
        """Refuse a member that is no longer what its digest was taken of: what was read of it may be anything.

        One that was written shortly before its digest was taken is read once more, since a second write may have left
        its size and times as they were.

        Raises:
            BadTable: it has changed.
        """
        known = self._digests.get(member.name)
        if known is None or known.version is None:
            return
        with explained(member):
            is_same = member.version() == known.version and not (
                known.is_recent and member.digest() != known.digest
            )
        if not is_same:
            raise BadTable(_changed(member))


@dataclass(frozen=True, slots=True)
class _Digest:
    # None: it may be another one each time.
    version: Version | None
    digest: str
    # Whether the member was written just before.
    is_recent: bool


def _digest(member: Member, remember: Remember) -> _Digest:
    with explained(member):
        version = member.version()
        if version is None:
            return _Digest(None, member.digest(), is_recent=False)
        digest = remember(member.place, version, member.digest)
        is_same = member.version() == version
    if not is_same:
        raise BadTable(_changed(member))
    return _Digest(version, digest, _is_recent(version))


def _is_recent(version: Version) -> bool:
    return time_ns() - version[1] < _RECENT


def _changed(member: Member) -> str:
    return f"{located(member.name)} changed while it was read; run again when it is written to the end"
