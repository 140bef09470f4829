"""Compiled kernels: cut the edges of a simple complex by one batch of predicates, and join the cuts through 2-faces.

Every face of a simple complex is named by 64 random bits: the exclusive or of one random word for each unit and sign
on it. An edge knows its own name without the current batch, whose signs it reads off its ends; the name of a 2-face
beside it differs by one word.
"""

from typing import NamedTuple

import numpy as np

from inscape.geometry._kernels_compile import kernel, small_kernel
from inscape.geometry._kernels_edges import lowest

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_LOW = np.uint64(0x7FFFFFFF)
_USED = np.uint64(0x80000000)
_MIX_1 = np.uint64(0x9E3779B97F4A7C15)
_MIX_2 = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX_3 = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT = np.uint64(32)
_CLEAR = 50.0
"""How far a value has to exceed its error for a slope to be read from it."""

VERTICES, EDGES, NEXT, EPOCH, SUSPECTS, DEPTH, FLAT = range(7)
"""What the numbers of the running state count."""

DONE, GROW, NOT_GENERIC = range(3)
"""Why a kernel returns."""


class Points(NamedTuple):
    """Room for vertices."""

    t: np.ndarray
    """(V, d) chart coordinates."""
    radius: np.ndarray
    """(V,) bound on the distance from the exact vertex."""
    height: np.ndarray
    """(V,) a linear function of the coordinates."""
    label: np.ndarray
    """(V, d) predicates that vanish there, ascending; walls are negative."""
    pos: np.ndarray
    """(V, words) bits of the positive predicates, of all batches."""
    neg: np.ndarray
    """(V,) bits of the negative predicates of the current batch."""
    mix: np.ndarray
    """(V, 2) vertices between which it was interpolated."""
    s: np.ndarray
    """(V,) where between them."""
    depth: np.ndarray
    """(V,) how many interpolations lie behind it."""
    past: np.ndarray
    """(V, labels) values of the predicates of earlier batches, in single precision: for slopes only."""
    crossed: np.ndarray
    """(V,) bits of those predicates of the batch whose signs were new when the vertex was made."""


class Lines(NamedTuple):
    """Room for edges."""

    ends: np.ndarray
    """(E, 2) vertices, the lower one first."""
    label: np.ndarray
    """(E, d - 1) predicates on which it lies, ascending."""
    name: np.ndarray
    """(E,) its name without the current batch."""
    following: np.ndarray
    """(E,) next edge that the same predicate cuts first, -1 for none."""


class Batch(NamedTuple):
    """Up to 64 predicates of one step."""

    z: np.ndarray
    """(V, n) their values at the vertices."""
    error: np.ndarray
    """(labels,) bound on the evaluation error of every predicate so far."""
    drift: np.ndarray
    """(labels,) what each interpolation adds to it."""
    slope: np.ndarray
    """(labels,) bound on the slope per chart unit."""
    first: np.ndarray
    """(n,) first edge that each predicate cuts before any other of the batch, -1 for none."""
    count: np.ndarray
    """(n,) length of that list."""
    norm: float
    """Slope of the heights."""
    base: int
    """Label of the first predicate."""
    word: int
    """Which word of bits the batch fills."""


class Names(NamedTuple):
    """Random words, and the table through which 2-faces find their second cut."""

    word: np.ndarray
    """(labels + 2 d, 2) random words of each predicate and sign; the walls come first."""
    slots: np.ndarray
    """(size, 2) name of a 2-face; number of the predicate's pass and the vertex seen."""
    suspects: np.ndarray
    """(m, 2) vertices and predicates whose signs are within rounding of zero."""


@small_kernel
def _error(points, batch, v, label):
    """Bound on the evaluation error of a predicate at a vertex."""
    return batch.error[label] + points.depth[v] * batch.drift[label]


@small_kernel
def _check(points, batch, names, state, v, p):
    """Put down a sign that is within rounding of zero."""
    label = batch.base + p
    if abs(batch.z[v, p]) <= _error(points, batch, v, label) + batch.slope[label] * points.radius[v]:
        k = state[SUSPECTS]
        if k < names.suspects.shape[0]:
            names.suspects[k, 0] = v
            names.suspects[k, 1] = label
        state[SUSPECTS] = k + 1


@small_kernel
def _enlist(points, lines, batch, e):
    """Put an edge on the list of the first predicate that cuts it."""
    a, b, w = lines.ends[e, 0], lines.ends[e, 1], batch.word
    x = (points.pos[a, w] & points.neg[b]) | (points.neg[a] & points.pos[b, w])
    if x != _ZERO:
        p = lowest(x)
        lines.following[e] = batch.first[p]
        batch.first[p] = e
        batch.count[p] += 1


@kernel
def open_batch(points, lines, batch, names, state):
    """Signs of a batch at all vertices, and the first predicate that cuts each edge.

    Args:
        points: ``Points``.
        lines: ``Lines``.
        batch: ``Batch`` with values at all vertices; its lists are filled.
        names: ``Names``, which takes the suspects.
        state: running state.

    Returns:
        ``DONE``, or ``NOT_GENERIC`` if some value is zero.
    """
    n, w = batch.first.shape[0], batch.word
    for p in range(n):
        batch.first[p] = -1
        batch.count[p] = 0
    for v in range(state[VERTICES]):
        pos, neg = _ZERO, _ZERO
        for p in range(n):
            z = batch.z[v, p]
            if z == 0.0:
                return NOT_GENERIC
            pos |= np.uint64(z > 0.0) << np.uint64(p)
            neg |= np.uint64(z < 0.0) << np.uint64(p)
            _check(points, batch, names, state, v, p)
        points.pos[v, w] = pos
        points.neg[v] = neg
    for e in range(state[EDGES]):
        _enlist(points, lines, batch, e)
    state[NEXT] = 0
    return DONE


@small_kernel
def _place(points, batch, state, a, b, p):
    """A vertex where predicate p vanishes between two others: where it is, and what all predicates are there."""
    v = state[VERTICES]
    state[VERTICES] = v + 1
    za, zb = batch.z[a, p], batch.z[b, p]
    s = za / (za - zb)
    square = 0.0
    for c in range(points.t.shape[1]):
        step = points.t[b, c] - points.t[a, c]
        points.t[v, c] = points.t[a, c] + s * step
        square += step * step
    points.mix[v, 0], points.mix[v, 1], points.s[v] = a, b, s
    points.depth[v] = max(points.depth[a], points.depth[b]) + 1
    state[DEPTH] = max(state[DEPTH], points.depth[v])
    for q in range(batch.first.shape[0]):
        zq = batch.z[a, q]
        batch.z[v, q] = zq + s * (batch.z[b, q] - zq)
    batch.z[v, p] = 0.0
    for k in range(batch.base):
        zk = np.float64(points.past[a, k])
        points.past[v, k] = zk + s * (np.float64(points.past[b, k]) - zk)
    points.height[v] = points.height[a] + s * (points.height[b] - points.height[a])
    points.radius[v] = 2.0 * _error(points, batch, v, batch.base + p) * np.sqrt(square) / abs(za - zb)
    return v


@small_kernel
def _birth(points, lines, batch, state, e, p):
    """The vertex in which predicate p meets edge e; -1 if another predicate vanishes there, too."""
    a, b, w = lines.ends[e, 0], lines.ends[e, 1], batch.word
    v = _place(points, batch, state, a, b, p)
    for k in range(w):  # an edge is cut by no predicate of an earlier batch
        points.pos[v, k] = points.pos[a, k] | points.pos[b, k]
    pos, neg = points.pos[a, w] | points.pos[b, w], points.neg[a] | points.neg[b]
    x = pos & neg
    pos &= ~x
    neg &= ~x
    x &= ~(_ONE << np.uint64(p))
    points.crossed[v] = x
    while x != _ZERO:
        q = lowest(x)
        x &= x - _ONE
        z = batch.z[v, q]
        if z == 0.0:
            return -1
        pos |= np.uint64(z > 0.0) << np.uint64(q)
        neg |= np.uint64(z < 0.0) << np.uint64(q)
    points.pos[v, w] = pos
    points.neg[v] = neg
    for k in range(lines.label.shape[1]):
        points.label[v, k] = lines.label[e, k]
    points.label[v, lines.label.shape[1]] = batch.base + p
    return v


@small_kernel
def _halve(points, lines, batch, state, e, v):
    """Cut edge e at vertex v."""
    f = state[EDGES]
    state[EDGES] = f + 1
    lines.ends[f, 0], lines.ends[f, 1] = v, lines.ends[e, 1]
    lines.ends[e, 1] = v
    for k in range(lines.label.shape[1]):
        lines.label[f, k] = lines.label[e, k]
    lines.name[f] = lines.name[e]
    _enlist(points, lines, batch, e)
    _enlist(points, lines, batch, f)


@small_kernel
def _leap(points, batch, far, label):
    """Absolute value of a predicate at the far end of an edge that leaves it; 0 if it is hardly known."""
    z = batch.z[far, label - batch.base] if label >= batch.base else np.float64(points.past[far, label])
    return abs(z) if abs(z) > _CLEAR * _error(points, batch, far, label) else 0.0


@small_kernel
def _widen(points, batch, v, far, label, length):
    """Add to a vertex's radius what the error of one of its predicates can move it, along the edge that leaves it.

    To first order a vertex is off by the sum, over its hyperplanes, of error / slope along the edge that leaves only
    that hyperplane. Twice as much is added, for the rounding in the slopes.
    """
    if label >= 0:
        points.radius[v] += 2.0 * _error(points, batch, v, label) * length / _leap(points, batch, far, label)


@small_kernel
def _join(points, lines, batch, state, e, j, name, a, b):
    """The edge between two cuts of a 2-face, which is edge e without its j-th label; b is the cut of e."""
    f = state[EDGES]
    state[EDGES] = f + 1
    rises = points.height[b] > points.height[a]
    lines.ends[f, 0], lines.ends[f, 1] = (a, b) if rises else (b, a)
    last, other = lines.label.shape[1] - 1, np.int64(lines.label[e, j])
    for k in range(last):
        lines.label[f, k] = lines.label[e, k if k < j else k + 1]
    lines.label[f, last] = points.label[b, last + 1]
    lines.name[f] = name
    square = 0.0
    for c in range(points.t.shape[1]):
        square += (points.t[b, c] - points.t[a, c]) ** 2
        other += points.label[a, c] - points.label[b, c]  # the labels of a and b differ in one
    length = np.sqrt(square)
    _widen(points, batch, b, a, lines.label[e, j], length)
    _widen(points, batch, a, b, other, length)
    _enlist(points, lines, batch, f)


@small_kernel
def _scramble(name, pos, neg):
    """Name of a face with the signs of the current batch."""
    h = name ^ (pos * _MIX_1)
    h = (h ^ (h >> _SHIFT)) * _MIX_2
    h ^= neg * _MIX_3
    h = (h ^ (h >> _SHIFT)) * _MIX_1
    return h ^ (h >> _SHIFT)


@small_kernel
def _meet(names, epoch, key, v):
    """Put vertex v on a 2-face: the vertex that is there already, -1 if it is the first, -2 if it is the third."""
    size = np.uint64(names.slots.shape[0] - 1)
    stamp = np.uint64(epoch) << _SHIFT
    i = key & size
    while True:
        entry = names.slots[i, 1]
        if entry >> _SHIFT != np.uint64(epoch):
            names.slots[i, 0] = key
            names.slots[i, 1] = stamp | np.uint64(v)
            return -1
        if names.slots[i, 0] == key:
            if entry & _USED != _ZERO:
                return -2
            names.slots[i, 1] = entry | _USED
            return np.int64(entry & _LOW)
        i = (i + _ONE) & size


@small_kernel
def _faces(points, lines, batch, names, state, e, v, pos, neg):
    """Put the new vertex on the 2-faces around its edge; how many are left open, or NOT_GENERIC below zero."""
    d = points.t.shape[1]
    found = 0
    for j in range(d - 1):
        label = lines.label[e, j]
        for side in range(1 if label < 0 else 2):
            name, face_pos, face_neg = lines.name[e], pos, neg
            if label < batch.base:
                name ^= names.word[label + 2 * d, side]
            elif side == 0:
                face_pos |= _ONE << np.uint64(label - batch.base)
            else:
                face_neg |= _ONE << np.uint64(label - batch.base)
            other = _meet(names, state[EPOCH], _scramble(name, face_pos, face_neg), v)
            if other == -2:
                return found, False
            if other >= 0:
                _join(points, lines, batch, state, e, j, name, other, v)
                found -= 1
            else:
                found += 1
    return found, True


@small_kernel
def _fits(points, lines, names, state, cuts):
    """Whether there is room for what one predicate makes."""
    d = points.t.shape[1]
    room = state[VERTICES] + cuts <= points.t.shape[0] and state[EDGES] + cuts * d <= lines.ends.shape[0]
    return room and 4 * cuts * (d - 1) <= names.slots.shape[0]


@kernel
def cut_batch(points, lines, batch, names, state):
    """Cut the complex by the predicates of a batch, one after the other.

    Args:
        points: ``Points``, filled up.
        lines: ``Lines``, filled up.
        batch: ``Batch`` as :func:`open_batch` left it.
        names: ``Names``.
        state: running state.

    Returns:
        ``DONE``; ``GROW`` if there is no room for the cuts of predicate ``state[NEXT]``; ``NOT_GENERIC`` if some
        vertex lies on more than d hyperplanes, or the cuts of some 2-face are not two.
    """
    for p in range(state[NEXT], batch.first.shape[0]):
        state[NEXT] = p
        if not _fits(points, lines, names, state, batch.count[p]):
            return GROW
        state[EPOCH] += 1
        before = (_ONE << np.uint64(p)) - _ONE
        w, left_open, made, joined = batch.word, 0, state[VERTICES], state[EDGES]
        e = batch.first[p]
        while e >= 0:
            following = lines.following[e]
            a, b = lines.ends[e, 0], lines.ends[e, 1]
            v = _birth(points, lines, batch, state, e, p)
            if v < 0:
                return NOT_GENERIC
            _halve(points, lines, batch, state, e, v)
            pos = (points.pos[a, w] | points.pos[b, w]) & before
            neg = (points.neg[a] | points.neg[b]) & before
            found, generic = _faces(points, lines, batch, names, state, e, v, pos, neg)
            if not generic:
                return NOT_GENERIC
            left_open += found
            e = following
        if left_open != 0:
            return NOT_GENERIC
        for v in range(made, state[VERTICES]):  # radii are known only now
            x = points.crossed[v]
            while x != _ZERO:
                _check(points, batch, names, state, v, lowest(x))
                x &= x - _ONE
        for e in range(joined, state[EDGES]):
            a, b = lines.ends[e, 0], lines.ends[e, 1]
            lift = abs(points.height[b] - points.height[a])
            state[FLAT] += lift <= batch.norm * (points.radius[a] + points.radius[b])
    return DONE


@kernel
def settle(points, lines, batch, names, state, first, effect):
    """Look again at the suspects, with slopes along the edges at hand in place of bounds on them.

    To first order, moving vertex v onto its hyperplanes changes predicate q by the sum over these of error · (slope of
    q) / (slope of the hyperplane), both along an edge that leaves only that hyperplane.

    Args:
        points: ``Points``.
        lines: ``Lines``.
        batch: ``Batch``.
        names: ``Names`` with the suspects.
        state: running state.
        first: (V,) full of -1, room for the suspects of each vertex.
        effect: (suspects, d + 1) zeros; the last column is room for the next suspect at the same vertex.

    Returns:
        True if all their signs are certain.
    """
    d, count = points.t.shape[1], state[SUSPECTS]
    for k in range(count):
        v = names.suspects[k, 0]
        effect[k, d] = first[v]
        first[v] = k
    for e in range(state[EDGES]):
        for end in range(2):
            v, far = lines.ends[e, end], lines.ends[e, 1 - end]
            k = np.int64(first[v])
            if k >= 0:
                j = 0
                while j < d - 1 and points.label[v, j] == lines.label[e, j]:
                    j += 1
                label = points.label[v, j]
                while k >= 0 and label >= 0:
                    q = names.suspects[k, 1] - batch.base
                    shift = _error(points, batch, v, label) * abs(batch.z[far, q] - batch.z[v, q])
                    effect[k, j] = max(effect[k, j], shift / _leap(points, batch, far, label))
                    k = np.int64(effect[k, d])
    for k in range(count):
        v, label = names.suspects[k, 0], names.suspects[k, 1]
        bound = _error(points, batch, v, label)
        for j in range(d):
            bound += 2.0 * effect[k, j]
        if not abs(batch.z[v, label - batch.base]) > bound:
            return False
    return True


@small_kernel
def _sum_words(table, side, bits):
    total = _ZERO
    for k in range(8):
        total ^= table[side, k, np.int64((bits >> np.uint64(8 * k)) & np.uint64(255))]
    return total


@kernel
def close_batch(points, lines, batch, names, table, state):
    """Put the signs of a batch into the names of all edges, and its values by.

    Args:
        points: ``Points``, whose past is filled.
        lines: ``Lines``, whose names are changed.
        batch: ``Batch``.
        names: ``Names``.
        table: (2, 8, 256) room for the words of each byte of signs.
        state: running state.
    """
    offset = batch.base + 2 * points.t.shape[1]
    for side in range(2):
        for k in range(8):
            table[side, k, 0] = _ZERO
            for byte in range(1, 256):
                bit = lowest(np.uint64(byte))
                word = _ZERO
                if 8 * k + bit < batch.first.shape[0]:
                    word = names.word[offset + 8 * k + bit, side]
                table[side, k, byte] = table[side, k, byte & (byte - 1)] ^ word
    for e in range(state[EDGES]):
        a, b, w = lines.ends[e, 0], lines.ends[e, 1], batch.word
        lines.name[e] ^= _sum_words(table, 0, points.pos[a, w] | points.pos[b, w])
        lines.name[e] ^= _sum_words(table, 1, points.neg[a] | points.neg[b])
    for v in range(state[VERTICES]):
        for p in range(batch.first.shape[0]):
            points.past[v, batch.base + p] = batch.z[v, p]
