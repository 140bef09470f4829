"""ONNX operators with a moving window: convolution and pooling."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from inscape._errors import UnsupportedLayerError
from inscape.network._onnx_graph import Call
from inscape.network._onnx_shapes import padded
from inscape.network._onnx_values import tensor

_CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE_POOL = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


class Window:
    """The options of a window, one number for each spatial dimension."""

    def __init__(self, call: Call, kernel: Sequence[int]) -> None:
        given = call.attributes
        if len(kernel) not in _CONV:
            raise UnsupportedLayerError(
                f"{call.operation} {call.name!r} has {len(kernel)} spatial dimensions; one to three are supported"
            )
        self.kernel = list(kernel)
        self.stride = list(given.get("strides") or [1] * len(kernel))
        self.dilation = list(given.get("dilations") or [1] * len(kernel))
        self.auto = given.get("auto_pad", "NOTSET")
        self.pads = list(given.get("pads") or [0] * 2 * len(kernel))

    @property
    def spans(self) -> list[int]:
        """Entries from the first to the last that a window covers."""
        return [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]

    def padding(self, sides: Sequence[int]) -> tuple[list[int], list[int]]:
        """Padding before and after, for the sides of the input."""
        count = len(self.kernel)
        if self.auto in ("NOTSET", ""):
            return self.pads[:count], self.pads[count:]
        if self.auto == "VALID":
            return [0] * count, [0] * count
        totals = [
            max((-(-side // step) - 1) * step + span - side, 0)
            for side, step, span in zip(sides, self.stride, self.spans, strict=True)
        ]
        return self.shared(totals)

    def shared(self, totals: Sequence[int]) -> tuple[list[int], list[int]]:
        """Share a padding out between both ends; an odd entry goes to the start unless the mode says otherwise."""
        less, more = [total // 2 for total in totals], [total - total // 2 for total in totals]
        return (less, more) if self.auto == "SAME_UPPER" else (more, less)


def _pairs(before: Sequence[int], after: Sequence[int]) -> dict[int, tuple[int, int]]:
    return {axis: pair for axis, pair in enumerate(zip(before, after, strict=True), 2) if any(pair)}


def conv(call: Call, x: Any, weight: Any, bias: Any = None) -> Tensor:
    """Convolution, padded by different numbers of zeros at both ends if need be."""
    x, weight = tensor(call, x), tensor(call, weight)
    window = Window(call, weight.shape[2:])
    before, after = window.padding(x.shape[2:])
    if before != after:
        x, before = padded(call, x, _pairs(before, after), "constant"), [0] * len(before)
    run = _CONV[len(window.kernel)]
    return run(x, weight, bias, window.stride, before, window.dilation, call.attributes.get("group", 1))


def conv_transpose(call: Call, x: Any, weight: Any, bias: Any = None) -> Tensor:
    """Transposed convolution; what the padding takes off is cut from the full output where its ends differ."""
    x, weight = tensor(call, x), tensor(call, weight)
    window = Window(call, weight.shape[2:])
    extra = list(call.attributes.get("output_padding") or [0] * len(window.kernel))
    full = [(s - 1) * t + p for s, t, p in zip(x.shape[2:], window.stride, window.spans, strict=True)]
    wanted = call.attributes.get("output_shape")
    if wanted is None and window.auto.startswith("SAME"):
        wanted = [side * step for side, step in zip(x.shape[2:], window.stride, strict=True)]
    if wanted is not None:
        total = [f + e - w for f, e, w in zip(full, extra, wanted[-len(full) :], strict=True)]
        before, after = window.shared([max(side, 0) for side in total])
        extra = [e + max(-t, 0) for e, t in zip(extra, total, strict=True)]
    else:
        before, after = window.padding(x.shape[2:])
    same = before == after
    run, group = _TRANSPOSED[len(window.kernel)], call.attributes.get("group", 1)
    padding = before if same else [0] * len(before)
    made = run(x, weight, bias, window.stride, padding, extra, group, window.dilation)
    if same:
        return made
    return padded(call, made, _pairs([-b for b in before], [-a for a in after]), "constant")


def max_pool(call: Call, x: Any) -> Tensor:
    """Maximum over windows."""
    x, window = tensor(call, x), Window(call, call.attributes["kernel_shape"])
    before, after = window.padding(x.shape[2:])
    ceil = bool(call.attributes.get("ceil_mode"))
    if before != after or any(2 * b > k for b, k in zip(before, window.kernel, strict=True)):
        reach = [max(pair) for pair in zip(before, after, strict=True)]
        gaps = any(d != 1 and r for d, r in zip(window.dilation, reach, strict=True))
        if ceil or gaps or any(r >= k for r, k in zip(reach, window.kernel, strict=True)):
            raise UnsupportedLayerError(
                f"MaxPool {call.name!r} has padding {window.pads} together with dilations, ceil_mode or a smaller "
                "window; make the padding equal at both ends and at most half the window"
            )
        # a window that reaches over the edge holds the entry there, so that copies of it change no maximum
        x, before = padded(call, x, _pairs(before, after), "edge"), [0] * len(before)
    run = _MAX_POOL[len(window.kernel)]
    return run(x, window.kernel, window.stride, before, window.dilation, ceil_mode=ceil)


def average_pool(call: Call, x: Any) -> Tensor:
    """Mean over windows, of the entries inside or of the padding too."""
    x, window = tensor(call, x), Window(call, call.attributes["kernel_shape"])
    before, after = window.padding(x.shape[2:])
    ceil, padding_counts = bool(call.attributes.get("ceil_mode")), bool(call.attributes.get("count_include_pad"))
    run, pairs = _AVERAGE_POOL[len(window.kernel)], _pairs(before, after)
    if any(d != 1 for d in window.dilation) or (ceil and before != after):
        raise UnsupportedLayerError(
            f"AveragePool {call.name!r} has dilations, or ceil_mode with unequal padding, which is not supported"
        )
    if before == after and all(2 * b <= k for b, k in zip(before, window.kernel, strict=True)):
        return run(x, window.kernel, window.stride, before, ceil_mode=ceil, count_include_pad=padding_counts)
    means = run(padded(call, x, pairs, "constant"), window.kernel, window.stride, ceil_mode=ceil)
    if padding_counts:
        return means
    inside = torch.ones((1, 1, *x.shape[2:]), dtype=x.dtype, device=x.device)
    return means / run(padded(call, inside, pairs, "constant"), window.kernel, window.stride)


def global_average(call: Call, x: Any) -> Tensor:
    """Mean over all spatial dimensions."""
    x = tensor(call, x)
    return x.mean(list(range(2, x.ndim)), keepdim=True)


def global_maximum(call: Call, x: Any) -> Tensor:
    """Maximum over all spatial dimensions."""
    x = tensor(call, x)
    return x.amax(list(range(2, x.ndim)), keepdim=True)
