"""Compiled kernels: walk around a cell and list what crosses it."""

import numpy as np

from inscape.geometry._kernels_arrange import position_side
from inscape.geometry._kernels_compile import kernel, small_kernel
from inscape.geometry._kernels_edges import lowest, popcount
from inscape.geometry._room import CELLS, EDGES, HALVES, MIXED

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@small_kernel
def survey(cells, signs, crossings, loop_start, loop_stop, masks):
    """Masks of a cell's predicates; returns its number of chords and boundary positions and whether in doubt."""
    words = masks.shape[1]
    masks[:, :] = _ZERO
    doubt, m = False, 0
    for i in range(loop_start, loop_stop):
        e, flip = cells.half[i] >> 1, cells.half[i] & 1
        v = cells.ends[e, flip]
        doubt |= signs.marks[v]
        cuts = crossings.sub[e + 1] - crossings.sub[e] - 1
        m += 1 + cuts
        for x in range(crossings.sub[e] - e, crossings.sub[e] - e + cuts):
            doubt |= crossings.doubt[x]
        for w in range(words):
            masks[0, w] |= signs.pos[v, w]
            masks[1, w] |= signs.neg[v, w]
    k = 0
    for w in range(words):
        masks[2, w] = masks[0, w] & masks[1, w]
        if masks[2, w] != _ZERO:
            k += popcount(masks[2, w])
    return k, m, doubt


@kernel
def measure(cells, signs, crossings, masks, most, total):
    """Bound the size of the outcome.

    Args:
        cells: ``Cells``.
        signs: ``Signs``.
        crossings: ``Crossings``.
        masks: (4, words) scratch.
        most: (2,) receives the most boundary positions and chords of one cell.
        total: (4,) receives bounds on cells, half-edges, chord edges and interior vertices.
    """
    most[:] = 0
    total[:] = 0
    for cell in range(cells.start.shape[0] - 1):
        k, m, _ = survey(cells, signs, crossings, cells.start[cell], cells.start[cell + 1], masks)
        most[0], most[1] = max(most[0], m), max(most[1], k)
        pairs = k * (k - 1) // 2
        total[CELLS] += 1 + k + pairs
        total[HALVES] += m + 2 * k + 4 * pairs
        total[EDGES] += k + 2 * pairs
        total[MIXED] += pairs


@small_kernel
def _register(chords, c, position):
    if chords.seen[c] == 0:
        chords.first[c] = position
    else:
        chords.last[c] = position
    chords.seen[c] += 1


@small_kernel
def _trace_vertex(v, position, signs, scratch, chords):
    """Note the signs of a cell's old vertex for all chords of the cell."""
    slot, masks = scratch.slot, scratch.masks
    for w in range(masks.shape[1]):
        x = masks[2, w] & ~(signs.pos[v, w] | signs.neg[v, w])
        while x != _ZERO:
            _register(chords, slot[64 * w + lowest(x)], position)
            x &= x - _ONE
        x = masks[2, w] & signs.pos[v, w]
        while x != _ZERO:
            chords.above[slot[64 * w + lowest(x)]] = position
            x &= x - _ONE
        x = masks[2, w] & signs.neg[v, w]
        while x != _ZERO:
            chords.below[slot[64 * w + lowest(x)]] = position
            x &= x - _ONE


@small_kernel
def trace(cells, cell, signs, crossings, scratch, boundary, chords):
    """Walk around a cell, list its boundary positions and where every candidate vanishes on it."""
    old_vertices, m = cells.radius.shape[0], 0
    for place in range(cells.start[cell], cells.start[cell + 1]):
        e, flip = cells.half[place] >> 1, cells.half[place] & 1
        v = cells.ends[e, flip]
        boundary.vertex[m], boundary.low[m], boundary.high[m] = v, v, v
        boundary.s[m], boundary.radius[m] = 0.0, cells.radius[v]
        first, last = crossings.sub[e], crossings.sub[e + 1] - 1
        boundary.half[m] = 2 * last + 1 if flip else 2 * first
        _trace_vertex(v, m, signs, scratch, chords)
        m += 1
        begin, stop = crossings.total[e], crossings.total[e + 1]
        previous, sub = -1, first
        for i in range(stop - begin):
            entry = stop - 1 - i if flip else begin + i
            x = crossings.vertex[entry]
            if x != previous:
                sub += 1
                boundary.vertex[m] = old_vertices + x
                boundary.low[m], boundary.high[m] = cells.ends[e, 0], cells.ends[e, 1]
                boundary.s[m], boundary.radius[m] = crossings.s[x], crossings.radius[x]
                boundary.half[m] = 2 * (first + last - sub) + 1 if flip else 2 * sub
                m += 1
                previous = x
            _register(chords, scratch.slot[crossings.predicate[entry]], m - 1)
    return m


@small_kernel
def orient(k, chords):
    """Turn every chord so that its positive side is on the left; move what is inconsistent behind the others.

    Returns:
        The number of chords kept.
    """
    kept = 0
    for c in range(k):
        good = chords.seen[c] == 2 and chords.first[c] != chords.last[c]
        if good and position_side(chords, c, chords.below[c]) > 0:
            chords.first[c], chords.last[c] = chords.last[c], chords.first[c]
        good = good and position_side(chords, c, chords.below[c]) < 0 and position_side(chords, c, chords.above[c]) > 0
        if not good:
            continue
        for field in (chords.predicate, chords.first, chords.last, chords.above, chords.below):
            field[kept], field[c] = field[c], field[kept]
        chords.seen[c] = chords.seen[kept]
        kept += 1
    return kept


@small_kernel
def find_twins(k, chords, head, chain):
    """Give chords with the same two ends the earliest of them as twin."""
    for c in range(k):
        low = min(chords.first[c], chords.last[c])
        high = max(chords.first[c], chords.last[c])
        chords.twin[c] = c
        other = head[low]
        while other >= 0 and chords.twin[c] == c:
            if max(chords.first[other], chords.last[other]) == high:
                chords.twin[c] = other
            other = chain[other]
        if chords.twin[c] == c:
            chain[c] = head[low]
            head[low] = c
    for c in range(k):
        head[min(chords.first[c], chords.last[c])] = -1


@small_kernel
def candidates(masks, slot, chords):
    k = 0
    for w in range(masks.shape[1]):
        x = masks[2, w]
        while x != _ZERO:
            p = 64 * w + lowest(x)
            x &= x - _ONE
            slot[p] = k
            chords.predicate[k], chords.seen[k] = p, 0
            chords.above[k], chords.below[k] = -1, -1
            k += 1
    return k
