"""ONNX operators that move, copy and pick entries, on tensors and on sizes."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from inscape._errors import ModelError, UnsupportedLayerError
from inscape.network._onnx_graph import Call, Known, dtype_numbered
from inscape.network._onnx_values import along, array, bounded, numbers, objects, option, tensor


def shape(call: Call, x: Any) -> np.ndarray:
    """The sizes of a value, or some of them."""
    sizes = list(x.shape)[call.attributes.get("start", 0) : call.attributes.get("end")]
    return objects(sizes)


def size(call: Call, x: Any) -> np.ndarray:
    """The number of entries."""
    return objects([prod(x.shape)]).reshape(())


def span(call: Call, start: Any, end: Any, step: Any) -> Known:
    """Numbers at equal distances; floating ones as a tensor of float32."""
    first, last, by = (numbers(call, value, "bounds")[0] for value in (start, end, step))
    bounded(call, [int(max((last - first) / by, 0))])
    made = np.arange(first, last, by)
    return made if np.issubdtype(made.dtype, np.integer) else torch.from_numpy(made).to(torch.float32)


def cast(call: Call, x: Any) -> Any:
    """Change of type; from numbers to integers it would be no continuous function."""
    dtype = dtype_numbered(call.attributes["to"])
    if isinstance(x, Tensor):
        if not dtype.is_floating_point:
            raise UnsupportedLayerError(
                f"Cast {call.name!r} rounds computed values to integers, which is not supported"
            )
        return x.to(dtype)
    if not dtype.is_floating_point:
        return x.astype(bool) if dtype == torch.bool else x if x.dtype == object else x.astype(np.int64)
    x = objects(x.tolist()) if x.dtype == object and x.ndim == 1 else x
    if x.dtype == object:
        raise UnsupportedLayerError(f"Cast {call.name!r} makes the number of samples a value to compute with")
    return torch.from_numpy(np.array(x)).to(dtype)


def constant_of_shape(call: Call, sizes: Any) -> Known:
    """One number everywhere."""
    target = bounded(call, numbers(call, sizes, "shape"))
    value = call.attributes.get("value", (0.0, torch.float32))
    if isinstance(value, tuple):
        number, dtype = value
        return torch.full(list(target), number, dtype=dtype)
    return np.full(tuple(target), value.reshape(-1)[0])


def reshape(call: Call, x: Any, sizes: Any) -> Any:
    """New shape; 0 keeps a side and −1 is what remains."""
    target = numbers(call, sizes, "shape")
    if not call.attributes.get("allowzero"):
        target = [x.shape[axis] if is_zero(side) else side for axis, side in enumerate(target)]
    return x.reshape(target)


def is_zero(side: Any) -> bool:
    """Whether a side is the number 0; a symbolic one never is."""
    return isinstance(side, int) and side == 0


def flatten(call: Call, x: Any) -> Tensor:
    """Two dimensions: those before an axis, and the others."""
    x, axis = tensor(call, x), call.attributes["axis"]
    axis = axis + x.ndim if axis < 0 else axis
    if axis == 0:
        return x.reshape(1, -1)
    return x.reshape(*x.shape[:1], -1) if axis == 1 else x.reshape(-1, prod(x.shape[axis:]))


def transpose(call: Call, x: Any) -> Any:
    """Another order of the dimensions, reversed if none is given."""
    order = call.attributes.get("perm") or list(reversed(range(x.ndim)))
    return np.transpose(x, order) if isinstance(x, np.ndarray) else x.permute(order)


def squeeze(call: Call, x: Any, axes: Any = None) -> Any:
    """Take sides of size 1 out; without axes all of them but the samples'."""
    chosen = option(call, axes, "axes")
    if isinstance(x, np.ndarray):
        return np.squeeze(x, None if chosen is None else tuple(chosen))
    if chosen is None:
        chosen = [axis for axis in range(1, x.ndim) if x.shape[axis] == 1]
    for axis in sorted((axis % x.ndim for axis in chosen), reverse=True):
        if x.shape[axis] != 1:
            raise ModelError(f"Squeeze {call.name!r} removes dimension {axis}, whose size is {x.shape[axis]}, not 1")
        x = x.squeeze(axis)
    return x


def unsqueeze(call: Call, x: Any, axes: Any = None) -> Any:
    """Put sides of size 1 in."""
    chosen = option(call, axes, "axes") or []
    rank = x.ndim + len(chosen)
    for axis in sorted(axis % rank for axis in chosen):
        x = x.unsqueeze(axis) if isinstance(x, Tensor) else np.expand_dims(x, axis)
    return x


def expand(call: Call, x: Any, sizes: Any) -> Any:
    """Broadcast with a shape."""
    target = numbers(call, sizes, "shape")
    rank = max(x.ndim, len(target))
    own = [1] * (rank - x.ndim) + list(x.shape)
    target = [1] * (rank - len(target)) + target
    full = bounded(call, [a if isinstance(b, int) and b == 1 else b for a, b in zip(own, target, strict=True)])
    return x.expand(list(full)) if isinstance(x, Tensor) else np.broadcast_to(x, tuple(full))


def concat(call: Call, *values: Any) -> Any:
    """Join along an axis."""
    axis = call.attributes["axis"]
    if all(isinstance(value, np.ndarray) for value in values):
        return np.concatenate(values, axis)
    parts = [tensor(call, value) for value in values]
    rows = next((part.shape[0] for part in parts if part.shape[0] != 1), 1)
    if axis % parts[0].ndim:  # a constant beside samples whose number a file fixes to one stands for each of them
        parts = [part if part.shape[0] != 1 else part.expand(rows, *part.shape[1:]) for part in parts]
    return torch.cat(parts, axis)


def split(call: Call, x: Any, sizes: Any = None) -> list[Any]:
    """Parts along an axis, of given sizes or as equal as can be."""
    axis, count = call.attributes["axis"], len(call.outputs)
    given = option(call, sizes, "split")
    if given is None:
        whole = int(x.shape[axis])
        side = -(-whole // count)
        given = [max(min(side, whole - i * side), 0) for i in range(count)]
    if isinstance(x, np.ndarray):
        return np.split(x, np.cumsum(given)[:-1], axis)
    return list(torch.split(x, given, axis))


def slices(call: Call, x: Any, *given: Any) -> Any:
    """Ranges along axes, forwards or backwards."""
    names = ("starts", "ends", "axes", "steps")
    values = [*given, *[None] * (4 - len(given))]
    starts, ends, axes, steps = (option(call, v, name) for name, v in zip(names, values, strict=True))
    starts, ends = starts or [], ends or []
    for start, end, axis, step in zip(
        starts, ends, axes or range(len(starts)), steps or [1] * len(starts), strict=True
    ):
        x = _sliced(x, slice(start, end, step), axis % x.ndim)
    return x


def _sliced(x: Any, part: slice, axis: int) -> Any:
    if isinstance(x, np.ndarray):
        return x[(slice(None),) * axis + (_backwards_to_start(part),)]
    if axis == 0 and part.start == 0 and part.stop >= 1 << 30 and part.step == 1:
        return x
    if part.step > 0:
        start, stop, step = part.indices(x.shape[axis])
        return x[(slice(None),) * axis + (slice(start, max(start, stop), step),)]
    return along(x, axis, np.arange(x.shape[axis])[_backwards_to_start(part)])


def _backwards_to_start(part: slice) -> slice:
    """An end far before the start, which runs through the first entry, is no place counted from the end."""
    return slice(part.start, None, part.step) if part.step < 0 and part.stop < -(1 << 30) else part


def gather(call: Call, x: Any, positions: Any) -> Any:
    """Entries at given positions along an axis."""
    positions, axis = array(call, positions, "indices"), call.attributes["axis"]
    if isinstance(x, np.ndarray):
        return np.asarray(np.take(x, positions.astype(np.int64), axis))
    axis = axis % x.ndim
    whole = positions.astype(np.int64)
    whole = np.where(whole < 0, whole + x.shape[axis], whole)
    if whole.ndim == 0:
        return x.select(axis, int(whole))
    return along(x, axis, whole.reshape(-1)).unflatten(axis, whole.shape)


def tile(call: Call, x: Any, repeats: Any) -> Tensor:
    """Copies side by side."""
    counts = numbers(call, repeats, "repeats")
    bounded(call, [size * count for size, count in zip(x.shape, counts, strict=True)])
    return tensor(call, x).repeat(counts)


def pad(call: Call, x: Any, pads: Any = None, value: Any = None, axes: Any = None) -> Tensor:
    """Padding by a number, by the edge, by reflection or around."""
    x, given = tensor(call, x), option(call, pads, "pads") or []
    filling = numbers(call, value, "value")[0] if value is not None else call.attributes.get("value", 0.0)
    count = len(given) // 2
    chosen = [axis % x.ndim for axis in (range(count) if axes is None else numbers(call, axes, "axes"))]
    pairs = {axis: (given[i], given[count + i]) for i, axis in enumerate(chosen) if given[i] or given[count + i]}
    return padded(call, x, pairs, call.attributes["mode"], float(filling))


def padded(call: Call, x: Tensor, pairs: dict[int, tuple[int, int]], mode: str, value: float = 0.0) -> Tensor:
    """Padding of some dimensions.

    Args:
        call: the node.
        x: the tensor.
        pairs: dimension → entries before and after; negative ones are cut off.
        mode: ``constant``, ``edge``, ``reflect`` or ``wrap``.
        value: what is put in, in mode ``constant``.

    Returns:
        The padded tensor.

    Raises:
        UnsupportedLayerError: if the mode is none of these, or cuts off entries.
    """
    if not pairs:
        return x
    bounded(call, [size + sum(pairs.get(axis, ())) for axis, size in enumerate(x.shape)])
    if mode == "constant":
        before_after = [pairs.get(axis, (0, 0)) for axis in reversed(range(min(pairs), x.ndim))]
        return F.pad(x, [int(side) for pair in before_after for side in pair], value=value)
    if mode not in ("edge", "reflect", "wrap") or min(min(pair) for pair in pairs.values()) < 0:
        raise UnsupportedLayerError(f"Pad {call.name!r} has mode {mode!r} with pads {pairs}, which is not supported")
    for axis, pair in pairs.items():
        x = along(x, axis, np.pad(np.arange(x.shape[axis]), pair, mode=mode))  # pyright: ignore[reportCallIssue, reportArgumentType]
    return x


def depth_to_space(call: Call, x: Any) -> Tensor:
    """Blocks of channels become blocks of pixels."""
    x, side = tensor(call, x), call.attributes["blocksize"]
    if call.attributes.get("mode", "DCR") == "CRD":
        return F.pixel_shuffle(x, side)
    channels, height, width = x.shape[1:]
    parts = x.reshape(-1, side, side, channels // side**2, height, width)
    return parts.permute(0, 3, 4, 1, 5, 2).reshape(-1, channels // side**2, height * side, width * side)


def space_to_depth(call: Call, x: Any) -> Tensor:
    """Blocks of pixels become blocks of channels."""
    x, side = tensor(call, x), call.attributes["blocksize"]
    channels, height, width = x.shape[1:]
    parts = x.reshape(-1, channels, height // side, side, width // side, side)
    return parts.permute(0, 3, 5, 1, 2, 4).reshape(-1, channels * side**2, height // side, width // side)


def resize(call: Call, x: Any, *given: Any) -> Tensor:
    """Nearest or linear resampling of the spatial dimensions."""
    x = tensor(call, x)
    modern = call.operation == "Resize" and call.version >= 11
    operands = [*given, None, None, None, None]
    scales_in, sizes_in = (operands[1], operands[2]) if modern else (operands[0], None)
    scales = None if scales_in is None and sizes_in is not None else option(call, scales_in, "scales")
    axes = call.attributes.get("axes") or range(x.ndim)
    sizes = None if scales else dict(zip(axes, numbers(call, sizes_in, "sizes"), strict=True))
    factors = dict(zip(axes, scales or [], strict=False))
    if call.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch" or call.attributes.get("antialias"):
        raise UnsupportedLayerError(f"Resize {call.name!r} keeps the aspect ratio or smooths; it is supported without")
    targets = [
        int(x.shape[axis] * factors.get(axis, 1) + 1e-9) if sizes is None else int(sizes.get(axis, x.shape[axis]))
        for axis in range(2, x.ndim)
    ]
    if any(factors.get(axis, 1) != 1 for axis in (0, 1)):
        raise UnsupportedLayerError(f"{call.operation} {call.name!r} resamples channels or samples")
    bounded(call, [*x.shape[:2], *targets])
    ratios = [factors.get(axis, 1.0) if sizes is None else side / x.shape[axis] for axis, side in enumerate(targets, 2)]
    return _resampled(call, x, targets, ratios)


def _resampled(call: Call, x: Tensor, targets: Sequence[int], ratios: Sequence[float]) -> Tensor:
    mode = call.attributes["mode"]
    place = call.attributes.get("coordinate_transformation_mode", "asymmetric")
    if mode == "nearest":
        for axis, (target, ratio) in enumerate(zip(targets, ratios, strict=True), 2):
            x = along(x, axis, _nearest(call, int(x.shape[axis]), target, ratio))
        return x
    corners = place == "align_corners"
    halves = place == "half_pixel" or (place == "pytorch_half_pixel" and min(targets) > 1)
    modes = {1: "linear", 2: "bilinear", 3: "trilinear"}
    if mode != "linear" or not (corners or halves) or len(targets) not in modes:
        raise UnsupportedLayerError(
            f"{call.operation} {call.name!r} has mode {mode!r} with coordinates {place!r}; supported are nearest, and "
            "linear with half_pixel, pytorch_half_pixel or align_corners"
        )
    exact = all(target == x.shape[axis] * ratio for axis, (target, ratio) in enumerate(zip(targets, ratios), 2))  # noqa: B905
    if exact or corners:
        return F.interpolate(x, size=list(targets), mode=modes[len(targets)], align_corners=corners)
    return F.interpolate(x, scale_factor=list(ratios), mode=modes[len(targets)], align_corners=False)


def _nearest(call: Call, side: int, target: int, ratio: float) -> np.ndarray:
    """Positions of the nearest entries, by the coordinates and the rounding that the node names."""
    place = call.attributes.get("coordinate_transformation_mode", "asymmetric")
    i = np.arange(target, dtype=np.float64)
    coordinates = {
        "asymmetric": lambda: i / ratio,
        "half_pixel": lambda: (i + 0.5) / ratio - 0.5,
        "pytorch_half_pixel": lambda: (i + 0.5) / ratio - 0.5 if target > 1 else 0 * i,
        "align_corners": lambda: i * (side - 1) / (target - 1) if target > 1 else 0 * i,
    }
    roundings = {
        "floor": np.floor,
        "ceil": np.ceil,
        "round_prefer_floor": lambda x: np.ceil(x - 0.5),
        "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    }
    rounding = call.attributes.get("nearest_mode", "floor")
    if place not in coordinates or rounding not in roundings:
        raise UnsupportedLayerError(
            f"{call.operation} {call.name!r} has coordinates {place!r} and rounding {rounding!r}; supported are "
            f"{', '.join(coordinates)}, and {', '.join(roundings)}"
        )
    return np.clip(roundings[rounding](coordinates[place]()), 0, side - 1).astype(np.int64)
