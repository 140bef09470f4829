"""Load a model from where the user keeps it."""

import re
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor, nn

from inscape._errors import FileFormatError, InputError, InputTypeError, ModelError
from inscape.network._archive import open_pt2

_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def load(source: nn.Module | str | Path, *, weights: str | Path | None = None) -> nn.Module:
    """Load a model.

    ``"package.module:factory"`` imports the module and calls the factory without arguments: this runs the code of that
    module. ``.pt2``, ``.onnx`` and weights files are data; they are checked before they are opened and run no code.

    An ``.onnx`` file (extra ``onnx``) becomes a module whose children are named after the nodes and are layers of torch
    where torch has them; its floating initialisers are parameters. The number of samples is free, also where the file
    fixes it.

    Args:
        source: a module, which is returned as it is; ``"package.module:factory"``; or the path of a ``.pt2`` or
            ``.onnx`` file.
        weights: a ``.safetensors``, ``.pt`` or ``.pth`` file with a state dict for the model.

    Returns:
        The model.

    Raises:
        InputTypeError: if the source is of another type or the factory gives no module.
        InputError: if the source's text is neither form, or its module or factory does not exist.
        FileFormatError: if a file is missing, damaged, foreign or unsafe.
        ModelError: if the weights do not fit the model, or an ONNX graph is none of one input and one output that
            treats every sample by itself.
        UnsupportedLayerError: if a node of an ONNX graph is not supported, by name.
        DependencyError: if a package that the file needs is not installed.
    """
    if isinstance(source, nn.Module):
        model = source
    elif isinstance(source, str | Path):
        model = _from_text(source)
    else:
        raise InputTypeError(f"expected a module, 'package.module:factory' or a path, got {type(source).__name__}")
    if weights is not None:
        _fill(model, Path(weights))
    return model


def _from_text(source: str | Path) -> nn.Module:
    if Path(source).suffix == ".pt2":
        return open_pt2(Path(source))
    if Path(source).suffix == ".onnx":
        from inscape.network._onnx_build import open_onnx

        return open_onnx(Path(source))
    text = str(source)
    if not _FACTORY.fullmatch(text):
        raise InputError(f"expected 'package.module:factory' or a path that ends in .pt2 or .onnx, got {text!r}")
    return _made(text)


def _made(text: str) -> nn.Module:
    name, _, path = text.partition(":")
    try:
        found = import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(f"expected an importable module in {text!r}: {error}; is its folder on PYTHONPATH?") from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise InputError(f"expected {name!r} to have {path!r}, but it has no {part!r}")
        found = getattr(found, part)
    model = found if isinstance(found, nn.Module) else found() if callable(found) else found
    if not isinstance(model, nn.Module):
        raise InputTypeError(f"expected {text!r} to give a torch.nn.Module, got {type(model).__name__}")
    return model


def _fill(model: nn.Module, path: Path) -> None:
    state = _state(path)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:] if line.strip()]
        raise ModelError(f"the weights in {path} do not fit the model: {' '.join(lines)[:300]}") from error


def _state(path: Path) -> dict[str, Tensor]:
    if path.suffix not in (".safetensors", ".pt", ".pth"):
        raise FileFormatError(f"expected weights as .safetensors, .pt or .pth, got {path}")
    if not path.is_file():
        raise FileFormatError(f"expected a file with weights, but there is no {path}")
    if path.suffix == ".safetensors":
        return _safetensors(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch's reader of old files raises whatever the bytes lead it into
        raise FileFormatError(
            f"{path} is damaged or holds more than tensors, which could run code; save it by "
            "torch.save(model.state_dict(), path)"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise FileFormatError(f"expected a state dict in {path}; save it by torch.save(model.state_dict(), path)")
    return state


def _safetensors(path: Path) -> dict[str, Tensor]:
    from inscape._optional import require

    package = require("safetensors.torch", "weights")
    try:
        return package.load_file(path)
    except Exception as error:
        raise FileFormatError(f"{path} is no intact safetensors file: {error}") from error
