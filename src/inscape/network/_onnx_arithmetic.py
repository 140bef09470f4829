"""ONNX operators on single entries and on matrices, as torch operations."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from inscape._errors import UnsupportedLayerError
from inscape.network._onnx_graph import Call
from inscape.network._onnx_values import array, numbers, option, tensor

Run = Callable[..., Any]

_HUGE = 3.4e38
"""Bounds of old versions that are not given are the largest numbers of float32; they bound nothing."""


def unary(function: Callable[[Tensor], Tensor], counting: Callable[[Any], Any] | None = None) -> Run:
    """An operator without options: on tensors, and perhaps on sizes."""

    def run(call: Call, x: Any) -> Any:
        return counting(x) if counting is not None and isinstance(x, np.ndarray) else function(tensor(call, x))

    return run


def binary(function: Callable[[Tensor, Tensor], Tensor], counting: Callable[[Any, Any], Any]) -> Run:
    """An operator of two operands: on tensors, or on sizes."""

    def run(call: Call, a: Any, b: Any) -> Any:
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            return np.asarray(counting(a, b))
        return function(tensor(call, a), tensor(call, b))

    return run


def quotient(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Division of integers towards zero; sizes are never negative."""
    if object in (a.dtype, b.dtype):
        return a // b
    return np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))


def variadic(function: Callable[[Tensor, Tensor], Tensor], counting: Callable[[Any, Any], Any] | None = None) -> Run:
    """An operator of one operand or more."""

    def run(call: Call, *values: Any) -> Any:
        if counting is not None and all(isinstance(value, np.ndarray) for value in values):
            return np.asarray(reduce(counting, values))
        return reduce(function, (tensor(call, value) for value in values))

    return run


def remainder(call: Call, a: Any, b: Any) -> np.ndarray:
    """Remainder of sizes, with the sign of the divisor; of computed values it would be no continuous function."""
    return np.asarray(np.mod(array(call, a, "dividend"), array(call, b, "divisor")))


def mean(call: Call, *values: Any) -> Tensor:
    """Mean of the operands."""
    return reduce(torch.add, (tensor(call, value) for value in values)) / len(values)


def gemm(call: Call, a: Any, b: Any, c: Any = None) -> Tensor:
    """α·A·B + β·C, with A and B transposed or not."""
    a, b = tensor(call, a), tensor(call, b)
    a = a.transpose(0, 1) if call.attributes["transA"] else a
    b = b.transpose(0, 1) if call.attributes["transB"] else b
    alpha, beta = call.attributes["alpha"], call.attributes["beta"]
    product = torch.matmul(a, b)
    product = product if alpha == 1 else product * alpha
    return product if c is None else product + (c if beta == 1 else c * beta)


def matmul(call: Call, a: Any, b: Any, bias: Any = None) -> Tensor:
    """Matrix product as numpy defines it; with the bias of an addition that was joined to it."""
    product = torch.matmul(tensor(call, a), tensor(call, b))
    return product if bias is None else product + bias


def einsum(call: Call, *values: Any) -> Tensor:
    """Sums of products."""
    return torch.einsum(call.attributes["equation"], *(tensor(call, value) for value in values))


def clip(call: Call, x: Any, low: Any = None, high: Any = None) -> Tensor:
    """Clip to an interval, either end of which may be missing."""
    given = call.attributes
    low = given.get("min") if low is None else numbers(call, low, "bound")[0]
    high = given.get("max") if high is None else numbers(call, high, "bound")[0]
    low = None if low is None or low <= -_HUGE else float(low)
    high = None if high is None or high >= _HUGE else float(high)
    return tensor(call, x) if low is None and high is None else torch.clamp(tensor(call, x), low, high)


def prelu(call: Call, x: Any, slope: Any) -> Tensor:
    """Slopes for negative entries, one for all, one a channel, or any that broadcast."""
    x, slope = tensor(call, x), tensor(call, slope)
    if channel_slopes(tuple(slope.shape), x.ndim):
        return F.prelu(x, slope.reshape(-1))
    return torch.relu(x) - slope * torch.relu(-x)


def channel_slopes(shape: tuple[int, ...], rank: int) -> bool:
    """Whether slopes of this shape are one for all entries or one for each entry of dimension 1."""
    sides = (1,) * (rank - len(shape)) + shape
    return rank >= 2 and len(shape) <= rank and all(side == 1 for axis, side in enumerate(sides) if axis != 1)


def hard_sigmoid(call: Call, x: Any) -> Tensor:
    """max(0, min(1, αx + β))."""
    return torch.clamp(tensor(call, x) * call.attributes["alpha"] + call.attributes["beta"], 0.0, 1.0)


def with_options(function: Callable[..., Tensor], **names: str) -> Run:
    """An operator whose attributes go to a torch function under other names: argument=attribute."""
    return lambda call, x: function(tensor(call, x), **{key: call.attributes[name] for key, name in names.items()})


def selu(call: Call, x: Any) -> Tensor:
    """γ·x above zero, γα·(eˣ − 1) below."""
    return F.elu(tensor(call, x), alpha=call.attributes["alpha"]) * call.attributes["gamma"]


def swish(call: Call, x: Any) -> Tensor:
    """x·σ(αx)."""
    alpha = call.attributes["alpha"]
    x = tensor(call, x)
    return F.silu(x) if alpha == 1 else x * torch.sigmoid(x * alpha)


def power(call: Call, x: Any, exponent: Any) -> Tensor:
    """A power with a fixed exponent."""
    values = numbers(call, exponent, "exponent")
    if len(values) != 1:
        raise UnsupportedLayerError(f"Pow {call.name!r} has {len(values)} exponents; one is supported")
    return tensor(call, x) if values[0] == 1 else torch.pow(tensor(call, x), values[0])


def choice(call: Call, condition: Any, a: Any, b: Any) -> Any:
    """Where, with a condition that does not depend on the input."""
    condition = array(call, condition, "condition")
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.where(condition.astype(bool), a, b)
    a, b = tensor(call, a), tensor(call, b)
    return torch.where(torch.from_numpy(np.array(condition, dtype=bool)).to(a.device), a, b)


def equal(call: Call, a: Any, b: Any) -> np.ndarray:
    """Whether sizes are equal; of computed values this would be no continuous function."""
    return np.asarray(array(call, a, "operand") == array(call, b, "operand"), dtype=bool)


def reduction(function: Callable[[Tensor, list[int], bool], Tensor]) -> Run:
    """A reduction over axes."""

    def run(call: Call, x: Any, axes: Any = None) -> Tensor:
        x, chosen = tensor(call, x), option(call, axes, "axes")
        if not chosen and call.attributes.get("noop_with_empty_axes"):
            return x
        return function(x, list(chosen or range(x.ndim)), bool(call.attributes["keepdims"]))

    return run


def softmax(function: Callable[[Tensor, int], Tensor]) -> Run:
    """Softmax over one axis, or in versions before 13 over all axes from one on."""

    def run(call: Call, x: Any) -> Tensor:
        x, axis = tensor(call, x), call.attributes["axis"]
        if call.version >= 13 or axis % x.ndim == x.ndim - 1:
            return function(x, axis)
        return function(x.flatten(axis), -1).reshape(x.shape)

    return run


def batch_norm(call: Call, x: Any, *operands: Any) -> Tensor:
    """Batch normalisation with the statistics in the file."""
    if call.attributes.get("training_mode") or call.attributes.get("spatial", 1) != 1:
        raise UnsupportedLayerError(
            f"BatchNormalization {call.name!r} is in training mode or has statistics for each position; "
            "supported is evaluation with one mean for each channel"
        )
    scale, shift, mean, variance = operands
    return F.batch_norm(tensor(call, x), mean, variance, scale, shift, eps=call.attributes["epsilon"])


def layer_norm(call: Call, x: Any, scale: Any, shift: Any = None) -> Tensor:
    """Layer normalisation over all axes from one on."""
    x = tensor(call, x)
    axis = call.attributes["axis"] % x.ndim
    shape = list(x.shape[axis:])
    scale = tensor(call, scale).expand(shape)
    return F.layer_norm(x, shape, scale, None if shift is None else shift.expand(shape), call.attributes["epsilon"])


def instance_norm(call: Call, x: Any, scale: Any, shift: Any) -> Tensor:
    """Normalisation of each channel of each sample."""
    return F.instance_norm(tensor(call, x), weight=scale, bias=shift, eps=call.attributes["epsilon"])


def dropout(call: Call, x: Any, ratio: Any = None, training: Any = None) -> Any:
    """Dropout in evaluation changes nothing."""
    if training is not None and any(numbers(call, training, "training mode")):
        raise UnsupportedLayerError(f"Dropout {call.name!r} is in training mode; export the model in evaluation mode")
    return x


def gelu(call: Call, x: Any) -> Tensor:
    """x·Φ(x), or its approximation by tanh."""
    return F.gelu(tensor(call, x), approximate=call.attributes["approximate"])


def softsign(x: Tensor) -> Tensor:
    """Quotient x / (1 + |x|)."""
    return x / (1 + torch.abs(x))


def euclidean(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    """Square root of the sum of squares."""
    return torch.linalg.vector_norm(x, dim=axes, keepdim=keep)
