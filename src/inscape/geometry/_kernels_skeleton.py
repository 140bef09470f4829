"""Compiled kernels: the cells of a simple complex, read off its vertices and edges.

Around a vertex of a simple complex there are 2^k cells, one for each choice of sides of the k hyperplanes through it:
the *corners* of the vertex. Every cell has exactly one lowest corner under a linear function.
"""

from typing import NamedTuple

import numpy as np

from inscape.geometry._kernels_compile import kernel, small_kernel

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


class Graph(NamedTuple):
    """The edges at each vertex; slot 2 j leaves its j-th hyperplane to the positive side, slot 2 j + 1 to the other."""

    far: np.ndarray
    """(V, 2 d) vertex at the other end, -1 for none."""
    back: np.ndarray
    """(V, 2 d) slot of the edge there."""
    rising: np.ndarray
    """(V,) slots whose edges go up, as bits."""


@small_kernel
def _slot(points, lines, words, e, v, other):
    """Slot of edge e at its end v: which hyperplane it leaves, to which side."""
    last = lines.label.shape[1]
    j = 0
    while j < last and points.label[v, j] == lines.label[e, j]:
        j += 1
    label = points.label[v, j]
    if label < 0:
        return 2 * j
    word, bit = words[label] >> 6, np.uint64(words[label] & 63)
    return 2 * j if (points.pos[other, word] >> bit) & _ONE != _ZERO else 2 * j + 1


@kernel
def connect(points, lines, words, count, graph):
    """Find the edges at each vertex.

    Args:
        points: ``Points``.
        lines: ``Lines``.
        words: (labels,) place of each predicate among the bits of ``points.pos``.
        count: number of edges.
        graph: ``Graph`` without edges, to be filled.

    Returns:
        False if two edges leave one vertex in the same slot: the complex is not simple.
    """
    for e in range(count):
        a, b = lines.ends[e, 0], lines.ends[e, 1]
        i, k = _slot(points, lines, words, e, a, b), _slot(points, lines, words, e, b, a)
        if graph.far[a, i] >= 0 or graph.far[b, k] >= 0:
            return False
        graph.far[a, i], graph.back[a, i] = b, k
        graph.far[b, k], graph.back[b, k] = a, i
        graph.rising[a] |= 1 << i
    return True


@kernel
def is_simple(points, graph, count):
    """Whether every vertex has an edge on each side of each of its hyperplanes, and one at each wall.

    Args:
        points: ``Points``.
        graph: ``Graph``.
        count: number of vertices.

    Returns:
        True if so.
    """
    for v in range(count):
        for j in range(points.label.shape[1]):
            outside = graph.far[v, 2 * j + 1] >= 0
            if graph.far[v, 2 * j] < 0 or outside != (points.label[v, j] >= 0):
                return False
    return True


@kernel
def count_lowest(graph, count):
    """Number of cells: each is counted at its lowest corner.

    Args:
        graph: ``Graph``.
        count: number of vertices.

    Returns:
        The number.
    """
    cells = 0
    for v in range(count):
        here = 1
        for j in range(graph.far.shape[1] // 2):
            pair = (np.int64(graph.rising[v]) >> (2 * j)) & 3
            here *= (pair & 1) + (pair >> 1)
        cells += here
    return cells


@small_kernel
def _walls(graph, v):
    """Hyperplanes of v that are walls, as bits."""
    outer = 0
    for j in range(graph.far.shape[1] // 2):
        if graph.far[v, 2 * j + 1] < 0:
            outer |= 1 << j
    return outer


@small_kernel
def _translate(side, j, back):
    """Sides of a cell at one end of an edge, from those at the other end, which the edge leaves by hyperplane j."""
    k = back >> 1
    rest = (side & ((1 << j) - 1)) | ((side >> (j + 1)) << j)
    low = rest & ((1 << k) - 1)
    return low | ((back & 1) << k) | ((rest >> k) << (k + 1))


@kernel
def sweep(graph, order, cell, lowest):
    """Number the cells, each at its lowest corner.

    A corner has a number of its own if all its edges go up; else it has that of the same cell at the lower end of one
    of them. Sides are bits: bit j is set on the negative side of hyperplane j.

    Args:
        graph: ``Graph``.
        order: (V,) vertices, the lowest first.
        cell: (V, 2^d) full of -1, to be filled: the cell of each corner.
        lowest: (C, 2) to be filled: lowest vertex of each cell, and its sides there.

    Returns:
        Number of cells, -1 if the order is not upwards.
    """
    made = 0
    dimension = graph.far.shape[1] // 2
    for i in range(order.shape[0]):
        v = order[i]
        up, walls = np.int64(graph.rising[v]), _walls(graph, v)
        for side in range(1 << dimension):
            if side & walls:
                continue
            found = -1
            for j in range(dimension):
                slot = 2 * j + ((side >> j) & 1)
                if not (up >> slot) & 1:
                    below = _translate(side, j, graph.back[v, slot])
                    found = cell[graph.far[v, slot], below]
                    if found < 0:
                        return -1
                    break
            if found < 0:
                if made < lowest.shape[0]:
                    lowest[made, 0], lowest[made, 1] = v, side
                found = made
                made += 1
            cell[v, side] = found
    return made


@kernel
def fill_bits(points, words, lowest, bits):
    """Signs of all predicates on each cell.

    Args:
        points: ``Points``.
        words: (labels,) place of each predicate among the bits of ``points.pos``.
        lowest: (C, 2) lowest vertex of each cell, and its sides there.
        bits: (C, words) to be filled.
    """
    for c in range(lowest.shape[0]):
        v, side = lowest[c, 0], lowest[c, 1]
        for k in range(bits.shape[1]):
            bits[c, k] = points.pos[v, k]
        for j in range(points.label.shape[1]):
            label = points.label[v, j]
            if label >= 0 and not (side >> j) & 1:
                bits[c, words[label] >> 6] |= _ONE << np.uint64(words[label] & 63)


@kernel
def renumber(number, cell, first):
    """Give the cells other numbers, in place.

    Args:
        number: (C,) new number of each cell, -1 for those that are left out.
        cell: (V, 2^d) cell of each corner, -1 for none; changed.
        first: (V,) to be filled: the least of the new numbers at each vertex, C for none.
    """
    for v in range(cell.shape[0]):
        least = number.shape[0]
        for side in range(cell.shape[1]):
            if cell[v, side] >= 0:
                cell[v, side] = number[cell[v, side]]
                if cell[v, side] >= 0:
                    least = min(least, cell[v, side])
        first[v] = least


@kernel
def count_corners(cell, start):
    """Where the corners of each cell begin.

    Args:
        cell: (V, 2^d) cell of each corner, -1 for none.
        start: (C + 1,) zeros, to be filled.
    """
    for v in range(cell.shape[0]):
        for side in range(cell.shape[1]):
            if cell[v, side] >= 0:
                start[cell[v, side] + 1] += 1
    for c in range(start.shape[0] - 1):
        start[c + 1] += start[c]


@kernel
def fill_corners(cell, order, start, corners):
    """List the corners of each cell; vertices are named by their places in an order.

    Args:
        cell: (V, 2^d) cell of each corner, -1 for none.
        order: (n,) vertices.
        start: (C + 1,) where the corners of each cell begin; moved on to the next cell's.
        corners: (H,) to be filled.
    """
    for i in range(order.shape[0]):
        for side in range(cell.shape[1]):
            c = cell[order[i], side]
            if c >= 0:
                corners[start[c]] = i
                start[c] += 1


@kernel
def fill_sides(label, start, corners, seen, place, side_start, side_label, masks):
    """Sides of each cell in the order in which its corners show them, and which of them each corner lies on.

    Args:
        label: (n, d) predicates that vanish at each vertex.
        start: (C + 1,) where the corners of each cell begin.
        corners: (H,) vertices.
        seen: (labels + 2 d,) zeros.
        place: (labels + 2 d,) room.
        side_start: (C + 1,) zeros, to be filled.
        side_label: (H,) to be filled; a cell has no more sides than corners.
        masks: (H, words) zeros, to be filled.

    Returns:
        False if the masks have not enough words.
    """
    dimension, sides = label.shape[1], 64 * masks.shape[1]
    for c in range(start.shape[0] - 1):
        first = side_start[c]
        count = 0
        for i in range(start[c], start[c + 1]):
            low = _ZERO
            for j in range(dimension):
                name = label[corners[i], j] + 2 * dimension
                if seen[name] != c + 1:
                    if count == sides:
                        return False
                    seen[name], place[name] = c + 1, count
                    side_label[first + count] = name - 2 * dimension
                    count += 1
                k = place[name]
                if k < 64:
                    low |= _ONE << np.uint64(k)
                else:
                    masks[i, k >> 6] |= _ONE << np.uint64(k & 63)
            masks[i, 0] = low
        side_start[c + 1] = first + count
    return True
