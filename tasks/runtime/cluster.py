"""Work on the workers of a Dask cluster; Dask does again what a lost worker was at.

They need this package and the artifacts folder, under the same path as here, and know nothing of Prefect.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from typing import Any, TypeVar

from tasks.neuron.workers import alone
from tasks.runtime.failures import WorkersFailed
from tasks.runtime.fingerprint import Fingerprint, differences, fingerprint

S = TypeVar("S")
T = TypeVar("T")

# Seconds to wait for the scheduler, and for its first worker.
PATIENCE = 60


class Cluster:
    """Works as `tasks.neuron.workers.spread` does, on Dask's workers; it connects when it is needed first."""

    def __init__(self, address: str | None = None, count: int | None = None) -> None:
        """Prepare to use the scheduler at an address, or without one so many workers of this machine."""
        self.address, self.count = address, count
        self._client: Any = None
        self._lock = threading.Lock()  # stages work side by side

    def __call__(self, fn: Callable[[S], T], things: Iterable[S], /) -> Iterator[T]:
        """Yield fn(thing) for each thing, in their order.

        Raises:
            WorkersFailed: there is no scheduler or no worker, one of them computes otherwise, or too many were lost.
        """
        client = self.client()
        own = partial(_checked, fingerprint(), fn)
        begun = client.map(own, list(things), pure=False)
        try:
            while begun:
                with _explained():
                    found = begun[0].result()
                del begun[0]
                yield found
        finally:
            if begun:
                client.cancel(begun)

    def client(self) -> Any:
        """Return the connection, made and its workers checked when this is called first."""
        with self._lock:
            if self._client is None:
                self._client = self._connected()
                self._refuse_others()
            return self._client

    def close(self) -> None:
        """Leave the cluster; one of this machine ends."""
        if self._client is not None:
            self._client.close()
            if self.address is None:
                self._client.cluster.close()
            self._client = None

    def _connected(self) -> Any:
        try:
            distributed: Any = import_module("distributed")  # whose types are not to be had
        except ImportError as error:
            raise WorkersFailed(
                f"`runner` of 'dask' needs the package {error.name}; `pip install '.[dask]'` in the checkout"
            ) from error

        if self.address is None:
            local = distributed.LocalCluster(
                n_workers=self.count, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
            )
            return distributed.Client(local)
        try:
            client = distributed.Client(self.address, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            raise WorkersFailed(
                f"no Dask scheduler answers at {self.address}; start `dask scheduler`, or correct `address`"
            ) from error
        try:
            client.wait_for_workers(self.count or 1, timeout=PATIENCE)
        except TimeoutError as error:
            client.close()
            raise WorkersFailed(
                f"{self.address} has fewer than {self.count or 1} workers after {PATIENCE} s; "
                f"start `dask worker {self.address}`, or lower `workers`"
            ) from error
        return client

    def _refuse_others(self) -> None:
        try:
            for worker, there in self._client.run(fingerprint).items():
                _refuse(worker, fingerprint(), there)
        except BaseException:
            self.close()
            raise


def _checked(expected: Fingerprint, fn: Callable[[S], T], thing: S) -> T:
    """Run on a worker, which may have come after the others were looked at."""
    from distributed import get_worker

    _refuse(get_worker().address, expected, fingerprint())
    return alone(fn, thing)


def _refuse(worker: str, here: Fingerprint, there: Fingerprint) -> None:
    if found := differences(here, there):
        raise WorkersFailed(
            f"the worker {worker} would compute other bits: {', '.join(found)}; install the same versions there, or on "
            "processors of several kinds set OPENBLAS_CORETYPE=Haswell everywhere"
        )


@contextmanager
def _explained() -> Iterator[None]:
    from distributed.scheduler import KilledWorker

    try:
        yield
    except KilledWorker as error:
        raise WorkersFailed(
            "Dask lost several workers at the same part; they are most likely short of memory: give each more, "
            "or start fewer on a machine"
        ) from error
    except CancelledError as error:
        raise WorkersFailed(
            "the Dask scheduler was lost, or dropped the work; see that it runs, and run this again"
        ) from error
