"""Compiled kernels: three-valued signs of predicates at vertices, packed into words of 64."""

from typing import NamedTuple

import numpy as np

from inscape.geometry._kernels_compile import allocating_kernel, kernel, small_kernel

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


class Predicates(NamedTuple):
    """n functions z[left] - z[right] - offset of the values, whose zero sets cut the cells."""

    left: np.ndarray
    """(n,) first unit."""
    right: np.ndarray
    """(n,) second unit, -1 for none."""
    offset: np.ndarray
    """(n,) constant."""
    error: np.ndarray
    """(n,) bound on the evaluation error."""
    slope: np.ndarray
    """(n,) bound on the slope per chart unit."""
    cap: np.ndarray
    """(n,) largest value that may be taken for zero."""


class Signs(NamedTuple):
    """Three-valued signs at V vertices, packed."""

    pos: np.ndarray
    """(V, words) bits of the positive predicates."""
    neg: np.ndarray
    """(V, words) bits of the negative ones."""
    marks: np.ndarray
    """(V,) True where some sign is in doubt."""


@small_kernel
def predicate(values, v, p, predicates):
    """Value of predicate p at vertex v."""
    value = values[v, predicates.left[p]] - predicates.offset[p]
    other = predicates.right[p]
    if other >= 0:
        value -= values[v, other]
    return value


@allocating_kernel
def classify(values, predicates, radius):
    """Pack the signs of all predicates at all vertices.

    A value within ``error + slope · radius`` of zero is ambiguous: its vertex is marked, and it gets sign 0 if it is
    also within ``cap``. Two competitors with the same value bit for bit are tied, which leaves no mark: units that do
    the same sum on the same numbers, such as those of a convolution over a blank border; see :func:`lonely_zeros`.

    Args:
        values: (V, width) values at the vertices.
        predicates: ``Predicates``.
        radius: (V,) bound on the position error of the vertices.

    Returns:
        ``Signs``.
    """
    count, n = values.shape[0], predicates.left.shape[0]
    words = (n + 63) // 64
    pos = np.zeros((count, words), np.uint64)
    neg = np.zeros((count, words), np.uint64)
    marks = np.zeros(count, np.bool_)
    for v in range(count):
        r = radius[v]
        for w in range(words):
            p_word, n_word = _ZERO, _ZERO
            for b in range(min(64, n - 64 * w)):
                p = 64 * w + b
                z = predicate(values, v, p, predicates)
                bound = predicates.error[p] + predicates.slope[p] * r
                if abs(z) <= bound:
                    marks[v] |= z != 0.0 or predicates.right[p] < 0
                    bound = min(bound, predicates.cap[p])
                p_word |= np.uint64(z > bound) << np.uint64(b)
                n_word |= np.uint64(z < -bound) << np.uint64(b)
            pos[v, w] = p_word
            neg[v, w] = n_word
    return Signs(pos, neg, marks)


@allocating_kernel
def classify_plain(values, predicates, radius):
    """The same as :func:`classify` where the predicates are the values themselves, in a form that vectorises."""
    count, n = values.shape
    words = (n + 63) // 64
    error, slope, cap = predicates.error, predicates.slope, predicates.cap
    pos = np.zeros((count, words), np.uint64)
    neg = np.zeros((count, words), np.uint64)
    marks = np.zeros(count, np.bool_)
    shift = np.arange(64).astype(np.uint64)
    for v in range(count):
        r = radius[v]
        for w in range(words):
            base, width = 64 * w, min(64, n - 64 * w)
            p_word, n_word, close = _ZERO, _ZERO, _ZERO
            for b in range(width):
                z = values[v, base + b]
                bound = error[base + b] + slope[base + b] * r
                p_word |= np.uint64(z > bound) << shift[b]
                n_word |= np.uint64(z < -bound) << shift[b]
            full = (_ONE << np.uint64(width)) - _ONE if width < 64 else ~_ZERO
            close = full & ~(p_word | n_word)
            if close != _ZERO:
                marks[v] = True
                for b in range(width):
                    z = values[v, base + b]
                    if (close >> shift[b]) & _ONE and abs(z) > cap[base + b]:
                        p_word |= np.uint64(z > 0) << shift[b]
                        n_word |= np.uint64(z < 0) << shift[b]
            pos[v, w] = p_word
            neg[v, w] = n_word
    return Signs(pos, neg, marks)


@kernel
def resolve(values, rows, sharp, predicates, signs):
    """Decide the signs of some vertices again with sharp bounds, in place.

    Args:
        values: (V, width) values at the vertices.
        rows: (m,) vertices to look at again.
        sharp: (m, n) sharp error bounds of the predicates at these vertices.
        predicates: ``Predicates``.
        signs: ``Signs`` as :func:`classify` returned them.
    """
    for i in range(rows.shape[0]):
        v = rows[i]
        doubt = False
        for p in range(predicates.left.shape[0]):
            w, bit = p >> 6, _ONE << np.uint64(p & 63)
            z = predicate(values, v, p, predicates)
            if abs(z) > sharp[i, p]:
                if z > 0:
                    signs.pos[v, w] |= bit
                    signs.neg[v, w] &= ~bit
                else:
                    signs.neg[v, w] |= bit
                    signs.pos[v, w] &= ~bit
            elif sharp[i, p] > 0.0:
                doubt |= z != 0.0 or predicates.right[p] < 0
        signs.marks[v] = doubt


@allocating_kernel
def lonely_zeros(start, corner, signs, n):
    """Predicates that vanish at a vertex, but on none of its cells as a whole.

    Args:
        start: (C + 1,) cell i has the corners corner[start[i]:start[i + 1]].
        corner: (H,) vertices of the cells.
        signs: ``Signs``.
        n: number of predicates.

    Returns:
        (V, words) packed bits.
    """
    out = np.empty_like(signs.pos)
    for w in range(out.shape[1]):
        size = min(64, n - 64 * w)
        full = (_ONE << np.uint64(size)) - _ONE if size < 64 else ~_ZERO
        for v in range(out.shape[0]):
            out[v, w] = full & ~(signs.pos[v, w] | signs.neg[v, w])
        for cell in range(start.shape[0] - 1):
            whole = full
            for i in range(start[cell], start[cell + 1]):
                whole &= ~(signs.pos[corner[i], w] | signs.neg[corner[i], w])
            if whole != _ZERO:
                for i in range(start[cell], start[cell + 1]):
                    out[corner[i], w] &= ~whole
    return out


@allocating_kernel
def unpack(words, n):
    """Bits as booleans.

    Args:
        words: (c, w) packed bits.
        n: number of bits in a row.

    Returns:
        (c, n) booleans.
    """
    out = np.zeros((words.shape[0], n), np.bool_)
    for i in range(words.shape[0]):
        for p in range(n):
            out[i, p] = (words[i, p >> 6] >> np.uint64(p & 63)) & _ONE != _ZERO
    return out


@allocating_kernel
def column_reach(values):
    """Largest absolute value in each column.

    Args:
        values: (V, width).

    Returns:
        (width,) maxima, 0 for no rows.
    """
    out = np.zeros(values.shape[1])
    for v in range(values.shape[0]):
        for k in range(values.shape[1]):
            out[k] = max(out[k], abs(values[v, k]))
    return out
