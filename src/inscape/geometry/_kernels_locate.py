"""Compiled kernels: which cell holds a point."""

import numpy as np

from inscape.geometry._kernels_compile import kernel, small_kernel


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


@small_kernel
def _height(planes, f, c, t):
    """How far a point lies outside facet f of cell c; negative inside."""
    neighbours, normals, offsets = planes
    height = -offsets[f]
    for a in range(t.shape[0]):
        height += normals[f, a] * t[a]
    return height if neighbours[f, 0] == c else -height


@kernel
def _outside_side(side_start, facet_of_side, planes, c, t, tolerance, skip):
    """A facet of polytope c that has the point on its outer side, -1 if there is none."""
    first, size = side_start[c], side_start[c + 1] - side_start[c]
    for k in range(size):
        f = facet_of_side[first + (k + skip) % size]
        if _height(planes, f, c, t) > tolerance:
            return f
    return -1


@kernel
def _nearest_polytope(side_start, facet_of_side, planes, t):
    """The cell of all whose half-spaces a point violates least, and by how much."""
    best, least = -1, np.inf
    for c in range(side_start.shape[0] - 1):
        worst = -np.inf
        for s in range(side_start[c], side_start[c + 1]):
            worst = max(worst, _height(planes, facet_of_side[s], c, t))
            if worst >= least:
                break
        if worst < least:
            best, least = c, worst
    return best, least


@kernel
def locate_among_polytopes(sides, planes, guess, points, tolerances, found):
    """Find the polytope that holds each point: walk from a guess across facets, and look everywhere if that fails.

    Args:
        sides: side_start (C + 1,) and facet of each side (S,).
        planes: neighbours (F, 2), normals (F, d) and offsets (F,) of the facets.
        guess: (n,) cells to start from.
        points: (n, d) chart coordinates.
        tolerances: how far outside a point may lie in the walk, and in the search everywhere.
        found: (n,) receives cells, -1 outside.
    """
    side_start, facet_of_side = sides
    for i in range(points.shape[0]):
        t, c, steps = points[i], np.int64(guess[i]), 0
        f = _outside_side(side_start, facet_of_side, planes, c, t, tolerances[0], 0)
        while f >= 0 and steps < 10_000:
            other = planes[0][f, 1] if planes[0][f, 0] == c else planes[0][f, 0]
            if other < 0:
                break
            c = other
            steps += 1
            f = _outside_side(side_start, facet_of_side, planes, c, t, tolerances[0], steps)
        if f >= 0:
            c, worst = _nearest_polytope(side_start, facet_of_side, planes, t)
            if worst > tolerances[1]:
                c = -1
        found[i] = c
