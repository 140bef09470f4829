"""What happens in a worker: one task is computed, and every way it can end becomes a report."""

import os
import pickle
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from inscape.runs._limits import TimeLimit, can_interrupt, hard_limit, soft_limit
from inscape.runs._outcome import State
from inscape.runs._parcel import Parcel
from inscape.runs._record import Payload
from inscape.runs._tasks import seed_of
from inscape.runs._value import encode

_LONGEST_TRACE = 20_000


@dataclass(frozen=True, kw_only=True, slots=True, weakref_slot=True)
class Job:
    """What all tasks of a run have in common; it travels as one object.

    Attributes:
        function: the task function; packed where it leaves the process, so that a worker can say if it cannot open it.
        parcel: the shared value, None if there is none.
        root: the root seed.
        wants_rng: whether the function takes a seed.
        wants_shared: whether the function takes the shared value.
        timeout: seconds that a task may take, None for no limit.
        recorded: whether values go into a ledger and must have a file form.
        notes: folder for word from tasks that had to be ended; None where tasks run in the driver's own process.
        remote: whether values leave the process.
    """

    function: Callable[..., Any] | Parcel
    parcel: Parcel | None
    root: int
    wants_rng: bool
    wants_shared: bool
    timeout: float | None
    recorded: bool
    notes: Path | None
    remote: bool

    def __sizeof__(self) -> int:
        parcels = (part for part in (self.function, self.parcel) if isinstance(part, Parcel))
        return object.__sizeof__(self) + sum(parcel.__sizeof__() for parcel in parcels)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a worker says about a task.

    Attributes:
        index: position of the task.
        state: how it ended; None if its worker or its message was lost and nobody knows.
        value: a ``Payload`` where it is recorded or leaves the process, else the value itself.
        error: type and message in one line.
        trace: where it went wrong.
        seconds: wall time.
        worker: ``host:pid``.
        seed: the task's seed.
    """

    index: int
    state: State | None
    value: Any = None
    error: str = ""
    trace: str = ""
    seconds: float = 0.0
    worker: str = ""
    seed: int = 0


def call(job: Job, index: int, options: Mapping[str, Any], key: bytes) -> Report:
    """Compute one task.

    Args:
        job: what all tasks have in common.
        index: position of the task.
        options: its options.
        key: its hash.

    Returns:
        The report; only an interrupt by the user is raised.
    """
    begin = time.perf_counter()
    state, value, error, trace = State.DONE, None, "", ""
    seed = seed_of(job.root, key)
    given = dict(options) | ({"rng": seed} if job.wants_rng else {})
    try:
        value = _ready(job, _limited(job, index, given))
    except TimeLimit as late:
        state, error, trace = State.TIMED_OUT, f"more than {job.timeout:g} s", _trace(late)
    except (Exception, SystemExit) as failure:  # noqa: BLE001 - whatever the task raises is its result
        state, error, trace = State.FAILED, one_line(failure), _trace(failure)
    return Report(
        index=index,
        state=state,
        value=value,
        error=error,
        trace=trace,
        seconds=time.perf_counter() - begin,
        worker=f"{_host()}:{os.getpid()}",
        seed=seed,
    )


_host = cache(socket.gethostname)


def _limited(job: Job, index: int, given: dict[str, Any]) -> Any:
    function = job.function.open() if isinstance(job.function, Parcel) else job.function
    if job.wants_shared:
        given["shared"] = None if job.parcel is None else job.parcel.open()
    if job.timeout is None:
        return function(**given)
    with ExitStack() as limits:
        if job.notes is not None:
            limits.enter_context(hard_limit(job.timeout, job.notes / f"{index}.late"))
        if can_interrupt():
            limits.enter_context(soft_limit(job.timeout))
        return function(**given)


def _ready(job: Job, value: Any) -> Any:
    """The value in the form in which it leaves the worker; what cannot leave is the task's own failure."""
    if job.recorded:
        return encode(value)
    if not job.remote:
        return value
    try:
        data = pickle.dumps(value, protocol=5)
    except Exception:  # noqa: BLE001 - pickle raises anything; the other pickler knows more and has the last word
        import cloudpickle

        data = cloudpickle.dumps(value, protocol=5)
    return Payload(form="pickle", data=data, size=len(data))


def one_line(error: BaseException) -> str:
    """Type and message of an error, on one line.

    Args:
        error: the error.

    Returns:
        Text such as ``"ValueError: not that"``.
    """
    return " ".join("".join(traceback.format_exception_only(error)).split())


def _trace(error: BaseException) -> str:
    """The traceback below this file's own frames."""
    steps = error.__traceback__
    while steps is not None and steps.tb_frame.f_code.co_filename in _OWN:
        steps = steps.tb_next
    text = "".join(traceback.format_exception(type(error), error, steps or error.__traceback__))
    return text if len(text) <= _LONGEST_TRACE else f"{text[:2000]}\n...\n{text[2000 - _LONGEST_TRACE :]}"


_OWN = {__file__, can_interrupt.__code__.co_filename}
