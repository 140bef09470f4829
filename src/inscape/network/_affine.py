"""The affine operators: which arguments are factors, which are added, and how long their sums are."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, prod
from typing import Any

import torch
from torch import Tensor

from inscape.network._layer import Bound, Constant

Sizes = Mapping[str, tuple[int, ...]]
"""Shapes of the tensor arguments, for one sample."""


def _none(sizes: Sizes, arguments: Bound) -> int:
    return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Affine:
    """How an operator is affine in its inputs.

    Attributes:
        word: the operation in words.
        function: what is called instead of the operator, None for the operator itself.
        factors: arguments that are multiplied; at most one of them may depend on the input.
        fixed: arguments that must not depend on the input, such as masks and indices.
        additive: arguments whose constants are the constant term.
        scalars: arguments that are numbers and count with their absolute value in the magnitude.
        length: longest sum behind one output.
        prepare: rewrites the arguments before all else.
    """

    word: str
    function: Callable[..., Tensor] | None = None
    factors: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    additive: tuple[str, ...] = ()
    scalars: tuple[str, ...] = ()
    length: Callable[[Sizes, Bound], int] = _none
    prepare: Callable[[Bound], Bound] | None = None


def _weighted(sizes: Sizes, arguments: Bound) -> int:
    """Outputs of Linear and Conv: one product per weight of an output, and the bias."""
    return prod(sizes["weight"][1:]) + (arguments.get("bias") is not None)


def _transposed(sizes: Sizes, arguments: Bound) -> int:
    weight = sizes["weight"]
    return weight[0] // arguments.get("groups", 1) * prod(weight[2:]) + (arguments.get("bias") is not None)


def _convolution(sizes: Sizes, arguments: Bound) -> int:
    return _transposed(sizes, arguments) if arguments["transposed"] else _weighted(sizes, arguments)


def _inner(first: str) -> Callable[[Sizes, Bound], int]:
    return lambda sizes, arguments: sizes[first][-1] + 1


def _times(count: int) -> Callable[[Sizes, Bound], int]:
    return lambda sizes, arguments: count


def _window(sizes: Sizes, arguments: Bound) -> int:
    kernel = arguments["kernel_size"]
    return prod(kernel) ** (len(sizes["self"]) - 2 if len(kernel) == 1 else 1) + 1


def _adaptive(sizes: Sizes, arguments: Bound) -> int:
    targets = list(arguments["output_size"])
    sides = sizes["self"][-len(targets) :]
    return prod(ceil(side / target) + 1 for side, target in zip(sides, targets, strict=True)) + 1


def _reduced(sizes: Sizes, arguments: Bound) -> int:
    shape, axes = sizes["self"], arguments.get("dim")
    axes = [axes] if isinstance(axes, int) else axes
    return prod(shape if not axes else [shape[axis] for axis in axes]) + 1


def _everything(sizes: Sizes, arguments: Bound) -> int:
    operands = arguments["tensors"]
    return max(prod(operand.shape) for operand in operands) + 1


def _scale_shift(input: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    return torch.addcmul(shift, input, scale)


def _fold_norm(arguments: Bound) -> Bound:
    """BatchNorm in evaluation as one scale and one shift per channel."""
    mean, variance, epsilon = arguments["running_mean"], arguments["running_var"], arguments["eps"]
    weight, bias = arguments["weight"], arguments["bias"]
    value = arguments["input"]
    axes = len(value.layout.captured_shape(value.shape))
    shape = (mean.shape[0], *(1,) * (axes - 2))

    def scale_of(variance: Tensor, weight: Tensor | float = 1.0) -> Tensor:
        return (weight / torch.sqrt(variance + epsilon)).reshape(shape)

    def shift_of(mean: Tensor, scale: Tensor, bias: Tensor | float = 0.0) -> Tensor:
        return (bias - mean * scale.reshape(-1)).reshape(shape)

    scale = Constant.derived(scale_of, *([variance] if weight is None else [variance, weight]), shape=shape)
    shift = Constant.derived(shift_of, *([mean, scale] if bias is None else [mean, scale, bias]), shape=shape)
    return {"input": value, "scale": scale, "shift": shift}


def _combined(self: Any, other: Any, alpha: float) -> Tensor:
    return torch.add(self, other, alpha=alpha) if isinstance(self, Tensor) else torch.add(other * alpha, self)


def _to_sum(arguments: Bound) -> Bound:
    return arguments | {"alpha": -arguments.get("alpha", 1)}


def _to_reversed_sum(arguments: Bound) -> Bound:
    """Other − alpha · self, as a sum with the varying part first where that is possible."""
    return {"self": arguments["other"], "other": arguments["self"], "alpha": -arguments.get("alpha", 1)}


def _negated(arguments: Bound) -> Bound:
    return {"self": arguments["self"], "other": -1.0}


def _multiplied(self: Any, other: Any) -> Tensor:
    return self * other


def _divided(self: Any, other: Any) -> Tensor:
    return self / other


def _product_sum(self: Any, tensor1: Any, tensor2: Any, value: float) -> Tensor:
    return torch.addcmul(self, tensor1, tensor2, value=value)


def _reshaped(self: Tensor, size: Any) -> Tensor:
    return self.reshape(size)


def _selected(condition: Tensor, self: Any, other: Any) -> Tensor:
    return torch.where(condition, self, other)


def _identity(arguments: Bound, pick: int | None) -> bool:
    return True


def _to_floating(arguments: Bound, pick: int | None) -> bool:
    dtype = arguments.get("dtype")
    return dtype is None or dtype.is_floating_point


def _whole(arguments: Bound, pick: int | None) -> bool:
    """A slice from the first to the last entry."""
    end = arguments.get("end")
    return not arguments.get("start") and (end is None or end == sys.maxsize) and arguments.get("step", 1) == 1


def _still(arguments: Bound, pick: int | None) -> bool:
    return not arguments.get("train", arguments.get("training", False))


NEUTRAL: dict[str, Callable[[Bound, int | None], bool]] = {
    "clone": _identity,
    "alias": _identity,
    "detach": _identity,
    "contiguous": _identity,
    "lift_fresh": _identity,
    "lift_fresh_copy": _identity,
    "_to_copy": _to_floating,
    "to": _to_floating,
    "slice": _whole,
    "dropout": _still,
    "alpha_dropout": _still,
    "feature_dropout": _still,
    "feature_alpha_dropout": _still,
    "native_dropout": _still,
}
"""Operators that change nothing, with the condition under which that is so."""

_LINEAR = Affine(word="Linear", factors=("input", "weight"), additive=("bias",), length=_weighted)
_NORM = Affine(
    word="BatchNorm",
    function=_scale_shift,
    additive=("shift",),
    prepare=_fold_norm,
    length=_times(3),
    fixed=("scale", "shift"),
)


def _conv(word: str) -> Affine:
    return Affine(word=word, factors=("input", "weight"), additive=("bias",), length=_weighted)


def _conv_transpose(word: str) -> Affine:
    return Affine(word=word, factors=("input", "weight"), additive=("bias",), length=_transposed)


def _pure(word: str, *fixed: str) -> Affine:
    return Affine(word=word, fixed=fixed)


def _resampled(word: str, terms: int) -> Affine:
    return Affine(word=word, length=_times(terms))


AFFINE: dict[str, Affine] = {
    "linear": _LINEAR,
    "conv1d": _conv("Conv1d"),
    "conv2d": _conv("Conv2d"),
    "conv3d": _conv("Conv3d"),
    "conv_transpose1d": _conv_transpose("ConvTranspose1d"),
    "conv_transpose2d": _conv_transpose("ConvTranspose2d"),
    "conv_transpose3d": _conv_transpose("ConvTranspose3d"),
    "convolution": Affine(word="Convolution", factors=("input", "weight"), additive=("bias",), length=_convolution),
    "batch_norm": _NORM,
    "_native_batch_norm_legit_no_training": _NORM,
    "avg_pool1d": Affine(word="AvgPool1d", length=_window),
    "avg_pool2d": Affine(word="AvgPool2d", length=_window),
    "avg_pool3d": Affine(word="AvgPool3d", length=_window),
    "adaptive_avg_pool1d": Affine(word="AdaptiveAvgPool1d", length=_adaptive),
    "adaptive_avg_pool2d": Affine(word="AdaptiveAvgPool2d", length=_adaptive),
    "adaptive_avg_pool3d": Affine(word="AdaptiveAvgPool3d", length=_adaptive),
    "_adaptive_avg_pool2d": Affine(word="AdaptiveAvgPool2d", length=_adaptive),
    "_adaptive_avg_pool3d": Affine(word="AdaptiveAvgPool3d", length=_adaptive),
    "constant_pad_nd": Affine(word="Pad", additive=("value",), scalars=("value",)),
    "pad": Affine(word="Pad", additive=("value",), scalars=("value",)),
    **{f"{kind}_pad{d}d": _pure("Pad") for kind in ("reflection", "replication") for d in (1, 2, 3)},
    **{f"upsample_nearest{d}d": _pure("nearest upsampling") for d in (1, 2, 3)},
    **{f"_upsample_nearest_exact{d}d": _pure("nearest upsampling") for d in (1, 2, 3)},
    "upsample_linear1d": _resampled("linear upsampling", 6),
    "upsample_bilinear2d": _resampled("bilinear upsampling", 12),
    "upsample_trilinear3d": _resampled("trilinear upsampling", 24),
    "add": Affine(word="add", function=_combined, additive=("self", "other"), scalars=("alpha",), length=_times(2)),
    "sub": Affine(
        word="subtract",
        function=_combined,
        additive=("self", "other"),
        scalars=("alpha",),
        prepare=_to_sum,
        length=_times(2),
    ),
    "rsub": Affine(
        word="subtract",
        function=_combined,
        additive=("self", "other"),
        scalars=("alpha",),
        prepare=_to_reversed_sum,
        length=_times(2),
    ),
    "neg": Affine(word="negate", function=_multiplied, prepare=_negated, scalars=("other",)),
    "mul": Affine(
        word="scale", function=_multiplied, factors=("self", "other"), scalars=("self", "other"), length=_times(1)
    ),
    "div": Affine(word="scale", function=_divided, fixed=("other",), scalars=("other",), length=_times(1)),
    "addcmul": Affine(
        word="scale and add",
        function=_product_sum,
        factors=("tensor1", "tensor2"),
        additive=("self",),
        scalars=("value",),
        length=_times(2),
    ),
    "mm": Affine(word="matrix product", factors=("self", "mat2"), length=_inner("self")),
    "bmm": Affine(word="matrix product", factors=("self", "mat2"), length=_inner("self")),
    "mv": Affine(word="matrix product", factors=("self", "vec"), length=_inner("self")),
    "matmul": Affine(word="matrix product", factors=("self", "other"), length=_inner("self")),
    "addmm": Affine(
        word="matrix product",
        factors=("mat1", "mat2"),
        additive=("self",),
        scalars=("alpha", "beta"),
        length=_inner("mat1"),
    ),
    "baddbmm": Affine(
        word="matrix product",
        factors=("batch1", "batch2"),
        additive=("self",),
        scalars=("alpha", "beta"),
        length=_inner("batch1"),
    ),
    "einsum": Affine(word="einsum", factors=("tensors",), length=_everything),
    "sum": Affine(word="sum", length=_reduced),
    "mean": Affine(word="mean", length=_reduced),
    "cumsum": Affine(word="cumulative sum", length=_reduced),
    "cat": Affine(word="cat", additive=("tensors",)),
    "stack": Affine(word="stack", additive=("tensors",)),
    "where": Affine(
        word="where", function=_selected, fixed=("condition",), additive=("self", "other"), scalars=("self", "other")
    ),
    "masked_fill": Affine(word="where", fixed=("mask", "value"), additive=("value",), scalars=("value",)),
    "view": Affine(word="reshape", function=_reshaped),
    "_unsafe_view": Affine(word="reshape", function=_reshaped),
    "reshape": Affine(word="reshape", function=lambda self, shape: self.reshape(shape)),
    "flatten": _pure("reshape"),
    "unflatten": _pure("reshape"),
    "index": _pure("index", "indices"),
    "index_select": _pure("index", "index"),
    "gather": _pure("index", "index"),
    "take_along_dim": _pure("index", "indices"),
    "tril": _pure("triangle"),
    "triu": _pure("triangle"),
    **{
        name: _pure(name.strip("_").replace("_", " "))
        for name in (
            "permute",
            "transpose",
            "t",
            "squeeze",
            "unsqueeze",
            "expand",
            "expand_as",
            "repeat",
            "tile",
            "select",
            "slice",
            "narrow",
            "split",
            "split_with_sizes",
            "chunk",
            "unbind",
            "flip",
            "roll",
            "movedim",
            "swapaxes",
            "diagonal",
            "unfold",
            "im2col",
            "col2im",
            "pixel_shuffle",
            "pixel_unshuffle",
            "channel_shuffle",
            "repeat_interleave",
            "view_as",
            "numpy_T",
            "rot90",
        )
    },
}
"""Name of the operator → how it is affine."""
