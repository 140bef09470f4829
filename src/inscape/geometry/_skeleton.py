"""Vertices and edges of a simple complex; its cells, counted at their lowest corners or listed."""

from dataclasses import dataclass

import numpy as np

from inscape.geometry import _kernels_skeleton as kernels
from inscape.geometry._block import Level
from inscape.geometry._kernels_hashed_types import Lines, Points
from inscape.geometry._plan import Plan
from inscape.geometry._polytopes import Polytopes

MAX_BYTES = 1 << 32
"""Memory that vertices, edges and values may take by default, and as much again the lists of cells."""

_BYTES_A_CORNER = 16
"""A vertex, a mask, and for each side at most one label."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Skeleton:
    """Vertices and edges of a chart cut by a generic network.

    Every vertex lies on d hyperplanes, which may be bent or walls, and every edge on d - 1 of them.

    Attributes:
        plan: the plan.
        points: the V vertices.
        lines: the E edges.
        words: (labels,) place of each predicate among the bits of ``points.pos``: 64 · word + bit.
    """

    plan: Plan
    points: Points
    lines: Lines
    words: np.ndarray

    @property
    def dimension(self) -> int:
        """Dimension d of the chart."""
        return self.points.t.shape[1]

    @property
    def vertex_count(self) -> int:
        """Number V of vertices."""
        return len(self.points.t)

    @property
    def corner_count(self) -> int:
        """Number of pairs of a cell and a corner of it: a vertex inside k hyperplanes is a corner of 2^k cells."""
        return int(np.left_shift(1, (self.points.label >= 0).sum(1)).sum())


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
    return None if graph is None else int(kernels.count_lowest(graph, skeleton.vertex_count))


def close_cells(skeleton: Skeleton, *, max_cells: int | None = None, max_bytes: int = MAX_BYTES) -> Polytopes | None:
    """List the cells with their corners, sides and patterns.

    Args:
        skeleton: vertices and edges.
        max_cells: keep this many at most, those with the lowest corners; all by default.
        max_bytes: memory that the lists may take.

    Returns:
        The cells, in the order of their patterns; None if the complex turns out not to be simple, or is too large.
    """
    listed = skeleton.corner_count * _BYTES_A_CORNER + (skeleton.vertex_count << skeleton.dimension) * 4
    graph = _connected(skeleton) if listed <= max_bytes else None
    if graph is None:
        return None
    upwards = np.argsort(skeleton.points.height, kind="stable")
    count = int(kernels.count_lowest(graph, len(upwards)))
    cell = np.full((len(upwards), 1 << skeleton.dimension), -1, np.int32)
    lowest = np.empty((count, 2), np.int32)
    if kernels.sweep(graph, upwards, cell, lowest) != count:
        return None
    return _listed(skeleton, cell, lowest[:max_cells])


def _connected(skeleton: Skeleton) -> kernels.Graph | None:
    points, lines = skeleton.points, skeleton.lines
    shape = skeleton.vertex_count, 2 * skeleton.dimension
    graph = kernels.Graph(
        far=np.full(shape, -1, np.int32), back=np.full(shape, -1, np.int8), rising=np.zeros(shape[0], np.int16)
    )
    if not kernels.connect(points, lines, skeleton.words, len(lines.ends), graph):
        return None
    return graph if kernels.is_simple(points, graph, shape[0]) else None


def _listed(skeleton: Skeleton, cell: np.ndarray, lowest: np.ndarray) -> Polytopes:
    """Cells in the order of their patterns, vertices in that of their first cells: near ones lie together in memory."""
    points, count = skeleton.points, len(lowest)
    bits = np.empty((count, points.pos.shape[1]), np.uint64)
    kernels.fill_bits(points, skeleton.words, lowest, bits)
    sorted_cells = np.lexsort(bits.T[::-1]) if bits.shape[1] else np.arange(count)
    number = np.full(int(cell.max()) + 1, -1, np.int32)
    number[sorted_cells] = np.arange(count, dtype=np.int32)
    first = np.empty(len(cell), np.int32)
    kernels.renumber(number, cell, first)
    order = np.argsort(first, kind="stable")[: int((first < count).sum())]
    start = np.zeros(count + 1, np.int64)
    kernels.count_corners(cell, start)
    corners = np.empty(start[-1], np.int32)
    kernels.fill_corners(cell, order, start.copy(), corners)
    side_start, side_label, masks = _sides(skeleton, points.label[order], start, corners)
    return Polytopes(
        vertices=points.t[order],
        start=start,
        corners=corners,
        masks=masks,
        side_start=side_start,
        side_label=side_label,
        doubt=np.zeros(count, np.bool_),
        levels=_levels(skeleton, bits[sorted_cells]),
    )


def _sides(
    skeleton: Skeleton, label: np.ndarray, start: np.ndarray, corners: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start, labels and masks of the sides; hardly any cell has more than 64."""
    labels, words = len(skeleton.words) + 2 * skeleton.dimension, 1
    side_label, place = np.empty(len(corners), np.int32), np.empty(labels, np.int32)
    while True:
        side_start, seen = np.zeros_like(start), np.zeros(labels, np.int32)
        masks = np.zeros((len(corners), words), np.uint64)
        if kernels.fill_sides(label, start, corners, seen, place, side_start, side_label, masks):
            return side_start, side_label[: side_start[-1]].copy(), masks
        words += 1


def _levels(skeleton: Skeleton, bits: np.ndarray) -> tuple[Level, ...]:
    """The cells of each step, from the patterns in order: runs with equal signs so far."""
    plan, levels = skeleton.plan, []
    changed = np.zeros(len(bits), np.bool_)
    changed[0] = True
    owner, word = np.zeros(len(bits), np.int32), 0
    for i in plan.order:
        if i in plan.steps:
            words = -(-plan.steps[i].size // 64)
            chosen = bits[:, word : word + words]
            changed[1:] |= (chosen[1:] != chosen[:-1]).any(1)
            levels.append(Level(step=i, parent=owner[changed], bits=chosen[changed]))
            owner, word = np.cumsum(changed, dtype=np.int32) - 1, word + words
    return tuple(levels)
