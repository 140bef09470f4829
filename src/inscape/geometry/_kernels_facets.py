"""Compiled kernels: facets of polytopes, paired between cells, with their normals."""

import numpy as np

from inscape.geometry._kernels_compile import kernel, small_kernel
from inscape.geometry._kernels_edges import lowest

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@kernel
def key_sides(cells, word, key, size):
    """Key of each side: the sum of random words of its corners, so that equal sets have equal keys.

    Args:
        cells: ``Bodies``.
        word: (V,) random words.
        key: (S,) receives keys; zeros.
        size: (S,) receives numbers of corners; zeros.
    """
    for c in range(cells.start.shape[0] - 1):
        for h in range(cells.start[c], cells.start[c + 1]):
            for w in range(cells.masks.shape[1]):
                bits = cells.masks[h, w]
                while bits != _ZERO:
                    s = cells.side_start[c] + 64 * w + lowest(bits)
                    key[s] += word[cells.corners[h]]
                    size[s] += 1
                    bits &= bits - _ONE


@kernel
def number_equal(key, size, table, number, first):
    """Number items so that those with equal key and size share a number, in order of first appearance.

    Args:
        key: (n,) random words.
        size: (n,) sizes.
        table: (power of two > n,) scratch, all -1.
        number: (n,) receives numbers.
        first: (n,) receives the first item of each number.

    Returns:
        How many numbers there are.
    """
    count, last = 0, np.uint64(table.shape[0] - 1)
    for i in range(key.shape[0]):
        place = key[i] & last
        while True:
            found = table[place]
            if found < 0:
                table[place] = count
                number[i], first[count] = count, i
                count += 1
                break
            if key[first[found]] == key[i] and size[first[found]] == size[i]:
                number[i] = found
                break
            place = (place + _ONE) & last
    return count


@kernel
def pair_sides(side_start, facet_of_side, neighbours):
    """Note the cells on both sides of each facet.

    Args:
        side_start: (C + 1,) sides of the cells.
        facet_of_side: (S,) facet of each side.
        neighbours: (F, 2) receives cells in ascending order; all -1.

    Returns:
        Some facet with more than two cells, -1 if there is none.
    """
    surplus = -1
    for c in range(side_start.shape[0] - 1):
        for s in range(side_start[c], side_start[c + 1]):
            f = facet_of_side[s]
            if neighbours[f, 0] < 0:
                neighbours[f, 0] = c
            elif neighbours[f, 1] < 0:
                neighbours[f, 1] = c
            else:
                surplus = f
    return surplus


@kernel
def list_corners(cells, owner, side, facet_start, facet_corners):
    """List the vertices of each facet.

    Args:
        cells: ``Bodies``.
        owner: (F,) a cell of each facet.
        side: (F,) which of its sides the facet is.
        facet_start: (F + 1,) where the vertices of each facet go.
        facet_corners: receives vertices.
    """
    for f in range(owner.shape[0]):
        w, bit, n = side[f] >> 6, _ONE << np.uint64(side[f] & 63), facet_start[f]
        for h in range(cells.start[owner[f]], cells.start[owner[f] + 1]):
            if cells.masks[h, w] & bit != _ZERO:
                facet_corners[n] = cells.corners[h]
                n += 1


@small_kernel
def _project_out(basis, rows, vector):
    """Take the first rows of an orthonormal basis out of a vector, in place; returns what length is left."""
    d = vector.shape[0]
    for j in range(rows):
        along = 0.0
        for a in range(d):
            along += basis[j, a] * vector[a]
        for a in range(d):
            vector[a] -= along * basis[j, a]
    length = 0.0
    for a in range(d):
        length += vector[a] * vector[a]
    return np.sqrt(length)


@small_kernel
def _divide(vector, length):
    if length > 0.0:
        for a in range(vector.shape[0]):
            vector[a] /= length


@small_kernel
def _span(vertices, corners, first, stop, basis, residual):
    """Orthonormal rows of ``basis`` that span a facet: the corner farthest from what is spanned comes next."""
    d, origin = vertices.shape[1], corners[first]
    for j in range(d - 1):
        best = -1.0
        for i in range(first + 1, stop):
            for a in range(d):
                residual[a] = vertices[corners[i], a] - vertices[origin, a]
            length = _project_out(basis, j, residual)
            if length > best:
                best = length
                for a in range(d):
                    basis[j, a] = residual[a]
        _divide(basis[j], best)
        _divide(basis[j], _project_out(basis, j, basis[j]))


@small_kernel
def _complete(basis, normal):
    """The unit vector at right angles to the d - 1 rows of ``basis``."""
    d = normal.shape[0]
    best, axis = -1.0, 0
    for a in range(d):
        left = 1.0
        for j in range(d - 1):
            left -= basis[j, a] * basis[j, a]
        if left > best:
            best, axis = left, a
    for a in range(d):
        normal[a] = 1.0 if a == axis else 0.0
    _divide(normal, _project_out(basis, d - 1, normal))
    _divide(normal, _project_out(basis, d - 1, normal))


@kernel
def unit_normals(cells, vertices, facets, basis, residual, normals, offsets):
    """Unit normals that point away from the first cell of each facet.

    Args:
        cells: ``Bodies``.
        vertices: (V, d) chart coordinates.
        facets: owner (F,), start (F + 1,) and vertices of the facets.
        basis: (d, d) scratch.
        residual: (d,) scratch.
        normals: (F, d) receives normals.
        offsets: (F,) receives n · t on the facets.
    """
    owner, facet_start, facet_corners = facets
    d = vertices.shape[1]
    for f in range(owner.shape[0]):
        first, stop, normal = facet_start[f], facet_start[f + 1], normals[f]
        _span(vertices, facet_corners, first, stop, basis, residual)
        _complete(basis, normal)
        offset = 0.0
        for i in range(first, stop):
            for a in range(d):
                offset += normal[a] * vertices[facet_corners[i], a]
        offset /= stop - first
        farthest = 0.0
        for h in range(cells.start[owner[f]], cells.start[owner[f] + 1]):
            height = -offset
            for a in range(d):
                height += normal[a] * vertices[cells.corners[h], a]
            if abs(height) > abs(farthest):
                farthest = height
        sign = -1.0 if farthest > 0.0 else 1.0
        for a in range(d):
            normal[a] *= sign
        offsets[f] = sign * offset
