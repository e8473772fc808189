"""When a training that lasts is saved, and what the next process takes up: effects around `tasks.neuron.state`."""

import time
from pathlib import Path

from prefect.logging import get_run_logger
from prefect.transactions import get_transaction

from tasks.neuron.state import Checkpoint, restored
from tasks.store.checkpoints import load, save
from tasks.store.pieces import progress

# Seconds between two checkpoints: what a kill costs, beside the epoch that it falls into.
EVERY = 30.0


def stage_key() -> str | None:
    """Return the key of the stage that runs now; None of what is not run as a stage."""
    transaction = get_transaction()
    return transaction.key if transaction else None


def begun(root: Path, key: str) -> str | None:
    """Say how far the stage of a key has come before it was stopped; None where none was."""
    if pieces := progress(root, key):
        done, count = pieces
        return f"{max(count - done, 0):,} of {count:,} parts to do"
    try:
        arrays = load(root, key)
    except (OSError, ValueError) as error:
        return f"begins anew: {error}"
    if arrays is None:
        return None
    checkpoint = restored(arrays)
    return f"goes on after {_reached(checkpoint)}"


def _reached(checkpoint: Checkpoint) -> str:
    epoch = f"epoch {len(checkpoint.loss)}"
    streams = len(checkpoint.ends)
    return f"{epoch} and {streams} of the next one's streams" if streams else epoch


class Checkpoints:
    """Saves a stage's training under the stage's key, so that exactly the same training, and no other, goes on from it.

    What belongs to no key, as it is not run as a stage, is not saved.
    """

    def __init__(self, root: Path) -> None:
        """Prepare to save in the store at `root`; the first time only when some seconds have passed."""
        self.root = root
        self.key = stage_key()
        self.logger = get_run_logger()
        self.saved = time.monotonic()

    def last(self) -> Checkpoint | None:
        """Return where an earlier process has left off; None, with a warning, where this cannot be used."""
        try:
            arrays = load(self.root, self.key) if self.key else None
        except (OSError, ValueError) as error:
            self.logger.warning("the training begins anew: %s", error)
            return None
        if arrays is None:
            return None
        checkpoint = restored(arrays)
        self.logger.info("the training goes on after %s", _reached(checkpoint))
        return checkpoint

    def keep(self, checkpoint: Checkpoint) -> None:
        """Save a checkpoint if the last one is old enough; where it cannot be saved, the training goes on without."""
        if self.key is None or time.monotonic() - self.saved < EVERY:
            return
        try:
            save(self.root, self.key, checkpoint.arrays())
        except OSError as error:
            self.logger.warning("no checkpoint after %s: %s", _reached(checkpoint), error)
        self.saved = time.monotonic()
