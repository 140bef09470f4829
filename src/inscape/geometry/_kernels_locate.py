"""Compiled kernels: which cell holds a point."""

import numpy as np

from inscape.geometry._kernels_compile import kernel


@kernel
def locate_on_line(ends, vertices, order, points, found):
    """Find the segment that holds each point, by bisection.

    Args:
        ends: (C, 2) vertices of the cells.
        vertices: (V, 1) chart coordinates.
        order: (C,) cells from left to right.
        points: (n, 1) chart coordinates.
        found: (n,) receives cells, -1 outside.
    """
    for i in range(points.shape[0]):
        x = points[i, 0]
        low, high = 0, order.shape[0] - 1
        while low < high:
            middle = (low + high) // 2
            if vertices[ends[order[middle], 1], 0] < x:
                low = middle + 1
            else:
                high = middle
        c = order[low]
        inside = vertices[ends[c, 0], 0] <= x <= vertices[ends[c, 1], 0]
        found[i] = c if inside else -1


@kernel
def _outside_edge(start, half, ends, vertices, c, x, y, skip):
    """Position of an edge of polygon c that has the point on its outer side, -1 if there is none."""
    size = start[c + 1] - start[c]
    for k in range(size):
        h = half[start[c] + (k + skip) % size]
        a, b = ends[h >> 1, h & 1], ends[h >> 1, 1 - (h & 1)]
        ux, uy = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1]
        wx, wy = x - vertices[a, 0], y - vertices[a, 1]
        area = ux * wy - uy * wx
        if area < -1e-14 * (abs(ux) + abs(uy)) * (abs(wx) + abs(wy)):
            return start[c] + (k + skip) % size
    return -1


@kernel
def locate_in_plane(start, half, ends, vertices, neighbours, guess, points, found):
    """Find the polygon that holds each point: walk from a guess across edges, and look everywhere if that fails.

    Args:
        start, half, ends: the complex.
        vertices: (V, 2) chart coordinates.
        neighbours: (E, 2) cells on both sides of the edges.
        guess: (n,) cells to start from.
        points: (n, 2) chart coordinates.
        found: (n,) receives cells, -1 outside.
    """
    cells = start.shape[0] - 1
    for i in range(points.shape[0]):
        x, y, c, steps = points[i, 0], points[i, 1], np.int64(guess[i]), 0
        place = _outside_edge(start, half, ends, vertices, c, x, y, 0)
        while place >= 0 and steps < 10_000:
            h = half[place]
            other = neighbours[h >> 1, 1 - (h & 1)]
            if other < 0:
                break
            c = other
            steps += 1
            place = _outside_edge(start, half, ends, vertices, c, x, y, steps)
        if place < 0:
            found[i] = c
            continue
        found[i] = -1
        for d in range(cells):
            if _outside_edge(start, half, ends, vertices, d, x, y, 0) < 0:
                found[i] = d
                break
