"""Compiled kernels: the arrangement of chords inside one convex cell, as half-edges.

A chord is the part of a predicate's zero line inside the cell; it runs from boundary position ``first`` to ``last``
with the predicate's positive side on its left. On the cell's boundary every sign follows from the cyclic order of the
positions alone; values are looked at only where two chords interleave, to order crossings along a chord.
"""

from typing import NamedTuple

import numpy as np

from inscape.geometry._kernels_compile import kernel, small_kernel
from inscape.geometry._kernels_edges import CAUTION, position_error
from inscape.geometry._kernels_signs import predicate

ROUNDING = 2.0**-50
"""Relative error of a coordinate that was computed by a few operations."""


NEXT, PREVIOUS, ORIGIN, FACE = range(4)

UNSETTLED = 2
"""Answer to a question that exact arithmetic could not settle within its limit."""


class Boundary(NamedTuple):
    """Scratch: the cell's boundary after its edges were cut, counter-clockwise, m positions."""

    vertex: np.ndarray
    """(m,) vertex at the position."""
    half: np.ndarray
    """(m,) half-edge from the position to the next one."""
    low: np.ndarray
    """(m,) old vertex, and"""
    high: np.ndarray
    """(m,) old vertex, between which the position lies,"""
    s: np.ndarray
    """(m,) at this parameter;"""
    radius: np.ndarray
    """(m,) its position error."""


class Chords(NamedTuple):
    """Scratch: the k chords of the cell."""

    predicate: np.ndarray
    """(k,) predicate of the chord."""
    first: np.ndarray
    """(k,) boundary position where it starts."""
    last: np.ndarray
    """(k,) boundary position where it ends."""
    seen: np.ndarray
    """(k,) number of boundary positions found on it."""
    above: np.ndarray
    """(k,) some boundary position on the positive side."""
    below: np.ndarray
    """(k,) some boundary position on the negative side."""
    twin: np.ndarray
    """(k,) an earlier chord with the same ends, or the chord itself."""


class Mesh(NamedTuple):
    """Scratch: half-edges 2e and 2e + 1 of local edge e; the first m edges are the boundary, even = inside."""

    half: np.ndarray
    """(half-edges, 4) next half-edge, previous one, origin, face: one record each, for the cache."""
    chord: np.ndarray
    """(edges,) chord that a local edge lies on, -1 on the boundary."""
    out: np.ndarray
    """(vertices,) one half-edge that leaves the local vertex."""
    on: np.ndarray
    """(interior,) chord that carries the interior vertex, split at parameter ``s``."""
    by: np.ndarray
    """(interior,) the other chord through it."""
    s: np.ndarray
    doubt: np.ndarray
    """(interior,) True where a further chord passes through within rounding."""
    point: np.ndarray
    """(vertices, 3) chart coordinates and position error of the local vertices."""
    known: np.ndarray
    """(answers,) questions of this cell that were settled elsewhere, ascending: which side of chord c is the crossing
    of chords i < j on? See :func:`question`."""
    answer: np.ndarray
    """(answers,) the side, -1, 0 or +1, or UNSETTLED."""
    asked: np.ndarray
    """Questions that came up and had no answer, possibly several times, and"""
    tally: np.ndarray
    """(1,) their number."""


@small_kernel
def question(i, j, c, k):
    """One number for "which side of chord c is the crossing of chords i and j on?", with k chords at most."""
    return (np.int64(min(i, j)) * k + max(i, j)) * k + c


@small_kernel
def value_at(values, predicates, boundary, position, p):
    """Value of predicate p at a boundary position."""
    low = predicate(values, boundary.low[position], p, predicates)
    if boundary.low[position] == boundary.high[position]:
        return low
    return low + boundary.s[position] * (predicate(values, boundary.high[position], p, predicates) - low)


@small_kernel
def position_side(chords, c, position):
    """Side of chord c on which a boundary position lies: -1, 0 or +1."""
    first, last = chords.first[c], chords.last[c]
    if position == first or position == last:  # noqa: PLR1714 - faster than a tuple when compiled
        return 0
    if first < last:
        return -1 if first < position < last else 1
    return 1 if last < position < first else -1


@small_kernel
def _distance(xy, boundary, i, j):
    total = 0.0
    for c in range(xy.shape[1]):
        a = xy[boundary.low[i], c] + boundary.s[i] * (xy[boundary.high[i], c] - xy[boundary.low[i], c])
        b = xy[boundary.low[j], c] + boundary.s[j] * (xy[boundary.high[j], c] - xy[boundary.low[j], c])
        total += (a - b) ** 2
    return np.sqrt(total)


@small_kernel
def line_error(xy, values, predicates, boundary, chords, c):
    """How far chord c can be from its exact line: no further than its ends, and by the function's error."""
    i, j, p = chords.above[c], chords.below[c], chords.predicate[c]
    rise = value_at(values, predicates, boundary, i, p) - value_at(values, predicates, boundary, j, p)
    error = predicates.error[p] + predicates.slope[p] * max(boundary.radius[i], boundary.radius[j])
    ends = max(boundary.radius[chords.first[c]], boundary.radius[chords.last[c]])
    return min(ends, position_error(error, _distance(xy, boundary, i, j), abs(rise), ends))


@small_kernel
def _implied(predicates, p, q, r):
    """Whether r vanishes wherever p and q do: the three differences of three units."""
    if predicates.right[p] < 0 or predicates.right[q] < 0:
        return False
    a, b, c, d = predicates.left[p], predicates.right[p], predicates.left[q], predicates.right[q]
    if a == c or b == c:  # noqa: PLR1714 - faster than a tuple when compiled
        low, high = a + b - c, d
    elif a == d or b == d:  # noqa: PLR1714
        low, high = a + b - d, c
    else:
        return False
    e, f = predicates.left[r], predicates.right[r]
    return (e == low and f == high) or (e == high and f == low)


@small_kernel
def _consult(chords, mesh, c, x, guess):
    """The settled side of chord c for interior vertex x; without one, ask, and go on with a guess."""
    wanted = question(mesh.on[x], mesh.by[x], c, chords.predicate.shape[0])
    low, high = 0, mesh.known.shape[0]
    while low < high:
        middle = (low + high) // 2
        if mesh.known[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    if low < mesh.known.shape[0] and mesh.known[low] == wanted:
        if mesh.answer[low] != UNSETTLED:
            return np.int64(mesh.answer[low])
    elif mesh.tally[0] < mesh.asked.shape[0]:
        mesh.asked[mesh.tally[0]] = wanted
        mesh.tally[0] += 1
    mesh.doubt[x] = True
    return guess


@kernel
def _close_side(m, values, predicates, boundary, chords, mesh, c, x):
    """Side of chord c for interior vertex x, when it lies too close for a look at the coordinates."""
    for carrier in (mesh.on[x], mesh.by[x]):
        if chords.twin[carrier] == c:
            return 0
        a = position_side(chords, c, chords.first[carrier])
        b = position_side(chords, c, chords.last[carrier])
        if a + b > 0 and a >= 0 and b >= 0:
            return 1
        if a + b < 0 and a <= 0 and b <= 0:
            return -1
    i, p = mesh.on[x], chords.predicate[c]
    if _implied(predicates, chords.predicate[i], chords.predicate[mesh.by[x]], p):
        return 0
    za = value_at(values, predicates, boundary, chords.first[i], p)
    zb = value_at(values, predicates, boundary, chords.last[i], p)
    z = za + mesh.s[x] * (zb - za)
    side = 1 if z > 0 else -1
    if abs(z) <= CAUTION * (predicates.error[p] + predicates.slope[p] * mesh.point[m + x, 2]):
        return _consult(chords, mesh, c, x, 0 if abs(z) <= predicates.cap[p] else side)
    return side


@small_kernel
def _side(m, values, predicates, boundary, chords, mesh, c, v):
    """Side of chord c on which local vertex v lies: -1, 0 or +1."""
    if v < m:
        return position_side(chords, c, v)
    a, b = chords.first[c], chords.last[c]
    ux, uy = mesh.point[b, 0] - mesh.point[a, 0], mesh.point[b, 1] - mesh.point[a, 1]
    vx, vy = mesh.point[v, 0] - mesh.point[a, 0], mesh.point[v, 1] - mesh.point[a, 1]
    area = ux * vy - uy * vx
    blur = CAUTION * (mesh.point[a, 2] + mesh.point[b, 2] + mesh.point[v, 2])
    if abs(area) > (abs(ux) + abs(uy) + abs(vx) + abs(vy)) * blur:
        return 1 if area > 0 else -1
    return _close_side(m, values, predicates, boundary, chords, mesh, c, v - m)


@small_kernel
def _enter(m, values, predicates, boundary, chords, mesh, c, v):
    """The half-edge that leaves v along the negative side of the face into which chord c goes on, or -1."""
    start = mesh.out[v]
    h = start
    while True:
        outside = h < 2 * m and (h & 1) == 1
        if not outside and _side(m, values, predicates, boundary, chords, mesh, c, mesh.half[h ^ 1, ORIGIN]) < 0:
            behind = mesh.half[mesh.half[h, PREVIOUS], ORIGIN]
            if _side(m, values, predicates, boundary, chords, mesh, c, behind) > 0:
                return h
        h = mesh.half[h ^ 1, NEXT]
        if h == start:
            return -1


@small_kernel
def _cut(mesh, g, edges, x):
    """Put vertex x on half-edge g; its second half becomes local edge ``edges``."""
    t, g2, q = g ^ 1, 2 * edges, 2 * edges + 1
    w = mesh.half[t, ORIGIN]
    mesh.half[g2, NEXT], mesh.half[g2, PREVIOUS] = mesh.half[g, NEXT], g
    mesh.half[mesh.half[g, NEXT], PREVIOUS] = g2
    mesh.half[g, NEXT] = g2
    mesh.half[g2, ORIGIN] = x
    mesh.half[q, ORIGIN] = w
    mesh.half[q, PREVIOUS], mesh.half[q, NEXT] = mesh.half[t, PREVIOUS], t
    mesh.half[mesh.half[t, PREVIOUS], NEXT] = q
    mesh.half[t, PREVIOUS] = q
    mesh.half[t, ORIGIN] = x
    mesh.chord[edges] = mesh.chord[g >> 1]
    mesh.out[x] = g2
    if mesh.out[w] == t:
        mesh.out[w] = q


@small_kernel
def _join(mesh, h, g, edges, c):
    """Connect the origin of h with the end of g, in their common face, by local edge ``edges`` on chord c."""
    n1, n2 = 2 * edges, 2 * edges + 1
    a, b = mesh.half[h, PREVIOUS], mesh.half[g, NEXT]
    mesh.half[n1, ORIGIN], mesh.half[n2, ORIGIN] = mesh.half[h, ORIGIN], mesh.half[g ^ 1, ORIGIN]
    mesh.half[a, NEXT], mesh.half[n1, PREVIOUS], mesh.half[n1, NEXT], mesh.half[b, PREVIOUS] = n1, a, b, n1
    mesh.half[g, NEXT], mesh.half[n2, PREVIOUS], mesh.half[n2, NEXT], mesh.half[h, PREVIOUS] = n2, g, h, n2
    mesh.chord[edges] = c


@small_kernel
def _length(mesh, i, j):
    """Distance of two local vertices."""
    x, y = mesh.point[i, 0] - mesh.point[j, 0], mesh.point[i, 1] - mesh.point[j, 1]
    return np.sqrt(x * x + y * y)


@small_kernel
def _place(m, values, predicates, boundary, chords, mesh, i, c, x):
    """Put interior vertex x where chord c crosses chord i."""
    p, q = chords.predicate[c], chords.predicate[i]
    a, b = chords.first[i], chords.last[i]
    za = value_at(values, predicates, boundary, a, p)
    rise = za - value_at(values, predicates, boundary, b, p)
    s = min(1.0, max(0.0, za / rise)) if rise != 0.0 else 0.5
    mesh.on[x], mesh.by[x], mesh.s[x], mesh.doubt[x] = i, c, s, False
    mesh.point[m + x, 0] = mesh.point[a, 0] + s * (mesh.point[b, 0] - mesh.point[a, 0])
    mesh.point[m + x, 1] = mesh.point[a, 1] + s * (mesh.point[b, 1] - mesh.point[a, 1])
    error = predicates.error[p] + predicates.slope[p] * max(mesh.point[a, 2], mesh.point[b, 2])
    along = position_error(error, _length(mesh, a, b), abs(rise), mesh.point[a, 2] + mesh.point[b, 2])
    a, b = chords.first[c], chords.last[c]
    rise = value_at(values, predicates, boundary, a, q) - value_at(values, predicates, boundary, b, q)
    error = predicates.error[q] + predicates.slope[q] * max(mesh.point[a, 2], mesh.point[b, 2])
    blur = along + position_error(error, _length(mesh, a, b), abs(rise), mesh.point[a, 2] + mesh.point[b, 2])
    mesh.point[m + x, 2] = blur + ROUNDING * (abs(mesh.point[m + x, 0]) + abs(mesh.point[m + x, 1]))


@small_kernel
def _insert(m, values, predicates, boundary, chords, mesh, c, vertices, edges):
    """Draw chord c from face to face; returns the new numbers of vertices and edges and whether it arrived."""
    v, goal = np.int64(chords.first[c]), chords.last[c]
    h = _enter(m, values, predicates, boundary, chords, mesh, c, v)
    while h >= 0:
        g = h
        side = _side(m, values, predicates, boundary, chords, mesh, c, mesh.half[g ^ 1, ORIGIN])
        while side < 0 and mesh.half[g, NEXT] != h:
            g = mesh.half[g, NEXT]
            side = _side(m, values, predicates, boundary, chords, mesh, c, mesh.half[g ^ 1, ORIGIN])
        if side < 0 or (g == h and side == 0):
            return vertices, edges, False
        if side == 0:
            v = mesh.half[g ^ 1, ORIGIN]
            _join(mesh, h, g, edges, c)
            edges += 1
            if v == goal:
                return vertices, edges, True
            if v < m:
                return vertices, edges, False
            h = _enter(m, values, predicates, boundary, chords, mesh, c, v)
        else:
            if g < 2 * m:
                return vertices, edges, False
            _place(m, values, predicates, boundary, chords, mesh, mesh.chord[g >> 1], c, vertices - m)
            _cut(mesh, g, edges, vertices)
            _join(mesh, h, g, edges + 1, c)
            h = g ^ 1
            vertices += 1
            edges += 2
    return vertices, edges, False


@small_kernel
def arrange(m, k, xy, values, predicates, boundary, chords, mesh):
    """Draw k chords into a convex cell with m boundary positions.

    Returns:
        Number of local vertices, number of local edges, and whether every chord was drawn without doubt.
    """
    for i in range(m):
        after, before = (i + 1) % m, (i - 1) % m
        mesh.half[2 * i, NEXT], mesh.half[2 * i, PREVIOUS], mesh.half[2 * i, ORIGIN] = 2 * after, 2 * before, i
        mesh.half[2 * i + 1, NEXT], mesh.half[2 * i + 1, PREVIOUS], mesh.half[2 * i + 1, ORIGIN] = (
            2 * before + 1,
            2 * after + 1,
            after,
        )
        mesh.chord[i] = -1
        mesh.out[i] = 2 * i
        low, high, t = boundary.low[i], boundary.high[i], boundary.s[i]
        mesh.point[i, 0] = xy[low, 0] + t * (xy[high, 0] - xy[low, 0])
        mesh.point[i, 1] = xy[low, 1] + t * (xy[high, 1] - xy[low, 1])
        mesh.point[i, 2] = boundary.radius[i] + ROUNDING * (abs(mesh.point[i, 0]) + abs(mesh.point[i, 1]))
    vertices, edges, sure = m, m, True
    for c in range(k):
        if chords.twin[c] == c:
            vertices, edges, arrived = _insert(m, values, predicates, boundary, chords, mesh, c, vertices, edges)
            sure = sure and arrived
    return vertices, edges, sure


@small_kernel
def number_faces(m, edges, mesh):
    """Number the faces inside the cell; face 0 lies on the boundary edge of position 0.

    Returns:
        The number of faces; ``mesh.face`` holds each inner half-edge's face, -1 outside.
    """
    for h in range(2 * edges):
        mesh.half[h, FACE] = -1
    faces = 0
    for start in range(2 * edges):
        if mesh.half[start, FACE] >= 0 or (start < 2 * m and (start & 1) == 1):
            continue
        h = start
        while mesh.half[h, FACE] < 0:
            mesh.half[h, FACE] = faces
            h = mesh.half[h, NEXT]
        faces += 1
    return faces
