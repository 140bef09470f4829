"""What several threads have finished, in the order in which one thread would have done it."""

from dataclasses import dataclass, field
from threading import Lock

from inscape._progress import Meter

Path = tuple[int, ...]
"""Numbers of the groups that lead to a block; one thread takes the blocks in ascending order of their paths."""


class AbandonedError(Exception):
    """The block is wanted no longer."""


@dataclass(kw_only=True)
class Tally:
    """Finished cells and failures by path, so that the outcome does not depend on who was faster.

    Attributes:
        limit: number of cells after which nothing more is wanted, None for no limit.
        meter: where finished cells are reported, one call at a time.
    """

    limit: int | None
    meter: Meter
    _counts: dict[Path, int] = field(default_factory=dict)
    _failures: dict[Path, Exception] = field(default_factory=dict)
    _total: int = 0
    _stopped: bool = False
    _lock: Lock = field(default_factory=Lock)

    @property
    def full(self) -> bool:
        """Whether more cells are finished than wanted."""
        return self.limit is not None and self._total > self.limit

    def add(self, path: Path, count: int) -> None:
        """Note that the block at ``path`` is finished, with ``count`` cells."""
        with self._lock:
            self._counts[path] = count
            self._total += count
            self.meter.advance(count)

    def fail(self, path: Path, error: Exception) -> None:
        """Note that the block at ``path`` came to an error; what comes after it is wanted no longer."""
        with self._lock:
            self._failures[path] = error

    def stop(self) -> None:
        """Let all threads come to an end."""
        self._stopped = True

    def check(self, path: Path) -> None:
        """Raise :class:`AbandonedError` if nothing at ``path`` is wanted: enough comes before it, or a failure."""
        if self._stopped or (self._failures and min(list(self._failures)) < path) or self._enough_before(path):
            raise AbandonedError

    def settle(self) -> None:
        """Raise the first error, unless there were enough cells before it."""
        if self._failures:
            first = min(self._failures)
            if not self._enough_before(first):
                raise self._failures[first]

    def _enough_before(self, path: Path) -> bool:
        if not self.full:
            return False
        with self._lock:
            before = sum(count for other, count in self._counts.items() if other < path)
        return self.limit is not None and before > self.limit
