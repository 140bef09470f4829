"""Compiled kernels: cut convex cells of dimension 3 and more, one predicate after the other.

A piece of a cell is a list of corners, each with a bit mask of the sides that it lies on. A predicate with corners on
both of its sides cuts the piece; where it crosses an edge there is a new vertex, which all cells around the edge find
again in a table under the edge's two ends. Predicates are taken in ascending order in every cell, so that cells cut
what they share in the same way. Two corners span an edge if they have enough sides in common, and, where more than d
sides meet at a corner, no third corner has all of these: nothing is asked of general position.
"""

import numpy as np

from inscape.geometry._kernels_compile import kernel, small_kernel
from inscape.geometry._kernels_corner import new_vertex
from inscape.geometry._kernels_edges import lowest, popcount
from inscape.geometry._split_room import (
    CELL,
    CELLS,
    CORNERS,
    CURRENT,
    FULL_OUTPUT,
    FULL_POINTS,
    FULL_STACK,
    POINTS,
    SIDES,
    TOP,
    WIDE,
)

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@kernel
def measure_cells(cells, signs, masks, most):
    """Largest number of corners of a cell, and of its sides and candidates together.

    Args:
        cells: ``Solids``.
        signs: ``Signs`` at the vertices.
        masks: (2, words) scratch.
        most: (2,) receives the two numbers.
    """
    most[:] = 0
    for c in range(cells.start.shape[0] - 1):
        masks[:, :] = _ZERO
        for i in range(cells.start[c], cells.start[c + 1]):
            v = cells.corners[i]
            for w in range(masks.shape[1]):
                masks[0, w] |= signs.pos[v, w]
                masks[1, w] |= signs.neg[v, w]
        k = cells.side_start[c + 1] - cells.side_start[c]
        for w in range(masks.shape[1]):
            both = masks[0, w] & masks[1, w]
            if both != _ZERO:
                k += popcount(both)
        most[0] = max(most[0], cells.start[c + 1] - cells.start[c])
        most[1] = max(most[1], k)


@small_kernel
def _load(cells, predicates, grain, gradients, points, stack, local, work, state):
    """Put the next cell on the empty stack, with its candidates as further sides."""
    c, d = state[CELL], points.t.shape[1]
    words, wide = points.pos.shape[1], stack.mask.shape[1]
    begin, n = cells.start[c], cells.start[c + 1] - cells.start[c]
    for w in range(words):
        work.above[w], work.below[w] = _ZERO, _ZERO
    deepest = 0
    for i in range(n):
        v = cells.corners[begin + i]
        stack.corner[i] = v
        deepest = max(deepest, points.depth[v])
        for w in range(wide):
            stack.mask[i, w] = cells.masks[begin + i, w] if w < cells.masks.shape[1] else _ZERO
        for w in range(words):
            work.above[w] |= points.pos[v, w]
            work.below[w] |= points.neg[v, w]
    first = cells.side_start[c]
    sides = cells.side_start[c + 1] - first
    for k in range(sides):
        local.label[k], local.fuzz[k] = cells.side_label[first + k], cells.fuzz[first + k]
        for a in range(d):
            local.normal[k, a] = cells.normals[first + k, a]
    for w in range(wide):
        stack.sides[0, w] = _ZERO
    for k in range(sides):
        stack.sides[0, k >> 6] |= _ONE << np.uint64(k & 63)
    row = c if gradients.shape[0] > 1 else 0
    for w in range(words):
        x = work.above[w] & work.below[w]
        while x != _ZERO:
            p = 64 * w + lowest(x)
            x &= x - _ONE
            left, right = predicates.left[p], predicates.right[p]
            steep = 0.0
            for a in range(d):
                g = gradients[row, a, left]
                if right >= 0:
                    g -= gradients[row, a, right]
                local.normal[sides, a] = g
                steep += g * g
            steep = max(np.sqrt(steep), 1e-300)
            for a in range(d):
                local.normal[sides, a] /= steep
            local.fuzz[sides] = 2 * (predicates.error[p] + 4 * d * grain[p]) / steep
            local.label[sides] = -(1 << 30) - p
            local.slot[p] = sides
            sides += 1
    stack.first[0], stack.first[1] = 0, n
    state[CURRENT], state[TOP] = c, 1
    state[CELL] += 1


@small_kernel
def _emit(first, n, ties, base, points, stack, local, work, out, state):
    """Take the topmost piece, which nothing cuts any more, as a finished cell; returns a code if there is no room."""
    top, c = state[TOP] - 1, state[CELLS]
    count = 0
    for w in range(stack.sides.shape[1]):
        count += popcount(stack.sides[top, w])
    if count > 64 * out.masks.shape[1]:
        return WIDE
    at, side = state[CORNERS], state[SIDES]
    full = c >= out.parent.shape[0] or at + n > out.corners.shape[0] or side + count > out.side_label.shape[0]
    if full:
        return FULL_OUTPUT
    for i in range(n):
        out.corners[at + i] = stack.corner[first + i]
        for w in range(out.masks.shape[1]):
            out.masks[at + i, w] = _ZERO
    k = 0
    for w in range(stack.sides.shape[1]):
        x = stack.sides[top, w]
        while x != _ZERO:
            bit = np.uint64(lowest(x))
            x &= x - _ONE
            old = 64 * w + np.int64(bit)
            label = local.label[old]
            out.side_label[side + k] = label if label >= -(1 << 29) else base - (label + (1 << 30))
            out.fuzz[side + k] = local.fuzz[old]
            for a in range(local.normal.shape[1]):
                out.normals[side + k, a] = local.normal[old, a]
            for i in range(n):
                out.masks[at + i, k >> 6] |= ((stack.mask[first + i, w] >> bit) & _ONE) << np.uint64(k & 63)
            k += 1
    for w in range(points.pos.shape[1]):
        out.bits[c, w] = ~work.below[w] if ties else work.above[w]
    out.parent[c] = state[CURRENT]
    state[CORNERS], state[SIDES], state[CELLS] = at + n, side + count, c + 1
    out.start[c + 1], out.side_start[c + 1] = at + n, side + count
    state[TOP] = top
    return 0


@small_kernel
def _is_edge(i, j, simple, first, n, d, stack, work):
    """Whether two corners of a piece span an edge; ``work.common`` receives the sides that they share."""
    wide = stack.mask.shape[1]
    if simple and wide == 1:
        mine, common = stack.mask[first + i, 0], stack.mask[first + i, 0] & stack.mask[first + j, 0]
        rest = mine ^ common
        work.common[0] = common
        return rest & (rest - _ONE) == _ZERO
    shared, theirs = 0, 0
    for w in range(wide):
        work.common[w] = stack.mask[first + i, w] & stack.mask[first + j, w]
        shared += popcount(work.common[w])
        theirs += popcount(stack.mask[first + j, w])
    if shared < d - 1:
        return False
    if simple or theirs == d or d == 3:  # noqa: PLR1714 - faster than a tuple when compiled
        return True
    for k in range(n):
        if k == i or k == j:  # noqa: PLR1714 - faster than a tuple when compiled
            continue
        held = True
        for w in range(wide):
            held = held and (stack.mask[first + k, w] & work.common[w]) == work.common[w]
        if held:
            return False
    return True


@small_kernel
def _side_of(v, p, points):
    bit, w = _ONE << np.uint64(p & 63), p >> 6
    if points.pos[v, w] & bit:
        return 1
    return -1 if points.neg[v, w] & bit else 0


@small_kernel
def _split(first, n, p, predicates, grain, given, points, table, stack, local, work, state):
    """Cut the topmost piece by predicate p: its negative part stays in place, the positive one goes on top."""
    top, d, wide = state[TOP] - 1, points.t.shape[1], stack.mask.shape[1]
    new = local.slot[p]
    plus, minus = 0, 0
    for w in range(wide):
        work.up[w], work.down[w] = _ZERO, _ZERO
    for i in range(n):
        side = _side_of(stack.corner[first + i], p, points)
        if side > 0:
            work.plus[plus] = i
            plus += 1
            for w in range(wide):
                work.up[w] |= stack.mask[first + i, w]
        elif side < 0:
            work.minus[minus] = i
            minus += 1
            for w in range(wide):
                work.down[w] |= stack.mask[first + i, w]
    if state[POINTS] + plus * minus > points.t.shape[0] or 2 * (state[POINTS] + plus * minus) > table.key.shape[0]:
        return FULL_POINTS
    if first + 2 * (n + plus * minus) > stack.corner.shape[0] or top + 3 > stack.first.shape[0]:
        return FULL_STACK
    if n + plus * minus > work.corner.shape[0]:
        return FULL_STACK
    bit, place = _ONE << np.uint64(new & 63), new >> 6
    on, over = 0, 0  # corners on the cut (kept in work), corners above (moved behind)
    base = first + n + plus * minus
    for a in range(plus):
        i, sides = work.plus[a], 0
        for w in range(wide):
            sides += popcount(stack.mask[first + i, w])
        simple = sides == d
        stack.corner[base + over] = stack.corner[first + i]
        for w in range(wide):
            stack.mask[base + over, w] = stack.mask[first + i, w]
        over += 1
        for b in range(minus):
            j = work.minus[b]
            if _is_edge(i, j, simple, first, n, d, stack, work):
                work.common[place] |= bit
                u, v = stack.corner[first + i], stack.corner[first + j]
                work.corner[on] = new_vertex(
                    u, v, p, work.common, predicates, grain, given, points, table, local, work, state
                )
                for w in range(wide):
                    work.mask[on, w] = work.common[w]
                on += 1
    under = 0
    for i in range(n):
        side = _side_of(stack.corner[first + i], p, points)
        if side == 0:
            work.corner[on] = stack.corner[first + i]
            for w in range(wide):
                work.mask[on, w] = stack.mask[first + i, w]
            work.mask[on, place] |= bit
            on += 1
        elif side < 0:
            stack.corner[first + under] = stack.corner[first + i]
            for w in range(wide):
                stack.mask[first + under, w] = stack.mask[first + i, w]
            under += 1
    work.up[place] |= bit
    work.down[place] |= bit
    for i in range(on):
        stack.corner[first + under + i] = work.corner[i]
        for w in range(wide):
            stack.mask[first + under + i, w] = work.mask[i, w] & work.down[w]
    begin = first + under + on
    for i in range(over):
        stack.corner[begin + i] = stack.corner[base + i]
        for w in range(wide):
            stack.mask[begin + i, w] = stack.mask[base + i, w]
    for i in range(on):
        stack.corner[begin + over + i] = work.corner[i]
        for w in range(wide):
            stack.mask[begin + over + i, w] = work.mask[i, w] & work.up[w]
    for w in range(wide):
        stack.sides[top, w] = work.down[w]
        stack.sides[top + 1, w] = work.up[w]
    stack.first[top + 1], stack.first[top + 2] = begin, begin + over + on
    state[TOP] = top + 2
    return 0


@kernel
def split_cells(cells, predicates, grain, gradients, given, ties, base, points, table, stack, local, work, out, state):
    """Cut all cells by all predicates that change sign on them.

    Args:
        cells: ``Solids``.
        predicates: ``Predicates``.
        grain: (n,) growth of the evaluation error with each interpolation.
        gradients: (C or 1, d, width) slopes of the values on each cell.
        given: ``Given``: signs that exact arithmetic gave.
        ties: bit of a predicate that vanishes identically on a cell.
        base: label of the first predicate.
        points: ``Points``: the old vertices with their signs, and room for new ones.
        table: ``Table`` of the edges that are cut.
        stack, local, work: scratch.
        out: ``Output``, filled in place.
        state: counters; the call goes on where they say.

    Returns:
        0 when all is done, else which room is too small; the caller makes more and calls again.
    """
    words = points.pos.shape[1]
    while True:
        if state[TOP] == 0:
            if state[CELL] == cells.start.shape[0] - 1:
                return 0
            _load(cells, predicates, grain, gradients, points, stack, local, work, state)
        top = state[TOP] - 1
        first = stack.first[top]
        n = stack.first[top + 1] - first
        for w in range(words):
            work.above[w], work.below[w] = _ZERO, _ZERO
        for i in range(n):
            v = stack.corner[first + i]
            for w in range(words):
                work.above[w] |= points.pos[v, w]
                work.below[w] |= points.neg[v, w]
        p = -1
        for w in range(words):
            both = work.above[w] & work.below[w]
            if both != _ZERO:
                p = 64 * w + lowest(both)
                break
        if p < 0:
            code = _emit(first, n, ties, base, points, stack, local, work, out, state)
        else:
            code = _split(first, n, p, predicates, grain, given, points, table, stack, local, work, state)
        if code != 0:
            return code
