"""Compiled kernels: where predicates change sign along edges, and values at the new vertices."""

from typing import NamedTuple

import numpy as np

from inscape.geometry._kernels_compile import allocating_kernel, kernel, small_kernel
from inscape.geometry._kernels_signs import predicate

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_M1 = np.uint64(0x5555555555555555)
_M2 = np.uint64(0x3333333333333333)
_M4 = np.uint64(0x0F0F0F0F0F0F0F0F)
_MUL = np.uint64(0x0101010101010101)


class Crossings(NamedTuple):
    """Where predicates vanish on edges; N new vertices, m ≥ N entries (several may share a vertex)."""

    total: np.ndarray
    """(E + 1,) edge e owns entries total[e]:total[e + 1]."""
    predicate: np.ndarray
    """(m,) which predicate an entry belongs to, in order along its edge."""
    vertex: np.ndarray
    """(m,) index among the new vertices."""
    sub: np.ndarray
    """(E + 1,) edge e is cut into sub-edges sub[e]:sub[e + 1]."""
    edge: np.ndarray
    """(N,) edge of each new vertex."""
    s: np.ndarray
    """(N,) its parameter along the edge, in [0, 1]."""
    radius: np.ndarray
    """(N,) bound on its distance from the exact point."""
    doubt: np.ndarray
    """(N,) True where two crossings were merged within rounding."""


@small_kernel
def popcount(x):
    """Number of bits set in a 64-bit word."""
    x = x - ((x >> np.uint64(1)) & _M1)
    x = (x & _M2) + ((x >> np.uint64(2)) & _M2)
    x = (x + (x >> np.uint64(4))) & _M4
    return np.int64((x * _MUL) >> np.uint64(56))


@small_kernel
def lowest(x):
    """Position of the lowest bit set in a 64-bit word that is not zero."""
    return popcount((x & (~x + _ONE)) - _ONE)


@allocating_kernel
def _count(ends, pos, neg):
    total = np.zeros(ends.shape[0] + 1, np.int64)
    most = 0
    for e in range(ends.shape[0]):
        a, b = ends[e, 0], ends[e, 1]
        found = 0
        for w in range(pos.shape[1]):
            x = (pos[a, w] & neg[b, w]) | (neg[a, w] & pos[b, w])
            if x != _ZERO:
                found += popcount(x)
        total[e + 1] = total[e] + found
        most = max(most, found)
    return total, most


@allocating_kernel
def _sort(which, where, k):
    if k > 24:
        order = np.argsort(where[:k], kind="mergesort")
        which[:k] = which[:k][order]
        where[:k] = where[:k][order]
        return
    for i in range(1, k):
        p, s = which[i], where[i]
        j = i - 1
        while j >= 0 and where[j] > s:
            which[j + 1], where[j + 1] = which[j], where[j]
            j -= 1
        which[j + 1], where[j + 1] = p, s


@kernel
def _gather(values, predicates, a, b, signs, which, where):
    k = 0
    for w in range(signs.pos.shape[1]):
        x = (signs.pos[a, w] & signs.neg[b, w]) | (signs.neg[a, w] & signs.pos[b, w])
        while x != _ZERO:
            p = 64 * w + lowest(x)
            x &= x - _ONE
            za = predicate(values, a, p, predicates)
            zb = predicate(values, b, p, predicates)
            which[k] = p
            where[k] = za / (za - zb)
            k += 1
    return k


@allocating_kernel
def cross_edges(ends, edge_radius, xy, values, predicates, signs):
    """Find, order and merge the crossings on every edge.

    Along an edge every value is affine, so predicate p vanishes at s = z(a) / (z(a) - z(b)). Crossings whose
    predicates both vanish at one point, within rounding, share one vertex.

    Args:
        ends: (E, 2) vertices of the edges.
        edge_radius: (E,) bound on the distance between a computed edge and its exact line.
        xy: (V, d) chart coordinates.
        values: (V, width) values at the vertices.
        predicates: ``Predicates``.
        signs: ``Signs``.

    Returns:
        ``Crossings``.
    """
    total, most = _count(ends, signs.pos, signs.neg)
    m = total[-1]
    entry_predicate, entry_vertex = np.empty(m, np.int32), np.empty(m, np.int32)
    new_edge, doubt = np.empty(m, np.int32), np.zeros(m, np.bool_)
    new_s, new_radius = np.empty(m, np.float64), np.empty(m, np.float64)
    sub = np.zeros(ends.shape[0] + 1, np.int64)
    which, where = np.empty(most, np.int32), np.empty(most, np.float64)
    made = 0
    for e in range(ends.shape[0]):
        start = total[e]
        sub[e + 1] = sub[e] + 1
        if start == total[e + 1]:
            continue
        a, b = ends[e, 0], ends[e, 1]
        k = _gather(values, predicates, a, b, signs, which, where)
        _sort(which, where, k)
        length = 0.0
        for c in range(xy.shape[1]):
            length += (xy[b, c] - xy[a, c]) ** 2
        length = np.sqrt(length)
        for i in range(k):
            p = which[i]
            za = predicate(values, a, p, predicates)
            zb = predicate(values, b, p, predicates)
            entry_predicate[start + i] = p
            if i > 0:
                here = abs(za + new_s[made - 1] * (zb - za))
                bound = predicates.error[p] + predicates.slope[p] * new_radius[made - 1]
                if here <= min(bound, predicates.cap[p]):
                    doubt[made - 1] = True
                    entry_vertex[start + i] = made - 1
                    continue
            new_edge[made] = e
            new_s[made] = where[i]
            shift = predicates.error[p] + predicates.slope[p] * edge_radius[e]
            new_radius[made] = edge_radius[e] + shift * length / abs(za - zb)
            entry_vertex[start + i] = made
            made += 1
            sub[e + 1] += 1
    return Crossings(
        total,
        entry_predicate,
        entry_vertex,
        sub,
        new_edge[:made].copy(),
        new_s[:made].copy(),
        new_radius[:made].copy(),
        doubt[:made].copy(),
    )


@allocating_kernel
def cut_edges(ends, label, edge_radius, crossings, vertices):
    """Cut the edges at their new vertices.

    Args:
        ends: (E, 2) vertices of the edges.
        label: (E,) what each edge lies on.
        edge_radius: (E,) bound on the distance to the exact line.
        crossings: ``Crossings``.
        vertices: number of old vertices; the new ones are numbered from here.

    Returns:
        Ends (S, 2), labels (S,) and radii (S,) of the sub-edges.
    """
    sub = crossings.sub
    m = sub[-1]
    out_ends = np.empty((m, 2), np.int32)
    out_label = np.empty(m, np.int32)
    out_radius = np.empty(m, np.float64)
    j = 0
    for e in range(ends.shape[0]):
        previous = ends[e, 0]
        for i in range(sub[e], sub[e + 1]):
            out_ends[i, 0] = previous
            if i < sub[e + 1] - 1:
                previous = vertices + j
                j += 1
            else:
                previous = ends[e, 1]
            out_ends[i, 1] = previous
            out_label[i] = label[e]
            out_radius[i] = edge_radius[e]
    return out_ends, out_label, out_radius


@allocating_kernel
def interpolate(rows, a, b, s):
    """Append rows at new points: (1 - s) · rows[a] + s · rows[b].

    Args:
        rows: (V, width) values at the old vertices.
        a, b: (N,) rows to mix; they may name rows that this call appends, if those come earlier.
        s: (N,) parameters in [0, 1].

    Returns:
        (V + N, width) old rows followed by the new ones.
    """
    count, width = rows.shape
    out = np.empty((count + a.shape[0], width), rows.dtype)
    out[:count] = rows
    for i in range(a.shape[0]):
        p, q, t = a[i], b[i], s[i]
        for k in range(width):
            zp = out[p, k]
            out[count + i, k] = zp + t * (out[q, k] - zp)
    return out


@kernel
def pin(values, vertex, unit, level):
    """Set values that are known exactly: ``level`` of ``unit`` at a vertex on its hyperplane, in place.

    Args:
        values: (V, width) values at the vertices.
        vertex, unit: (m,) places.
        level: (m,) the exact values.
    """
    for i in range(vertex.shape[0]):
        values[vertex[i], unit[i]] = level[i]
