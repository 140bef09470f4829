"""Compiled kernels: cut every cell of a complex by the predicates that change sign on it."""

import numpy as np

from inscape.geometry._kernels_arrange import FACE, NEXT, ORIGIN, arrange, line_error, number_faces, position_side
from inscape.geometry._kernels_compile import allocating_kernel, kernel, small_kernel
from inscape.geometry._kernels_signs import predicate
from inscape.geometry._kernels_trace import candidates, find_twins, orient, survey, trace
from inscape.geometry._room import CELLS, EDGES, HALVES, MIXED

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@small_kernel
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


@small_kernel
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


@small_kernel
def _keep(cell, m, boundary, doubt, count, out):
    """A cell that stays whole."""
    for i in range(m):
        out.half[count[HALVES] + i] = boundary.half[i]
    count[HALVES] += m
    _finish(cell, doubt, count, out)


@small_kernel
def _halve(cells, cell, m, predicates, base_edge, boundary, chords, doubt, count, out):
    """A cell with one chord: the common case."""
    first, last, p, edge = chords.first[0], chords.last[0], chords.predicate[0], count[EDGES]
    out.ends[edge, 0], out.ends[edge, 1] = boundary.vertex[first], boundary.vertex[last]
    out.label[edge] = p
    out.radius[edge] = line_error(cells.xy, cells.values, predicates, boundary, chords, 0)
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


@small_kernel
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
        scratch.steep[c] = line_error(cells.xy, cells.values, predicates, boundary, chords, c)
    for c in range(k):
        p = chords.predicate[c]
        scratch.flips[chords.twin[c], p >> 6] |= _ONE << np.uint64(p & 63)


@small_kernel
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


@small_kernel
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
def cut_cells(first, cells, predicates, signs, crossings, ties, boundary, chords, mesh, scratch, count, out):
    """Cut the cells from ``first`` on, until one of them has questions that are to be settled elsewhere.

    Args:
        first: cell to begin with; 0, or what the last call returned.
        cells: ``Cells``.
        predicates: ``Predicates``.
        signs: ``Signs``.
        crossings: ``Crossings`` of the edges.
        ties: bit of a predicate that vanishes identically on a cell.
        boundary, chords, mesh, scratch: from :func:`room`.
        count: (4,) number of cells, half-edges, chord edges and interior vertices made so far; zeros at first.
        out: ``Cut`` from :func:`output`, filled in place.

    Returns:
        The cell that has questions, of which nothing is put down; ``mesh.asked`` holds them, ``chords`` what they are
        about. The number of cells when all are cut.
    """
    base_edge = crossings.sub[-1]
    base_vertex = cells.radius.shape[0] + crossings.s.shape[0]
    mesh.tally[0] = 0
    for cell in range(first, cells.start.shape[0] - 1):
        k, m, doubt = survey(cells, signs, crossings, cells.start[cell], cells.start[cell + 1], scratch.masks)
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
        candidates(scratch.masks, scratch.slot, chords)
        m = trace(cells, cell, signs, crossings, scratch, boundary, chords)
        kept = orient(k, chords)
        doubt |= kept < k
        _start_bits(cells, cell, predicates, k, kept, chords, scratch.masks, ties, bits)
        if kept == 0:
            _keep(cell, m, boundary, doubt, count, out)
        elif kept == 1:
            _halve(cells, cell, m, predicates, base_edge, boundary, chords, doubt, count, out)
        else:
            find_twins(kept, chords, scratch.head, scratch.chain)
            vertices, edges, sure = arrange(m, kept, cells.xy, cells.values, predicates, boundary, chords, mesh)
            if mesh.tally[0] > 0:
                return cell
            doubt |= not sure
            doubt |= _emit_interior(m, vertices, boundary, chords, mesh, count, out)
            _note_chords(cells, kept, predicates, boundary, chords, scratch, bits)
            faces = number_faces(m, edges, mesh)
            _flood(edges, count[CELLS], mesh, out.bits, scratch)
            _emit_faces(
                cell, m, faces, edges, base_edge, base_vertex, boundary, chords, mesh, scratch, doubt, count, out
            )
            count[MIXED] += vertices - m
    return cells.start.shape[0] - 1


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
