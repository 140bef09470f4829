"""The ledger: what is known of tasks, in one SQLite file that the driver alone writes."""

import hashlib
import logging
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import Any

from inscape._errors import FileFormatError, OutputError
from inscape.runs._identity import Identity
from inscape.runs._ledger_file import connect, explained
from inscape.runs._outcome import State
from inscape.runs._record import Payload, Record
from inscape.runs._value import decode

_log = logging.getLogger("inscape.runs")

INLINE = 65_536
"""Largest value in bytes that stands in the SQLite file itself."""

_SUFFIX = {"json": ".json"}

COLUMNS = "key, options, replicate, seed, state, form, value, file, size, error, traceback, seconds, attempts, worker"

_PUT = f"""
insert into tasks (run, {COLUMNS}, finished) values ({", ".join("?" * 16)})
on conflict (run, key) do update set
  options = excluded.options, seed = excluded.seed, state = excluded.state, form = excluded.form,
  value = excluded.value, file = excluded.file, size = excluded.size, error = excluded.error,
  traceback = excluded.traceback, seconds = excluded.seconds, attempts = excluded.attempts,
  worker = excluded.worker, finished = excluded.finished
where tasks.state <> 'done'
"""
"""A row that ended well stays; any other gives way to a newer one."""

_LOOK = "select form, file, size from tasks where run = ? and key = ? and state = 'done'"
_DISOWN = "update tasks set state = 'failed', form = null, file = null, error = ? where run = ? and key = ?"


def files_of(path: Path) -> Path:
    """The folder of large values.

    Args:
        path: the ledger.

    Returns:
        The folder beside it.
    """
    return path.with_name(f"{path.name}.files")


def row_to_record(row: Sequence[Any]) -> Record:
    """Read a row of the table.

    Args:
        row: values of :data:`COLUMNS`.

    Returns:
        The record.
    """
    key, options, replicate, seed, state, form, value, file, size, *rest = row
    data = value.encode() if isinstance(value, str) else value
    payload = None if form is None else Payload(form=form, data=data, file=file or "", size=size)
    error, traceback, seconds, attempts, worker = rest
    return Record(
        key=key,
        options=options,
        replicate=replicate,
        seed=seed,
        state=State[state.upper()],
        payload=payload,
        error=error,
        traceback=traceback,
        seconds=seconds,
        attempts=attempts,
        worker=worker,
    )


def read_value(path: Path, payload: Payload) -> Any:
    """Open a value, from its file if it has one.

    Args:
        path: the ledger.
        payload: what the row holds.

    Returns:
        The value.

    Raises:
        FileFormatError: if the file is missing or damaged.
    """
    if payload.data is None:
        file = value_file(path, payload)
        try:
            data = file.read_bytes()
        except OSError as error:
            raise FileFormatError(f"{file} is missing: {error.strerror or error}; run again to compute it") from error
        if hashlib.sha256(data).hexdigest() != payload.file:
            raise FileFormatError(f"{file} is damaged; delete it and run again, and only its task is computed")
        payload = replace(payload, data=data)
    return decode(payload)


def value_file(path: Path, payload: Payload) -> Path:
    """Where a large value lies.

    Args:
        path: the ledger.
        payload: what the row holds.

    Returns:
        The file, named by the SHA-256 of its content.
    """
    return files_of(path) / f"{payload.file}{_SUFFIX.get(payload.form, '.npz')}"


class Ledger:
    """An open ledger; its methods may be called from any thread, and each write is on disk when it returns."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = RLock()
        self._version = -1

    def root(self, draw: Callable[[], int]) -> int:
        """The root seed that this file keeps; the first driver draws it.

        Args:
            draw: draws a seed.

        Returns:
            The seed.
        """
        self._execute("insert or ignore into meta values ('root', ?)", (str(draw()),))
        return int(self._execute("select value from meta where name = 'root'")[0][0])

    def run(self, identity: Identity) -> int:
        """Number of a run; a new one gets a number.

        Args:
            identity: what its values depend on.

        Returns:
            The number.
        """
        values = astuple(identity)
        self._execute(
            "insert or ignore into runs (function, source, version, shared, root, created) values (?, ?, ?, ?, ?, ?)",
            (*values, _now()),
        )
        found = self._execute(
            "select id from runs where function = ? and source = ? and version = ? and shared = ? and root = ?", values
        )
        return int(found[0][0])

    def finished(self, run: int) -> set[bytes]:
        """Tasks that ended well and whose value is there.

        Args:
            run: number of the run.

        Returns:
            Their keys.
        """
        self._version = self._data_version()
        rows = self._execute("select key, form, file, size from tasks where run = ? and state = 'done'", (run,))
        return {key for key, form, file, size in rows if not file or self._is_there(run, key, (form, file, size))}

    def is_finished(self, run: int, key: bytes) -> bool:
        """Whether another driver has finished a task since :meth:`finished` was asked.

        Args:
            run: number of the run.
            key: the task.

        Returns:
            The answer.
        """
        if self._data_version() == self._version:  # nobody else has written
            return False
        rows = self._execute(_LOOK, (run, key))
        return bool(rows) and (not rows[0][1] or self._is_there(run, key, rows[0]))

    def fetch(self, run: int, key: bytes) -> Record:
        """One row.

        Args:
            run: number of the run.
            key: the task.

        Returns:
            The record; the data of a large value stay in their file.

        Raises:
            FileFormatError: if there is no such row any more.
        """
        rows = self._execute(f"select {COLUMNS} from tasks where run = ? and key = ?", (run, key))
        if not rows:
            raise FileFormatError(f"{self.path} has lost a row that was written before; was it pruned during the run?")
        return row_to_record(rows[0])

    def record(self, run: int, record: Record) -> None:
        """Write one row, at once: a row that ended well is never replaced, any other is.

        Args:
            run: number of the run.
            record: the row, with the data of its value.
        """
        payload = record.payload
        if payload is not None and payload.data is not None and len(payload.data) > INLINE:
            payload = self._put_aside(payload)
        form, value, file, size = None, None, None, None
        if payload is not None:
            form, value, file, size = payload.form, payload.data, payload.file or None, payload.size
            if form == "json" and value is not None:
                value = value.decode()
        row = (
            record.key,
            record.options,
            record.replicate,
            record.seed,
            record.state.name.lower(),
            form,
            value,
            file,
            size,
        )
        rest = (record.error, record.traceback, record.seconds, record.attempts, record.worker, _now())
        self._execute(_PUT, (run, *row, *rest))

    def value(self, payload: Payload) -> Any:
        """Open a value.

        Args:
            payload: what a row holds.

        Returns:
            The value.
        """
        return read_value(self.path, payload)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _data_version(self) -> int:
        """A number that changes when another connection has written."""
        return self._execute("pragma data_version")[0][0]

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._lock, explained(self.path):
            return self._connection.execute(statement, values).fetchall()

    def _is_there(self, run: int, key: bytes, value: tuple[str, str, int]) -> bool:
        """Whether the file of a value is whole; if not, the row gives way to a new one."""
        form, file, size = value
        place = value_file(self.path, Payload(form=form, data=None, file=file, size=size))
        try:
            whole = place.stat().st_size == size
        except OSError:
            whole = False
        if not whole:
            _log.warning("%s is missing or cut off; its task is computed again", place)
            self._execute(_DISOWN, ("the file of its value is missing or cut off", run, key))
        return whole

    def _put_aside(self, payload: Payload) -> Payload:
        """Write a large value into a file named by its content; the file is whole or not there."""
        data = payload.data or b""
        aside = replace(payload, data=None, file=hashlib.sha256(data).hexdigest())
        target = value_file(self.path, aside)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            target.parent.mkdir(exist_ok=True)
            with temporary.open("xb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            os.replace(temporary, target)
        except OSError as error:
            raise OutputError(
                f"cannot write {target}: {error.strerror or error}; what was recorded so far is intact: "
                "make room and run again"
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        return aside


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@contextmanager
def open_ledger(path: str | Path, *, wait: float = 30.0) -> Iterator[Ledger]:
    """Open a ledger for writing; it is made if there is none.

    Args:
        path: the file; its folder must exist.
        wait: seconds to wait for another driver's lock.

    Yields:
        The ledger.
    """
    place = Path(path)
    ledger = Ledger(place, connect(place, wait=wait))
    try:
        yield ledger
    finally:
        ledger.close()
