"""Progress of long work: a bar on a terminal, silence elsewhere, or the caller's own meter."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, Self, runtime_checkable


@runtime_checkable
class Meter(Protocol):
    """What a caller's own progress meter provides."""

    def start(self, description: str, total: float | None) -> None:
        """Begin; ``total`` is the amount of work, None if unknown."""

    def advance(self, amount: float) -> None:
        """Report that ``amount`` more is done."""

    def stop(self) -> None:
        """End, also after an exception."""


class SilentMeter:
    """A meter that shows nothing."""

    def start(self, description: str, total: float | None) -> None:
        """Show nothing."""

    def advance(self, amount: float) -> None:
        """Show nothing."""

    def stop(self) -> None:
        """Show nothing."""


class BarMeter:
    """A rich progress bar on standard error; rich is imported when the bar starts."""

    def __init__(self) -> None:
        self._bar = None
        self._task = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, description: str, total: float | None) -> None:
        """Draw an empty bar."""
        from rich.console import Console
        from rich.progress import Progress

        self._bar = Progress(console=Console(stderr=True), transient=True)
        self._bar.start()
        self._task = self._bar.add_task(description, total=total)

    def advance(self, amount: float) -> None:
        """Move the bar on."""
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, amount)

    def stop(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


@contextmanager
def meter(progress: "Meter | bool | None", description: str, total: float | None = None) -> Iterator[Meter]:
    """Open the meter that the keyword ``progress`` asks for.

    Args:
        progress: None shows a bar when standard error is a terminal; True and False force it;
            an object with ``start``, ``advance`` and ``stop`` is used as it is.
        description: what is being done, a few words.
        total: amount of work in the caller's unit, None if unknown.

    Yields:
        The started meter; it is stopped on the way out, also after an exception.
    """
    if isinstance(progress, Meter):
        chosen: Meter = progress
    elif progress or (progress is None and sys.stderr.isatty()):
        chosen = BarMeter()
    else:
        chosen = SilentMeter()
    chosen.start(description, total)
    try:
        yield chosen
    finally:
        chosen.stop()
