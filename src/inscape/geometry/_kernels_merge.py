"""Compiled kernels: join cells of a planar complex, and drop vertices that no longer bend or branch anything."""

import numpy as np

from inscape.geometry._kernels_compile import allocating_kernel, kernel


@kernel
def _outline(start, half, ends, first, stop, group, owner, leaving, out, filled):
    """Walk the outlines of the cells first:stop that belong to one group; returns the new fill of ``out``.

    Args:
        start, half, ends: the complex.
        first, stop: range of cells to look at.
        group: (C,) group of each cell; the group of cell ``first`` is walked.
        owner: (2E,) group that each half-edge belongs to.
        leaving: (V,) scratch, all -1.
        out: (H,) receives half-edges; a loop's last one is stored as -1 - h.
        filled: fill of ``out``.
    """
    g = group[first]
    for c in range(first, stop):
        if group[c] == g:
            for i in range(start[c], start[c + 1]):
                h = half[i]
                if owner[h ^ 1] != g:
                    leaving[ends[h >> 1, h & 1]] = h
    for c in range(first, stop):
        if group[c] != g:
            continue
        for i in range(start[c], start[c + 1]):
            h = half[i]
            if leaving[ends[h >> 1, h & 1]] != h:
                continue
            while h >= 0:
                v = ends[h >> 1, h & 1]
                leaving[v] = -1
                out[filled] = h
                filled += 1
                h = leaving[ends[h >> 1, 1 - (h & 1)]]
            out[filled - 1] = -1 - out[filled - 1]
    return filled


@allocating_kernel
def merge_cells(start, half, ends, vertices, parent, group):
    """Join the cells of one parent that carry the same group number.

    Args:
        start: (C + 1,) cell i owns half[start[i]:start[i + 1]].
        half: (H,) half-edges.
        ends: (E, 2) vertices of the edges.
        vertices: number of vertices.
        parent: (C,) parents; cells of one parent are neighbours in the list.
        group: (C,) group numbers, unique to a parent.

    Returns:
        start (C' + 1,), half (H',) and member (C',): some old cell of each new one.
    """
    cells = parent.shape[0]
    owner = np.full(2 * ends.shape[0], -1, np.int64)
    for c in range(cells):
        for i in range(start[c], start[c + 1]):
            owner[half[i]] = group[c]
    leaving = np.full(vertices, -1, np.int32)
    out = np.empty(half.shape[0], np.int32)
    out_start = np.zeros(cells + 1, np.int64)
    member = np.empty(cells, np.int32)
    done = np.zeros(cells, np.bool_)
    filled, made, first = 0, 0, 0
    while first < cells:
        stop = first
        while stop < cells and parent[stop] == parent[first]:
            stop += 1
        for c in range(first, stop):
            if done[c]:
                continue
            for d in range(c, stop):
                if group[d] == group[c]:
                    done[d] = True
            begin = filled
            filled = _outline(start, half, ends, c, stop, group, owner, leaving, out, filled)
            for i in range(begin, filled):
                if out[i] < 0:
                    out[i] = -1 - out[i]
                    member[made] = c
                    made += 1
                    out_start[made] = i + 1
        first = stop
    return out_start[: made + 1].copy(), out[:filled].copy(), member[:made].copy()


@allocating_kernel
def straight_vertices(half, ends, label, vertices):
    """Find vertices with exactly two edges, both on the same line.

    Args:
        half: (H,) half-edges in use.
        ends: (E, 2) vertices of the edges.
        label: (E,) what the edges lie on.
        vertices: number of vertices.

    Returns:
        (V,) True where a vertex can be dropped.
    """
    used = np.zeros(ends.shape[0], np.bool_)
    for h in half:
        used[h >> 1] = True
    degree = np.zeros(vertices, np.int32)
    first = np.full(vertices, -1, np.int32)
    drop = np.zeros(vertices, np.bool_)
    for e in range(ends.shape[0]):
        if not used[e]:
            continue
        for side in range(2):
            v = ends[e, side]
            degree[v] += 1
            if degree[v] == 1:
                first[v] = e
            drop[v] = degree[v] == 2 and label[first[v]] == label[e]
    return drop


@allocating_kernel
def dissolve(start, half, ends, drop):
    """Join the edges that meet at dropped vertices.

    Args:
        start, half, ends: the complex.
        drop: (V,) vertices to drop, of degree two.

    Returns:
        start, half and ends of the new complex, and origin: (E',) some old edge of each new one.
    """
    leader = np.full(ends.shape[0], -1, np.int32)
    new_ends = np.empty_like(ends)
    origin = np.empty(ends.shape[0], np.int32)
    out_start, out = np.zeros_like(start), np.empty_like(half)
    made, filled = 0, 0
    for c in range(start.shape[0] - 1):
        size = start[c + 1] - start[c]
        shift = -1
        for i in range(size):
            h = half[start[c] + i]
            if not drop[ends[h >> 1, h & 1]]:
                shift = i
                break
        i = 0
        while i < size and shift >= 0:
            h = half[start[c] + (shift + i) % size]
            e = h >> 1
            begin = ends[e, h & 1]
            last = h
            while drop[ends[last >> 1, 1 - (last & 1)]] and i + 1 < size:
                i += 1
                last = half[start[c] + (shift + i) % size]
                if leader[e] < 0:
                    leader[last >> 1] = made
                    # The chain's far end must find the same new edge from the other side.
            i += 1
            stop = ends[last >> 1, 1 - (last & 1)]
            if leader[e] < 0:
                leader[e] = made
                new_ends[made, 0], new_ends[made, 1] = begin, stop
                origin[made] = e
                made += 1
            n = leader[e]
            out[filled] = 2 * n + (0 if new_ends[n, 0] == begin else 1)
            filled += 1
        out_start[c + 1] = filled
    return out_start, out[:filled].copy(), new_ends[:made].copy(), origin[:made].copy()
