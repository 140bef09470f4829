"""The supported ONNX operators."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from inscape.network import _onnx_arithmetic as arithmetic
from inscape.network import _onnx_shapes as shapes
from inscape.network import _onnx_windows as windows


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """How a node is computed.

    Attributes:
        function: takes the node and its operands and gives the value, or a list of values.
        weights: how many operands from the first on are numbers to compute with; constants among them become
            parameters. All others are options, which have to be known without the input.
        statistics: positions of weights that are not to be trained.
        several: whether more than the first output is supported.
    """

    function: Callable[..., Any]
    weights: int = 1_000_000
    statistics: tuple[int, ...] = ()
    several: bool = False


def _of(function: Callable[..., Any], weights: int = 1_000_000) -> Operator:
    return Operator(function=function, weights=weights)


def _unary(function: Callable[..., Any], counting: Callable[..., Any] | None = None) -> Operator:
    return Operator(function=arithmetic.unary(function, counting))


def _options(function: Callable[..., Any], **names: str) -> Operator:
    return Operator(function=arithmetic.with_options(function, **names))


def _reduction(function: Callable[..., Any]) -> Operator:
    return Operator(function=arithmetic.reduction(function), weights=1)


OPERATORS: dict[str, Operator] = {
    "Gemm": _of(arithmetic.gemm),
    "MatMul": _of(arithmetic.matmul),
    "Einsum": _of(arithmetic.einsum),
    "Add": _of(arithmetic.binary(torch.add, operator.add)),
    "Sub": _of(arithmetic.binary(torch.sub, operator.sub)),
    "Mul": _of(arithmetic.binary(torch.mul, operator.mul)),
    "Div": _of(arithmetic.binary(torch.div, arithmetic.quotient)),
    "Sum": _of(arithmetic.variadic(torch.add)),
    "Mean": _of(arithmetic.mean),
    "Max": _of(arithmetic.variadic(torch.maximum, np.maximum)),
    "Min": _of(arithmetic.variadic(torch.minimum, np.minimum)),
    "Neg": _unary(torch.neg, operator.neg),
    "Abs": _unary(torch.abs, abs),
    "Mod": _of(arithmetic.remainder),
    "Exp": _unary(torch.exp),
    "Log": _unary(torch.log),
    "Sqrt": _unary(torch.sqrt),
    "Reciprocal": _unary(torch.reciprocal),
    "Erf": _unary(torch.erf),
    "Sin": _unary(torch.sin),
    "Cos": _unary(torch.cos),
    "Pow": _of(arithmetic.power, 1),
    "Where": _of(arithmetic.choice),
    "Equal": _of(arithmetic.equal),
    "Relu": _unary(torch.relu),
    "LeakyRelu": _options(F.leaky_relu, negative_slope="alpha"),
    "PRelu": _of(arithmetic.prelu),
    "Clip": _of(arithmetic.clip, 1),
    "HardSigmoid": _of(arithmetic.hard_sigmoid),
    "HardSwish": _unary(F.hardswish),
    "Sigmoid": _unary(torch.sigmoid),
    "Tanh": _unary(torch.tanh),
    "Softplus": _unary(F.softplus),
    "Softsign": _unary(arithmetic.softsign),
    "Mish": _unary(F.mish),
    "Elu": _options(F.elu, alpha="alpha"),
    "Celu": _options(F.celu, alpha="alpha"),
    "Selu": _of(arithmetic.selu),
    "Swish": _of(arithmetic.swish),
    "Gelu": _of(arithmetic.gelu),
    "Softmax": _of(arithmetic.softmax(torch.softmax)),
    "LogSoftmax": _of(arithmetic.softmax(torch.log_softmax)),
    "BatchNormalization": Operator(function=arithmetic.batch_norm, statistics=(3, 4)),
    "LayerNormalization": _of(arithmetic.layer_norm),
    "InstanceNormalization": _of(arithmetic.instance_norm),
    "Dropout": _of(arithmetic.dropout, 1),
    "ReduceMean": _reduction(lambda x, axes, keep: x.mean(axes, keepdim=keep)),
    "ReduceSum": _reduction(lambda x, axes, keep: x.sum(axes, keepdim=keep)),
    "ReduceMax": _reduction(lambda x, axes, keep: x.amax(axes, keepdim=keep)),
    "ReduceMin": _reduction(lambda x, axes, keep: x.amin(axes, keepdim=keep)),
    "ReduceL2": _reduction(arithmetic.euclidean),
    "Conv": _of(windows.conv),
    "ConvTranspose": _of(windows.conv_transpose),
    "MaxPool": _of(windows.max_pool),
    "AveragePool": _of(windows.average_pool),
    "GlobalMaxPool": _of(windows.global_maximum),
    "GlobalAveragePool": _of(windows.global_average),
    "Shape": _of(shapes.shape),
    "Size": _of(shapes.size),
    "Range": _of(shapes.span, 0),
    "Cast": _of(shapes.cast),
    "ConstantOfShape": _of(shapes.constant_of_shape, 0),
    "Identity": _of(lambda call, x: x),
    "Reshape": _of(shapes.reshape, 1),
    "Flatten": _of(shapes.flatten),
    "Transpose": _of(shapes.transpose),
    "Squeeze": _of(shapes.squeeze, 1),
    "Unsqueeze": _of(shapes.unsqueeze, 1),
    "Expand": _of(shapes.expand, 1),
    "Concat": _of(shapes.concat),
    "Split": Operator(function=shapes.split, weights=1, several=True),
    "Slice": _of(shapes.slices, 1),
    "Gather": _of(shapes.gather, 1),
    "Tile": _of(shapes.tile, 1),
    "Pad": _of(shapes.pad, 1),
    "Resize": _of(shapes.resize, 1),
    "Upsample": _of(shapes.resize, 1),
    "DepthToSpace": _of(shapes.depth_to_space),
    "SpaceToDepth": _of(shapes.space_to_depth),
}
"""Name of the operator → how it is computed."""

CONSTANT = "Constant"
"""The operator that has no operands; its attribute is taken as it is."""

SUPPORTED = frozenset({*OPERATORS, CONSTANT})
