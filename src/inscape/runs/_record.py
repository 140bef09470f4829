"""What the driver and the ledger pass to one another: encoded values and rows."""

from dataclasses import dataclass

from inscape.runs._outcome import State


@dataclass(frozen=True, kw_only=True, slots=True)
class Payload:
    """A value in its file form.

    Attributes:
        form: ``"json"`` for JSON text, ``"arrays"`` for a nesting with arrays, ``"result"`` for a Result.
        data: UTF-8 text for ``"json"``, an npz archive otherwise; None if it lies in a file beside the ledger.
        file: SHA-256 (hexadecimal) of that file's content, empty if there is none.
        size: length of the data in bytes.
    """

    form: str
    data: bytes | None
    file: str = ""
    size: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One row of the ledger.

    Attributes:
        key: 16 bytes, the hash of options and replicate.
        options: the options as canonical JSON.
        replicate: 0 for the first task with these options, 1 for the second, and so on.
        seed: the task's seed.
        state: how the task ended.
        payload: its value, None if it did not end well.
        error: type and message of what went wrong in one line.
        traceback: where it went wrong.
        seconds: wall time of the last attempt in the worker.
        attempts: how often the task was tried.
        worker: host and process, ``host:pid``.
    """

    key: bytes
    options: str
    replicate: int
    seed: int
    state: State
    payload: Payload | None = None
    error: str = ""
    traceback: str = ""
    seconds: float = 0.0
    attempts: int = 1
    worker: str = ""
