"""SIGINT, SIGTERM and SIGHUP end a command within seconds, whatever it is doing.

Python runs a signal's handler between two instructions of the main thread, which may be minutes away: in TensorFlow,
in a lock, in a read. So the signals are blocked in all threads, and one thread waits for them. It closes what was
registered by `on_stop`, or else lets the main thread end by a `KeyboardInterrupt`; then the process exits, whatever
the others are doing. That is safe because the store survives a kill at any moment: the next run removes the litter.
"""

import _thread
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context

from flows.command.exits import Exit
from flows.command.messages import say

ENDING = {
    signal.SIGHUP: ("hung up", Exit.HUNG_UP),
    signal.SIGINT: ("interrupted", Exit.INTERRUPTED),
    signal.SIGTERM: ("terminated", Exit.TERMINATED),
}

# Seconds for the orderly end.
GRACE = 3.0


class Stops:
    """Waits for a signal that ends the command, in a thread of its own."""

    def __init__(self) -> None:
        """Prepare to wait; nothing is registered yet."""
        self.received: signal.Signals = signal.SIGINT
        self._closers: list[Callable[[], object]] = []
        self._finished = threading.Event()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch for signals inside; one that was ignored from the start, as under nohup, stays ignored."""
        wanted = [each for each in ENDING if signal.getsignal(each) is not signal.SIG_IGN]
        before = signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
        thread = threading.Thread(target=self._wait, args=(wanted,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._finished.set()
            if thread.ident is not None and wanted:
                signal.pthread_kill(thread.ident, wanted[0])  # wakes it; it does not end before
            thread.join()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def on_stop(self, close: Callable[[], object]) -> None:
        """Have this done before the process exits, the last registered first; it must not need the main thread."""
        context = copy_context()  # Prefect's settings are in there
        self._closers.append(lambda: context.run(close))

    def message(self) -> str:
        """Say how the command ended."""
        return f"{ENDING[self.received][0]}; what is finished stays, the same command goes on from there"

    def status(self) -> Exit:
        """Return the exit status: by the shells' convention 128 and the signal's number."""
        return ENDING[self.received][1]

    def _wait(self, wanted: Sequence[signal.Signals]) -> None:
        received = signal.sigwait(wanted) if wanted else None
        if received is None or self._finished.is_set():
            return

        self.received = signal.Signals(received)
        if self._closers:
            closing = threading.Thread(target=self._close, daemon=True)
            closing.start()
            closing.join(GRACE)
        else:
            _thread.interrupt_main()
            if self._finished.wait(GRACE):
                signal.sigwait(wanted)
                return
        say(self.message())
        os._exit(self.status())

    def _close(self) -> None:
        for close in reversed(self._closers):
            close()
