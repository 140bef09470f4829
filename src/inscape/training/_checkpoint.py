"""The state of a run between two epochs, on disk: whole or not there, and never unpickled blindly."""

import os
import pickle
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from inscape._errors import FileFormatError, InputError, OutputError

FORMAT = "inscape-checkpoint"
SCHEMA = 1


def write_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint atomically.

    Args:
        path: target; an older file is replaced in one step or stays as it was.
        state: tensors, numbers, texts and containers of these.

    Raises:
        OutputError: if the folder cannot be written.
    """
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as handle:
            temporary = Path(handle.name)
            torch.save({"format": FORMAT, "schema": SCHEMA, **state}, handle)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise OutputError(
            f"cannot write the checkpoint {path}: {error.strerror or error}; choose another folder"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Find out before the first epoch that a checkpoint could not be written.

    Args:
        path: the target.

    Raises:
        OutputError: if its folder is missing or not writable, or if it is a folder itself.
    """
    if path.is_dir():
        raise OutputError(f"the checkpoint {path} is a folder; give the path of a file")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise OutputError(f"cannot write into {path.parent}; make this folder, or choose another folder")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint; only tensors, numbers, texts and containers are admitted.

    Args:
        path: a file that :func:`write_checkpoint` wrote.

    Returns:
        The state.

    Raises:
        FileFormatError: if the file is damaged, foreign, of a newer schema or holds anything else.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (
        RuntimeError,
        ValueError,
        KeyError,
        EOFError,
        OSError,
        TypeError,
        AttributeError,
        pickle.UnpicklingError,
    ) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise FileFormatError(
            f"the checkpoint {path} is damaged or holds more than numbers ({first}); delete it to start anew"
        ) from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise FileFormatError(f"{path} is no checkpoint of this library; name another file, nothing was written")
    if state["schema"] > SCHEMA:
        raise FileFormatError(
            f"{path} has checkpoint schema {state['schema']}, this version reads up to {SCHEMA}; update"
        )
    return state


def check_same_run(path: Path, stored: Mapping[str, object], asked: Mapping[str, object]) -> None:
    """Refuse a checkpoint of another run.

    Args:
        path: the file, for the text.
        stored: what the checkpoint says of its run.
        asked: what the run that wants to go on is.

    Raises:
        InputError: if they differ; the text names the first difference.
    """
    for key, value in asked.items():
        if stored.get(key) != value:
            long = len(str(value)) > 60 or len(str(stored.get(key))) > 60
            detail = "" if long else f": {stored.get(key)!r} there, {value!r} here"
            raise InputError(
                f"the checkpoint {path} belongs to another run, its {key.replace('_', ' ')} differs{detail}; "
                "give the same choices to go on, or another checkpoint path (or delete the file) to start anew"
            )
