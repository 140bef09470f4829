"""Compiled kernels: where predicates change sign along edges, and values at the new vertices."""

from typing import NamedTuple

import numpy as np

from inscape.geometry._kernels_compile import allocating_kernel, kernel, small_kernel
from inscape.geometry._kernels_signs import Predicates, Signs, predicate

CAUTION = 2.0
"""Factor on the bounds below which an order is settled exactly: more questions cost little, a wrong answer much."""

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
    """(N,) True where rounding leaves open in which order two crossings come, or whether they are one."""
    origin: np.ndarray
    """(N,) vertex of the record from which it was read, -1 for none."""


class Record(NamedTuple):
    """What a step decided on the edges that several blocks share."""

    edge: np.ndarray
    """(E,) edge of the record for each edge of the block, -1 for none."""
    vertices: int
    """Number of the record's vertices before the step."""
    crossings: Crossings
    """The record's own crossings."""


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


@small_kernel
def _sort(which, where, k):
    """Sort by parameter: insertion in runs of shrinking gaps (Shell), in place and fast for a few entries."""
    gap = 1
    while gap < k // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, k):
            p, s = which[i], where[i]
            j = i - gap
            while j >= 0 and where[j] > s:
                which[j + gap], where[j + gap] = which[j], where[j]
                j -= gap
            which[j + gap], where[j + gap] = p, s
        gap //= 3


@small_kernel
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
            where[k] = min(1.0, max(0.0, za / (za - zb))) if za != zb else 0.5
            k += 1
    return k


@small_kernel
def _copy(e, record, made, start, out):
    """Copy what the record says of edge e; returns the number of new vertices."""
    known, other = record.crossings, record.edge[e]
    begin, previous = known.total[other], -1
    for i in range(known.total[other + 1] - begin):
        x = known.vertex[begin + i]
        if x != previous:
            out.edge[made], out.s[made] = e, known.s[x]
            out.radius[made], out.doubt[made] = known.radius[x], known.doubt[x]
            out.origin[made] = record.vertices + x
            made += 1
            previous = x
        out.predicate[start + i] = known.predicate[begin + i]
        out.vertex[start + i] = made - 1
    return made


@small_kernel
def position_error(error, length, rise, blur):
    """How far the crossing of a segment with a function's zero line can be from its computed place.

    Args:
        error: bound on the error of the function near the segment.
        length: length of the segment.
        rise: difference of the function's values at its ends.
        blur: bound on the position error of its ends.

    Returns:
        The error divided by the steepness along the segment, where the rise says anything about that; else the
        crossing is known to lie on the segment, and no more.
    """
    return 2 * error * length / rise if rise > 4 * error else length + blur


@small_kernel
def _compute(e, a, b, k, length, edge_radius, blur, values, predicates, made, start, which, where, out):
    """Place k sorted crossings on edge e; returns the number of new vertices."""
    first = made
    for i in range(k):
        p = which[i]
        za = predicate(values, a, p, predicates)
        zb = predicate(values, b, p, predicates)
        out.predicate[start + i] = p
        if made > first:
            here = abs(za + out.s[made - 1] * (zb - za))
            bound = CAUTION * (predicates.error[p] + predicates.slope[p] * out.radius[made - 1])
            if here <= bound:
                out.doubt[made - 1] = True
                if here <= predicates.cap[p]:
                    out.vertex[start + i] = made - 1
                    continue
                out.doubt[made] = True
        out.edge[made], out.s[made], out.origin[made] = e, where[i], -1
        error = predicates.error[p] + predicates.slope[p] * edge_radius
        out.radius[made] = edge_radius + position_error(error, length, abs(za - zb), blur)
        out.vertex[start + i] = made
        made += 1
    return made


@kernel
def _fill(ends, edge_radius, xy, radius, values, predicates, signs, record, which, where, out):
    made = 0
    for e in range(ends.shape[0]):
        start = out.total[e]
        before = made
        if start < out.total[e + 1]:
            if record.edge.shape[0] > 0 and record.edge[e] >= 0:
                made = _copy(e, record, made, start, out)
            else:
                a, b = ends[e, 0], ends[e, 1]
                k = _gather(values, predicates, a, b, signs, which, where)
                _sort(which, where, k)
                length = 0.0
                for c in range(xy.shape[1]):
                    length += (xy[b, c] - xy[a, c]) ** 2
                length, blur = np.sqrt(length), radius[a] + radius[b]
                made = _compute(
                    e, a, b, k, length, edge_radius[e], blur, values, predicates, made, start, which, where, out
                )
        out.sub[e + 1] = out.sub[e] + 1 + made - before
    return made


def cross_edges(
    ends: np.ndarray,
    edge_radius: np.ndarray,
    xy: np.ndarray,
    radius: np.ndarray,
    values: np.ndarray,
    predicates: Predicates,
    signs: Signs,
    record: Record | None = None,
) -> Crossings:
    """Find, order and merge the crossings on every edge.

    Along an edge every value is affine, so predicate p vanishes at s = z(a) / (z(a) - z(b)). Crossings whose
    predicates both vanish at one point, within rounding, share one vertex; they are in doubt.

    Args:
        ends: (E, 2) vertices of the edges.
        edge_radius: (E,) bound on the distance between a computed edge and its exact line.
        xy: (V, d) chart coordinates.
        radius: (V,) bound on the position error of the vertices.
        values: (V, width) values at the vertices.
        predicates: the predicates.
        signs: their signs.
        record: decisions to be read for edges that several blocks share.

    Returns:
        The crossings.
    """
    total, most = _count(ends, signs.pos, signs.neg)
    out = empty_crossings(len(ends), int(total[-1]), total)
    if record is None:
        record = Record(np.empty(0, np.int32), 0, empty_crossings(0, 0, np.zeros(1, np.int64)))
    which, where = np.empty(most, np.int32), np.empty(most, np.float64)
    made = _fill(ends, edge_radius, xy, radius, values, predicates, signs, record, which, where, out)
    trimmed = {name: getattr(out, name)[:made] for name in ("edge", "s", "radius", "doubt", "origin")}
    return out._replace(**trimmed)


def empty_crossings(edges: int, entries: int, total: np.ndarray) -> Crossings:
    """Allocate for the worst case, in which every entry has a vertex of its own.

    Args:
        edges: number of edges.
        entries: number of entries.
        total: (edges + 1,) running total of entries.

    Returns:
        Crossings to be filled.
    """
    return Crossings(
        total=total,
        predicate=np.empty(entries, np.int32),
        vertex=np.empty(entries, np.int32),
        sub=np.zeros(edges + 1, np.int64),
        edge=np.empty(entries, np.int32),
        s=np.empty(entries),
        radius=np.empty(entries),
        doubt=np.zeros(entries, np.bool_),
        origin=np.empty(entries, np.int32),
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


@allocating_kernel
def evaluate_affine(t, table):
    """Values of affine functions at chart coordinates.

    Args:
        t: (n, d) chart coordinates.
        table: (d + 1, width) constants, then slopes along each coordinate.

    Returns:
        (n, width) values.
    """
    out = np.empty((t.shape[0], table.shape[1]))
    for i in range(t.shape[0]):
        for k in range(table.shape[1]):
            z = table[0, k]
            for c in range(t.shape[1]):
                z += t[i, c] * table[c + 1, k]
            out[i, k] = z
    return out


@allocating_kernel
def bend(values, thresholds, slopes, intercepts):
    """Apply a piecewise-linear function of one variable, in place.

    Args:
        values: (V, width) values.
        thresholds: (k,) increasing breakpoints.
        slopes, intercepts: (k + 1, width) pieces of each unit.

    Returns:
        (width,) largest absolute result of each unit, 0 for no rows.
    """
    count, width = values.shape
    reach = np.zeros(width)
    if thresholds.shape[0] == 1:  # the common case, in a form that vectorises
        t = thresholds[0]
        for v in range(count):
            for u in range(width):
                z = values[v, u]
                low, high = slopes[0, u] * z + intercepts[0, u], slopes[1, u] * z + intercepts[1, u]
                y = high if z > t else low
                values[v, u] = y
                reach[u] = max(reach[u], abs(y))
        return reach
    for v in range(count):
        for u in range(width):
            z = values[v, u]
            piece = 0
            for k in range(thresholds.shape[0]):
                if z > thresholds[k]:
                    piece = k + 1
            values[v, u] = slopes[piece, u] * z + intercepts[piece, u]
            reach[u] = max(reach[u], abs(values[v, u]))
    return reach
