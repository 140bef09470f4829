"""Compiled kernels: signs of a batch of predicates before it cuts a simple complex, and what is kept of it after."""

import numpy as np

from inscape.geometry._kernels_compile import kernel, small_kernel
from inscape.geometry._kernels_edges import lowest
from inscape.geometry._kernels_hashed_types import (
    DONE,
    EDGES,
    NEXT,
    NOT_GENERIC,
    SUSPECTS,
    VERTICES,
    check,
    enlist,
    error,
    leap,
)

_ZERO = np.uint64(0)


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
            check(points, batch, names, state, v, p)
        points.pos[v, w] = pos
        points.neg[v] = neg
    for e in range(state[EDGES]):
        enlist(points, lines, batch, e)
    state[NEXT] = 0
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
                    shift = error(points, batch, v, label) * abs(batch.z[far, q] - batch.z[v, q])
                    effect[k, j] = max(effect[k, j], shift / leap(points, batch, far, label))
                    k = np.int64(effect[k, d])
    for k in range(count):
        v, label = names.suspects[k, 0], names.suspects[k, 1]
        bound = error(points, batch, v, label)
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
