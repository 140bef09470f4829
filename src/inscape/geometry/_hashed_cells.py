"""The cells of a skeleton: counted at their lowest corners, or listed with their corners, sides and patterns."""

import numpy as np

from inscape.geometry import _kernels_hashed_cells as kernels
from inscape.geometry._block import Level
from inscape.geometry._hashed import Skeleton
from inscape.geometry._polytopes import Polytopes


def count_cells(skeleton: Skeleton) -> int | None:
    """Number of cells, without listing them.

    A linear function has exactly one lowest corner on each cell. At a vertex, the cells of which it is the lowest
    corner are the ways to choose one rising edge for each of its hyperplanes.

    Args:
        skeleton: vertices and edges.

    Returns:
        The number; None if the complex turns out not to be simple.
    """
    graph = _connected(skeleton)
    return None if graph is None else int(kernels.count_lowest(graph, len(graph.far)))


def close_cells(skeleton: Skeleton, *, max_cells: int | None = None) -> Polytopes | None:
    """List the cells.

    Args:
        skeleton: vertices and edges.
        max_cells: keep this many at most, those with the lowest corners; all by default.

    Returns:
        The cells, in the order of their lowest corners; None if the complex turns out not to be simple.
    """
    graph = _connected(skeleton)
    if graph is None:
        return None
    order = np.argsort(skeleton.points.height, kind="stable")
    count = int(kernels.count_lowest(graph, len(order)))
    cell = np.full((len(order), 1 << skeleton.dimension), -1, np.int32)
    lowest = np.empty((count, 2), np.int32)
    if kernels.sweep(graph, order, cell, lowest) != count:
        return None
    if max_cells is not None and count > max_cells:
        cell[cell >= max_cells] = -1
        lowest = lowest[:max_cells]
    return _listed(skeleton, cell, order, lowest)


def _connected(skeleton: Skeleton) -> kernels.Graph | None:
    points, lines = skeleton.points, skeleton.lines
    shape = len(points.t), 2 * skeleton.dimension
    graph = kernels.Graph(
        far=np.full(shape, -1, np.int32), back=np.full(shape, -1, np.int8), rising=np.zeros(shape[0], np.int16)
    )
    if not kernels.connect(points, lines, skeleton.words, len(lines.ends), graph):
        return None
    return graph if kernels.is_simple(points, graph, len(points.t)) else None


def _listed(skeleton: Skeleton, cell: np.ndarray, order: np.ndarray, lowest: np.ndarray) -> Polytopes:
    points = skeleton.points
    start = np.zeros(len(lowest) + 1, np.int64)
    kernels.count_corners(cell, start)
    corners = np.empty(start[-1], np.int32)
    kernels.fill_corners(cell, order, start.copy(), corners)
    side_start, side_label, masks = _sides(skeleton, start, corners)
    bits = np.empty((len(lowest), points.pos.shape[1]), np.uint64)
    kernels.fill_bits(points, skeleton.words, lowest, bits)
    used = np.zeros(len(points.t), np.bool_)
    used[corners] = True
    number = np.cumsum(used, dtype=np.int32) - 1
    return Polytopes(
        vertices=points.t[used],
        start=start,
        corners=number[corners],
        masks=masks,
        side_start=side_start,
        side_label=side_label,
        doubt=np.zeros(len(lowest), np.bool_),
        levels=_levels(skeleton, bits),
    )


def _sides(skeleton: Skeleton, start: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start, labels and masks of the sides; hardly any cell has more than 64."""
    labels, words = len(skeleton.words) + 2 * skeleton.dimension, 1
    side_label, place = np.empty(len(corners), np.int32), np.empty(labels, np.int32)
    while True:
        side_start, seen = np.zeros_like(start), np.zeros(labels, np.int32)
        masks = np.zeros((len(corners), words), np.uint64)
        if kernels.fill_sides(skeleton.points, start, corners, seen, place, side_start, side_label, masks):
            return side_start, side_label[: side_start[-1]].copy(), masks
        words += 1


def _levels(skeleton: Skeleton, bits: np.ndarray) -> tuple[Level, ...]:
    """The cells of each step: those of the last one with equal signs so far."""
    plan, levels = skeleton.plan, []
    steps = [plan.steps[i] for i in plan.order if i in plan.steps]
    ends = np.cumsum([0] + [-(-step.size // 64) for step in steps])
    owner = np.zeros(len(bits), np.int64)
    for number, step in enumerate(steps):
        if number == len(steps) - 1:
            found, first = np.arange(len(bits)), np.arange(len(bits))
        else:
            first, found = _grouped(owner, bits[:, ends[number] : ends[number + 1]])
        parent = owner[first].astype(np.int32)
        levels.append(Level(step=step.node, parent=parent, bits=bits[first, ends[number] : ends[number + 1]]))
        owner = found
    return tuple(levels)


def _grouped(owner: np.ndarray, bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows with equal owner and bits get one number, in the order of first appearance: first row, number of each."""
    for word in bits.T:
        _, value = np.unique(word, return_inverse=True)
        _, owner = np.unique(owner * (int(value.max()) + 1) + value, return_inverse=True)
    _, first, found = np.unique(owner, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[found]
