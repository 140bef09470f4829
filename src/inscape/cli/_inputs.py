"""What several commands read: models, data, shapes and corners of boxes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter

from inscape._errors import DataError, DomainError, InputError, ModelError
from inscape._rng import generator

_WORDS = {"true": True, "false": False, "none": None}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Where the weights and the samples come from.

    Attributes:
        weights: file with the weights of a factory's model.
        data: name of the data set.
        data_option: options of the data set.
    """

    weights: Annotated[
        Path | None, Parameter(help="Weights for package.module:factory: a .safetensors or .pt file.")
    ] = None
    data: Annotated[
        str, Parameter(help="Data set: a name on board, idx:PATH, npz:PATH, cifar:PATH, module:function.")
    ] = ""
    data_option: Annotated[
        list[str] | None,
        Parameter(help="Option of the data set as KEY=VALUE, such as flat=false; may be repeated.", negative=()),
    ] = None


def load_model(model: str, weights: Path | None) -> Any:
    """Open the model that the command line names.

    Args:
        model: a ``.pt2`` or ``.onnx`` file, or ``package.module:factory``.
        weights: file with a factory's weights, or None.

    Returns:
        The module.
    """
    from inscape.network import load

    with _here_importable():
        return load(model, weights=weights)


@contextmanager
def _here_importable() -> Iterator[None]:
    """A factory may stand in the folder in which the command runs, as for ``python -m``."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)


def read_model(module: Any, example: Any) -> Any:
    """Read a model, with the command line's words where the shape of its input is not known.

    Args:
        module: the model.
        example: (n, *shape) samples, or None to take the shape that the model itself states.

    Returns:
        The network.

    Raises:
        ModelError: if it cannot be read.
    """
    from inscape.network import read

    try:
        return read(module, example=example)
    except ModelError as error:
        if example is not None or "pass example=" not in str(error):
            raise
        text = (
            "the shape of the input is not known from the model; write --shape, such as --shape 1,28,28, or --data NAME"
        )
        raise ModelError(text) from error


def _option(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise DataError(f"expected a data option as KEY=VALUE, got {text!r}; write for example flat=false")
    if value.lower() in _WORDS:
        return key, _WORDS[value.lower()]
    for convert in (int, float):
        try:
            return key, convert(value)
        except ValueError:
            continue
    return key, value


def load_data(options: ModelOptions) -> tuple[Any, Any]:
    """Open the data set that the command line names.

    Args:
        options: what was given.

    Returns:
        Samples and labels as tensors.

    Raises:
        DataError: if no data set is named.
    """
    from inscape import data

    if not options.data:
        raise DataError(f"this needs samples; write --data NAME with one of {', '.join(data.names())}, or your own")
    with _here_importable():
        return data.load(options.data, **dict(map(_option, options.data_option or ())))


def some_samples(x: Any, y: Any, *, most: int, seed: int) -> tuple[Any, Any]:
    """Draw samples without replacement, in their order.

    Args:
        x: (n, *shape) samples.
        y: (n,) labels.
        most: how many at most.
        seed: seed of the draw.

    Returns:
        The samples and their labels.

    Raises:
        InputError: if ``most`` is not positive.
    """
    if most < 1:
        raise InputError(f"expected --samples ≥ 1, got {most}")
    if len(x) <= most:
        return x, y
    kept = np.sort(generator(seed).permutation(len(x))[:most])
    return x[kept], y[kept]


def class_names(data_name: str) -> tuple[str, ...]:
    """Names of the classes of a data set on board.

    Args:
        data_name: what was given for ``--data``.

    Returns:
        The names, empty for the user's own data.
    """
    from inscape import data

    try:
        return data.card(data_name).classes
    except DataError:
        return ()


def corner(name: str, text: str, size: int) -> np.ndarray:
    """Read a corner of a box.

    Args:
        name: name of the option, for the error.
        text: numbers with commas between; a single one stands for all coordinates.
        size: number of coordinates.

    Returns:
        (size,) numbers.

    Raises:
        DomainError: if the text holds no numbers or not as many as the input has.
    """
    try:
        values = np.array([float(part) for part in text.split(",")])
    except ValueError as error:
        raise DomainError(f"expected --{name} to be numbers with commas between, got {text!r}") from error
    if values.size == 1:
        values = np.full(size, values[0])
    if values.size != size:
        raise DomainError(f"the model has {size} inputs, but --{name} gives {values.size} numbers")
    return values


def sample_shape(text: str) -> tuple[int, ...]:
    """Read the shape of one sample.

    Args:
        text: sizes with commas between, such as ``"1,28,28"``.

    Returns:
        The sizes.

    Raises:
        InputError: if the text is no list of positive integers.
    """
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise InputError(f"expected --shape to be sizes with commas between, such as 1,28,28, got {text!r}")
    return tuple(int(part) for part in parts)
