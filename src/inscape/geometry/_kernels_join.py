"""Compiled kernels: join convex cells of dimension 3 and more whose union is convex."""

import numpy as np

from inscape.geometry._kernels_compile import allocating_kernel, small_kernel

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@small_kernel
def _same_side(cells, i, j):
    """Whether two sides lie on one hyperplane: the same predicate with the same normal, bit for bit."""
    if cells.side_label[i] != cells.side_label[j]:
        return False
    same, opposite = True, True
    for a in range(cells.normals.shape[1]):
        same = same and cells.normals[i, a] == cells.normals[j, a]
        opposite = opposite and cells.normals[i, a] == -cells.normals[j, a]
    return same or opposite


@small_kernel
def _on(cells, corner, side):
    return (cells.masks[corner, side >> 6] >> np.uint64(side & 63)) & _ONE != _ZERO


@small_kernel
def _side_keys(cells, members, name, key):
    """Sum of the names of the corners on every side of some cells; returns the number of sides."""
    count = 0
    for c in members:
        for k in range(cells.side_start[c + 1] - cells.side_start[c]):
            total = _ZERO
            for i in range(cells.start[c], cells.start[c + 1]):
                if _on(cells, i, k):
                    total += name[cells.corners[i]]
            key[count] = total
            count += 1
    return count


@small_kernel
def _outer_sides(cells, members, key, count, order, target, kept):
    """Sides of the union: those that no two members share, once for each hyperplane; returns their number.

    ``target`` receives, for each side of the members in turn, its place among them, -1 for an inner side.
    """
    for n in range(count):
        target[n] = 0
    for n in range(1, count):
        if key[order[n]] == key[order[n - 1]]:
            target[order[n]], target[order[n - 1]] = -1, -1
    made, n = 0, 0
    for c in members:
        for side in range(cells.side_start[c], cells.side_start[c + 1]):
            if target[n] >= 0:
                place = made
                for u in range(made):
                    if _same_side(cells, side, kept[u]):
                        place = u
                        break
                if place == made:
                    kept[made] = side
                    made += 1
                target[n] = place
            n += 1
    return made


@small_kernel
def _collect(cells, members, target, slot, vertex, mask):
    """Corners of all members with the union's sides that they lie on; returns their number."""
    count, shift = 0, 0
    for c in members:
        sides = cells.side_start[c + 1] - cells.side_start[c]
        for i in range(cells.start[c], cells.start[c + 1]):
            v = cells.corners[i]
            if slot[v] < 0:
                slot[v], vertex[count] = count, v
                mask[count, :] = _ZERO
                count += 1
            for k in range(sides):
                place = target[shift + k]
                if place >= 0 and _on(cells, i, k):
                    mask[slot[v], place >> 6] |= _ONE << np.uint64(place & 63)
        shift += sides
    for n in range(count):
        slot[vertex[n]] = -1
    return count


@small_kernel
def _is_corner(n, count, mask):
    """Whether no other corner lies on all sides on which this one lies: then it is none inside a face."""
    for other in range(count):
        if other != n:
            held = True
            for w in range(mask.shape[1]):
                held = held and mask[n, w] & ~mask[other, w] == _ZERO
            if held:
                return False
    return True


@allocating_kernel
def join_cells(cells, name, group_start, member, wide):
    """Join groups of cells.

    Args:
        cells: ``Solids``.
        name: (V,) names of the vertices.
        group_start: (G + 1,) group g has the cells member[group_start[g]:group_start[g + 1]].
        member: (C,) cells.
        wide: words for the sides of a joined cell.

    Returns:
        start, corners, masks, side_start, and for each side of the joined cells the old side that it continues; the
        masks are empty if some cell has more than 64 · wide sides.
    """
    groups, d = group_start.shape[0] - 1, cells.normals.shape[1]
    start, side_start = np.zeros(groups + 1, np.int64), np.zeros(groups + 1, np.int64)
    corners = np.empty(cells.corners.shape[0], np.int32)
    masks = np.zeros((cells.corners.shape[0], wide), np.uint64)
    sides = np.empty(cells.side_label.shape[0], np.int64)
    slot = np.full(name.shape[0], -1, np.int32)
    at, side, fits = 0, 0, d > 0
    for g in range(groups):
        members = member[group_start[g] : group_start[g + 1]]
        total, room = 0, 0
        for c in members:
            total += cells.side_start[c + 1] - cells.side_start[c]
            room += cells.start[c + 1] - cells.start[c]
        key = np.empty(total, np.uint64)
        target, kept = np.empty(total, np.int64), np.empty(total, np.int64)
        count = _side_keys(cells, members, name, key)
        made = _outer_sides(cells, members, key, count, np.argsort(key), target, kept)
        if made > 64 * wide:
            fits = False
            break
        vertex, mask = np.empty(room, np.int32), np.empty((room, wide), np.uint64)
        found = _collect(cells, members, target, slot, vertex, mask)
        for n in range(found):
            if len(members) == 1 or _is_corner(n, found, mask):
                corners[at] = vertex[n]
                masks[at] = mask[n]
                at += 1
        sides[side : side + made] = kept[:made]
        side += made
        start[g + 1], side_start[g + 1] = at, side
    if not fits:
        masks = masks[:0]
    return start, corners[:at].copy(), masks[:at].copy(), side_start, sides[:side].copy()
