"""Index groups of maxima and sorts, made by carrying positions instead of values through the operation."""

from math import ceil
from typing import Any

import numpy as np
import torch

from inscape.geometry._program import Maximum, Sort
from inscape.network._layer import Bound, Layout


def _positions(values: list[Any]) -> list[np.ndarray]:
    """Position of every entry in the flattened, concatenated inputs, arranged like the captured tensors."""
    arranged, offset = [], 0
    for value in values:
        size = int(np.prod(value.shape, dtype=np.int64))
        stored = torch.arange(offset, offset + size).reshape(1, *value.shape)
        arranged.append(value.layout.restore(stored).numpy())
        offset += size
    return arranged


def _maximum(groups: np.ndarray, layout: Layout, sign: int) -> Maximum:
    """Groups (captured output..., k) into rows in the order of the stored output."""
    stored = layout.store(torch.from_numpy(np.ascontiguousarray(groups)), 1).numpy()
    return Maximum(groups=stored.reshape(-1, groups.shape[-1]), sign=sign)


def _axes(axes: Any, count: int) -> list[int]:
    axes = [axes] if isinstance(axes, int) else list(axes or range(count))
    return [axis % count for axis in axes]


def _gathered(positions: np.ndarray, axes: list[int], *, keep: bool) -> np.ndarray:
    rest = [axis for axis in range(positions.ndim) if axis not in axes]
    moved = positions.transpose(*rest, *axes).reshape(*(positions.shape[axis] for axis in rest), -1)
    return np.expand_dims(moved, axes) if keep else moved


def _reduced(arguments: Bound, values: list[Any], layout: Layout, sign: int) -> Maximum:
    (positions,) = _positions(values)
    axes = _axes(arguments.get("dim"), positions.ndim)
    return _maximum(_gathered(positions, axes, keep=bool(arguments.get("keepdim"))), layout, sign)


def _pair(values: list[Any], shape: tuple[int, ...], layout: Layout, sign: int) -> Maximum:
    captured = layout.captured_shape(shape)
    first, second = (np.broadcast_to(part, captured) for part in _positions(values))
    return _maximum(np.stack([first, second], axis=-1), layout, sign)


def reduced(arguments: Bound, values: list[Any], shape: tuple[int, ...], layout: Layout) -> Maximum:
    """Maximum over dimensions."""
    return _reduced(arguments, values, layout, 1)


def reduced_minimum(arguments: Bound, values: list[Any], shape: tuple[int, ...], layout: Layout) -> Maximum:
    """Minimum over dimensions."""
    return _reduced(arguments, values, layout, -1)


def pair(arguments: Bound, values: list[Any], shape: tuple[int, ...], layout: Layout) -> Maximum:
    """Maximum of two tensors."""
    return _pair(values, shape, layout, 1)


def pair_minimum(arguments: Bound, values: list[Any], shape: tuple[int, ...], layout: Layout) -> Maximum:
    """Minimum of two tensors."""
    return _pair(values, shape, layout, -1)


def reduced_or_pair(arguments: Bound, values: list[Any], shape: tuple[int, ...], layout: Layout) -> Maximum:
    """``torch.max``: over a dimension or of two tensors."""
    return pair(arguments, values, shape, layout) if "other" in arguments else _reduced(arguments, values, layout, 1)


def reduced_or_pair_minimum(arguments: Bound, values: list[Any], shape: tuple[int, ...], layout: Layout) -> Maximum:
    """``torch.min``: over a dimension or of two tensors."""
    if "other" in arguments:
        return pair_minimum(arguments, values, shape, layout)
    return _reduced(arguments, values, layout, -1)


def _per_axis(value: Any, count: int, default: int) -> list[int]:
    value = [value] if isinstance(value, int) else list(value or [default])
    return value * count if len(value) == 1 else value


def _windows(positions: np.ndarray, rows: list[np.ndarray]) -> np.ndarray:
    """Gather windows of the last dimensions; row i, j of an axis is the j-th place under output i, -1 if outside."""
    count = len(rows)
    lead = positions.shape[: positions.ndim - count]
    outputs = tuple(len(row) for row in rows)
    places: list[np.ndarray] = []
    inside = np.ones((1,) * (2 * count), dtype=bool)
    for axis, row in enumerate(rows):
        spread = [1] * (2 * count)
        spread[axis], spread[count + axis] = row.shape
        arranged = row.reshape(spread)
        inside = inside & (arranged >= 0)
        places.append(np.maximum(arranged, 0))
    gathered = np.where(inside, positions[(..., *places)], -1)
    return gathered.reshape(*lead, *outputs, -1)


def pooled(arguments: Bound, values: list[Any], shape: tuple[int, ...], layout: Layout) -> Maximum:
    """Windows of a max pooling with stride, padding, dilation and ceil mode."""
    (positions,) = _positions(values)
    count = len(layout.captured_shape(shape)) - 2
    kernel = _per_axis(arguments["kernel_size"], count, 1)
    stride = _per_axis(arguments.get("stride") or kernel, count, 1)
    padding = _per_axis(arguments.get("padding"), count, 0)
    dilation = _per_axis(arguments.get("dilation"), count, 1)
    outputs = layout.captured_shape(shape)[-count:]
    rows = []
    for axis in range(count):
        start = np.arange(outputs[axis])[:, None] * stride[axis] - padding[axis]
        place = start + np.arange(kernel[axis])[None, :] * dilation[axis]
        rows.append(np.where((place >= 0) & (place < positions.shape[axis - count]), place, -1))
    return _maximum(_windows(positions, rows), layout, 1)


def adaptively_pooled(arguments: Bound, values: list[Any], shape: tuple[int, ...], layout: Layout) -> Maximum:
    """Windows of an adaptive max pooling; they differ in size, so that short ones are padded."""
    (positions,) = _positions(values)
    count = len(layout.captured_shape(shape)) - 2
    outputs = layout.captured_shape(shape)[-count:]
    rows = []
    for axis, target in enumerate(outputs):
        side = positions.shape[axis - count]
        start = [i * side // target for i in range(target)]
        end = [ceil((i + 1) * side / target) for i in range(target)]
        place = np.array(start)[:, None] + np.arange(max(e - s for s, e in zip(start, end, strict=True)))
        rows.append(np.where(place < np.array(end)[:, None], place, -1))
    return _maximum(_windows(positions, rows), layout, 1)


def sorted_along(arguments: Bound, values: list[Any], shape: tuple[int, ...], layout: Layout) -> Sort:
    """Groups of a sort along one dimension; the sorted values stay in the group's places."""
    (positions,) = _positions(values)
    axis = arguments.get("dim", -1) % positions.ndim
    groups = np.moveaxis(positions, axis, -1).reshape(-1, positions.shape[axis])
    return Sort(groups=groups, positions=groups, descending=bool(arguments.get("descending")))
