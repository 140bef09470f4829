"""One verb for many independent tasks."""

import shutil
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from inscape._errors import InputError, InputTypeError
from inscape._fingerprint import fingerprint_value
from inscape._progress import Meter, meter
from inscape._rng import draw_seed
from inscape.runs._backend import Place, configured
from inscape.runs._desk import Desk
from inscape.runs._identity import identity
from inscape.runs._ledger import open_ledger
from inscape.runs._limits import can_interrupt
from inscape.runs._outcome import Outcome
from inscape.runs._parcel import Parcel, pack
from inscape.runs._rounds import rounds
from inscape.runs._store import Memory, Recorded, Store
from inscape.runs._tasks import Task, filled_in, prepare
from inscape.runs._work import Job, one_line


def map(
    function: Callable[..., Any],
    tasks: Iterable[Mapping[str, Any]],
    *,
    shared: Any = None,
    ledger: str | Path | None = None,
    rng: int | None = None,
    retries: int = 1,
    timeout: float | None = None,
    progress: Meter | bool | None = None,
) -> Iterator[Outcome]:
    """Compute a function on many tasks, here or on whatever joblib backend is configured.

    Each task is one call ``function(**options)``, with ``rng=`` a seed of its own and ``shared=`` the shared value if
    the function has parameters of these names. Without ``joblib.parallel_config`` the tasks run one after another in
    this process; ``with joblib.parallel_config(n_jobs=4)`` around the call takes four local processes, each with one
    thread for arithmetic; ``backend="dask"`` takes the cluster of the current dask client.

    A seed depends on the root seed, the task's options and how many earlier tasks have the same options, and on nothing
    else: not on the backend, the order, nor on other tasks.

    With a ledger, values are written as they come in, and a later call computes only what is missing: tasks that have
    no value yet, failed ones included. The function must then stand at the top level of a module and return JSON
    values, arrays, a nesting of these, or one ``Result``. A value counts as the same as long as function, source of
    its module, versions, options, shared value and root seed are the same.

    Args:
        function: the task function. It must not change the shared value.
        tasks: mappings of keyword options, JSON values each; see :func:`grid`.
        shared: what all tasks use, such as a model and data. Tasks get a copy that was made once for each process.
        ledger: path of the ledger's file, or None to keep nothing.
        rng: the root seed. None draws one; a ledger keeps it for later calls.
        retries: how often a task is tried again that raised, ran out of time, or killed its worker.
        timeout: seconds that one task may take; serial and loky only.
        progress: None shows a bar on a terminal, True and False force it, or a meter.

    Returns:
        One outcome a task, in the order of tasks. Failed tasks come as outcomes too. The work goes on while the
        iterator is asked; closing it stops what is on its way.

    Raises:
        InputError: if an option does not fit the function, or a limit cannot be kept here.
        InputTypeError: if something has the wrong type, or cannot be sent to workers.
        FileFormatError: if the ledger is damaged, of a newer version, or another program's.
        OutputError: if the ledger cannot be written.

    Example:
        >>> from inscape.runs import grid, map
        >>> def square(x):
        ...     return x * x
        >>> [outcome.value for outcome in map(square, grid(x=[1, 2, 3]))]
        [1, 4, 9]
    """
    if not callable(function):
        raise InputTypeError(f"expected a function, got {type(function).__name__}")
    _check_limits(retries, timeout)
    made = prepare(tasks)
    wants_rng, wants_shared = filled_in(function, made, shared=shared is not None)
    order = _Order(
        function=function,
        tasks=made,
        shared=shared,
        ledger=None if ledger is None else Path(ledger),
        rng=_root(rng),
        retries=retries,
        timeout=timeout,
        wants=(wants_rng, wants_shared),
        place=_place(timeout),
        progress=progress,
    )
    outcomes = _outcomes(order)
    next(outcomes)
    return outcomes  # type: ignore[return-value]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Order:
    """The arguments of one call, checked."""

    function: Callable[..., Any]
    tasks: Sequence[Task]
    shared: Any
    ledger: Path | None
    rng: int | None
    retries: int
    timeout: float | None
    wants: tuple[bool, bool]
    place: Place
    progress: Meter | bool | None


def _check_limits(retries: int, timeout: float | None) -> None:
    if isinstance(retries, bool) or retries < 0:
        raise InputError(f"expected retries as an integer ≥ 0, got {retries!r}")
    if timeout is not None and not (isfinite(timeout) and timeout > 0):
        raise InputError(f"expected timeout as seconds > 0, or None, got {timeout!r}")


def _root(rng: Any) -> int | None:
    if rng is None:
        return None
    if isinstance(rng, bool) or not isinstance(rng, int | np.integer):
        raise InputTypeError(
            f"expected rng as an int, or None to draw one, got {type(rng).__name__}; "
            "a generator would give another root seed at each call, and nothing could be resumed"
        )
    if not 0 <= rng < 2**63:
        raise InputError(f"expected rng in 0 … 2⁶³ − 1, got {rng}")
    return int(rng)


def _place(timeout: float | None) -> Place:
    place = configured()
    if timeout is None:
        return place
    if place.name not in {"serial", "loky"}:
        raise InputError(
            f"a timeout can be kept by the serial and the loky backend, not by {place.name}; "
            "leave it out, or let the function watch its own time"
        )
    if place.name == "serial" and not can_interrupt():
        raise InputError("a timeout without worker processes needs the main thread and alarm signals; use loky")
    return place


def _outcomes(order: _Order) -> Generator[Outcome | None, None, None]:
    """All outcomes in order; the first item is None and says that everything is open and checked."""
    with ExitStack() as stack:
        store, root = _store(order, stack)
        desk = Desk(order.tasks, store, retries=order.retries)
        job = _job(order, root, stack) if desk.open else None
        yield None
        name = getattr(order.function, "__name__", "tasks")
        with meter(order.progress, name, len(order.tasks)) as bar:
            shown = desk.ended()
            bar.advance(shown)
            for _ in rounds(desk, job, order.place) if job is not None else ():
                if desk.ended() > shown:
                    bar.advance(desk.ended() - shown)
                    shown = desk.ended()
                yield from desk.emit()
            bar.advance(desk.ended() - shown)
            yield from desk.emit()


def _store(order: _Order, stack: ExitStack) -> tuple[Store, int]:
    """The store and the root seed."""
    if order.ledger is None:
        root = draw_seed(order.rng)
        return Memory(), root
    shared = "" if order.shared is None else fingerprint_value(order.shared)
    identity(order.function, shared=shared, root=0)  # refused before a file is made
    ledger = stack.enter_context(open_ledger(order.ledger))
    root = order.rng if order.rng is not None else ledger.root(lambda: draw_seed(None))
    run = ledger.run(identity(order.function, shared=shared, root=root))
    return Recorded(ledger, run), root


def _job(order: _Order, root: int, stack: ExitStack) -> Job:
    place = order.place
    folder = stack.enter_context(_folder()) if place.same_machine else None
    return Job(
        function=order.function if place.inside else _packed("function", order.function, folder, stack),
        parcel=_packed("shared value", order.shared, folder, stack) if order.wants[1] else None,
        root=root,
        wants_rng=order.wants[0],
        wants_shared=order.wants[1],
        timeout=order.timeout,
        recorded=order.ledger is not None,
        notes=folder,
        remote=not place.inside,
    )


def _packed(name: str, value: Any, folder: Path | None, stack: ExitStack) -> Parcel:
    try:
        parcel = Parcel(pack(value))
    except Exception as error:
        raise InputTypeError(f"the {name} cannot be sent to workers: {one_line(error)}") from error
    stack.callback(parcel.forget)
    if folder is not None:
        parcel.into(folder)
    return parcel


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that only this user can read; it goes when the call ends, or soon after its process was killed."""
    from joblib.externals.loky.backend import resource_tracker

    folder = Path(tempfile.mkdtemp(prefix="inscape-"))
    resource_tracker.register(str(folder), "folder")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        resource_tracker.unregister(str(folder), "folder")
