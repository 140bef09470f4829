"""A report's folder is whole or not there: it is built beside its place and moved in one step."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from inscape._errors import OutputError

FORMAT = "inscape-report"
_FIGURES = "figures"
_FILES = {"index.html", "numbers.json"}
_PICTURES = {".png", ".svg"}


def _ours(folder: Path) -> bool:
    """Whether a folder holds an earlier report and nothing else."""
    try:
        numbers = json.loads((folder / "numbers.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not isinstance(numbers, dict) or numbers.get("format") != FORMAT:
        return False
    if any(item.name not in _FILES and item.name != _FIGURES for item in folder.iterdir()):
        return False
    figures = folder / _FIGURES
    return not figures.exists() or all(item.suffix in _PICTURES for item in figures.iterdir())


def check_folder(out: str | Path) -> None:
    """Say at once whether a report can be written to a folder, before any long work.

    Args:
        out: the report's folder.

    Raises:
        OutputError: if it is a file, holds foreign files or cannot be written.
    """
    target = Path(out).expanduser().absolute()
    with _worded(target):
        _check(target)
        above = target.parent
        while not above.exists():
            above = above.parent
    if not (above.is_dir() and os.access(above, os.W_OK)):
        raise OutputError(f"cannot write {target}: {above} is no folder or may not be written to; choose another one")


def _check(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise OutputError(f"expected a folder for the report, got the file {target}; choose another name")
    if target.is_dir() and any(target.iterdir()) and not _ours(target):
        raise OutputError(
            f"the folder {target} holds files that are not of a report; choose an empty or a new folder, "
            "because writing a report replaces the whole folder"
        )


@contextmanager
def _worded(target: Path) -> Iterator[None]:
    """Errors of the file system in the library's words."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}; choose another folder") from error


@contextmanager
def building(out: str | Path) -> Iterator[Path]:
    """Open a temporary folder that takes the place of ``out`` when the block ends without an error.

    Args:
        out: the report's folder: new, empty, or one that holds an earlier report.

    Yields:
        The temporary folder, with an empty ``figures`` folder inside.

    Raises:
        OutputError: at once, if ``out`` is a file, holds foreign files or cannot be written. What was there before
            stays as it was after every error.
    """
    target = Path(out).expanduser().absolute()
    temporary = target.parent / f".{target.name}.{token_hex(4)}"
    with _worded(target):
        _check(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        (temporary / _FIGURES).mkdir(parents=True)
    try:
        with _worded(target):
            yield temporary
            _replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(temporary: Path, target: Path) -> None:
    """Put the new folder in place; the old one comes back if that fails."""
    if not target.exists():
        os.replace(temporary, target)
        return
    _check(target)
    old = target.parent / f".{target.name}.{token_hex(4)}.old"
    os.replace(target, old)
    try:
        os.replace(temporary, target)
    except OSError:
        os.replace(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)
