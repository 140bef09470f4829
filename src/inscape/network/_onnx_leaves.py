"""ONNX nodes that are a layer of torch: then the direct front end reads a chain of them without a trace."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inscape.network._onnx_arithmetic import channel_slopes
from inscape.network._onnx_model import Computed, Operation, Step, Weight
from inscape.network._onnx_windows import Window

_CONV: dict[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED: dict[int, Any] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_MAX_POOL: dict[int, Any] = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
_AVERAGE_POOL: dict[int, Any] = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
_GLOBAL: dict[int, Any] = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}
_NORM: dict[int, Any] = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}


@dataclass(frozen=True, kw_only=True, slots=True)
class Shapes:
    """Shapes of the values for batches of two and of three samples."""

    of_two: dict[str, tuple[int, ...]]
    of_three: dict[str, tuple[int, ...]]

    def samples_first(self, name: str) -> bool:
        """Whether the first dimension is that of the samples, and no other is."""
        two, three = self.of_two.get(name, ()), self.of_three.get(name, ())
        return bool(two) and two[0] == 2 and three[0] == 3 and two[1:] == three[1:]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Node:
    """An operation with one computed operand, the first, and what is known of its shapes."""

    operation: Operation
    taken: tuple[int, ...]
    given: tuple[int, ...]

    @property
    def attributes(self) -> dict[str, Any]:
        return self.operation.call.attributes

    def weights(self) -> list[Tensor | None]:
        """The operands after the first, None for what is left out."""
        places = self.operation.operands[1:]
        return [self.operation.weight(place) if isinstance(place, Weight) else None for place in places]

    def option(self, place: int, name: str) -> float | None:
        """A number that is an operand in new versions and an attribute in old ones."""
        operands = self.operation.operands
        value = operands[place] if place < len(operands) else None
        if isinstance(value, np.ndarray):
            return float(value.reshape(-1)[0])
        given = self.attributes.get(name)
        return None if given is None else float(given)

    def window(self, kernel: Any) -> tuple[Window, list[int]] | None:
        """The options of a window whose padding is equal at both ends."""
        window = Window(self.operation.call, kernel)
        before, after = window.padding(self.taken[2:])
        return (window, before) if before == after else None


def layer_for(operation: Operation, step: Step, shapes: Shapes) -> nn.Module | None:
    """The layer of torch that computes the same as a node on every batch.

    Args:
        operation: the node, which reads one computed value.
        step: its place in the graph.
        shapes: shapes of the values around it.

    Returns:
        The layer, which holds the operation's own tensors, or None if there is none.
    """
    make = _LAYERS.get(operation.call.operation)
    inside, outside = step.inputs[0], step.outputs[0]
    ready = shapes.samples_first(inside) and shapes.samples_first(outside)
    if make is None or not ready or not isinstance(operation.operands[0], Computed):
        return None
    return make(_Node(operation=operation, taken=shapes.of_two[inside], given=shapes.of_two[outside]))


def _filled(layer: nn.Module, **tensors: Tensor | None) -> nn.Module:
    """A layer made without data, with its tensors put in; no random number is drawn."""
    for name, tensor in tensors.items():
        if name in layer._parameters:
            layer._parameters[name] = nn.Parameter(tensor) if tensor is not None else None
        elif tensor is not None:
            layer._buffers[name] = tensor
    if "num_batches_tracked" in layer._buffers:
        layer._buffers["num_batches_tracked"] = torch.tensor(0)
    return layer


def _linear(node: _Node) -> nn.Module | None:
    weight, bias = (*node.weights(), None)[:2]
    given = node.attributes
    plain = given.get("alpha", 1.0) == 1 and given.get("beta", 1.0) == 1 and not given.get("transA")
    if weight is None or weight.ndim != 2 or not plain:
        return None
    weight = weight.detach() if given.get("transB") else weight.detach().T.contiguous()
    outputs, inputs = weight.shape
    if bias is not None and tuple(bias.shape) not in ((outputs,), (1, outputs)):
        return None
    layer = nn.Linear(inputs, outputs, bias=bias is not None, device="meta")
    return _filled(layer, weight=weight, bias=None if bias is None else bias.detach().reshape(-1))


def _conv(node: _Node) -> nn.Module | None:
    weight, bias = (*node.weights(), None)[:2]
    found = None if weight is None else node.window(weight.shape[2:])
    if weight is None or found is None:
        return None
    window, padding = found
    groups = node.attributes.get("group", 1)
    layer = _CONV[len(window.kernel)](
        weight.shape[1] * groups,
        weight.shape[0],
        tuple(window.kernel),
        stride=tuple(window.stride),
        padding=tuple(padding),
        dilation=tuple(window.dilation),
        groups=groups,
        bias=bias is not None,
        device="meta",
    )
    return _filled(layer, weight=weight.detach(), bias=None if bias is None else bias.detach())


def _conv_transpose(node: _Node) -> nn.Module | None:
    weight, bias = (*node.weights(), None)[:2]
    given = node.attributes
    if weight is None or "output_shape" in given or given.get("auto_pad", "NOTSET") != "NOTSET":
        return None
    found = node.window(weight.shape[2:])
    if found is None:
        return None
    window, padding = found
    groups = given.get("group", 1)
    layer = _TRANSPOSED[len(window.kernel)](
        weight.shape[0],
        weight.shape[1] * groups,
        tuple(window.kernel),
        stride=tuple(window.stride),
        padding=tuple(padding),
        output_padding=tuple(given.get("output_padding") or [0] * len(window.kernel)),
        dilation=tuple(window.dilation),
        groups=groups,
        bias=bias is not None,
        device="meta",
    )
    return _filled(layer, weight=weight.detach(), bias=None if bias is None else bias.detach())


def _batch_norm(node: _Node) -> nn.Module | None:
    scale, shift, mean, variance = node.weights()
    make = _NORM.get(len(node.taken))
    if make is None or scale is None or shift is None or mean is None or variance is None:
        return None
    momentum = 1 - node.attributes.get("momentum", 0.9)
    layer = make(scale.shape[0], eps=node.attributes["epsilon"], momentum=momentum, device="meta")
    return _filled(layer, weight=scale.detach(), bias=shift.detach(), running_mean=mean, running_var=variance)


def _pool(kinds: dict[int, Any], *, averages: bool) -> Callable[[_Node], nn.Module | None]:
    def make(node: _Node) -> nn.Module | None:
        found = node.window(node.attributes["kernel_shape"])
        if found is None or any(2 * p > k for p, k in zip(found[1], found[0].kernel, strict=True)):
            return None
        window, padding = found
        options: dict[str, Any] = {"ceil_mode": bool(node.attributes.get("ceil_mode"))}
        if averages:
            options["count_include_pad"] = bool(node.attributes.get("count_include_pad"))
        else:
            options["dilation"] = tuple(window.dilation)
        return kinds[len(window.kernel)](
            tuple(window.kernel), stride=tuple(window.stride), padding=tuple(padding), **options
        )

    return make


def _global_average(node: _Node) -> nn.Module | None:
    make = _GLOBAL.get(len(node.taken) - 2)
    return None if make is None else make(1)


def _flatten(node: _Node) -> nn.Module | None:
    """A reshape that joins all dimensions but that of the samples."""
    whole = len(node.given) == 2 and len(node.taken) >= 2
    return nn.Flatten() if whole else None


def _prelu(node: _Node) -> nn.Module | None:
    (slope,) = node.weights()
    if slope is None or not channel_slopes(tuple(slope.shape), len(node.taken)):
        return None
    return _filled(nn.PReLU(slope.numel(), device="meta"), weight=slope.detach().reshape(-1))


def _clip(node: _Node) -> nn.Module | None:
    """Both bounds given, the lower one first."""
    low, high = (node.option(place, name) for place, name in ((1, "min"), (2, "max")))
    return nn.Hardtanh(low, high) if low is not None and high is not None and -1e38 < low < high < 1e38 else None


def _softmax(kind: Any) -> Callable[[_Node], nn.Module | None]:
    def make(node: _Node) -> nn.Module | None:
        axis, rank = node.attributes["axis"], len(node.taken)
        fits = node.operation.call.version >= 13 or axis % rank == rank - 1
        return kind(dim=axis) if fits and axis % rank else None

    return make


def _dropout(node: _Node) -> nn.Module | None:
    ratio = node.option(1, "ratio")
    ratio = 0.5 if ratio is None else ratio
    return nn.Dropout(ratio) if 0 <= ratio < 1 else None


_LAYERS: dict[str, Callable[[_Node], nn.Module | None]] = {
    "Gemm": _linear,
    "MatMul": _linear,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "BatchNormalization": _batch_norm,
    "MaxPool": _pool(_MAX_POOL, averages=False),
    "AveragePool": _pool(_AVERAGE_POOL, averages=True),
    "GlobalAveragePool": _global_average,
    "Flatten": _flatten,
    "Reshape": _flatten,
    "PRelu": _prelu,
    "Clip": _clip,
    "Dropout": _dropout,
    "Identity": lambda node: nn.Identity(),
    "Relu": lambda node: nn.ReLU(),
    "LeakyRelu": lambda node: nn.LeakyReLU(node.attributes["alpha"]),
    "Sigmoid": lambda node: nn.Sigmoid(),
    "Tanh": lambda node: nn.Tanh(),
    "Softplus": lambda node: nn.Softplus(),
    "Elu": lambda node: nn.ELU(node.attributes["alpha"]),
    "Gelu": lambda node: nn.GELU(approximate=node.attributes["approximate"]),
    "HardSwish": lambda node: nn.Hardswish(),
    "Softmax": _softmax(nn.Softmax),
    "LogSoftmax": _softmax(nn.LogSoftmax),
}
"""Operator → how its layer is made; None if torch has none for the node's options."""
