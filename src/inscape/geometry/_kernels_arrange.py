"""Compiled kernels: the arrangement of chords inside one convex cell, as half-edges.

A chord is the part of a predicate's zero line inside the cell; it runs from boundary position ``first`` to ``last``
with the predicate's positive side on its left. On the cell's boundary every sign follows from the cyclic order of the
positions alone; values are looked at only where two chords interleave, to order crossings along a chord.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from inscape.geometry._kernels_signs import predicate


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
    """(m,) at this parameter."""


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

    nxt: np.ndarray
    prv: np.ndarray
    org: np.ndarray
    face: np.ndarray
    chord: np.ndarray
    """(edges,) chord that a local edge lies on, -1 on the boundary."""
    out: np.ndarray
    """(vertices,) one half-edge that leaves the local vertex."""
    on: np.ndarray
    """(interior,) chord that carries the interior vertex, split at parameter ``s``."""
    by: np.ndarray
    """(interior,) the other chord through it."""
    s: np.ndarray
    radius: np.ndarray
    doubt: np.ndarray


@njit(cache=True, nogil=True, inline="always")
def value_at(values, predicates, boundary, position, p):
    """Value of predicate p at a boundary position."""
    low = predicate(values, boundary.low[position], p, predicates)
    if boundary.low[position] == boundary.high[position]:
        return low
    return low + boundary.s[position] * (predicate(values, boundary.high[position], p, predicates) - low)


@njit(cache=True, nogil=True, inline="always")
def position_side(m, chords, c, position):
    """Side of chord c on which a boundary position lies: -1, 0 or +1."""
    first, last = chords.first[c], chords.last[c]
    if position in (first, last):
        return 0
    return -1 if (position - first) % m < (last - first) % m else 1


@njit(cache=True, nogil=True)
def _distance(xy, boundary, i, j):
    total = 0.0
    for c in range(xy.shape[1]):
        a = xy[boundary.low[i], c] + boundary.s[i] * (xy[boundary.high[i], c] - xy[boundary.low[i], c])
        b = xy[boundary.low[j], c] + boundary.s[j] * (xy[boundary.high[j], c] - xy[boundary.low[j], c])
        total += (a - b) ** 2
    return np.sqrt(total)


@njit(cache=True, nogil=True)
def steepness(xy, values, predicates, boundary, i, j, p):
    """Mean slope of predicate p between two boundary positions: a lower bound of its gradient's norm."""
    length = _distance(xy, boundary, i, j)
    if length == 0.0:
        return 0.0
    rise = value_at(values, predicates, boundary, i, p) - value_at(values, predicates, boundary, j, p)
    return abs(rise) / length


@njit(cache=True, nogil=True)
def _interior_side(m, values, predicates, boundary, chords, mesh, c, x):
    for carrier in (mesh.on[x], mesh.by[x]):
        if chords.twin[carrier] == c:
            return 0
        a = position_side(m, chords, c, chords.first[carrier])
        b = position_side(m, chords, c, chords.last[carrier])
        if a + b > 0 and a >= 0 and b >= 0:
            return 1
        if a + b < 0 and a <= 0 and b <= 0:
            return -1
    i, p = mesh.on[x], chords.predicate[c]
    za = value_at(values, predicates, boundary, chords.first[i], p)
    zb = value_at(values, predicates, boundary, chords.last[i], p)
    z = za + mesh.s[x] * (zb - za)
    bound = predicates.error[p] + predicates.slope[p] * mesh.radius[x]
    if abs(z) <= bound:
        mesh.doubt[x] = True
        if abs(z) <= predicates.cap[p]:
            return 0
    return 1 if z > 0 else -1


@njit(cache=True, nogil=True, inline="always")
def _side(m, values, predicates, boundary, chords, mesh, c, v):
    if v < m:
        return position_side(m, chords, c, v)
    return _interior_side(m, values, predicates, boundary, chords, mesh, c, v - m)


@njit(cache=True, nogil=True)
def _enter(m, values, predicates, boundary, chords, mesh, c, v):
    """The half-edge that leaves v along the negative side of the face into which chord c goes on, or -1."""
    start = mesh.out[v]
    h = start
    while True:
        outside = h < 2 * m and (h & 1) == 1
        if not outside and _side(m, values, predicates, boundary, chords, mesh, c, mesh.org[h ^ 1]) < 0:
            behind = mesh.org[mesh.prv[h]]
            if _side(m, values, predicates, boundary, chords, mesh, c, behind) > 0:
                return h
        h = mesh.nxt[h ^ 1]
        if h == start:
            return -1


@njit(cache=True, nogil=True)
def _cut(mesh, g, edges, x):
    """Put vertex x on half-edge g; its second half becomes local edge ``edges``."""
    t, g2, q = g ^ 1, 2 * edges, 2 * edges + 1
    w = mesh.org[t]
    mesh.nxt[g2], mesh.prv[g2] = mesh.nxt[g], g
    mesh.prv[mesh.nxt[g]] = g2
    mesh.nxt[g] = g2
    mesh.org[g2] = x
    mesh.org[q] = w
    mesh.prv[q], mesh.nxt[q] = mesh.prv[t], t
    mesh.nxt[mesh.prv[t]] = q
    mesh.prv[t] = q
    mesh.org[t] = x
    mesh.chord[edges] = mesh.chord[g >> 1]
    mesh.out[x] = g2
    if mesh.out[w] == t:
        mesh.out[w] = q


@njit(cache=True, nogil=True)
def _join(mesh, h, g, edges, c):
    """Connect the origin of h with the end of g, in their common face, by local edge ``edges`` on chord c."""
    n1, n2 = 2 * edges, 2 * edges + 1
    a, b = mesh.prv[h], mesh.nxt[g]
    mesh.org[n1], mesh.org[n2] = mesh.org[h], mesh.org[g ^ 1]
    mesh.nxt[a], mesh.prv[n1], mesh.nxt[n1], mesh.prv[b] = n1, a, b, n1
    mesh.nxt[g], mesh.prv[n2], mesh.nxt[n2], mesh.prv[h] = n2, g, h, n2
    mesh.chord[edges] = c


@njit(cache=True, nogil=True)
def _place(xy, values, predicates, boundary, chords, mesh, i, c, x):
    """Put interior vertex x where chord c crosses chord i."""
    p, q = chords.predicate[c], chords.predicate[i]
    za = value_at(values, predicates, boundary, chords.first[i], p)
    zb = value_at(values, predicates, boundary, chords.last[i], p)
    s = za / (za - zb) if za != zb else 0.5
    mesh.on[x], mesh.by[x] = i, c
    mesh.s[x] = min(1.0, max(0.0, s))
    along = steepness(xy, values, predicates, boundary, chords.first[i], chords.last[i], p)
    across = steepness(xy, values, predicates, boundary, chords.first[c], chords.last[c], q)
    mesh.radius[x] = predicates.error[p] / max(along, 1e-300) + predicates.error[q] / max(across, 1e-300)
    mesh.doubt[x] = False


@njit(cache=True, nogil=True)
def _insert(m, xy, values, predicates, boundary, chords, mesh, c, vertices, edges):
    """Draw chord c from face to face; returns the new numbers of vertices and edges and whether it arrived."""
    v, goal = np.int64(chords.first[c]), chords.last[c]
    h = _enter(m, values, predicates, boundary, chords, mesh, c, v)
    while h >= 0:
        g = h
        side = _side(m, values, predicates, boundary, chords, mesh, c, mesh.org[g ^ 1])
        while side < 0 and mesh.nxt[g] != h:
            g = mesh.nxt[g]
            side = _side(m, values, predicates, boundary, chords, mesh, c, mesh.org[g ^ 1])
        if side < 0 or g == h and side == 0:
            return vertices, edges, False
        if side == 0:
            v = mesh.org[g ^ 1]
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
            _place(xy, values, predicates, boundary, chords, mesh, mesh.chord[g >> 1], c, vertices - m)
            _cut(mesh, g, edges, vertices)
            _join(mesh, h, g, edges + 1, c)
            h = g ^ 1
            vertices += 1
            edges += 2
    return vertices, edges, False


@njit(cache=True, nogil=True)
def arrange(m, k, xy, values, predicates, boundary, chords, mesh):
    """Draw k chords into a convex cell with m boundary positions.

    Returns:
        Number of local vertices, number of local edges, and whether every chord was drawn without doubt.
    """
    for i in range(m):
        after, before = (i + 1) % m, (i - 1) % m
        mesh.nxt[2 * i], mesh.prv[2 * i], mesh.org[2 * i] = 2 * after, 2 * before, i
        mesh.nxt[2 * i + 1], mesh.prv[2 * i + 1], mesh.org[2 * i + 1] = 2 * before + 1, 2 * after + 1, after
        mesh.chord[i] = -1
        mesh.out[i] = 2 * i
    vertices, edges, sure = m, m, True
    for c in range(k):
        if chords.twin[c] == c:
            vertices, edges, arrived = _insert(
                m, xy, values, predicates, boundary, chords, mesh, c, vertices, edges
            )
            sure = sure and arrived
    return vertices, edges, sure


@njit(cache=True, nogil=True)
def number_faces(m, edges, mesh):
    """Number the faces inside the cell; face 0 lies on the boundary edge of position 0.

    Returns:
        The number of faces; ``mesh.face`` holds each inner half-edge's face, -1 outside.
    """
    for h in range(2 * edges):
        mesh.face[h] = -1
    faces = 0
    for start in range(2 * edges):
        if mesh.face[start] >= 0 or (start < 2 * m and (start & 1) == 1):
            continue
        h = start
        while mesh.face[h] < 0:
            mesh.face[h] = faces
            h = mesh.nxt[h]
        faces += 1
    return faces
