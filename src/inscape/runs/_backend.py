"""joblib's backends, as the driver sees them: where they compute, and what they do when a worker is lost."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from inscape._errors import TaskError
from inscape.runs._work import Job, Report, one_line

_LOOK = 0.5
"""Seconds between two looks at the connection to a cluster."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where tasks are computed.

    Attributes:
        backend: the joblib backend that the caller has configured.
        n_jobs: how many tasks run at once, in joblib's sense.
        name: ``serial``, ``threading``, ``loky``, ``multiprocessing``, ``dask``, or the name of the backend's class.
    """

    backend: Any
    n_jobs: int
    name: str

    @property
    def inside(self) -> bool:
        """Whether tasks run in the driver's own process."""
        return self.name in {"serial", "threading"}

    @property
    def same_machine(self) -> bool:
        """Whether workers are processes that see the driver's files."""
        return self.name in {"loky", "multiprocessing"}


def configured() -> Place:
    """The backend of the innermost ``joblib.parallel_config``; serial without one.

    Returns:
        Backend, number of jobs and name.
    """
    from joblib.parallel import get_active_backend

    backend, n_jobs = cast(tuple[Any, Any], get_active_backend())
    if n_jobs is None:
        n_jobs = backend.default_n_jobs
    kind = type(backend).__name__
    known = {"LokyBackend": "loky", "DaskDistributedBackend": "dask", "ThreadingBackend": "threading"}
    known |= {"MultiprocessingBackend": "multiprocessing", "SequentialBackend": "serial"}
    name = known.get(kind, kind)
    if name != "dask" and backend.effective_n_jobs(n_jobs) == 1:
        name = "serial"
    return Place(backend=backend, n_jobs=n_jobs, name=name)


def _indices(batch: Any) -> list[int]:
    """Positions of the tasks in one of joblib's batches."""
    return [arguments[1] for _, arguments, _ in batch.items]


class _Watched:
    """Mixed into a backend: says which tasks have left, takes results as they arrive, and turns losses into reports.

    joblib drops what has arrived and was not yet asked for when a worker dies; and with dask it waits for ever for a
    batch that dask has given up. Here every result is handed over in the callback, and a batch that is given up comes
    back as reports without a state.
    """

    sent: set[int]
    sink: Callable[[Sequence[Report]], None]

    def submit(self, batch: Any, callback: Any = None) -> Any:
        self.sent.update(_indices(batch))
        return super().submit(batch, callback)  # type: ignore[misc]

    def retrieve_result_callback(self, out: Any) -> list[None]:
        return self._handed_over(super().retrieve_result_callback(out))  # type: ignore[misc]

    def retrieve_result(self, out: Any, timeout: float | None = None) -> list[None]:
        return self._handed_over(super().retrieve_result(out, timeout=timeout))  # type: ignore[misc]

    def _handed_over(self, reports: Sequence[Report]) -> list[None]:
        self.sink(reports)
        return [None] * len(reports)


class _WatchedDask(_Watched):
    """The same for dask, whose batches, and whose cluster, can end without joblib hearing of it."""

    client: Any
    out: dict[Any, Any]
    ending: threading.Event

    def start_call(self) -> None:
        super().start_call()  # type: ignore[misc]
        self.out, self.ending = {}, threading.Event()
        threading.Thread(target=self._look_after, daemon=True).start()

    def stop_call(self) -> None:
        self.ending.set()
        super().stop_call()  # type: ignore[misc]

    def submit(self, batch: Any, callback: Any = None) -> Any:
        def arrived(out: Any) -> None:
            callback(out if isinstance(out, list) else _lost(batch, out))

        def ended(future: Any) -> None:
            self.out.pop(future, None)
            if future.exception() is not None:
                callback(_lost(batch, future.exception()))

        future = super().submit(batch, arrived)
        self.out[future] = callback
        future.add_done_callback(ended)
        return future

    def retrieve_result_callback(self, out: Any) -> list[None]:
        if isinstance(out, ConnectionError):
            raise out
        return super().retrieve_result_callback(out)

    def effective_n_jobs(self, n_jobs: int) -> int:
        """At least two, because joblib computes in the driver itself where there is only one."""
        return max(2, super().effective_n_jobs(n_jobs))  # type: ignore[misc]

    def _look_after(self) -> None:
        """End the call when the client has given up its scheduler; nothing would ever come back."""
        while not self.ending.wait(_LOOK):
            if self.client.status == "closed":
                for callback in tuple(self.out.values()):
                    callback(ConnectionError("the dask client has lost its scheduler"))
                return


def _lost(batch: Any, why: Any) -> list[Report]:
    error = one_line(why) if isinstance(why, BaseException) else f"the batch came back as {type(why).__name__}"
    return [Report(index=index, state=None, error=error) for index in _indices(batch)]


def watched(place: Place, job: Job, *, sink: Callable[[Sequence[Report]], None], sent: set[int]) -> Any:
    """A copy of the caller's backend that hands results over at once.

    Args:
        place: the configured backend.
        job: what all tasks have in common; dask sends it to each worker beforehand, so that it outlives any of them.
        sink: takes reports as they arrive, in one of the backend's threads.
        sent: gets the positions of tasks as they leave the driver.

    Returns:
        A backend for one call of ``joblib.Parallel``.

    Raises:
        TaskError: if the connection to the cluster is gone.
    """
    inner = place.backend
    if place.name == "dask" and inner.client.status == "closed":
        raise TaskError("the dask client has lost its scheduler; start the cluster, connect a new client, run again")
    mixin = _WatchedDask if place.name == "dask" else _Watched
    made = object.__new__(type(f"Watched{type(inner).__name__}", (mixin, type(inner)), {}))
    made.__dict__.update(inner.__dict__)
    made.sent, made.sink = sent, sink
    if place.name == "loky" and made.inner_max_num_threads is None:
        made.inner_max_num_threads = 1
    if place.name == "dask" and job.parcel is not None:
        made.data_futures = {**inner.data_futures, id(job): inner.client.scatter(job, broadcast=True, hash=False)}
    return made
