"""Settle by exact arithmetic what rounding left open in one round: signs, orders along edges, sides of crossings."""

from functools import cmp_to_key

import numpy as np

from inscape.geometry._desk import Desk, Row
from inscape.geometry._dyadic import common_point, side
from inscape.geometry._exact import WorkLimitError
from inscape.geometry._kernels_arrange import UNSETTLED, Chords, Mesh
from inscape.geometry._kernels_edges import Crossings
from inscape.geometry._kernels_signs import Predicates, Signs, lonely_zeros, unpack


def open_signs(desk: Desk, found: Signs, rows: np.ndarray, bounds: np.ndarray) -> dict[int, np.ndarray]:
    """Find the signs that nothing has decided yet.

    Among them are ties of competitors at single vertices: on a whole cell a tie comes from the same sum of the same
    numbers, at one vertex it may as well come from rounding.

    Args:
        desk: the round.
        found: signs of its predicates; vertices with such ties are marked in place.
        rows: (m,) vertices that were marked.
        bounds: (m, n) bounds below which a value says nothing there.

    Returns:
        Marked vertex → its undecided predicates.
    """
    values, predicates = desk.values, desk.predicates
    paired = predicates.right >= 0
    marked = np.flatnonzero(found.marks[rows])
    z = values[rows[marked, None], predicates.left] - predicates.offset
    if paired.any():
        z = z - np.where(paired, values[rows[marked, None], np.maximum(predicates.right, 0)], 0.0)
    unsure = (np.abs(z) <= bounds[marked]) & (bounds[marked] > 0) & ((z != 0) | ~paired)
    result = {int(v): np.flatnonzero(open_) for v, open_ in zip(rows[marked], unsure, strict=True)}
    if paired.any():
        lonely = lonely_zeros(*desk.block.corners(), found, len(paired))
        tied = np.flatnonzero(lonely.any(1))
        for v, alone in zip(tied.tolist(), unpack(lonely[tied], len(paired)), strict=True):
            more = np.flatnonzero(alone & paired)
            if len(more):
                found.marks[v] = True
                result[v] = np.union1d(result.get(v, more), more)
    return result


def settle_signs(desk: Desk, found: Signs, unsure: dict[int, np.ndarray]) -> None:
    """Settle signs at marked vertices, in place; where a value has the wrong sign, it is moved.

    Args:
        desk: the round.
        found: signs of its predicates.
        unsure: vertex → predicates whose signs are to be settled there.
    """
    for vertex, wanted in unsure.items():
        try:
            known = desk.point(vertex)
            if known is None:
                continue
            locus, point = known
            signs = [side(line, point) for line in desk.rows(locus, wanted.tolist())]
        except WorkLimitError:
            continue
        for p, sign in zip(wanted.tolist(), signs, strict=True):
            _write(found, vertex, p, sign)
            _move(desk.values, desk.predicates, vertex, p, sign)
        found.marks[vertex] = False


def _write(found: Signs, vertex: int, p: int, sign: int) -> None:
    word, bit = p >> 6, np.uint64(1) << np.uint64(p & 63)
    for bits, mine in ((found.pos, sign > 0), (found.neg, sign < 0)):
        bits[vertex, word] = bits[vertex, word] | bit if mine else bits[vertex, word] & ~bit


def _move(values: np.ndarray, predicates: Predicates, vertex: int, p: int, sign: int) -> None:
    """Give a value that lies within its error of zero the sign that it should have."""
    left, other = predicates.left[p], predicates.right[p]
    zero = predicates.offset[p] if other < 0 else values[vertex, other] + predicates.offset[p]
    if np.sign(values[vertex, left] - zero) != sign:
        values[vertex, left] = zero if sign == 0 else np.nextafter(zero, sign * np.inf)


def settle_crossings(desk: Desk, found: Signs, crossings: Crossings) -> Crossings:
    """Settle the order of crossings along edges.

    Args:
        desk: the round.
        found: signs of its predicates, settled.
        crossings: the crossings; those that were read from a record stay as they are.

    Returns:
        The crossings in their exact order, merged where they coincide.
    """
    changed: dict[int, list[list[int]]] = {}
    for edge in np.unique(crossings.edge[crossings.doubt & (crossings.origin < 0)]).tolist():
        try:
            context = desk.edge(edge)
            if context is not None:
                changed[edge] = _ordered(desk, edge, context, found, crossings)
        except WorkLimitError:
            continue
    return _spliced(desk, crossings, changed) if changed else crossings


def _ordered(
    desk: Desk, edge: int, context: tuple[int, list[Row]], found: Signs, crossings: Crossings
) -> list[list[int]]:
    """Predicates in their order along an edge, those that vanish together in one list."""
    cell, line = context
    start, stop = crossings.total[edge], crossings.total[edge + 1]
    vertex, which = crossings.vertex[start:stop], crossings.predicate[start:stop].tolist()
    doubt = crossings.doubt[vertex]
    unsure = [p for p, open_ in zip(which, doubt, strict=True) if open_]
    rows = dict(zip(unsure, desk.rows(cell, unsure), strict=True))
    points = {p: common_point([*line, row], desk.block.dimension) for p, row in rows.items()}
    if any(point is None for point in points.values()):
        raise WorkLimitError
    a = desk.block.ends[edge, 0]
    at_start = {p: 1 if int(found.pos[a, p >> 6]) >> (p & 63) & 1 else -1 for p in unsure}

    def compare(p: int, q: int) -> int:
        there = side(rows[q], points[p] or [])
        return 0 if there == 0 else -1 if there == at_start[q] else 1

    groups: list[list[int]] = []
    place = 0
    while place < len(which):
        end = place + 1
        while doubt[place] and end < len(which) and doubt[end]:
            end += 1
        run = which[place:end]
        if doubt[place]:
            run.sort(key=cmp_to_key(compare))
        for k, p in enumerate(run):
            if k and compare(groups[-1][0], p) == 0:
                groups[-1].append(p)
            else:
                groups.append([p])
        place = end
    return groups


def _spliced(desk: Desk, old: Crossings, changed: dict[int, list[list[int]]]) -> Crossings:
    """Crossings with those of some edges replaced."""
    size = np.diff(old.sub)
    for edge, groups in changed.items():
        size[edge] = len(groups) + 1
    sub = np.concatenate([[0], np.cumsum(size)])
    every = np.arange(len(size))
    shift = (sub[:-1] - every) - (old.sub[:-1] - every)
    kept = ~np.isin(old.edge, list(changed))
    at = np.flatnonzero(kept) + shift[old.edge[kept]]
    out = old._replace(
        predicate=old.predicate.copy(),
        vertex=(old.vertex + np.repeat(shift, np.diff(old.total))).astype(np.int32),
        sub=sub,
        **{name: np.zeros(sub[-1] - len(size), getattr(old, name).dtype) for name in _PER_VERTEX},
    )
    for name in _PER_VERTEX:
        getattr(out, name)[at] = getattr(old, name)[kept]
    for edge, groups in changed.items():
        _place(desk, edge, groups, out)
    return out


_PER_VERTEX = ("edge", "s", "radius", "doubt", "origin")


def _place(desk: Desk, edge: int, groups: list[list[int]], out: Crossings) -> None:
    """Put down the vertices of one edge."""
    block, values, predicates = desk.block, desk.values, desk.predicates
    a, b = block.ends[edge]
    order = np.array([p for group in groups for p in group])
    number = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    ends = values[[[a], [b]], predicates.left[order]] - predicates.offset[order]
    other = predicates.right[order]
    ends = ends - np.where(other >= 0, values[[[a], [b]], np.maximum(other, 0)], 0.0)
    rise = np.maximum(np.abs(ends[0] - ends[1]), np.finfo(float).tiny)
    share = np.clip(np.abs(ends[0]) / rise, 0.0, 1.0)
    length = float(np.linalg.norm(block.xy[b] - block.xy[a]))
    error = predicates.error[order] + predicates.slope[order] * block.edge_radius[edge]
    blur = length + block.radius[a] + block.radius[b]
    radius = block.edge_radius[edge] + np.where(rise > 4 * error, 2 * error * length / rise, blur)
    first = out.sub[edge] - edge
    for k in range(len(groups)):
        best = np.flatnonzero(number == k)[np.argmin(radius[number == k])]
        out.s[first + k], out.radius[first + k] = share[best], radius[best]
    new = slice(first, first + len(groups))
    out.s[new] = np.maximum.accumulate(out.s[new])
    out.edge[new], out.doubt[new], out.origin[new] = edge, False, -1
    entries = slice(out.total[edge], out.total[edge + 1])
    out.predicate[entries], out.vertex[entries] = order, first + number


def settle_chords(desk: Desk, cell: int, chords: Chords, mesh: Mesh) -> Mesh:
    """Answer the questions of a cell: on which side of a chord two others cross.

    Args:
        desk: the round.
        cell: the cell that asked.
        chords: its chords.
        mesh: its questions, and the answers of earlier rounds of questions.

    Returns:
        The mesh with all answers.
    """
    asked = np.unique(mesh.asked[: mesh.tally[0]])
    k = len(chords.predicate)
    triples = chords.predicate[np.stack([asked // k // k, asked // k % k, asked % k], axis=1)]
    answer = np.full(len(asked), UNSETTLED, np.int8)
    try:
        numbers = np.unique(triples).tolist()
        row = dict(zip(numbers, desk.rows(cell, numbers), strict=True))
        points: dict[tuple[int, int], list[int] | None] = {}
        for n, (i, j, c) in enumerate(triples.tolist()):
            if (i, j) not in points:
                points[i, j] = common_point([row[i], row[j]], 2)
            point = points[i, j]
            if point is not None:
                answer[n] = side(row[c], point)
    except WorkLimitError:
        pass
    known = np.concatenate([mesh.known, asked])
    order = np.argsort(known)
    return mesh._replace(known=known[order], answer=np.concatenate([mesh.answer, answer])[order])
