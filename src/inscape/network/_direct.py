"""The direct front end: trees of ``nn.Sequential`` over known leaf classes, and such chains from ONNX, not traced."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import torch
from torch import nn

from inscape.network._builder import Builder, Value
from inscape.network._layer import Constant
from inscape.network._onnx_model import OnnxModel

_aten = torch.ops.aten
Leaf = tuple[Any, dict[str, Any]]
"""The operator and its arguments besides the input."""


def leaves_of(model: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]] | None:
    """Paths and leaf modules in order of execution.

    Args:
        model: the model.
        prefix: path of the model.

    Returns:
        The leaves, or None if the model is no plain tree of Sequentials and chains over known leaf classes.
    """
    found: list[tuple[str, nn.Module]] = []
    return iter(found) if _collect(model, prefix, found) else None


def _collect(module: nn.Module, path: str, found: list[tuple[str, nn.Module]]) -> bool:
    if not _untouched(module):
        return False
    if type(module) is nn.Sequential or (type(module) is OnnxModel and module.plan.chained):
        return all(
            child is not None and _collect(child, f"{path}.{name}" if path else name, found)
            for name, child in module._modules.items()
        )
    if type(module) not in LEAVES:
        return False
    found.append((path, module))
    return True


def _untouched(module: nn.Module) -> bool:
    """No hooks, no parametrisation, no forward of its own."""
    hooks = (module._forward_hooks, module._forward_pre_hooks)
    return not any(hooks) and "forward" not in module.__dict__ and "parametrizations" not in module._modules


def build(leaves: Iterator[tuple[str, nn.Module]], shape: tuple[int, ...]) -> tuple[Builder, Value] | None:
    """Add the leaves to a builder.

    Args:
        leaves: paths and modules in order of execution.
        shape: shape of one input sample.

    Returns:
        The builder and the output, or None if a module's options need a trace.

    Raises:
        UnsupportedLayerError: if an operation cannot be read.
    """
    builder = Builder(shape)
    value = builder.input
    for path, module in leaves:
        leaf = LEAVES[type(module)](module, value)
        if leaf is None:
            return None
        if leaf == ():
            continue
        operator, arguments = leaf
        first, defaults, multiple = _signature(operator)
        bound = defaults | {first: value} | arguments
        shape_hint = _known_shape(module, value)
        value = builder.add(operator, bound, name=path, shape=shape_hint, pick=0 if multiple else None)
    return builder, value


@cache
def _signature(operator: Any) -> tuple[str, dict[str, Any], bool]:
    """First argument, defaults of all arguments, and whether it has several outputs; torch is slow to tell."""
    schema = operator._schema
    defaults = {argument.name: argument.default_value for argument in schema.arguments}
    return schema.arguments[0].name, defaults, len(schema.returns) > 1


def _known_shape(module: nn.Module, value: Value) -> tuple[int, ...] | None:
    if type(module) is nn.Linear and value.shape and value.shape[-1] == module.in_features:
        return (*value.shape[:-1], module.out_features)
    return value.shape if type(module) in ELEMENTWISE else None


def _constant(tensor: torch.Tensor | None) -> Constant | None:
    return None if tensor is None else Constant.live(tensor)


def _linear(module: Any, value: Value) -> Leaf:
    return _aten.linear.default, {"weight": _constant(module.weight), "bias": _constant(module.bias)}


def _conv(operator: Any) -> Callable[[Any, Value], Leaf | None]:
    def leaf(module: Any, value: Value) -> Leaf | None:
        if module.padding_mode != "zeros" or isinstance(module.padding, str) or _unbatched(module, value):
            return None
        return operator, {
            "weight": _constant(module.weight),
            "bias": _constant(module.bias),
            "stride": list(module.stride),
            "padding": list(module.padding),
            "dilation": list(module.dilation),
            "groups": module.groups,
        }

    return leaf


def _unbatched(module: Any, value: Value) -> bool:
    """Whether torch would take the batch dimension for the channels."""
    return len(value.shape) != len(module.kernel_size) + 1


def _conv_transpose(operator: Any) -> Callable[[Any, Value], Leaf | None]:
    plain = _conv(operator)

    def leaf(module: Any, value: Value) -> Leaf | None:
        made = plain(module, value)
        return None if made is None else (made[0], made[1] | {"output_padding": list(module.output_padding)})

    return leaf


def _norm(module: Any, value: Value) -> Leaf | None:
    fitting = (1, 2) if type(module) is nn.BatchNorm1d else (3,)
    if module.running_mean is None or len(value.shape) not in fitting:
        return None
    return _aten.batch_norm.default, {
        "weight": _constant(module.weight),
        "bias": _constant(module.bias),
        "running_mean": _constant(module.running_mean),
        "running_var": _constant(module.running_var),
        "training": False,
        "momentum": 0.0,
        "eps": module.eps,
        "cudnn_enabled": False,
    }


def _simple(operator: Any, **names: str) -> Callable[[Any, Value], Leaf]:
    """Arguments copied from attributes: argument=attribute."""
    return lambda module, value: (operator, {argument: getattr(module, name) for argument, name in names.items()})


def _nothing(module: Any, value: Value) -> tuple[()]:
    return ()


def _tuple(number: Any, count: int) -> list[int]:
    return [number] * count if isinstance(number, int) else list(number)


def _max_pool(operator: Any, count: int) -> Callable[[Any, Value], Leaf | None]:
    def leaf(module: Any, value: Value) -> Leaf | None:
        if module.return_indices or len(value.shape) != count + 1:
            return None
        names = ("kernel_size", "stride", "padding", "dilation")
        return operator, {name: _tuple(getattr(module, name), count) for name in names} | {
            "ceil_mode": module.ceil_mode
        }

    return leaf


def _avg_pool(operator: Any, count: int) -> Callable[[Any, Value], Leaf | None]:
    def leaf(module: Any, value: Value) -> Leaf | None:
        if len(value.shape) != count + 1:
            return None
        made = {name: _tuple(getattr(module, name), count) for name in ("kernel_size", "stride", "padding")}
        made |= {"ceil_mode": module.ceil_mode, "count_include_pad": module.count_include_pad}
        if count > 1:
            made["divisor_override"] = module.divisor_override
        return operator, made

    return leaf


def _adaptive_pool(operator: Any, count: int) -> Callable[[Any, Value], Leaf | None]:
    def leaf(module: Any, value: Value) -> Leaf | None:
        sides = _tuple(module.output_size, count) if module.output_size is not None else [None]
        if None in sides or getattr(module, "return_indices", False) or len(value.shape) != count + 1:
            return None
        return operator, {"output_size": sides}

    return leaf


def _flatten(module: Any, value: Value) -> Leaf | None:
    if module.start_dim == 0:
        return None
    return _aten.flatten.using_ints, {"start_dim": module.start_dim, "end_dim": module.end_dim}


def _padding(module: Any, value: Value) -> Leaf:
    filling = float(getattr(module, "value", 0.0))
    return _aten.pad.default, {"pad": list(module.padding), "mode": "constant", "value": filling}


def _softmax(operator: Any) -> Callable[[Any, Value], Leaf | None]:
    def leaf(module: Any, value: Value) -> Leaf | None:
        over_samples = module.dim is None or module.dim % (len(value.shape) + 1) == 0
        return None if over_samples else (operator, {"dim": module.dim})

    return leaf


_ACTIVATIONS: dict[type, Callable[[Any, Value], Any]] = {
    nn.ReLU: _simple(_aten.relu.default),
    nn.LeakyReLU: _simple(_aten.leaky_relu.default, negative_slope="negative_slope"),
    nn.PReLU: lambda module, value: (_aten.prelu.default, {"weight": _constant(module.weight)}),
    nn.ReLU6: _simple(_aten.hardtanh.default, min_val="min_val", max_val="max_val"),
    nn.Hardtanh: _simple(_aten.hardtanh.default, min_val="min_val", max_val="max_val"),
    nn.Hardsigmoid: _simple(_aten.hardsigmoid.default),
    nn.Threshold: _simple(_aten.threshold.default, threshold="threshold", value="value"),
    nn.Sigmoid: _simple(_aten.sigmoid.default),
    nn.Tanh: _simple(_aten.tanh.default),
    nn.Softplus: _simple(_aten.softplus.default, beta="beta", threshold="threshold"),
    nn.GELU: _simple(_aten.gelu.default, approximate="approximate"),
    nn.SiLU: _simple(_aten.silu.default),
    nn.ELU: _simple(_aten.elu.default, alpha="alpha"),
    nn.Hardswish: _simple(_aten.hardswish.default),
}
ELEMENTWISE = frozenset(_ACTIVATIONS)

LEAVES: dict[type, Callable[[Any, Value], Any]] = {
    nn.Linear: _linear,
    nn.Conv1d: _conv(_aten.conv1d.default),
    nn.Conv2d: _conv(_aten.conv2d.default),
    nn.ConvTranspose1d: _conv_transpose(_aten.conv_transpose1d.default),
    nn.ConvTranspose2d: _conv_transpose(_aten.conv_transpose2d.input),
    nn.BatchNorm1d: _norm,
    nn.BatchNorm2d: _norm,
    nn.MaxPool1d: _max_pool(_aten.max_pool1d.default, 1),
    nn.MaxPool2d: _max_pool(_aten.max_pool2d.default, 2),
    nn.AvgPool1d: _avg_pool(_aten.avg_pool1d.default, 1),
    nn.AvgPool2d: _avg_pool(_aten.avg_pool2d.default, 2),
    nn.AdaptiveAvgPool1d: _adaptive_pool(_aten.adaptive_avg_pool1d.default, 1),
    nn.AdaptiveAvgPool2d: _adaptive_pool(_aten.adaptive_avg_pool2d.default, 2),
    nn.AdaptiveMaxPool2d: _adaptive_pool(_aten.adaptive_max_pool2d.default, 2),
    nn.Flatten: _flatten,
    nn.ZeroPad2d: _padding,
    nn.ConstantPad1d: _padding,
    nn.ConstantPad2d: _padding,
    nn.Softmax: _softmax(_aten.softmax.int),
    nn.LogSoftmax: _softmax(_aten.log_softmax.int),
    **dict.fromkeys((nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout), _nothing),
    **_ACTIVATIONS,
}
"""Exact leaf class → the operator it calls, None if its options need a trace, () if it does nothing."""
