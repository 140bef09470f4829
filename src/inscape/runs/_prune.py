"""Making a ledger smaller: runs that nobody needs, failures, and files that no row names."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path

from inscape._errors import InputError
from inscape.runs._inspect import list_runs
from inscape.runs._ledger import files_of
from inscape.runs._ledger_file import connect, explained


@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned:
    """What was removed, or would be.

    Attributes:
        runs: number of runs.
        tasks: number of tasks.
        files: number of value files.
        size: bytes of these files.
    """

    runs: int
    tasks: int
    files: int
    size: int


def prune(
    ledger: str | Path,
    *,
    run: int | None = None,
    failed: bool = False,
    older_than: float | None = None,
    orphans: bool = False,
    dry_run: bool = False,
) -> Pruned:
    """Remove tasks from a ledger, the value files that then no row names, and runs that are empty then.

    Not while a driver works on the ledger: what it has in hand could be taken from it.

    Args:
        ledger: the file.
        run: tasks of this run.
        failed: only tasks that did not end well.
        older_than: only tasks that ended more than so many days ago.
        orphans: if nothing else is asked for, remove only files that no row names.
        dry_run: count, and change nothing.

    Returns:
        What was removed.

    Raises:
        InputError: if nothing is asked for, or there is no such run.
    """
    if run is None and not failed and older_than is None and not orphans:
        raise InputError("expected run=, failed=True, older_than= or orphans=True, to say what is to go")
    if older_than is not None and not (isfinite(older_than) and older_than >= 0):
        raise InputError(f"expected older_than as a number of days ≥ 0, got {older_than}")
    path = Path(ledger)
    if run is not None and run not in {found.number for found in list_runs(path)}:
        raise InputError(f"there is no run {run} in {path}; list_runs() shows what there is")
    list_runs(path)  # a ledger that is not there is not made
    before = datetime.now(UTC) - timedelta(days=older_than or 0)
    chosen = "(? is null or run = ?) and (? = 0 or state <> 'done') and (? is null or finished < ?)"
    stamp = None if older_than is None else before.isoformat(timespec="milliseconds")
    values = (run, run, int(failed), stamp, stamp)
    with _alone(path, dry_run=dry_run) as connection:
        tasks = runs = 0
        if run is not None or failed or older_than is not None:
            tasks = connection.execute(f"delete from tasks where {chosen}", values).rowcount
            runs = connection.execute("delete from runs where id not in (select run from tasks)").rowcount
        named = {file for (file,) in connection.execute("select distinct file from tasks where file is not null")}
    unnamed = [file for file in sorted(files_of(path).glob("*")) if file.stem not in named]
    size = sum(file.stat().st_size for file in unnamed)
    if not dry_run:
        for file in unnamed:
            file.unlink(missing_ok=True)
    return Pruned(runs=runs, tasks=tasks, files=len(unnamed), size=size)


@contextmanager
def _alone(path: Path, *, dry_run: bool) -> Iterator[sqlite3.Connection]:
    """One transaction that no other driver shares, taken back in a dry run; the file is made smaller after it."""
    connection = connect(path, wait=1.0)
    try:
        with explained(path):
            connection.execute("begin exclusive")
            yield connection
            connection.execute("rollback" if dry_run else "commit")
            if not dry_run:
                connection.execute("vacuum")
    finally:
        connection.close()
