"""The ledger as a file: whose it is, whether it is whole, and how it is written on which disk."""

import sqlite3
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inscape._errors import FileFormatError, OutputError

SCHEMA = 1
APPLICATION = 0x494E5343
"""The application id in the header of the file: ``INSC``."""

_MAGIC = b"SQLite format 3\x00"
_HEADER = 100
_LOCAL = frozenset(
    ("apfs", "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "ramfs", "tmpfs", "xfs", "zfs")
)
"""File systems on one machine, where all writers share memory, as SQLite's write-ahead log needs it."""

_TRIES, _PAUSE = 200, 0.05
_HAS_TABLES = "select count(*) from sqlite_master where name = 'tasks'"
_TABLES = """
create table meta (name text primary key, value text not null) without rowid;
create table runs (
  id integer primary key, function text not null, source text not null, version text not null,
  shared text not null, root integer not null, created text not null,
  unique (function, source, version, shared, root)
);
create table tasks (
  run integer not null references runs (id), key blob not null, options text not null, replicate integer not null,
  seed integer not null, state text not null, form text, value, file text, size integer, error text not null,
  traceback text not null, seconds real not null, attempts integer not null, worker text not null,
  finished text not null, primary key (run, key)
);
"""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours.

    Args:
        path: the ledger, for the text.

    Raises:
        OutputError: if the file is locked or cannot be written; what was recorded is intact.
        FileFormatError: if the file is damaged.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            raise OutputError(f"{path} is locked by another process; wait for it, or stop it, and run again") from error
        if "malformed" in text or "no such" in text:
            raise FileFormatError(f"{path} is damaged: {text}; it was left as it is") from error
        raise OutputError(
            f"cannot write {path}: {text}; what was recorded so far is intact: make room and run again"
        ) from error
    except sqlite3.DatabaseError as error:
        raise FileFormatError(f"{path} is damaged: {error}; it was left as it is") from error


def check_header(path: Path) -> bool:
    """Look at a file before SQLite does: only our own files are ever opened.

    Args:
        path: the file.

    Returns:
        Whether there is a ledger; False if there is no file, or an empty one.

    Raises:
        FileFormatError: if it is no ledger, or one of a newer version.
        OutputError: if it cannot be read.
    """
    try:
        if not path.exists():
            return False
        with path.open("rb") as handle:
            header = handle.read(_HEADER)
    except OSError as error:
        raise OutputError(f"cannot open {path}: {error.strerror or error}; name a file for the ledger") from error
    if not header:
        return False
    if len(header) < _HEADER or not header.startswith(_MAGIC):
        raise FileFormatError(f"{path} is no ledger of inscape; it was left as it is, choose another file")
    version, application = struct.unpack(">I", header[60:64])[0], struct.unpack(">I", header[68:72])[0]
    if application != APPLICATION:
        raise FileFormatError(f"{path} is a database of another program; it was left as it is, choose another file")
    if version > SCHEMA:
        raise FileFormatError(f"{path} has ledger schema {version}, this version reads up to {SCHEMA}; update inscape")
    return True


def is_local(path: Path) -> bool:
    """Whether a file lies on a disk of this machine, as far as that can be told; in doubt it does not.

    Args:
        path: the file, which need not exist.

    Returns:
        The answer; only on Linux it can be yes.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    target, best, kind = path.absolute().resolve(), -1, ""
    for line in lines:
        place, _, rest = line.partition(" - ")
        mount = Path(place.split()[4].encode().decode("unicode_escape"))
        if target.is_relative_to(mount) and len(mount.parts) >= best:
            best, kind = len(mount.parts), rest.split()[0]
    return kind in _LOCAL


def connect(path: Path, *, wait: float) -> sqlite3.Connection:
    """Open or make the file for writing.

    Args:
        path: the ledger.
        wait: seconds to wait for a lock.

    Returns:
        A connection on which every statement is a commit of its own, on disk when it returns.

    Raises:
        OutputError: if it cannot be made or written.
        FileFormatError: if it is damaged, newer, or no ledger.
    """
    exists = check_header(path)
    if not path.absolute().parent.is_dir():
        raise OutputError(f"cannot write {path}: its folder does not exist; make it first")
    with explained(path):
        connection = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, path, exists=exists)
        except BaseException:
            connection.close()
            raise
    return connection


def read_only(path: Path, *, wait: float) -> sqlite3.Connection:
    """Open an existing ledger for reading.

    Args:
        path: the ledger.
        wait: seconds to wait for a lock.

    Returns:
        A connection that cannot write.

    Raises:
        FileFormatError: if there is none, or it is damaged, newer, or no ledger.
    """
    if not check_header(path):
        raise FileFormatError(f"there is no ledger {path}")
    with explained(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=wait, isolation_level=None
        )
        try:
            _check(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, *, exists: bool) -> None:
    if exists:
        _check(connection, path)
    else:
        _create(connection)
    if not connection.execute(_HAS_TABLES).fetchone()[0]:
        raise sqlite3.DatabaseError("it has no table of tasks")
    mode = _journal(connection, "wal" if is_local(path) else "delete")
    connection.execute(f"pragma synchronous = {'normal' if mode == 'wal' else 'full'}")


def _journal(connection: sqlite3.Connection, mode: str) -> str:
    """Set the journal; other drivers that are just opening the file are not waited for by SQLite itself."""
    for _ in range(_TRIES):
        if connection.execute("pragma journal_mode").fetchone()[0] == mode:
            break
        try:
            connection.execute(f"pragma journal_mode = {mode}")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(_PAUSE)
    return connection.execute("pragma journal_mode").fetchone()[0]


def _create(connection: sqlite3.Connection) -> None:
    """All tables in one transaction; a second driver that comes at the same time finds them.

    The write-ahead log is switched on later, so that the file's own header says at once whose it is.
    """
    connection.execute("begin immediate")
    if not connection.execute(_HAS_TABLES).fetchone()[0]:
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"pragma application_id = {APPLICATION}")
        connection.execute(f"pragma user_version = {SCHEMA}")
    connection.execute("commit")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("pragma quick_check(1)").fetchone()[0]
    if found != "ok":
        raise FileFormatError(f"{path} is damaged: {' '.join(found.split())}; it was left as it is")
