"""Threads that share out jobs, also jobs within jobs."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from numbers import Integral
from typing import Any, TypeVar

from numba import config

from inscape._errors import InputError

T = TypeVar("T")


def thread_count(threads: int | None) -> int:
    """How many threads to use.

    Args:
        threads: the caller's wish; None for every processor that this process may use, or as many as the variable
            ``NUMBA_NUM_THREADS`` allows, which joblib sets in its workers.

    Returns:
        The number.

    Raises:
        InputError: if it is no positive whole number.
    """
    if threads is None:
        return config.NUMBA_NUM_THREADS  # pyright: ignore[reportAttributeAccessIssue] - set when it is imported
    if not isinstance(threads, Integral) or isinstance(threads, bool) or threads < 1:
        raise InputError(f"expected threads ≥ 1, a whole number, or None for all processors, got {threads!r}")
    return int(threads)


class _Offer:
    """A job that is let go when it begins: the pool keeps what was taken back until a helper comes by."""

    def __init__(self, job: Callable[[], Any]) -> None:
        self._job: Callable[[], Any] | None = job

    def __call__(self) -> Any:
        job, self._job = self._job, None
        return None if job is None else job()


class Crew:
    """The calling thread and some helpers, which start when there is work for them.

    A thread that waits for its jobs does those that nobody has begun, so that jobs may have jobs of their own.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None

    def submit(self, job: Callable[[], T]) -> "Future[T]":
        """Hand a job to the helpers."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads - 1, thread_name_prefix="inscape")
        return self._pool.submit(job)

    def do(self, jobs: Sequence[Callable[[], T]]) -> list[T]:
        """Do jobs together.

        Args:
            jobs: functions without arguments.

        Returns:
            What they return, in their order.
        """
        if self._threads == 1 or len(jobs) < 2:
            return [job() for job in jobs]
        offers = [_Offer(job) for job in jobs]
        pending = [self.submit(offer) for offer in offers]
        mine = {i: offers[i]() for i, future in enumerate(pending) if future.cancel()}
        return [mine[i] if i in mine else future.result() for i, future in enumerate(pending)]

    def dismiss(self) -> None:
        """Drop what is not begun and wait for what is."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
