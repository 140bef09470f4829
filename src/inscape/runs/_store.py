"""Where outcomes wait until their turn comes: in memory, or in the ledger."""

import pickle
from typing import Any, Protocol, runtime_checkable

from inscape.runs._ledger import Ledger
from inscape.runs._outcome import Outcome, State
from inscape.runs._record import Payload, Record
from inscape.runs._tasks import Task
from inscape.runs._work import Report


@runtime_checkable
class Store(Protocol):
    """What the driver asks of a store."""

    def finished(self) -> set[bytes]:
        """Keys of tasks that ended well in an earlier call."""
        ...

    def is_finished(self, key: bytes) -> bool:
        """Whether another driver has finished this task meanwhile."""
        ...

    def put(self, task: Task, report: Report, attempts: int) -> None:
        """Keep how a task ended, at once."""
        ...

    def take(self, task: Task, *, reused: bool) -> Outcome:
        """Hand out the outcome of a task that has ended."""
        ...


def _value(value: Any) -> Any:
    """What the worker sent, opened; only this process's own workers send pickles."""
    if isinstance(value, Payload) and value.form == "pickle" and value.data is not None:
        return pickle.loads(value.data)
    return value


class Memory:
    """Outcomes that live as long as the call."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Report, int]] = {}

    def finished(self) -> set[bytes]:
        """None: there was no earlier call."""
        return set()

    def is_finished(self, key: bytes) -> bool:
        """Never: there is no other driver."""
        return False

    def put(self, task: Task, report: Report, attempts: int) -> None:
        """Keep the report."""
        self._kept[task.index] = (report, attempts)

    def take(self, task: Task, *, reused: bool) -> Outcome:
        """Open the report and forget it."""
        report, attempts = self._kept.pop(task.index)
        return Outcome(
            options=task.options,
            replicate=task.replicate,
            seed=report.seed,
            state=report.state or State.KILLED,
            result=_value(report.value),
            error=report.error,
            traceback=report.trace,
            seconds=report.seconds,
            attempts=attempts,
            worker=report.worker,
            reused=reused,
        )


class Recorded:
    """Outcomes in the ledger: written when they come in, read back when their turn comes, so that memory stays free."""

    def __init__(self, ledger: Ledger, run: int) -> None:
        self._ledger, self._run = ledger, run

    def finished(self) -> set[bytes]:
        """Keys of the run's rows that ended well."""
        return self._ledger.finished(self._run)

    def is_finished(self, key: bytes) -> bool:
        """Ask the file."""
        return self._ledger.is_finished(self._run, key)

    def put(self, task: Task, report: Report, attempts: int) -> None:
        """Write the row."""
        record = Record(
            key=task.key,
            options=task.text,
            replicate=task.replicate,
            seed=report.seed,
            state=report.state or State.KILLED,
            payload=report.value,
            error=report.error,
            traceback=report.trace,
            seconds=report.seconds,
            attempts=attempts,
            worker=report.worker,
        )
        self._ledger.record(self._run, record)

    def take(self, task: Task, *, reused: bool) -> Outcome:
        """Read the row."""
        record = self._ledger.fetch(self._run, task.key)
        return Outcome(
            options=task.options,
            replicate=record.replicate,
            seed=record.seed,
            state=record.state,
            result=None if record.payload is None else self._ledger.value(record.payload),
            error=record.error,
            traceback=record.traceback,
            seconds=record.seconds,
            attempts=record.attempts,
            worker=record.worker,
            reused=reused,
        )
