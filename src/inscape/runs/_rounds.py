"""Rounds: all tasks at once; after a loss one at a time in a batch; and who is suspected of killing workers, alone."""

import logging
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from typing import Any

from inscape._errors import InscapeError, TaskError
from inscape.runs._backend import Place, watched
from inscape.runs._desk import Desk
from inscape.runs._outcome import State
from inscape.runs._tasks import seed_of
from inscape.runs._work import Job, Report, call, one_line

_log = logging.getLogger("inscape.runs")

_FRUITLESS = 25
"""Rounds that may end with a dead worker, one after another, without a single task ended."""

_DEADLY = ("KilledWorker", "TerminatedWorkerError")


def rounds(desk: Desk, job: Job, place: Place) -> Iterator[None]:
    """Compute what is open, until nothing is.

    Where a worker dies, a backend may lose all that was on its way, and nobody knows which task did it. So the rest
    goes out one task a batch; whoever was on the way at the next death is a suspect and waits; the others are finished;
    and then each suspect is sent alone, where a death is its own.

    Args:
        desk: the tasks.
        job: what they have in common.
        place: where they are computed.

    Yields:
        None, whenever something has happened.

    Raises:
        TaskError: if the backend cannot compute at all.
    """
    if place.name == "serial":
        yield from _serial(desk, job)
        return
    suspects: dict[int, None] = {}
    singly, fruitless = False, 0
    while rest := [index for index in desk.open if index not in suspects]:
        before, sent = desk.ended(), set[int]()
        broken = yield from _sweep(desk, job, place, rest, singly=singly, sent=sent)
        known = _overdue(desk, job)
        if broken is not None or desk.lost:
            _log.warning("workers were lost (%s); what was on the way is computed again", broken or _first(desk.lost))
            if singly and not known:
                suspects |= dict.fromkeys(sorted(_missing(desk, sent, broken)))
            singly = True
            fruitless = fruitless + 1 if desk.ended() == before else 0
            if fruitless >= _FRUITLESS:
                text = (
                    f"no task ended in {fruitless} attempts, and workers died each time: {broken or _first(desk.lost)}"
                )
                raise TaskError(text) from broken
        desk.lost.clear()
    for index in suspects:
        while index in desk.open:
            yield from _alone(desk, job, place, index)


def _serial(desk: Desk, job: Job) -> Iterator[None]:
    while desk.open:
        for index in tuple(desk.open):
            if desk.wanted(index):
                task = desk.tasks[index]
                desk.take([call(job, index, task.options, task.key)])
            _raise_trouble(desk)
            yield


def _alone(desk: Desk, job: Job, place: Place, index: int) -> Generator[None, None, None]:
    """One attempt of a suspect with nobody beside it."""
    broken = yield from _sweep(desk, job, place, [index], singly=True, sent=set())
    if _overdue(desk, job):
        return
    error = desk.lost.pop(index, "") or (one_line(broken) if broken is not None else "")
    if error:
        deadly = any(name in error for name in _DEADLY)
        desk.take([_ended(desk, job, index, State.KILLED if deadly else State.FAILED, error)])
    yield


def _sweep(
    desk: Desk, job: Job, place: Place, indices: Iterable[int], *, singly: bool, sent: set[int]
) -> Generator[None, None, Exception | None]:
    """Send tasks out and take in what comes back; returns what broke the backend, None if nothing did."""
    from joblib import Parallel, delayed

    backend = watched(place, job, sink=desk.take, sent=sent)
    quiet: Any = type("QuietParallel", (Parallel,), {"_warn_exit_early": lambda _: None})
    parallel = quiet(
        n_jobs=place.n_jobs,
        backend=backend,
        return_as="generator_unordered" if place.backend.supports_return_generator else "list",
        batch_size=1 if singly else "auto",
        pre_dispatch="n_jobs" if singly else "2*n_jobs",
    )
    calls = (
        delayed(call)(job, index, desk.tasks[index].options, desk.tasks[index].key)
        for index in indices
        if desk.wanted(index)
    )
    results = None
    try:
        results = parallel(calls)
        for _ in results:
            _raise_trouble(desk)
            yield
    except InscapeError:
        raise
    except Exception as error:
        if not sent:
            raise TaskError(f"cannot compute on the backend {place.name}: {one_line(error)}") from error
        return error
    finally:
        if isinstance(results, Generator):
            results.close()
    _raise_trouble(desk)
    return None


def _raise_trouble(desk: Desk) -> None:
    if desk.trouble is not None:
        raise desk.trouble


def _first(lost: dict[int, str]) -> str:
    return next(iter(lost.values()), "")


def _missing(desk: Desk, sent: set[int], broken: Exception | None) -> set[int]:
    """Tasks on the way at the loss: those that the backend gave up, or all that were out when it broke."""
    return {index for index in (desk.lost if broken is None else sent) if index in desk.open}


def _overdue(desk: Desk, job: Job) -> bool:
    """Read the notes that tasks left whose process had to be ended at their time limit."""
    if job.notes is None or job.timeout is None:
        return False
    found = [note for note in sorted(job.notes.glob("*.late")) if note.stat().st_size]
    text = f"more than {job.timeout:g} s; it did not react, so its process was ended"
    for note in found:
        report = _ended(desk, job, int(note.stem), State.TIMED_OUT, text)
        desk.take([replace(report, trace=note.read_text(encoding="utf-8", errors="replace"), seconds=job.timeout)])
    for note in job.notes.glob("*.late"):
        note.unlink(missing_ok=True)
    return bool(found)


def _ended(desk: Desk, job: Job, index: int, state: State, error: str) -> Report:
    """What the driver says about a task whose worker cannot say anything any more."""
    return Report(index=index, state=state, error=error, seed=seed_of(job.root, desk.tasks[index].key))
