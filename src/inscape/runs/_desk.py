"""The driver's desk: which tasks are open, what has come in, and what can be handed on in order."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from threading import RLock

from inscape.runs._outcome import Outcome, State
from inscape.runs._store import Store
from inscape.runs._tasks import Task
from inscape.runs._work import Report

_log = logging.getLogger("inscape.runs")


class Desk:
    """Everything that one call of ``map`` knows about its tasks; reports come in from the backend's threads.

    Attributes:
        tasks: the tasks.
        open: positions of tasks that have not ended, in order.
        lost: position → why, of open tasks that were sent out and given up by the backend.
        trouble: what went wrong where it could not be raised.
    """

    def __init__(self, tasks: Sequence[Task], store: Store, *, retries: int) -> None:
        self.tasks = tasks
        self.open: dict[int, None] = dict.fromkeys(range(len(tasks)))
        self.lost: dict[int, str] = {}
        self.trouble: Exception | None = None
        self._store, self._retries = store, retries
        self._attempts: Counter[int] = Counter()
        self._ended: set[int] = set()
        self._reused: set[int] = set()
        self._next = 0
        self._lock = RLock()
        finished = store.finished()
        for task in tasks if finished else ():
            if task.key in finished:
                self._reuse(task.index)

    def ended(self) -> int:
        """How many tasks have ended."""
        return len(self.tasks) - len(self.open)

    def wanted(self, index: int) -> bool:
        """Whether a task that is about to be sent is still open; another driver may have finished it.

        It is asked in the backend's threads, where nothing can be raised.

        Args:
            index: position of the task.

        Returns:
            The answer; False as well once there is trouble.
        """
        if self.trouble is not None or index not in self.open:
            return False
        try:
            elsewhere = self._store.is_finished(self.tasks[index].key)
        except Exception as error:  # noqa: BLE001 - kept, and raised by the driver
            self.trouble = error
            return False
        if elsewhere:
            with self._lock:
                self._reuse(index)
        return not elsewhere

    def take(self, reports: Sequence[Report]) -> None:
        """Take in what workers say: keep it, or leave the task open for another attempt."""
        with self._lock:
            for report in reports:
                if report.index in self.open:
                    self._take(report)

    def emit(self) -> Iterator[Outcome]:
        """Outcomes in the order of tasks, as far as they have ended without a gap."""
        while self._next in self._ended:
            index, self._next = self._next, self._next + 1
            self._ended.discard(index)
            yield self._store.take(self.tasks[index], reused=index in self._reused)

    def _take(self, report: Report) -> None:
        index = report.index
        if report.state is None:
            self.lost[index] = report.error
            return
        self.lost.pop(index, None)
        self._attempts[index] += 1
        attempts = self._attempts[index]
        if report.state is not State.DONE:
            _log.warning("task %s, attempt %d: %s", self.tasks[index].text, attempts, report.error)
            if attempts <= self._retries:
                return
        self._store.put(self.tasks[index], report, attempts)
        self._ended.add(index)
        self.open.pop(index, None)

    def _reuse(self, index: int) -> None:
        self._ended.add(index)
        self._reused.add(index)
        self.open.pop(index, None)
