"""Compiled kernels: cut every cell of a planar complex by the predicates that change sign on it."""

from typing import NamedTuple

import numpy as np
from numba import njit

from inscape.geometry._kernels_arrange import (
    Boundary,
    Chords,
    Mesh,
    arrange,
    number_faces,
    position_side,
    steepness,
)
from inscape.geometry._kernels_edges import lowest, popcount
from inscape.geometry._kernels_signs import predicate

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


class Cut(NamedTuple):
    """What cutting made: C' cells, chord edges numbered after the S sub-edges, interior vertices after all others."""

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
    mix_doubt: np.ndarray
    """(I,) True where a further chord passes through within rounding."""
    mix_on: np.ndarray
    """(I, 2) two predicates that vanish there."""


@njit(cache=True, nogil=True)
def _grown(array, size):
    out = np.empty(max(size, 2 * array.shape[0]), array.dtype)
    out[: array.shape[0]] = array
    return out


@njit(cache=True, nogil=True)
def _grown2(array, size):
    out = np.empty((max(size, 2 * array.shape[0]), array.shape[1]), array.dtype)
    out[: array.shape[0]] = array
    return out


@njit(cache=True, nogil=True)
def _boundary_scratch(m):
    return Boundary(
        np.empty(m, np.int32), np.empty(m, np.int32), np.empty(m, np.int32), np.empty(m, np.int32), np.empty(m)
    )


@njit(cache=True, nogil=True)
def _chord_scratch(k):
    return Chords(
        np.empty(k, np.int32),
        np.empty(k, np.int32),
        np.empty(k, np.int32),
        np.empty(k, np.int32),
        np.empty(k, np.int32),
        np.empty(k, np.int32),
        np.empty(k, np.int32),
    )


@njit(cache=True, nogil=True)
def _mesh_scratch(m, k):
    interior = k * (k - 1) // 2
    edges = m + k + 2 * interior + 1
    return Mesh(
        np.empty(2 * edges, np.int32),
        np.empty(2 * edges, np.int32),
        np.empty(2 * edges, np.int32),
        np.empty(2 * edges, np.int32),
        np.empty(edges, np.int32),
        np.empty(m + interior, np.int32),
        np.empty(interior, np.int32),
        np.empty(interior, np.int32),
        np.empty(interior),
        np.empty(interior),
        np.empty(interior, np.bool_),
    )


@njit(cache=True, nogil=True)
def _register(chords, slot, words, mask, position):
    for w in range(words):
        x = mask[w]
        while x != _ZERO:
            c = slot[64 * w + lowest(x)]
            x &= x - _ONE
            if chords.seen[c] == 0:
                chords.first[c] = position
            else:
                chords.last[c] = position
            chords.seen[c] += 1


@njit(cache=True, nogil=True)
def _note(marker, slot, words, mask, position):
    for w in range(words):
        x = mask[w]
        while x != _ZERO:
            marker[slot[64 * w + lowest(x)]] = position
            x &= x - _ONE


@njit(cache=True, nogil=True)
def _trace(halves, ends, old_vertices, crossings, signs, slot, some, mask, boundary, chords):
    """Walk around a cell, list its boundary positions and where every candidate vanishes on it."""
    words = some.shape[0]
    m = 0
    for h in halves:
        e, flip = h >> 1, h & 1
        v = ends[e, flip]
        boundary.vertex[m], boundary.low[m], boundary.high[m], boundary.s[m] = v, v, v, 0.0
        first, last = crossings.sub[e], crossings.sub[e + 1] - 1
        boundary.half[m] = 2 * last + 1 if flip else 2 * first
        for w in range(words):
            mask[w] = some[w] & ~(signs.pos[v, w] | signs.neg[v, w])
        _register(chords, slot, words, mask, m)
        for w in range(words):
            mask[w] = some[w] & signs.pos[v, w]
        _note(chords.above, slot, words, mask, m)
        for w in range(words):
            mask[w] = some[w] & signs.neg[v, w]
        _note(chords.below, slot, words, mask, m)
        m += 1
        begin, stop = crossings.total[e], crossings.total[e + 1]
        previous, sub = -1, first
        for i in range(stop - begin):
            entry = stop - 1 - i if flip else begin + i
            x = crossings.vertex[entry]
            if x != previous:
                sub += 1
                boundary.vertex[m] = old_vertices + x
                boundary.low[m], boundary.high[m], boundary.s[m] = ends[e, 0], ends[e, 1], crossings.s[x]
                boundary.half[m] = 2 * (first + last - sub) + 1 if flip else 2 * sub
                m += 1
                previous = x
            c = slot[crossings.predicate[entry]]
            if chords.seen[c] == 0:
                chords.first[c] = m - 1
            else:
                chords.last[c] = m - 1
            chords.seen[c] += 1
    return m


@njit(cache=True, nogil=True)
def _orient(m, k, chords):
    """Turn every chord so that its positive side is on the left; drop what is inconsistent.

    Returns:
        The number of chords kept, moved to the front; the others follow with ``seen`` = 0.
    """
    kept = 0
    for c in range(k):
        good = chords.seen[c] == 2 and chords.first[c] != chords.last[c]
        if good and position_side(m, chords, c, chords.below[c]) > 0:
            chords.first[c], chords.last[c] = chords.last[c], chords.first[c]
        good = (
            good
            and position_side(m, chords, c, chords.below[c]) < 0
            and position_side(m, chords, c, chords.above[c]) > 0
        )
        if not good:
            chords.seen[c] = 0
            continue
        for field in (chords.predicate, chords.first, chords.last, chords.seen, chords.above, chords.below):
            field[kept], field[c] = field[c], field[kept]
        kept += 1
    return kept


@njit(cache=True, nogil=True)
def _find_twins(m, k, chords, head, chain):
    """Give chords with the same two ends the earliest of them as twin."""
    for c in range(k):
        low = min(chords.first[c], chords.last[c])
        high = max(chords.first[c], chords.last[c])
        chords.twin[c] = c
        other = head[low]
        while other >= 0:
            if max(chords.first[other], chords.last[other]) == high:
                chords.twin[c] = other
                break
            other = chain[other]
        if chords.twin[c] == c:
            chain[c] = head[low]
            head[low] = c
    for c in range(k):
        head[min(chords.first[c], chords.last[c])] = -1


@njit(cache=True, nogil=True)
def _flood(edges, faces, base, mesh, flips, bits, stack, seen, entry):
    """Carry the sign bits from face 0 (at ``base``) to all faces: crossing a chord flips its predicates."""
    words = bits.shape[1]
    for h in range(2 * edges):
        if mesh.face[h] >= 0:
            entry[mesh.face[h]] = h
    seen[:faces] = False
    stack[0], seen[0], top = 0, True, 1
    while top > 0:
        top -= 1
        f = stack[top]
        h = entry[f]
        while True:
            c = mesh.chord[h >> 1]
            if c >= 0:
                g = mesh.face[h ^ 1]
                if not seen[g]:
                    seen[g] = True
                    for w in range(words):
                        bits[base + g, w] = bits[base + f, w] ^ flips[c, w]
                    stack[top] = g
                    top += 1
            h = mesh.nxt[h]
            if h == entry[f]:
                break


@njit(cache=True, nogil=True)
def _strongest_is_positive(halves, ends, values, predicates, p):
    best = 0.0
    for h in halves:
        z = predicate(values, ends[h >> 1, h & 1], p, predicates)
        if abs(z) > abs(best):
            best = z
    return best > 0.0


@njit(cache=True, nogil=True)
def cut_cells(start, half, ends, xy, values, predicates, signs, crossings, ties):
    """Cut all cells.

    Args:
        start: (C + 1,) cell i owns half[start[i]:start[i + 1]].
        half: (H,) half-edges 2e + flip, counter-clockwise.
        ends: (E, 2) vertices of the edges.
        xy: (V, 2) chart coordinates.
        values: (V, width) values at the vertices.
        predicates: ``Predicates``.
        signs: ``Signs``.
        crossings: ``Crossings`` of these edges.
        ties: bit of a predicate that vanishes identically on a cell.

    Returns:
        ``Cut``.
    """
    cells = start.shape[0] - 1
    words = signs.pos.shape[1]
    old_vertices, new_vertices = signs.pos.shape[0], crossings.s.shape[0]
    base_vertex = old_vertices + new_vertices
    base_edge = crossings.sub[-1]
    room = cells + crossings.s.shape[0] // 2 + 16
    out_start, out_parent = np.empty(room + 1, np.int64), np.empty(room, np.int32)
    out_bits, out_doubt = np.empty((room, words), np.uint64), np.empty(room, np.bool_)
    out_half = np.empty(half.shape[0] + 4 * (room - cells) + 16, np.int32)
    edge_room = room - cells + 16
    e_ends, e_label, e_radius = np.empty((edge_room, 2), np.int32), np.empty(edge_room, np.int32), np.empty(edge_room)
    mix_room = 64
    mix_a, mix_b = np.empty(mix_room, np.int32), np.empty(mix_room, np.int32)
    mix_s, mix_radius = np.empty(mix_room), np.empty(mix_room)
    mix_doubt, mix_on = np.empty(mix_room, np.bool_), np.empty((mix_room, 2), np.int32)
    made, halves_made, edges_made, mixed = 0, 0, 0, 0
    out_start[0] = 0

    slot = np.full(64 * words, -1, np.int32)
    any_pos, any_neg = np.empty(words, np.uint64), np.empty(words, np.uint64)
    some, mask = np.empty(words, np.uint64), np.empty(words, np.uint64)
    boundary, chords, mesh = _boundary_scratch(64), _chord_scratch(16), _mesh_scratch(64, 16)
    mesh_m, mesh_k = 64, 16
    head, chain = np.full(64, -1, np.int32), np.empty(16, np.int32)
    flips = np.zeros((16, words), np.uint64)
    stack, seen, entry = np.empty(160, np.int32), np.empty(160, np.bool_), np.empty(160, np.int32)
    chord_radius = np.empty(16)

    for cell in range(cells):
        loop = half[start[cell] : start[cell + 1]]
        any_pos[:] = _ZERO
        any_neg[:] = _ZERO
        doubt, m_max = False, 0
        for h in loop:
            v = ends[h >> 1, h & 1]
            doubt |= signs.marks[v]
            e = h >> 1
            cuts = crossings.sub[e + 1] - crossings.sub[e] - 1
            m_max += 1 + cuts
            for x in range(crossings.sub[e] - e, crossings.sub[e] - e + cuts):
                doubt |= crossings.doubt[x]
            for w in range(words):
                any_pos[w] |= signs.pos[v, w]
                any_neg[w] |= signs.neg[v, w]
        k = 0
        for w in range(words):
            some[w] = any_pos[w] & any_neg[w]
            if some[w] != _ZERO:
                k += popcount(some[w])
        # Room for the worst case of this cell.
        faces_max = 1 + k + k * (k - 1) // 2
        if made + faces_max > out_parent.shape[0]:
            out_parent = _grown(out_parent, made + faces_max)
            out_doubt = _grown(out_doubt, made + faces_max)
            out_bits = _grown2(out_bits, made + faces_max)
            out_start = _grown(out_start, made + faces_max + 1)
        half_max = m_max + 2 * (k + k * (k - 1))
        if halves_made + half_max > out_half.shape[0]:
            out_half = _grown(out_half, halves_made + half_max)
        if edges_made + k * k > e_label.shape[0]:
            e_ends = _grown2(e_ends, edges_made + k * k)
            e_label = _grown(e_label, edges_made + k * k)
            e_radius = _grown(e_radius, edges_made + k * k)

        if k == 0:
            for h in loop:
                out_half[halves_made] = 2 * crossings.sub[h >> 1] + (h & 1)
                halves_made += 1
            out_parent[made], out_doubt[made] = cell, doubt
            for w in range(words):
                out_bits[made, w] = ~any_neg[w] if ties else any_pos[w]
            made += 1
            out_start[made] = halves_made
            continue

        if m_max > boundary.vertex.shape[0]:
            boundary = _boundary_scratch(2 * m_max)
            head = np.full(2 * m_max, -1, np.int32)
        if k > chords.first.shape[0]:
            chords = _chord_scratch(2 * k)
            chain = np.empty(2 * k, np.int32)
            flips = np.zeros((2 * k, words), np.uint64)
            chord_radius = np.empty(2 * k)
        k = 0
        for w in range(words):
            x = some[w]
            while x != _ZERO:
                p = 64 * w + lowest(x)
                x &= x - _ONE
                slot[p] = k
                chords.predicate[k], chords.seen[k] = p, 0
                chords.above[k], chords.below[k] = -1, -1
                k += 1
        m = _trace(loop, ends, old_vertices, crossings, signs, slot, some, mask, boundary, chords)
        for c in range(k):
            slot[chords.predicate[c]] = -1
        kept = _orient(m, k, chords)
        for w in range(words):
            out_bits[made, w] = (~any_neg[w] if ties else any_pos[w]) & ~some[w]
        for c in range(kept, k):
            doubt = True
            p = chords.predicate[c]
            if _strongest_is_positive(loop, ends, values, predicates, p):
                out_bits[made, p >> 6] |= _ONE << np.uint64(p & 63)
        k = kept

        if k == 1:
            first, last, p = chords.first[0], chords.last[0], chords.predicate[0]
            edge = base_edge + edges_made
            e_ends[edges_made, 0], e_ends[edges_made, 1] = boundary.vertex[first], boundary.vertex[last]
            e_label[edges_made] = p
            steep = steepness(xy, values, predicates, boundary, chords.above[0], chords.below[0], p)
            e_radius[edges_made] = predicates.error[p] / max(steep, 1e-300)
            edges_made += 1
            for side in range(2):
                i, stop = (first, last) if side == 0 else (last, first)
                while i != stop:
                    out_half[halves_made] = boundary.half[i]
                    halves_made += 1
                    i = i + 1 if i + 1 < m else 0
                out_half[halves_made] = 2 * edge + 1 - side
                halves_made += 1
                if side == 1:
                    for w in range(words):
                        out_bits[made, w] = out_bits[made - 1, w]
                    out_bits[made, p >> 6] |= _ONE << np.uint64(p & 63)
                out_parent[made], out_doubt[made] = cell, doubt
                made += 1
                out_start[made] = halves_made
            continue

        if k == 0:
            for i in range(m):
                out_half[halves_made] = boundary.half[i]
                halves_made += 1
            out_parent[made], out_doubt[made] = cell, True
            made += 1
            out_start[made] = halves_made
            continue

        if m > mesh_m or k > mesh_k:
            mesh_m, mesh_k = max(m, mesh_m), max(2 * k if k < 64 else k, mesh_k)
            mesh = _mesh_scratch(mesh_m, mesh_k)
            faces_max = 1 + mesh_k + mesh_k * (mesh_k - 1) // 2
            stack, entry = np.empty(faces_max, np.int32), np.empty(faces_max, np.int32)
            seen = np.empty(faces_max, np.bool_)
        _find_twins(m, k, chords, head, chain)
        vertices, edges, sure = arrange(m, k, xy, values, predicates, boundary, chords, mesh)
        doubt |= not sure
        interior = vertices - m
        if mixed + interior > mix_a.shape[0]:
            mix_a, mix_b = _grown(mix_a, mixed + interior), _grown(mix_b, mixed + interior)
            mix_s, mix_radius = _grown(mix_s, mixed + interior), _grown(mix_radius, mixed + interior)
            mix_doubt, mix_on = _grown(mix_doubt, mixed + interior), _grown2(mix_on, mixed + interior)
        for x in range(interior):
            i, j = mesh.on[x], mesh.by[x]
            mix_a[mixed + x] = boundary.vertex[chords.first[i]]
            mix_b[mixed + x] = boundary.vertex[chords.last[i]]
            mix_s[mixed + x], mix_radius[mixed + x] = mesh.s[x], mesh.radius[x]
            mix_doubt[mixed + x] = mesh.doubt[x]
            mix_on[mixed + x, 0], mix_on[mixed + x, 1] = chords.predicate[i], chords.predicate[j]
            doubt |= mesh.doubt[x]
        # Bits of face 0, and what crossing each chord flips.
        for c in range(k):
            p = chords.predicate[c]
            side = position_side(m, chords, c, 0)
            if side == 0:
                side = position_side(m, chords, c, 1)
            if side > 0:
                out_bits[made, p >> 6] |= _ONE << np.uint64(p & 63)
            for w in range(words):
                flips[c, w] = _ZERO
            chord_radius[c] = predicates.error[p] / max(
                steepness(xy, values, predicates, boundary, chords.above[c], chords.below[c], p), 1e-300
            )
        for c in range(k):
            p = chords.predicate[c]
            flips[chords.twin[c], p >> 6] |= _ONE << np.uint64(p & 63)
        faces = number_faces(m, edges, mesh)
        _flood(edges, faces, made, mesh, flips, out_bits, stack, seen, entry)
        for e in range(m, edges):
            a, b, c = mesh.org[2 * e], mesh.org[2 * e + 1], mesh.chord[e]
            e_ends[edges_made + e - m, 0] = boundary.vertex[a] if a < m else base_vertex + mixed + a - m
            e_ends[edges_made + e - m, 1] = boundary.vertex[b] if b < m else base_vertex + mixed + b - m
            e_label[edges_made + e - m] = chords.predicate[c]
            e_radius[edges_made + e - m] = chord_radius[c]
        for f in range(faces):
            h = entry[f]
            while True:
                e = h >> 1
                out_half[halves_made] = (
                    boundary.half[e] if e < m else 2 * (base_edge + edges_made + e - m) + (h & 1)
                )
                halves_made += 1
                h = mesh.nxt[h]
                if h == entry[f]:
                    break
            out_parent[made], out_doubt[made] = cell, doubt
            made += 1
            out_start[made] = halves_made
        mixed += interior
        edges_made += edges - m
    return Cut(
        out_start[: made + 1].copy(),
        out_half[:halves_made].copy(),
        out_parent[:made].copy(),
        out_bits[:made].copy(),
        out_doubt[:made].copy(),
        e_ends[:edges_made].copy(),
        e_label[:edges_made].copy(),
        e_radius[:edges_made].copy(),
        mix_a[:mixed].copy(),
        mix_b[:mixed].copy(),
        mix_s[:mixed].copy(),
        mix_radius[:mixed].copy(),
        mix_doubt[:mixed].copy(),
        mix_on[:mixed].copy(),
    )


@njit(cache=True, nogil=True)
def cut_segments(ends, signs, crossings, ties):
    """Cut all cells of a one-dimensional complex, whose edges are its cells.

    Args:
        ends: (E, 2) vertices of the edges.
        signs: ``Signs``.
        crossings: ``Crossings`` of these edges.
        ties: bit of a predicate that vanishes identically on a cell.

    Returns:
        ``Cut`` without chord edges and interior vertices.
    """
    words = signs.pos.shape[1]
    count = crossings.sub[-1]
    parent, bits, doubt = np.empty(count, np.int32), np.empty((count, words), np.uint64), np.zeros(count, np.bool_)
    for e in range(ends.shape[0]):
        a, b = ends[e, 0], ends[e, 1]
        begin, stop = crossings.total[e], crossings.total[e + 1]
        first, last = crossings.sub[e], crossings.sub[e + 1] - 1
        entry, x = begin, first - e
        for c in range(first, last + 1):
            parent[c] = e
            if c == first:
                doubt[c] = signs.marks[a]
                for w in range(words):
                    either = signs.pos[b, w] & ~signs.neg[a, w]
                    if ties:
                        either = ~signs.neg[a, w] & (signs.pos[a, w] | ~signs.neg[b, w])
                    bits[c, w] = signs.pos[a, w] | either
            else:
                doubt[c] = crossings.doubt[x - 1]
                for w in range(words):
                    bits[c, w] = bits[c - 1, w]
                while entry < stop and crossings.vertex[entry] == x - 1:
                    p = crossings.predicate[entry]
                    bits[c, p >> 6] ^= _ONE << np.uint64(p & 63)
                    entry += 1
            if c == last:
                doubt[c] |= signs.marks[b]
            else:
                doubt[c] |= crossings.doubt[x]
            x += 1
    none, nothing = np.empty(0, np.int32), np.empty(0)
    return Cut(
        np.zeros(1, np.int64),
        none,
        parent,
        bits,
        doubt,
        np.empty((0, 2), np.int32),
        none,
        nothing,
        none,
        none,
        nothing,
        nothing,
        np.empty(0, np.bool_),
        np.empty((0, 2), np.int32),
    )
