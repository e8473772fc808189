"""The remote's housekeeping: what is there, what is damaged, and what no kept run needs any more.

Other machines may be at work: what was written within a day stays. Whoever needs what has gone computes it again.
"""

import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from tasks.config import Cleaning
from tasks.outputs import runs
from tasks.outputs.result import Result
from tasks.runtime.cleaning import Verified, chosen
from tasks.store.artifact import MOST_BYTES
from tasks.store.folders import KEYS, KNOWN, RECORDS, RUNS, STAGES
from tasks.store.objects import Item, Objects
from tasks.store.remote import AT_ONCE, CONTENTS, shared_record
from tasks.store.remote_leases import LEASES

# What the objects of each folder are called. Nothing else below the address is looked at or removed.
_KEY = "[0-9a-f]{64}"
NAMES = {
    CONTENTS: re.compile(rf"{CONTENTS}/{_KEY}"),
    RECORDS: re.compile(rf"{RECORDS}/{_KEY}"),
    KNOWN: re.compile(rf"{KNOWN}/{_KEY}\.json"),
    KEYS: re.compile(rf"{KEYS}/(?:{'|'.join(STAGES)})/{_KEY}\.json"),
    RUNS: re.compile(rf"{RUNS}/{runs.RUN_NAME.pattern}\.json"),
    LEASES: re.compile(rf"{LEASES}/{_KEY}"),
}

# Seconds within which what was written may belong to a run that has not ended.
RECENT = 86_400

# DigestSet of contents.
DigestSet = frozenset[str]


@dataclass(frozen=True, slots=True)
class ListedContents:
    """A record or a result: its object, the contents that it lists, and of a promoted run the model's name."""

    item: Item
    digests: DigestSet
    promoted: str | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a remote has: every object by its folder, and what each record and each result lists, the oldest first.

    `unreadable` are the records and results that list nothing, since they are not what was written.
    """

    items: dict[str, list[Item]]
    records: list[ListedContents] = field(default_factory=list)
    results: list[ListedContents] = field(default_factory=list)
    unreadable: list[Item] = field(default_factory=list)


def listed(objects: Objects) -> dict[str, list[Item]]:
    """List the remote's objects by folder, the oldest first.

    Raises:
        RemoteError: the remote cannot be read.
    """
    return {
        folder: sorted(
            (item for item in objects.list(folder) if name.fullmatch(item.path)),
            key=lambda item: (item.changed, item.path),
        )
        for folder, name in NAMES.items()
    }


def inventory(objects: Objects) -> Inventory:
    """List the remote's objects, and read its records and results.

    Raises:
        RemoteError: the remote cannot be read.
    """
    found = Inventory(listed(objects))
    for folder, into in ((RECORDS, found.records), (KNOWN, found.records), (RUNS, found.results)):
        for item, listing in zip(found.items[folder], _read(objects, found.items[folder]), strict=True):
            if listing is None:
                found.unreadable.append(item)
            else:
                into.append(listing)
    return found


def verify(objects: Objects) -> Verified:
    """Read all contents, records and results of the remote.

    Raises:
        RemoteError: the remote cannot be read.
    """
    found = inventory(objects)
    contents = found.items[CONTENTS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        altered = [harm for harm in pool.map(partial(_altered, objects), contents) if harm]
    harm = [f"{item.path} is not what was written" for item in found.unreadable] + altered
    there = {_digest(item) for item in contents}
    for listing in (*found.records, *found.results):
        harm += [
            f"{CONTENTS}/{digest}, which {listing.item.path} lists, is missing"
            for digest in sorted(listing.digests - there)
        ]
    return Verified(len(found.records) + len(found.results), len(contents), harm)


def disposable(found: Inventory, rules: Cleaning) -> list[Item]:
    """List what no kept run needs and nobody has written of late: first results, then records, then contents."""
    sizes = {_digest(item): item.bytes for item in found.items[CONTENTS]}
    keep = _kept(found.results, rules, sizes)
    needed = DigestSet().union(*(listing.digests for listing in keep))
    recent = time.time() - RECENT

    stays = {listing.item.path for listing in keep}
    records = [
        listing
        for listing in found.records
        if (listing.digests and listing.digests <= needed) or listing.item.changed >= recent
    ]
    stays |= {listing.item.path for listing in records}
    keys = {_key(listing.item) for listing in records}
    stays |= {item.path for item in found.items[KEYS] if _key(item) in keys}
    used = needed.union(*(listing.digests for listing in records))
    stays |= {item.path for item in found.items[CONTENTS] if _digest(item) in used}

    dropped = {listing.item.path for listing in found.results} - stays
    return [
        item
        for folder in (RUNS, RECORDS, KNOWN, KEYS, LEASES, CONTENTS)
        for item in found.items[folder]
        if item.path in dropped or not (item.path in stays or item.changed >= recent)
    ]


def remove(objects: Objects, items: Sequence[Item]) -> None:
    """Remove objects in their order, so that what is listed is there as long as what lists it.

    Raises:
        RemoteError: the remote cannot be written.
    """
    for item in items:
        objects.remove(item.path)


def _kept(results: Sequence[ListedContents], rules: Cleaning, sizes: dict[str, int]) -> list[ListedContents]:
    """Choose the results to keep; those of each name's last champions stay whatever the other rules say."""
    promoted: dict[str, list[ListedContents]] = {}
    for listing in results:
        if listing.promoted is not None:
            promoted.setdefault(listing.promoted, []).append(listing)
    safe = [
        listing for each in promoted.values() for listing in each[max(0, len(each) - rules.keep_promotions) :]
    ]

    others = [listing for listing in results if listing not in safe]
    return [*safe, *chosen(others, rules, lambda each: each.item.changed, lambda some: _size(some, sizes))]


def _size(listings: Sequence[ListedContents], sizes: dict[str, int]) -> int:
    used = DigestSet().union(*(listing.digests for listing in listings))
    return sum(listing.item.bytes for listing in listings) + sum(sizes.get(digest, 0) for digest in used)


def _read(objects: Objects, items: Sequence[Item]) -> Iterator[ListedContents | None]:
    """Yield what each record or result lists; None where it is not what was written."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(partial(_listing, objects), items)


def _listing(objects: Objects, item: Item) -> ListedContents | None:
    try:
        content = objects.read(item.path, MOST_BYTES)
        if content is None:  # removed a moment ago
            return ListedContents(item, DigestSet())
        if item.path.startswith(f"{RUNS}/"):
            return _of_result(item, runs.parsed(content))
        return ListedContents(item, DigestSet(file.sha256 for file in shared_record(content).files.values()))
    except ValueError:
        return None


def _of_result(item: Item, result: Result) -> ListedContents:
    stages = (file.sha256 for stage in result.stages.values() for file in stage.files)
    digests = DigestSet((*stages, *(file.sha256 for file in result.files)))
    promoted = result.decision is not None and result.decision.outcome == "promoted"
    return ListedContents(item, digests, (result.name or "") if promoted else None)


def _altered(objects: Objects, item: Item) -> str | None:
    """Say of contents that they are not what they were, or return None."""
    found = hashlib.sha256()
    try:
        for piece in objects.pieces(item.path, item.bytes) or ():
            found.update(piece)
    except ValueError:  # it has grown since it was listed
        return f"{item.path} is being written"
    return None if found.hexdigest() == _digest(item) else f"{item.path} is not what was written"


def _digest(item: Item) -> str:
    return item.path.rpartition("/")[2]


def _key(item: Item) -> str:
    return item.path.rpartition("/")[2].removesuffix(".json")
