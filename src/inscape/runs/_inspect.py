"""Reading a ledger: its runs and their outcomes. Nothing here writes."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inscape._errors import InputError
from inscape.runs._ledger import COLUMNS, read_value, row_to_record
from inscape.runs._ledger_file import explained, read_only
from inscape.runs._outcome import Outcome, State

_RUNS = "select id, function, version, source, shared, root, created from runs order by id"
_COUNTS = "select run, state, count(*), sum(seconds), max(finished) from tasks group by run, state"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Tasks of one function whose values may stand side by side.

    Attributes:
        number: number of the run in its ledger.
        function: module and name.
        version: versions of this library and of the function's package.
        source: hash of the source of the function's module.
        shared: fingerprint of the shared value, empty if there was none.
        root: the root seed.
        created: when it was first asked for, UTC.
        counts: state → number of tasks.
        seconds: time in workers, all tasks together.
        last: when the last task ended, UTC; empty if none has.
    """

    number: int
    function: str
    version: str
    source: str
    shared: str
    root: int
    created: str
    counts: Mapping[State, int]
    seconds: float
    last: str


@contextmanager
def _reading(ledger: str | Path) -> Iterator[sqlite3.Connection]:
    path = Path(ledger)
    connection = read_only(path, wait=30.0)
    try:
        with explained(path):
            yield connection
    finally:
        connection.close()


def list_runs(ledger: str | Path) -> list[Run]:
    """The runs in a ledger.

    Args:
        ledger: the file.

    Returns:
        The runs in the order in which they were first asked for.
    """
    with _reading(ledger) as connection:
        runs, counted = connection.execute(_RUNS).fetchall(), connection.execute(_COUNTS).fetchall()
    made = []
    for number, function, version, source, shared, root, created in runs:
        own = [row[1:] for row in counted if row[0] == number]
        made.append(
            Run(
                number=number,
                function=function,
                version=version,
                source=source,
                shared=shared,
                root=root,
                created=created,
                counts={State[state.upper()]: count for state, count, _, _ in own},
                seconds=sum(seconds for _, _, seconds, _ in own),
                last=max((last for *_, last in own), default=""),
            )
        )
    return made


def outcomes(
    ledger: str | Path, *, run: int | None = None, state: State | None = None, values: bool = True
) -> Iterator[Outcome]:
    """Outcomes in a ledger, in the order in which they were written.

    Args:
        ledger: the file.
        run: number of a run, None for all.
        state: only tasks that ended so, None for all.
        values: whether values are opened; without them large ledgers are read faster.

    Yields:
        The outcomes, with ``reused`` set.

    Raises:
        InputError: if there is no such run.
    """
    path = Path(ledger)
    if run is not None and run not in {found.number for found in list_runs(path)}:
        raise InputError(f"there is no run {run} in {path}; list_runs() shows what there is")
    statement = f"select {COLUMNS} from tasks where (? is null or run = ?) and (? is null or state = ?) order by rowid"
    name = None if state is None else state.name.lower()
    with _reading(path) as connection:
        for row in connection.execute(statement, (run, run, name, name)):
            record = row_to_record(row)
            opened = values and record.payload is not None
            yield Outcome(
                options=json.loads(record.options),
                replicate=record.replicate,
                seed=record.seed,
                state=record.state,
                result=read_value(path, record.payload) if opened and record.payload is not None else None,
                error=record.error,
                traceback=record.traceback,
                seconds=record.seconds,
                attempts=record.attempts,
                worker=record.worker,
                reused=True,
            )


def flattened(outcome: Outcome) -> dict[str, Any]:
    """One row of a table: options, what was measured, and the value's scalars under ``value.``.

    Args:
        outcome: the outcome, with its value.

    Returns:
        Column → JSON value; arrays are described by shape and dtype, results by kind and facts.
    """
    row: dict[str, Any] = {}
    _flatten(outcome.options, "", row)
    row |= {"replicate": outcome.replicate, "seed": outcome.seed, "state": outcome.state.name.lower()}
    row |= {"seconds": outcome.seconds, "attempts": outcome.attempts, "worker": outcome.worker, "error": outcome.error}
    if outcome.done:
        _flatten(outcome.result, "value", row)
    return row


def _flatten(value: Any, name: str, row: dict[str, Any]) -> None:
    from inscape.results import Result

    if isinstance(value, Result):
        value = {"kind": value.kind, **value.facts(), "status": str(value.status)}
    if isinstance(value, Mapping):
        for key, item in value.items():
            _flatten(item, f"{name}.{key}" if name else str(key), row)
    elif hasattr(value, "dtype") and hasattr(value, "shape") and value.shape:
        row[name] = f"array {' × '.join(map(str, value.shape))} {value.dtype}"
    elif isinstance(value, list):
        row[name] = json.dumps(value, ensure_ascii=False, default=lambda item: f"array {item.shape} {item.dtype}")
    else:
        row[name] = value.item() if hasattr(value, "item") else value
