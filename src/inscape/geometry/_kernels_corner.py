"""Compiled kernels: new vertices on cut edges, with their names, position errors and signs."""

import numpy as np

from inscape.geometry._kernels_compile import allocating_kernel, kernel, small_kernel
from inscape.geometry._kernels_edges import lowest
from inscape.geometry._kernels_signs import predicate
from inscape.geometry._split_room import POINTS

ROUNDING = 2.0**-50
"""Relative error of a coordinate that was computed by a few operations."""

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_MIX_A = np.uint64(0x9E3779B97F4A7C15)
_MIX_B = np.uint64(0xBF58476D1CE4E5B9)
_MIX_C = np.uint64(0x94D049BB133111EB)


@small_kernel
def scramble(x):
    """Spread the bits of a 64-bit word (the finaliser of splitmix64)."""
    x = x + _MIX_A
    x = (x ^ (x >> np.uint64(30))) * _MIX_B
    x = (x ^ (x >> np.uint64(27))) * _MIX_C
    return x ^ (x >> np.uint64(31))


@allocating_kernel
def scramble_all(x):
    """Names from numbers.

    Args:
        x: (n,) 64-bit words.

    Returns:
        (n,) words with their bits spread.
    """
    out = np.empty_like(x)
    for i in range(x.shape[0]):
        out[i] = scramble(x[i])
    return out


@kernel
def enter_table(table, points, first, last):
    """Put the new vertices first:last into the table of cut edges.

    Args:
        table: ``Table``.
        points: ``Points``.
        first, last: range of vertices.
    """
    size = np.uint64(table.key.shape[0] - 1)
    for x in range(first, last):
        low, high = min(points.a[x], points.b[x]), max(points.a[x], points.b[x])
        key = (np.uint64(low) << np.uint64(32)) | np.uint64(high)
        h = scramble(key) & size
        while table.vertex[h] >= 0:
            h = (h + _ONE) & size
        table.key[h], table.vertex[h] = key, x


@small_kernel
def _radius(mask, local, work):
    """Distance of a computed vertex from the exact one, from the offset errors of d independent sides through it."""
    d = local.normal.shape[1]
    m = 0
    for w in range(mask.shape[0]):
        x = mask[w]
        while x != _ZERO:
            side = 64 * w + lowest(x)
            x &= x - _ONE
            if m < work.rest.shape[0]:
                for c in range(d):
                    work.rest[m, c] = local.normal[side, c]
                work.known[m] = local.fuzz[side]
                m += 1
    total = 0.0
    for _ in range(d):
        best, longest = -1, 0.0
        for i in range(m):
            length = 0.0
            for c in range(d):
                length += work.rest[i, c] ** 2
            if length > longest:
                best, longest = i, length
        if longest <= 1e-24:
            return np.inf
        longest = np.sqrt(longest)
        along = work.known[best] / longest
        total += along * along
        for c in range(d):
            work.axis[c] = work.rest[best, c] / longest
        for i in range(m):
            dot = 0.0
            for c in range(d):
                dot += work.rest[i, c] * work.axis[c]
            for c in range(d):
                work.rest[i, c] -= dot * work.axis[c]
            work.known[i] += abs(dot) * along
        for c in range(d):
            work.rest[best, c] = 0.0
    return np.sqrt(total)


@small_kernel
def _edge_radius(x, u, v, points):
    """Position error of a vertex that was placed exactly along its edge: that of the ends, and rounding."""
    size = 0.0
    for c in range(points.t.shape[1]):
        size += abs(points.t[u, c]) + abs(points.t[v, c]) + abs(points.t[x, c])
    return max(points.radius[u], points.radius[v]) + ROUNDING * size


@small_kernel
def _first(names, name):
    """Where a name stands, or would stand, in a sorted list."""
    low, high = 0, names.shape[0]
    while low < high:
        middle = (low + high) // 2
        if names[middle] < name:
            low = middle + 1
        else:
            high = middle
    return low


@small_kernel
def _overruled(given, name, q):
    """Sign that exact arithmetic gave a predicate at a vertex, 2 if it was not asked."""
    i = _first(given.name, name)
    while i < given.name.shape[0] and given.name[i] == name:
        if given.predicate[i] == q:
            return given.sign[i]
        i += 1
    return 2


@small_kernel
def _placed(given, name):
    """Parameter that exact arithmetic gave a vertex along its edge, -1 if it was not asked."""
    i = _first(given.placed, name)
    if i < given.placed.shape[0] and given.placed[i] == name:
        return given.s[i]
    return -1.0


@small_kernel
def _sign_words(x, u, v, p, predicates, grain, given, points):
    """Signs at a new vertex: along an edge they follow from its ends, but for the predicates that cross it, too."""
    for w in range(points.pos.shape[1]):
        pu, nu, pv, nv = points.pos[u, w], points.neg[u, w], points.pos[v, w], points.neg[v, w]
        points.pos[x, w] = (pu | pv) & ~(nu | nv)
        points.neg[x, w] = (nu | nv) & ~(pu | pv)
        open_ = (pu & nv) | (nu & pv)
        while open_ != _ZERO:
            bit = open_ & (~open_ + _ONE)
            q = 64 * w + lowest(open_)
            open_ &= open_ - _ONE
            if q == p:
                continue
            z = predicate(points.values, x, q, predicates)
            bound = predicates.error[q] + grain[q] * points.depth[x] + predicates.slope[q] * points.radius[x]
            if abs(z) <= bound:
                known = _overruled(given, points.name[x], q)
                if known < 2:
                    z, bound = np.float64(known), 0.5
                else:
                    points.close[x] = True
                    bound = min(bound, predicates.cap[q])
            if z > bound:
                points.pos[x, w] |= bit
            elif z < -bound:
                points.neg[x, w] |= bit


@small_kernel
def new_vertex(u, v, p, mask, predicates, grain, given, points, table, local, work, state):
    """The vertex where predicate p crosses the edge from u to v; it is made if no cell has asked for it before.

    Args:
        u, v: ends of the edge, on different sides of the predicate.
        p: the predicate.
        mask: (wide,) sides of the piece that hold the vertex.
        predicates: ``Predicates``.
        grain: (n,) growth of the evaluation error with each interpolation.
        given: ``Given``.
        points: ``Points``.
        table: ``Table``.
        local, work: scratch.
        state: counters.

    Returns:
        The number of the vertex.
    """
    size = np.uint64(table.key.shape[0] - 1)
    key = (np.uint64(min(u, v)) << np.uint64(32)) | np.uint64(max(u, v))
    h = scramble(key) & size
    while table.vertex[h] >= 0:
        if table.key[h] == key:
            return table.vertex[h]
        h = (h + _ONE) & size
    if points.name[u] > points.name[v]:
        u, v = v, u
    x = state[POINTS]
    state[POINTS] += 1
    table.key[h], table.vertex[h] = key, x
    za, zb = predicate(points.values, u, p, predicates), predicate(points.values, v, p, predicates)
    points.name[x] = scramble(points.name[u] + scramble(points.name[v] ^ scramble(np.uint64(p))))
    known = _placed(given, points.name[x])
    s = known if known >= 0.0 else za / (za - zb)
    points.a[x], points.b[x], points.s[x], points.on[x] = u, v, s, p
    for c in range(points.t.shape[1]):
        points.t[x, c] = points.t[u, c] + s * (points.t[v, c] - points.t[u, c])
    for k in range(points.values.shape[1]):
        points.values[x, k] = points.values[u, k] + s * (points.values[v, k] - points.values[u, k])
    if predicates.right[p] < 0:
        points.values[x, predicates.left[p]] = predicates.offset[p]
    points.depth[x] = 1 + max(points.depth[u], points.depth[v])
    points.radius[x] = _radius(mask, local, work) if known < 0.0 else _edge_radius(x, u, v, points)
    points.close[x] = False
    _sign_words(x, u, v, p, predicates, grain, given, points)
    return x
