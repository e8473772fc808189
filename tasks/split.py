"""Stage `split`: deal the rows to training and test, and encode both by what the training rows hold."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.config import NOTHING, Beside, Split
from tasks.neuron import workers
from tasks.neuron.parts import likely_slices, precise_moments
from tasks.neuron.profile import Profiler, TableProfile, joined
from tasks.outputs import parts
from tasks.outputs.data import Rows, read_facts, read_rows
from tasks.outputs.dealing import (
    Dealing,
    Dealt,
    Gathering,
    Shard,
    Source,
    SplitPlan,
    deal,
    gather,
    write_beside,
)
from tasks.outputs.distributions import Sampler, write_sample
from tasks.outputs.parts import TEST, TRAIN, PartsFacts
from tasks.runtime.checkpoints import stage_key
from tasks.runtime.spreading import spread
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.parts import part_count
from tasks.store.pieces import Pieces, drop, pieces_of
from tasks.store.writing import draft, publish, share
from tasks.table.encoding import (
    ColumnRoles,
    Encoding,
    Tally,
    counted_columns,
    encoding_notes,
    tally,
    width,
)
from tasks.table.errors import BadTable, quoted
from tasks.table.partition import partition, share_of, test_size
from tasks.table.row_weights import RowWeights, by_age, by_column
from tasks.table.split_rules import SplitRule, by_hash, by_time, check_columns, split_note

SAMPLE_ROWS = (
    5000  # of the training rows, kept for the diagnostic plots and, before encoding, to tell drift by,
)
SAMPLE_VALUES = 2**21  # but of wide tables no more values than this: 16 MiB


# The encoding, and the sums over the training and the test rows.
FittedSplit = tuple[Encoding, Tally, Tally]


@stage
def split(
    data: Artifact,
    options: Split,
    seed: int,
    root: Path,
    beside: Beside = NOTHING,
    min_frequency: int = 1,
    log_target: bool = False,
) -> Artifact:
    """Assign the rows to training and test, and encode all columns as numbers; see `tasks.outputs.parts`.

    What text columns and missing values are encoded by is fitted to the training rows. Small data (up to 5 million
    rows) keeps the order of its rows. Large data is written in parts, in random order and in constant memory. Runs
    again when the data, a setting of the split, the seed or this code changes.

    Raises:
        BadTable: a part would be too small, or a column cannot be split by or encoded.
    """
    facts = read_facts(data)
    rows, plan = planned(data, options, seed, root, beside, min_frequency, log_target)
    plan = replace(plan, weights=row_weights(rows, options, beside))
    with ExitStack() as held:
        folder = held.enter_context(draft(root))
        if rows.in_parts(plan.columns):
            found, profile = _deal_in_parts(rows, plan, held.enter_context(_pieces(root)), folder)
        else:
            found, profile = _deal(rows, plan, folder)
        encoding, _, tests = found

        parts.write_encoding(folder, encoding)
        parts.write_profile(folder, profile)

        notes = [
            *([split_note(plan.rule, tests.rows, rows.count)] if plan.rule else []),
            *([_weight_note(plan.weights)] if plan.weights else []),
            *encoding_notes(*found),
        ]
        left = PartsFacts(
            features=encoding.features,
            target=facts.target,
            truth=facts.truth,
            weights=plan.weights.said if plan.weights else None,
            by_age=plan.weights is not None and plan.weights.relative,
        )
        return publish(folder, root, "split", left.as_json(), notes)


def _weight_note(weights: RowWeights) -> str:
    if weights.relative:
        return f"rows count {weights.said}, in the fit, in all errors and in conformal intervals"
    return (
        f"rows count {weights.said}, in the fit and in all errors; in conformal intervals each test row counts once, "
        "as new rows have no weight"
    )


def planned(
    data: Artifact,
    options: Split,
    seed: int,
    root: Path,
    beside: Beside = NOTHING,
    min_frequency: int = 1,
    log_target: bool = False,
) -> tuple[Rows, SplitPlan]:
    """Open the rows, and say how they are dealt and encoded.

    Raises:
        BadTable: a column cannot be split by or encoded.
    """
    facts, rows = read_facts(data), read_rows(data, root)
    fill = facts.missing == "mean"
    if parts.WEIGHTS in (facts.target, *facts.features):
        raise BadTable(f"a column is named {quoted(parts.WEIGHTS)}, as the rows' weights are; rename it")
    plain, categorical = (
        tuple(name for name in names if name not in facts.within)
        for names in (facts.features, facts.categorical)
    )
    roles = ColumnRoles(plain, facts.target, categorical, fill, min_frequency, log_target, facts.terms)
    columns = width(rows.tables(counted_columns(roles)), roles)
    check_columns([beside.cluster] if beside.cluster else [], rows.schema.names, "cluster")
    return rows, SplitPlan(roles, columns, options, _rule(rows, roles, columns, options, seed), seed, beside)


def row_weights(rows: Rows, options: Split, beside: Beside) -> RowWeights | None:
    """Say by what the rows count, if they do not all count as one.

    Raises:
        BadTable: the column cannot be counted by.
    """
    if beside.weights is not None:
        return by_column(beside.weights)
    if options.half_life is None:
        return None
    name = options.by[0]
    return by_age(
        lambda: (table[name] for table in rows.tables([name])), name, options.half_life, options.date_format
    )


def _rule(rows: Rows, roles: ColumnRoles, columns: int, options: Split, seed: int) -> SplitRule | None:
    check_columns(options.by, rows.schema.names)
    if options.method == "random":
        return None
    if options.method == "time":
        tests = test_size(rows.count, options.test_fraction, columns)
        name = options.by[0]
        return by_time(
            lambda: (table[name] for table in rows.tables([name])),
            name,
            rows.count,
            tests,
            options.date_format,
        )
    return by_hash(options.by or roles.used, options.test_fraction, seed)


def _deal(rows: Rows, plan: SplitPlan, folder: Path) -> tuple[FittedSplit, TableProfile]:
    """Write training and test rows in their order, and look at the former meanwhile."""
    is_test = _is_test(rows, plan)
    masks = pa.array(~is_test), pa.array(is_test)

    def deal(name: str) -> tuple[pa.Array | pa.ChunkedArray, ...]:
        column = rows.whole([name])[name]
        return tuple(column.filter(mask).combine_chunks() for mask in masks)

    # By column, so that no more of them are in memory twice than there are threads.
    dealt = zip(*workers.spread(deal, plan.read), strict=True)
    train, test = (pa.table(list(columns), names=plan.read) for columns in dealt)
    training, testing = tally(train, plan.roles), tally(test, plan.roles)
    encoding = plan.fit(training, testing)

    scale = plan.scale(training.rows, plan.total(train))
    encoded = plan.encoded(encoding, train, scale)
    profiler = _profiler(plan, training.rows)
    held = parts.held(encoded)
    with ThreadPoolExecutor(1) as aside:
        writing = [aside.submit(parts.write_rows, folder, TRAIN, encoded)]
        if test.num_rows:
            writing.append(aside.submit(parts.write_rows, folder, TEST, plan.encoded(encoding, test, scale)))
        profiler.add(held)
        for each in writing:
            each.result()
    write_beside(folder, TRAIN, plan, train)
    write_beside(folder, TEST, plan, test)
    if not plan.beside.key:
        parts.write_order(folder, is_test)
    sampler = Sampler(profiler.chosen)
    sampler.add(train.select(plan.roles.features))
    sampler.write(folder)
    return (encoding, training, testing), profiler.finish([held])


def _profiler(plan: SplitPlan, rows: int) -> Profiler:
    """Begin to look at so many training rows."""
    return Profiler(rows, min(SAMPLE_ROWS, max(1, SAMPLE_VALUES // plan.columns)))


def _is_test(rows: Rows, plan: SplitPlan) -> NDArray[np.bool_]:
    """Say of each row (n,) whether it is for the test."""
    if plan.rule is not None:
        return plan.rule.is_test(rows.whole(plan.rule.columns))
    chosen = np.zeros(rows.count, np.bool_)
    chosen[partition(rows.count, plan.options.test_fraction, plan.seed, parameters=plan.columns)[1]] = True
    return chosen


def _deal_in_parts(
    rows: Rows, plan: SplitPlan, pieces: Pieces, folder: Path
) -> tuple[FittedSplit, TableProfile]:
    """Write training and test rows in random order, every order equally likely, part by part wherever work is done.

    Each row goes to a shard that is drawn for it, and each shard is shuffled when it has all of its rows: C. R. Rao,
    "Generation of random permutations of given number of elements using random sampling numbers", 1961.
    """
    sources, dealing = _prepared(rows, plan, pieces)
    dealt = list(spread(partial(deal, dealing), sources))
    sums = reduce(Dealt.__add__, dealt)
    training, testing = sums.tallies[TRAIN], sums.tallies[TEST]
    encoding, scale = plan.fit(training, testing), plan.scale(training.rows, sums.weight)

    chosen = _profiler(plan, training.rows).chosen
    spills = [each.path for each in dealt]
    gathering = Gathering(plan, pieces, spills, encoding, scale, training.rows, chosen)
    first, *others = _shards(dealing, sums.counts)
    found = list(spread(partial(gather, gathering, 0), [first]))
    slices = likely_slices(parts.in_file(found[0].files), training.rows)
    found += spread(partial(gather, gathering, slices), others)

    for each in found:
        for path in each.files:
            share(path, folder / path.name)
    write_sample(folder, [each.sample for each in found if each.sample is not None])
    profile = reduce(joined, (each.profile for each in found if each.profile is not None))
    moments = precise_moments(parts.written(folder, TRAIN), profile.moments, slices)
    return (encoding, training, testing), replace(profile, moments=moments)


def _prepared(rows: Rows, plan: SplitPlan, pieces: Pieces) -> tuple[list[Source], Dealing]:
    """Draw how many test rows each part of the rows has, and decide on the number of shards."""
    tests = left = test_size(rows.count, plan.options.test_fraction, plan.columns)
    rng = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(0,)))
    sources: list[Source] = []
    begin = 0
    for number, part in enumerate(rows.parts):
        own = share_of(part.rows, rows.count - begin, left, rng) if plan.rule is None else 0
        sources.append(Source(number, part, own))
        begin, left = begin + part.rows, left - own
    shards = {
        name: part_count(count, plan.columns) if count else 0
        for name, count in ((TRAIN, rows.count - tests), (TEST, tests))
    }
    dealing = Dealing(plan, pieces, shards)
    pieces.expect(len(sources) + dealing.count)
    return sources, dealing


def _shards(dealing: Dealing, counts: NDArray[np.int64]) -> Iterator[Shard]:
    """Yield the shards that have rows, of `counts` (s,) rows, those for training first."""
    start = 0
    for place, count in enumerate(counts.tolist()):
        is_training = place < dealing.shards[TRAIN]
        number = place if is_training else place - dealing.shards[TRAIN]
        if count:
            yield Shard(TRAIN if is_training else TEST, number, place, start)
        start += count


@contextmanager
def _pieces(root: Path) -> Iterator[Pieces]:
    """Lend a place for pieces, which outlives a kill; a passing one where no stage is run."""
    key = stage_key()
    if key is None:
        with draft(root) as folder:
            yield Pieces(folder)
        return
    try:
        yield pieces_of(root, key)
    except BadTable:
        drop(root, key)
        raise
    drop(root, key)
