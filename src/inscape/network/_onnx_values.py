"""Values inside an ONNX graph: floating ones are tensors, sizes and positions are numpy arrays.

An array may hold symbolic integers while torch.export traces the number of samples, and then has the dtype object.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inscape._errors import ModelError, UnsupportedLayerError
from inscape.network._onnx_graph import Call, Known

_MOST = 1 << 28
"""Entries of a tensor that a small file may ask for."""


def tensor(call: Call, value: Any) -> Tensor:
    """A value that has to be a floating tensor.

    Args:
        call: the node.
        value: the value.

    Returns:
        The value.

    Raises:
        UnsupportedLayerError: if it is made of sizes or integers.
    """
    if not isinstance(value, Tensor):
        raise UnsupportedLayerError(f"{call.operation} {call.name!r} computes with integers where numbers are expected")
    return value


def array(call: Call, value: Any, what: str) -> np.ndarray:
    """A value that has to be known without the input: a shape, axes, positions.

    Args:
        call: the node.
        value: the value.
        what: its role, for the error.

    Returns:
        The value.

    Raises:
        UnsupportedLayerError: if it depends on the values of the input.
    """
    if not isinstance(value, np.ndarray):
        raise UnsupportedLayerError(f"{call.operation} {call.name!r} takes its {what} from the values of the input")
    return value


def numbers(call: Call, value: Any, what: str) -> list[Any]:
    """The entries of a value that is known without the input.

    Args:
        call: the node.
        value: the value.
        what: its role, for the error.

    Returns:
        Python numbers, symbolic ones among them.
    """
    return array(call, value, what).reshape(-1).tolist()


def option(call: Call, value: Any, name: str) -> list[Any] | None:
    """What is an attribute in old versions of an operator and an input in new ones.

    Args:
        call: the node.
        value: the input, or None.
        name: name of the attribute.

    Returns:
        The numbers, None if neither is given.
    """
    return call.attributes.get(name) if value is None else numbers(call, value, name)


def objects(items: Sequence[Any]) -> np.ndarray:
    """A one-dimensional array of sizes, int64 if all are known."""
    if all(isinstance(item, int) for item in items):
        return np.array(items, dtype=np.int64)
    made = np.empty(len(items), dtype=object)
    made[:] = items
    return made


def bounded(call: Call, sizes: Sequence[Any]) -> Sequence[Any]:
    """The sizes of a new tensor, which must not be absurd.

    Args:
        call: the node.
        sizes: its shape.

    Returns:
        The shape.

    Raises:
        ModelError: if it is larger than any tensor of a network that this library can work on.
    """
    known = [size for size in sizes if isinstance(size, int)]
    if any(size < 0 for size in known) or prod(known) > _MOST:
        raise ModelError(f"{call.operation} {call.name!r} makes a tensor of shape {tuple(sizes)}; at most {_MOST} fit")
    return sizes


def along(value: Tensor, axis: int, positions: np.ndarray) -> Tensor:
    """Entries at given positions along one dimension, in a given order.

    Args:
        value: the tensor.
        axis: the dimension.
        positions: (n,) integers.

    Returns:
        The tensor with n entries along the dimension.
    """
    if np.array_equal(positions, np.arange(value.shape[axis])):
        return value
    index = torch.from_numpy(np.ascontiguousarray(positions, dtype=np.int64)).to(value.device)
    return value.index_select(axis, index)


def ghost(tensor: Tensor) -> Tensor:
    """A tensor of the same shape without data, on which operations tell their shapes.

    Args:
        tensor: a tensor or a parameter.

    Returns:
        Its like on the device ``meta``.
    """
    made = tensor.detach().to("meta")
    return torch.nn.Parameter(made) if isinstance(tensor, torch.nn.Parameter) else made


def option_array(value: Known | None) -> np.ndarray | None:
    """A constant operand that is an option of its node.

    Args:
        value: the constant, or None if it is left out.

    Returns:
        It as an array, in float64 if it is floating.
    """
    return value.double().numpy() if isinstance(value, Tensor) else value
