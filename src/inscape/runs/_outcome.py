"""What became of a task: the value, or what went wrong, and what it took."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from inscape._errors import TaskError


class State(Enum):
    """How a task ended; the value is the sentence that a reader sees."""

    DONE = "done"
    FAILED = "failed: the task raised an exception"
    TIMED_OUT = "timed out: the task took longer than its limit"
    KILLED = "killed: the task's worker died under it"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One task and what became of it.

    Attributes:
        options: the task's options, as they were given.
        replicate: 0 for the first task with these options, 1 for the second, and so on.
        seed: the task's seed, a function of the root seed, the options and the replicate.
        state: how the task ended.
        result: what the function returned; None if the task did not end well. See :attr:`value`.
        error: type and message of what went wrong in one line; empty if nothing did.
        traceback: where it went wrong, as text; empty if nothing did.
        seconds: wall time of the last attempt in the worker.
        attempts: how often the task was tried.
        worker: host and process that computed it, as ``host:pid``.
        reused: whether the outcome comes from the ledger and nothing was computed.
    """

    options: Mapping[str, Any]
    replicate: int = 0
    seed: int = 0
    state: State = State.DONE
    result: Any = None
    error: str = ""
    traceback: str = ""
    seconds: float = 0.0
    attempts: int = 1
    worker: str = ""
    reused: bool = False

    @property
    def done(self) -> bool:
        """Whether the task ended well."""
        return self.state is State.DONE

    @property
    def value(self) -> Any:
        """What the function returned.

        Raises:
            TaskError: if the task did not end well; with the worker's traceback in its notes.
        """
        if self.done:
            return self.result
        failure = TaskError(f"the task {dict(self.options)} has no value: {self.error or self.state.value}")
        if self.traceback:
            failure.add_note(f"In the worker {self.worker}:\n{self.traceback}")
        raise failure
