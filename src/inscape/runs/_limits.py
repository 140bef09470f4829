"""Time limits: first an exception in the task, then, if it does not listen, the end of its process."""

import faulthandler
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

_GRACE = 2.0
"""Seconds from the exception to the end of the process; compiled code sees the exception only when it returns."""


class TimeLimit(BaseException):
    """Raised inside a task that took too long; no ``except Exception`` of the task catches it."""


def can_interrupt() -> bool:
    """Whether a task in this thread can be interrupted by an alarm."""
    return hasattr(signal, "SIGALRM") and threading.current_thread() is threading.main_thread()


@contextmanager
def soft_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`TimeLimit` in the block after some seconds; the alarm of before is put back.

    Args:
        seconds: the limit.
    """

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeLimit

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def hard_limit(seconds: float, note: Path) -> Iterator[None]:
    """End this process some time after the limit if the block is still running; for worker processes only.

    Args:
        seconds: the limit of the task itself.
        note: file that then says where the task was; it is removed if the block ends in time.
    """
    with note.open("w", encoding="utf-8") as handle:
        faulthandler.dump_traceback_later(seconds + _GRACE, exit=True, file=handle)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
    note.unlink(missing_ok=True)
