"""Compiled kernels: cut every cell of a complex by the predicates that change sign on it."""

from typing import NamedTuple

import numpy as np

from inscape.geometry._kernels_arrange import (
    FACE,
    NEXT,
    ORIGIN,
    Boundary,
    Chords,
    Mesh,
    arrange,
    number_faces,
    position_side,
    steepness,
)
from inscape.geometry._kernels_compile import allocating_kernel, kernel, small_kernel
from inscape.geometry._kernels_edges import lowest, popcount
from inscape.geometry._kernels_signs import predicate

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
CELLS, HALVES, EDGES, MIXED = range(4)


class Cut(NamedTuple):
    """What cutting made: C' cells, chord edges numbered after the sub-edges, interior vertices after all others."""

    start: np.ndarray
    """(C' + 1,) cell i owns half[start[i]:start[i + 1]]."""
    half: np.ndarray
    """(H,) half-edges 2e + flip of the cells, counter-clockwise."""
    parent: np.ndarray
    """(C',) the cell it was cut from."""
    bits: np.ndarray
    """(C', words) bit p set where predicate p is positive."""
    doubt: np.ndarray
    """(C',) True where a decision lay below the rounding bound."""
    ends: np.ndarray
    """(N, 2) vertices of the chord edges."""
    label: np.ndarray
    """(N,) predicate on which a chord edge lies."""
    radius: np.ndarray
    """(N,) bound on the distance to the exact line."""
    mix_a: np.ndarray
    """(I,) the interior vertices lie between vertex mix_a"""
    mix_b: np.ndarray
    """(I,) and vertex mix_b"""
    mix_s: np.ndarray
    """(I,) at this parameter."""
    mix_radius: np.ndarray
    """(I,) their position error."""
    mix_on: np.ndarray
    """(I, 2) two predicates that vanish there."""


class Cells(NamedTuple):
    """A planar complex before the cut, with all that is known about it."""

    start: np.ndarray
    """(C + 1,) cell i owns half[start[i]:start[i + 1]]."""
    half: np.ndarray
    """(H,) half-edges 2e + flip, counter-clockwise."""
    ends: np.ndarray
    """(E, 2) vertices of the edges."""
    xy: np.ndarray
    """(V, 2) chart coordinates."""
    radius: np.ndarray
    """(V,) position error of the vertices."""
    values: np.ndarray
    """(V, width) values at the vertices."""


class Scratch(NamedTuple):
    """Room for the work on one cell."""

    slot: np.ndarray
    """(64 words,) chord of a predicate, -1 for none."""
    masks: np.ndarray
    """(4, words) positive somewhere, negative somewhere, both, and one for passing use."""
    head: np.ndarray
    """(m,) first chord that ends at a boundary position, all -1 between cells."""
    chain: np.ndarray
    """(k,) next such chord."""
    flips: np.ndarray
    """(k, words) bits that change across a chord."""
    steep: np.ndarray
    """(k,) offset error of a chord."""
    stack: np.ndarray
    """(faces,) faces still to do,"""
    seen: np.ndarray
    """(faces,) faces reached, and"""
    entry: np.ndarray
    """(faces,) one half-edge of each face."""


def room(positions: int, chords: int, words: int) -> tuple[Boundary, Chords, Mesh, Scratch]:
    """Allocate for the largest cell.

    Args:
        positions: largest number of boundary positions.
        chords: largest number of chords in one cell.
        words: words of 64 predicates.

    Returns:
        The four groups of scratch arrays.
    """
    m, k = positions, max(chords, 1)
    interior = k * (k - 1) // 2
    edges, faces = m + k + 2 * interior + 1, 1 + k + interior
    boundary = Boundary(
        *(np.empty(m, np.int32) for _ in range(4)), s=np.empty(m, np.float64), radius=np.empty(m, np.float64)
    )
    mesh = Mesh(
        half=np.empty((2 * edges, 4), np.int32),
        chord=np.empty(edges, np.int32),
        out=np.empty(m + interior, np.int32),
        on=np.empty(interior, np.int32),
        by=np.empty(interior, np.int32),
        s=np.empty(interior),
        doubt=np.empty(interior, np.bool_),
        point=np.empty((m + interior, 3)),
    )
    scratch = Scratch(
        slot=np.full(64 * words, -1, np.int32),
        masks=np.zeros((4, words), np.uint64),
        head=np.full(m, -1, np.int32),
        chain=np.empty(k, np.int32),
        flips=np.zeros((k, words), np.uint64),
        steep=np.empty(k),
        stack=np.empty(faces, np.int32),
        seen=np.empty(faces, np.bool_),
        entry=np.empty(faces, np.int32),
    )
    return boundary, Chords(*(np.empty(k, np.int32) for _ in range(7))), mesh, scratch


def output(cells: int, halves: int, edges: int, interior: int, words: int) -> Cut:
    """Allocate for the largest possible outcome; pages that stay unused cost nothing.

    Args:
        cells: number of cells.
        halves: number of half-edges.
        edges: number of chord edges.
        interior: number of interior vertices.
        words: words of 64 predicates.

    Returns:
        An empty ``Cut``.
    """
    return Cut(
        start=np.zeros(cells + 1, np.int64),
        half=np.empty(halves, np.int32),
        parent=np.empty(cells, np.int32),
        bits=np.empty((cells, words), np.uint64),
        doubt=np.empty(cells, np.bool_),
        ends=np.empty((edges, 2), np.int32),
        label=np.empty(edges, np.int32),
        radius=np.empty(edges),
        mix_a=np.empty(interior, np.int32),
        mix_b=np.empty(interior, np.int32),
        mix_s=np.empty(interior),
        mix_radius=np.empty(interior),
        mix_on=np.empty((interior, 2), np.int32),
    )


@kernel
def _survey(cells, signs, crossings, loop_start, loop_stop, masks):
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
        k, m, _ = _survey(cells, signs, crossings, cells.start[cell], cells.start[cell + 1], masks)
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


@kernel
def _trace(cells, cell, signs, crossings, scratch, boundary, chords):
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


@kernel
def _orient(k, chords):
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


@kernel
def _find_twins(k, chords, head, chain):
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


@kernel
def _flood(edges, base, mesh, bits, scratch):
    """Carry the sign bits from face 0 (at ``base``) to all faces: crossing a chord flips its predicates."""
    words = bits.shape[1]
    stack, seen, entry = scratch.stack, scratch.seen, scratch.entry
    for h in range(2 * edges):
        f = mesh.half[h, FACE]
        if f >= 0:
            entry[f], seen[f] = h, False
    stack[0], seen[0], top = 0, True, 1
    while top > 0:
        top -= 1
        f = stack[top]
        h = entry[f]
        while True:
            c = mesh.chord[h >> 1]
            if c >= 0:
                g = mesh.half[h ^ 1, FACE]
                if not seen[g]:
                    seen[g] = True
                    for w in range(words):
                        bits[base + g, w] = bits[base + f, w] ^ scratch.flips[c, w]
                    stack[top] = g
                    top += 1
            h = mesh.half[h, NEXT]
            if h == entry[f]:
                break


@kernel
def _start_bits(cells, cell, predicates, k, kept, chords, masks, ties, bits):
    """Sign bits of the predicates without a chord; those that were dropped take their strongest vertex's sign."""
    for w in range(masks.shape[1]):
        bits[w] = (~masks[1, w] if ties else masks[0, w]) & ~masks[2, w]
    for c in range(kept, k):
        p, best = chords.predicate[c], 0.0
        for i in range(cells.start[cell], cells.start[cell + 1]):
            h = cells.half[i]
            z = predicate(cells.values, cells.ends[h >> 1, h & 1], p, predicates)
            if abs(z) > abs(best):
                best = z
        if best > 0.0:
            bits[p >> 6] |= _ONE << np.uint64(p & 63)


@small_kernel
def _finish(cell, doubt, count, out):
    out.parent[count[CELLS]], out.doubt[count[CELLS]] = cell, doubt
    count[CELLS] += 1
    out.start[count[CELLS]] = count[HALVES]


@kernel
def _keep(cell, m, boundary, doubt, count, out):
    """A cell that stays whole."""
    for i in range(m):
        out.half[count[HALVES] + i] = boundary.half[i]
    count[HALVES] += m
    _finish(cell, doubt, count, out)


@small_kernel
def _line_error(cells, predicates, boundary, chords, c):
    p = chords.predicate[c]
    steep = steepness(cells.xy, cells.values, predicates, boundary, chords.above[c], chords.below[c], p)
    return predicates.error[p] / max(steep, 1e-300)


@kernel
def _halve(cells, cell, m, predicates, base_edge, boundary, chords, doubt, count, out):
    """A cell with one chord: the common case."""
    first, last, p, edge = chords.first[0], chords.last[0], chords.predicate[0], count[EDGES]
    out.ends[edge, 0], out.ends[edge, 1] = boundary.vertex[first], boundary.vertex[last]
    out.label[edge] = p
    out.radius[edge] = _line_error(cells, predicates, boundary, chords, 0)
    count[EDGES] += 1
    made = count[CELLS]
    for w in range(out.bits.shape[1]):
        out.bits[made + 1, w] = out.bits[made, w]
    out.bits[made + 1, p >> 6] |= _ONE << np.uint64(p & 63)
    for side in range(2):
        i, stop = (first, last) if side == 0 else (last, first)
        n = count[HALVES]
        while i != stop:
            out.half[n] = boundary.half[i]
            n += 1
            i = i + 1 if i + 1 < m else 0
        out.half[n] = 2 * (base_edge + edge) + 1 - side
        count[HALVES] = n + 1
        _finish(cell, doubt, count, out)


@kernel
def _note_chords(cells, k, predicates, boundary, chords, scratch, bits):
    """Bits of the face at boundary position 0, and what crossing each chord flips."""
    for c in range(k):
        p = chords.predicate[c]
        side = position_side(chords, c, 0)
        if side == 0:
            side = position_side(chords, c, 1)
        if side > 0:
            bits[p >> 6] |= _ONE << np.uint64(p & 63)
        scratch.flips[c, :] = _ZERO
        scratch.steep[c] = _line_error(cells, predicates, boundary, chords, c)
    for c in range(k):
        p = chords.predicate[c]
        scratch.flips[chords.twin[c], p >> 6] |= _ONE << np.uint64(p & 63)


@kernel
def _emit_interior(m, vertices, boundary, chords, mesh, count, out):
    """List the interior vertices; returns whether one of them is in doubt."""
    doubt = False
    for x in range(vertices - m):
        i, j, n = mesh.on[x], mesh.by[x], count[MIXED] + x
        out.mix_a[n], out.mix_b[n] = boundary.vertex[chords.first[i]], boundary.vertex[chords.last[i]]
        out.mix_s[n], out.mix_radius[n] = mesh.s[x], mesh.point[m + x, 2]
        out.mix_on[n, 0], out.mix_on[n, 1] = chords.predicate[i], chords.predicate[j]
        doubt |= mesh.doubt[x]
    return doubt


@kernel
def _emit_faces(cell, m, faces, edges, base_edge, base_vertex, boundary, chords, mesh, scratch, doubt, count, out):
    """List the chord edges and the faces of an arranged cell."""
    for e in range(m, edges):
        n, c = count[EDGES] + e - m, mesh.chord[e]
        for end in range(2):
            v = mesh.half[2 * e + end, ORIGIN]
            out.ends[n, end] = boundary.vertex[v] if v < m else base_vertex + count[MIXED] + v - m
        out.label[n], out.radius[n] = chords.predicate[c], scratch.steep[c]
    first_edge = base_edge + count[EDGES] - m
    for f in range(faces):
        h, n = scratch.entry[f], count[HALVES]
        while True:
            out.half[n] = boundary.half[h >> 1] if h < 2 * m else 2 * first_edge + h
            n += 1
            h = mesh.half[h, NEXT]
            if h == scratch.entry[f]:
                break
        count[HALVES] = n
        _finish(cell, doubt, count, out)
    count[EDGES] += edges - m


@kernel
def _candidates(masks, slot, chords):
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


@kernel
def cut_cells(cells, predicates, signs, crossings, ties, boundary, chords, mesh, scratch, count, out):
    """Cut all cells.

    Args:
        cells: ``Cells``.
        predicates: ``Predicates``.
        signs: ``Signs``.
        crossings: ``Crossings`` of the edges.
        ties: bit of a predicate that vanishes identically on a cell.
        boundary, chords, mesh, scratch: from :func:`room`.
        count: (4,) receives the number of cells, half-edges, chord edges and interior vertices made.
        out: ``Cut`` from :func:`output`, filled in place.
    """
    base_edge = crossings.sub[-1]
    base_vertex = cells.radius.shape[0] + crossings.s.shape[0]
    count[:] = 0
    for cell in range(cells.start.shape[0] - 1):
        k, m, doubt = _survey(cells, signs, crossings, cells.start[cell], cells.start[cell + 1], scratch.masks)
        bits = out.bits[count[CELLS]]
        if k == 0:
            _start_bits(cells, cell, predicates, 0, 0, chords, scratch.masks, ties, bits)
            n = count[HALVES]
            for i in range(cells.start[cell], cells.start[cell + 1]):
                out.half[n] = 2 * crossings.sub[cells.half[i] >> 1] + (cells.half[i] & 1)
                n += 1
            count[HALVES] = n
            _finish(cell, doubt, count, out)
            continue
        _candidates(scratch.masks, scratch.slot, chords)
        m = _trace(cells, cell, signs, crossings, scratch, boundary, chords)
        kept = _orient(k, chords)
        doubt |= kept < k
        _start_bits(cells, cell, predicates, k, kept, chords, scratch.masks, ties, bits)
        if kept == 0:
            _keep(cell, m, boundary, doubt, count, out)
        elif kept == 1:
            _halve(cells, cell, m, predicates, base_edge, boundary, chords, doubt, count, out)
        else:
            _find_twins(kept, chords, scratch.head, scratch.chain)
            vertices, edges, sure = arrange(m, kept, cells.xy, cells.values, predicates, boundary, chords, mesh)
            doubt |= not sure
            doubt |= _emit_interior(m, vertices, boundary, chords, mesh, count, out)
            _note_chords(cells, kept, predicates, boundary, chords, scratch, bits)
            faces = number_faces(m, edges, mesh)
            _flood(edges, count[CELLS], mesh, out.bits, scratch)
            _emit_faces(
                cell, m, faces, edges, base_edge, base_vertex, boundary, chords, mesh, scratch, doubt, count, out
            )
            count[MIXED] += vertices - m


@allocating_kernel
def cut_segments(ends, signs, crossings, ties):
    """Cut all cells of a one-dimensional complex, whose edges are its cells.

    Args:
        ends: (E, 2) vertices of the edges.
        signs: ``Signs``.
        crossings: ``Crossings`` of these edges.
        ties: bit of a predicate that vanishes identically on a cell.

    Returns:
        Parents (C',), bits (C', words) and doubt (C',) of the sub-edges.
    """
    words = signs.pos.shape[1]
    count = crossings.sub[-1]
    parent, bits, doubt = np.empty(count, np.int32), np.empty((count, words), np.uint64), np.zeros(count, np.bool_)
    for e in range(ends.shape[0]):
        a, b = ends[e, 0], ends[e, 1]
        entry, stop = crossings.total[e], crossings.total[e + 1]
        first, last = crossings.sub[e], crossings.sub[e + 1] - 1
        doubt[first] = signs.marks[a]
        for w in range(words):
            later = ~signs.neg[b, w] if ties else signs.pos[b, w]
            bits[first, w] = signs.pos[a, w] | (~signs.neg[a, w] & (later | signs.pos[a, w]))
        for c in range(first, last + 1):
            parent[c] = e
            x = c - e
            if c > first:
                doubt[c] = crossings.doubt[x - 1]
                for w in range(words):
                    bits[c, w] = bits[c - 1, w]
                while entry < stop and crossings.vertex[entry] == x - 1:
                    p = crossings.predicate[entry]
                    bits[c, p >> 6] ^= _ONE << np.uint64(p & 63)
                    entry += 1
            doubt[c] |= signs.marks[b] if c == last else crossings.doubt[x]
    return parent, bits, doubt
