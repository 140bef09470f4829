"""Compiled kernels: facets of faces of polytopes, from the masks of their corners; volumes by pulling them apart.

A face of a cell is the set of corners whose masks hold all bits of the face's own mask; the mask is closed, which
means that it holds every side on which the whole face lies. The facets of a face of dimension m are the largest of its
proper intersections with sides. This needs no coordinates and is right for cells that are not simple, too.
"""

from typing import NamedTuple

import numpy as np

from inscape.geometry._kernels_compile import kernel, small_kernel
from inscape.geometry._kernels_edges import lowest, popcount

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_ALL = ~_ZERO


class Bodies(NamedTuple):
    """C convex cells by their corners and sides, as in ``Polytopes``."""

    start: np.ndarray
    """(C + 1,) cell i has the corners corners[start[i]:start[i + 1]]."""
    corners: np.ndarray
    """(H,) vertices."""
    masks: np.ndarray
    """(H, words) packed bits: the sides of its cell on which a corner lies."""
    side_start: np.ndarray
    """(C + 1,) first side of each cell."""


class Pulling(NamedTuple):
    """Scratch of a descent from a facet, of dimension d - 1, to the edges: row m is for the face of dimension m."""

    member: np.ndarray
    """(d + 1, corners) corners of the face."""
    count: np.ndarray
    """(d + 1,) how many."""
    mask: np.ndarray
    """(d + 1, words) closed mask of the face."""
    on_side: np.ndarray
    """(d + 1, sides) how many of the corners lie on each further side."""
    simple: np.ndarray
    """(d + 1,) whether every corner lies on as many further sides as the dimension."""
    following: np.ndarray
    """(d + 1,) side to be tried next."""
    origin: np.ndarray
    """(d,) first corner of the simplex."""
    axis: np.ndarray
    """(d, d) orthonormal directions of its further corners."""
    product: np.ndarray
    """(d,) product of their heights."""
    total: np.ndarray
    """(d, d) sum of its corners so far."""


@small_kernel
def has(mask, k):
    """Whether bit k is set."""
    return (mask[k >> 6] >> np.uint64(k & 63)) & _ONE != _ZERO


@small_kernel
def count_on_sides(masks, member, count, mask, sides, on_side):
    """How many corners of a face lie on each side of its cell; returns whether the face is simple in each corner.

    Args:
        masks: (H, words) masks of corners.
        member: corners of the face.
        count: how many these are.
        mask: (words,) the face's own mask.
        sides: number of the cell's sides.
        on_side: (sides,) receives the numbers, 0 for sides on which the whole face lies.

    Returns:
        The largest number of further sides on which one corner lies: the dimension of a simple face.
    """
    on_side[:sides] = 0
    most = 0
    for i in range(count):
        meeting = 0
        for w in range(mask.shape[0]):
            bits = masks[member[i], w] & ~mask[w]
            meeting += popcount(bits)
            while bits != _ZERO:
                on_side[64 * w + lowest(bits)] += 1
                bits &= bits - _ONE
        most = max(most, meeting)
    return most


@small_kernel
def take_side(masks, member, count, k, below, closed):
    """Corners of a face on side k, into ``below``, and the closed mask of what they span; returns their number."""
    closed[:] = _ALL
    n = 0
    for i in range(count):
        h = member[i]
        if has(masks[h], k):
            below[n] = h
            n += 1
            for w in range(closed.shape[0]):
                closed[w] &= masks[h, w]
    return n


@small_kernel
def is_facet(mask, closed, k, size, on_side):
    """Whether the intersection with side k is a facet that no smaller k gives: no side holds it and more."""
    for w in range(mask.shape[0]):
        bits = closed[w] & ~mask[w]
        while bits != _ZERO:
            other = 64 * w + lowest(bits)
            if other < k or on_side[other] > size:
                return False
            bits &= bits - _ONE
    return True


@kernel
def list_faces(cells, faces, m, word, scratch, out):
    """List the facets of faces of one dimension.

    Args:
        cells: ``Bodies``.
        faces: cell (n,) and mask (n, words) of faces of dimension m ≥ 1.
        m: that dimension.
        word: (V,) random words.
        scratch: member (corners,), below (corners,), on_side (sides,) and closed (words,).
        out: start (n + 1,) and, for the facets: cell, mask, key and size; if these are empty, they are only counted.
            Facets of edges are vertices, and their number is put in ``cell``.
    """
    owner, mask = faces
    member, below, on_side, closed = scratch
    start, out_cell, out_mask, out_key, out_size = out
    start[0] = 0
    for i in range(owner.shape[0]):
        c, count, n = owner[i], 0, start[i]
        for h in range(cells.start[c], cells.start[c + 1]):
            inside = True
            for w in range(closed.shape[0]):
                inside &= cells.masks[h, w] & mask[i, w] == mask[i, w]
            if inside:
                member[count] = h
                count += 1
        if m == 1:
            for j in range(count):
                if out_cell.shape[0] > 0:
                    out_cell[n] = cells.corners[member[j]]
                n += 1
            start[i + 1] = n
            continue
        sides = cells.side_start[c + 1] - cells.side_start[c]
        simple = count_on_sides(cells.masks, member, count, mask[i], sides, on_side) == m
        for k in range(sides):
            if on_side[k] < m:
                continue
            if out_cell.shape[0] == 0 and simple:
                n += 1
                continue
            size = take_side(cells.masks, member, count, k, below, closed)
            if not (simple or is_facet(mask[i], closed, k, size, on_side)):
                continue
            if out_cell.shape[0] > 0:
                out_cell[n], out_key[n], out_size[n] = c, _ZERO, size
                for w in range(closed.shape[0]):
                    out_mask[n, w] = closed[w]
                for j in range(size):
                    out_key[n] += word[cells.corners[below[j]]]
            n += 1
        start[i + 1] = n


@small_kernel
def _raise_height(point, m, d, scratch):
    """Take a further corner of a simplex in: its height over the earlier ones, whose product is the volume."""
    top = d - 1
    axis, product, total = scratch.axis, scratch.product, scratch.total
    for a in range(d):
        axis[m, a] = point[a] - scratch.origin[a]
        total[m, a] = total[m + 1, a] + point[a]
    for _ in range(2):  # once more: rounding of the first pass would count where the height is small
        for j in range(top - 1, m, -1):
            along = 0.0
            for a in range(d):
                along += axis[j, a] * axis[m, a]
            for a in range(d):
                axis[m, a] -= along * axis[j, a]
    height = 0.0
    for a in range(d):
        height += axis[m, a] * axis[m, a]
    height = np.sqrt(height)
    product[m] = product[m + 1] * height
    if height > 0.0:
        for a in range(d):
            axis[m, a] /= height


@small_kernel
def _enter(cells, vertices, c, m, d, scratch):
    """Begin a face of dimension m: its first corner is the apex of all simplices in it."""
    apex = vertices[cells.corners[scratch.member[m, 0]]]
    if m == d - 1:
        scratch.product[m] = 1.0
        for a in range(d):
            scratch.origin[a] = scratch.total[m, a] = apex[a]
    else:
        _raise_height(apex, m, d, scratch)
    sides = cells.side_start[c + 1] - cells.side_start[c]
    meeting = count_on_sides(
        cells.masks, scratch.member[m], scratch.count[m], scratch.mask[m], sides, scratch.on_side[m]
    )
    scratch.simple[m] = meeting == m
    scratch.following[m] = 0


@small_kernel
def _descend(cells, c, m, scratch):
    """Find the next facet of the current face of dimension m that misses its apex; returns whether there is one."""
    sides = cells.side_start[c + 1] - cells.side_start[c]
    member, mask, on_side = scratch.member, scratch.mask, scratch.on_side
    while scratch.following[m] < sides:
        k = scratch.following[m]
        scratch.following[m] += 1
        if on_side[m, k] < m or has(cells.masks[member[m, 0]], k):
            continue
        size = take_side(cells.masks, member[m], scratch.count[m], k, member[m - 1], mask[m - 1])
        if scratch.simple[m] or is_facet(mask[m], mask[m - 1], k, size, on_side[m]):
            scratch.count[m - 1] = size
            return True
    return False


@kernel
def measure_facets(cells, vertices, owner, side, scratch, areas, centres):
    """Volumes of dimension d - 1 and centres of mass of the facets.

    A face is the union of the cones from its first corner over its facets that miss this corner; so down to edges.

    Args:
        cells: ``Bodies``.
        vertices: (V, d) chart coordinates.
        owner: (F,) a cell of each facet.
        side: (F,) which of its sides the facet is.
        scratch: ``Pulling``.
        areas: (F,) receives volumes.
        centres: (F, d) receives centres of mass.
    """
    d = vertices.shape[1]
    factorial = 1.0
    for j in range(2, d):
        factorial *= j
    for f in range(owner.shape[0]):
        c, m, volume = owner[f], d - 1, 0.0
        n = 0
        for h in range(cells.start[c], cells.start[c + 1]):
            scratch.member[d, n] = h
            n += 1
        scratch.count[m] = take_side(cells.masks, scratch.member[d], n, side[f], scratch.member[m], scratch.mask[m])
        centres[f] = 0.0
        _enter(cells, vertices, c, m, d, scratch)
        while m < d:
            if not _descend(cells, c, m, scratch):
                m += 1
                continue
            if m > 2:
                m -= 1
                _enter(cells, vertices, c, m, d, scratch)
                continue
            for end in range(2):
                _raise_height(vertices[cells.corners[scratch.member[1, end]]], 1 - end, d, scratch)
            volume += scratch.product[0]
            for a in range(d):
                centres[f, a] += scratch.product[0] * scratch.total[0, a] / d
        areas[f] = volume / factorial
        for a in range(d):
            centres[f, a] = (
                centres[f, a] / volume if volume > 0.0 else vertices[cells.corners[scratch.member[d - 1, 0]], a]
            )


@kernel
def measure_cells(cells, vertices, facets, centre, volumes, centroids):
    """Volumes and centres of mass of the cells: cones from the mean of the corners over all sides.

    Args:
        cells: ``Bodies``.
        vertices: (V, d) chart coordinates.
        facets: facet of each side (S,), and of the facets normals (F, d), offsets (F,), areas (F,), centres (F, d).
        centre: (d,) scratch.
        volumes: (C,) receives volumes.
        centroids: (C, d) receives centres of mass.
    """
    facet_of_side, normals, offsets, areas, centres = facets
    d = vertices.shape[1]
    for c in range(cells.start.shape[0] - 1):
        centre[:] = 0.0
        for h in range(cells.start[c], cells.start[c + 1]):
            for a in range(d):
                centre[a] += vertices[cells.corners[h], a]
        for a in range(d):
            centre[a] /= cells.start[c + 1] - cells.start[c]
        volume = 0.0
        centroids[c] = 0.0
        for s in range(cells.side_start[c], cells.side_start[c + 1]):
            f, height = facet_of_side[s], -offsets[facet_of_side[s]]
            for a in range(d):
                height += normals[f, a] * centre[a]
            cone = abs(height) * areas[f] / d
            volume += cone
            for a in range(d):
                centroids[c, a] += cone * (centres[f, a] - centre[a])
        volumes[c] = volume
        for a in range(d):
            shift = centroids[c, a] * d / ((d + 1) * volume) if volume > 0.0 else 0.0
            centroids[c, a] = centre[a] + shift
