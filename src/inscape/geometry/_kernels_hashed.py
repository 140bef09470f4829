"""Compiled kernels: cut the edges of a simple complex by one batch of predicates, and join the cuts through 2-faces.

Every face of a simple complex is named by 64 random bits: the exclusive or of one random word for each unit and sign
on it. An edge knows its own name without the current batch, whose signs it reads off its ends; the name of a 2-face
beside it differs by one word.
"""

import numpy as np

from inscape.geometry._kernels_compile import kernel, small_kernel
from inscape.geometry._kernels_edges import lowest
from inscape.geometry._kernels_hashed_types import (
    DEPTH,
    DONE,
    EDGES,
    EPOCH,
    FLAT,
    GROW,
    NEXT,
    NOT_GENERIC,
    VERTICES,
    check,
    enlist,
    error,
    leap,
)

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_LOW = np.uint64(0x7FFFFFFF)
_USED = np.uint64(0x80000000)
_MIX_1 = np.uint64(0x9E3779B97F4A7C15)
_MIX_2 = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX_3 = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT = np.uint64(32)


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
    points.radius[v] = 2.0 * error(points, batch, v, batch.base + p) * np.sqrt(square) / abs(za - zb)
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
    enlist(points, lines, batch, e)
    enlist(points, lines, batch, f)


@small_kernel
def _widen(points, batch, v, far, label, length):
    """Add to a vertex's radius what the error of one of its predicates can move it, along the edge that leaves it.

    To first order a vertex is off by the sum, over its hyperplanes, of error / slope along the edge that leaves only
    that hyperplane. Twice as much is added, for the rounding in the slopes.
    """
    if label >= 0:
        points.radius[v] += 2.0 * error(points, batch, v, label) * length / leap(points, batch, far, label)


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
    enlist(points, lines, batch, f)


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
                check(points, batch, names, state, v, lowest(x))
                x &= x - _ONE
        for e in range(joined, state[EDGES]):
            a, b = lines.ends[e, 0], lines.ends[e, 1]
            lift = abs(points.height[b] - points.height[a])
            state[FLAT] += lift <= batch.norm * (points.radius[a] + points.radius[b])
    return DONE
