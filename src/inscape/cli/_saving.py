"""Writing trained models: the file is whole or not there."""

import os
from pathlib import Path
from secrets import token_hex
from typing import Any

from inscape._errors import InputError, OutputError

_SUFFIXES = (".pt2", ".safetensors", ".pt")


def check_model_path(path: Path) -> None:
    """Say before training whether the model can be saved there.

    Args:
        path: the file to be.

    Raises:
        InputError: if the ending is unknown.
        OutputError: if the folder is missing or may not be written to.
    """
    if path.suffix not in _SUFFIXES:
        raise InputError(f"expected a file that ends in {', '.join(_SUFFIXES)}, got {str(path)!r}")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder, or its folder does not exist; choose another place")
    if not os.access(path.absolute().parent, os.W_OK):
        raise OutputError(f"cannot write {path}: its folder may not be written to; choose another folder")


def save_model(model: Any, example: Any, path: Path) -> None:
    """Save a model: a whole program for ``.pt2``, the weights alone for ``.safetensors`` and ``.pt``.

    Args:
        model: the module, in evaluation mode.
        example: (n, *shape) samples.
        path: the file.

    Raises:
        OutputError: if the file cannot be written; an older one stays as it was.
    """
    if path.suffix == ".pt2":
        from inscape.network import save_pt2

        save_pt2(model, example[:1], path)
        return
    temporary = path.with_name(f".{token_hex(4)}.{path.name}")
    try:
        _write_weights(model, temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; choose another folder") from error
    finally:
        temporary.unlink(missing_ok=True)


def _write_weights(model: Any, path: Path) -> None:
    if path.suffix == ".safetensors":
        from inscape._optional import require

        require("safetensors.torch", "weights").save_file(model.state_dict(), str(path))
    else:
        import torch

        torch.save(model.state_dict(), path)
