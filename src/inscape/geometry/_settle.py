"""Settle by exact arithmetic what rounding left open in one round: signs, orders along edges, sides of crossings."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, cmp_to_key

import numpy as np

from inscape.geometry._block import Block, Level
from inscape.geometry._dyadic import common_point, side
from inscape.geometry._exact import Site, WorkLimit
from inscape.geometry._kernels_arrange import UNSETTLED, Chords, Mesh
from inscape.geometry._kernels_edges import Crossings
from inscape.geometry._kernels_signs import Predicates, Signs, unpack
from inscape.geometry._plan import Plan, Step
from inscape.geometry._program import Maximum

Row = list[int]
"""[constant, slopes...] of an affine function on a cell, in whole numbers."""


@dataclass(kw_only=True, eq=False)
class Desk:
    """Where the open decisions of one round on a block are settled.

    Attributes:
        plan: the plan.
        block: the block before the round.
        step: the step.
        number: the round.
        base: first label of the round's predicates.
    """

    plan: Plan
    block: Block
    step: Step
    number: int
    base: int
    _sites: dict[int, Site] = field(default_factory=dict)

    def site(self, locus: int) -> Site:
        """The pattern of a cell in all steps and rounds before; in a block without cells, of an edge."""
        if locus not in self._sites:
            pattern: dict[int, np.ndarray] = {}
            rounds: list[np.ndarray] = []
            block, at = self.block, locus
            while True:
                for level in reversed(block.traces if block.bare else block.levels):
                    self._note(level, level.bits[at], pattern, rounds)
                    at = int(level.parent[at])
                if block.past is None:
                    break
                block, at = block.past.block, int(block.past.members[at])
            self._sites[locus] = Site(pattern=pattern, rounds=rounds[::-1])
        return self._sites[locus]

    def _note(self, level: Level, bits: np.ndarray, pattern: dict[int, np.ndarray], rounds: list[np.ndarray]) -> None:
        if level.step == self.step.node:
            stage = self.step.stages[self.number - 1 - len(rounds)]
            rounds.append(unpack(bits[None], stage.split.size)[0])
        elif isinstance(self.plan.steps[level.step].rule, Maximum):
            pattern[level.step] = bits
        else:
            pattern[level.step] = unpack(bits[None], self.plan.steps[level.step].size)[0]

    def predicates(self, locus: int, numbers: Sequence[int]) -> list[Row]:
        """Predicates of the round as affine functions on a cell or an edge."""
        found = self._rows(self.site(locus), [self.base + int(p) for p in numbers])
        if found is None:
            raise WorkLimit
        return found

    def edge(self, edge: int) -> tuple[int, list[Row]] | None:
        """Where to evaluate on an edge, and what vanishes along it: one function in the plane, none on a line."""
        if self.block.dimension == 1:
            return edge, []
        for locus in (edge,) if self.block.bare else self._sides[edge].tolist():
            found = None if locus < 0 else self._rows(self._towards(locus, edge), [int(self.block.label[edge])])
            if found is not None:
                return locus, found
        return None

    def point(self, vertex: int) -> tuple[int, list[int]] | None:
        """Where to evaluate at a vertex, and the exact vertex; None if nothing that is known pins it down."""
        touching = self._edges_at(vertex)
        lines: list[Row] = []
        locus = -1
        for edge in touching:
            found = self.edge(edge)
            if found is not None:
                locus, lines = found[0], [*lines, *found[1]]
                point = common_point(lines, self.block.dimension)
                if point is not None:
                    return locus, point
        if locus < 0:
            return None
        point = self._elsewhere(vertex)
        if point is None and (self.block.dimension == 1 or self.block.bare):
            lines += self._on_a_line(vertex, touching)
            point = common_point(lines, self.block.dimension)
        return None if point is None else (locus, point)

    def _rows(self, site: Site, labels: Sequence[int]) -> list[Row] | None:
        return self.block.exact.rows(site, labels, self.block.allowance)

    def _towards(self, locus: int, edge: int) -> Site:
        """A cell as seen with its neighbour across an edge."""
        site = self.site(locus)
        across = -1 if self.block.bare else int(self._sides[edge].sum()) - locus
        return replace(site, beyond=self.site(across).pattern) if across >= 0 else site

    def _elsewhere(self, vertex: int) -> list[int] | None:
        """The exact vertex of a block without cells, from the block that it was taken from."""
        past, source = self.block.past, self.block.source_vertex
        if not self.block.bare or past is None or source is None or vertex >= len(source):
            return None
        desk = Desk(plan=self.plan, block=past.block, step=self.step, number=0, base=self.base)
        found = desk.point(int(source[vertex]))
        return None if found is None else found[1]

    def _on_a_line(self, vertex: int, touching: list[int]) -> list[Row]:
        """Along a line, a vertex is where the patterns of its two edges part, or a wall."""
        if len(touching) == 2:
            row = self._parting(*touching)
            return [] if row is None else [row]
        if self.block.dimension > 1 or len(touching) > 2:
            return []
        upper = int(self.block.ends[touching[0], 1]) == vertex
        return self._rows(self.site(touching[0]), [-2 if upper else -1]) or []

    def _parting(self, a: int, b: int) -> Row | None:
        """A function that changes sign between two neighbours: of the first step in which their patterns differ."""
        one, other = self.site(a), self.site(b)
        for node, step in self.plan.steps.items():
            if node in one.pattern and not np.array_equal(one.pattern[node], other.pattern[node]):
                place = int(np.flatnonzero(one.pattern[node] != other.pattern[node])[0])
                if isinstance(step.rule, Maximum):
                    pair = tuple(int(step.rule.groups[place, s.pattern[node][place]]) for s in (one, other))
                    return self.block.exact.difference(one, step, pair, self.block.allowance)
                rows = self._rows(one, [step.base + place])
                return None if rows is None else rows[0]
        base = self.step.base
        for mine, theirs in zip(one.rounds, other.rounds, strict=True):
            if not np.array_equal(mine, theirs):
                rows = self._rows(one, [base + int(np.flatnonzero(mine != theirs)[0])])
                return None if rows is None else rows[0]
            base += len(mine)
        return None

    @cached_property
    def _sides(self) -> np.ndarray:
        sides = np.full((len(self.block.ends), 2), -1)
        sides[self.block.half >> 1, self.block.half & 1] = np.repeat(
            np.arange(self.block.cell_count), np.diff(self.block.start)
        )
        return sides

    @cached_property
    def _by_end(self) -> tuple[np.ndarray, np.ndarray]:
        ends = self.block.ends.ravel()
        order = np.argsort(ends, kind="stable")
        return order >> 1, ends[order]

    def _edges_at(self, vertex: int) -> list[int]:
        edge, end = self._by_end
        first, stop = np.searchsorted(end, [vertex, vertex + 1])
        return edge[first:stop].tolist()


def settle_signs(
    desk: Desk, values: np.ndarray, predicates: Predicates, found: Signs, rows: np.ndarray, bounds: np.ndarray
) -> None:
    """Settle the signs of predicates at marked vertices, in place; where a value has the wrong sign, it is moved.

    Args:
        desk: the round.
        values: (V, width) values at the vertices.
        predicates: the predicates.
        found: their signs.
        rows: (m,) vertices.
        bounds: (m, n) bounds below which a value says nothing.
    """
    z = values[rows[:, None], predicates.left] - predicates.offset
    paired = predicates.right >= 0
    z = z - np.where(paired, values[rows[:, None], np.where(paired, predicates.right, 0)], 0.0)
    unsure = (np.abs(z) <= bounds) & (bounds > 0) & ((z != 0) | ~paired)
    for vertex, row, open_ in zip(rows.tolist(), z, unsure, strict=True):
        wanted = np.flatnonzero(open_)
        try:
            known = desk.point(vertex)
            if known is None:
                continue
            cell, point = known
            signs = [side(line, point) for line in desk.predicates(cell, wanted.tolist())]
        except WorkLimit:
            continue
        for p, sign in zip(wanted.tolist(), signs, strict=True):
            _write(found, vertex, p, sign)
            if np.sign(row[p]) != sign:
                _move(values, predicates, vertex, p, sign)
        found.marks[vertex] = False


def _write(found: Signs, vertex: int, p: int, sign: int) -> None:
    word, bit = p >> 6, np.uint64(1) << np.uint64(p & 63)
    for bits, mine in ((found.pos, sign > 0), (found.neg, sign < 0)):
        bits[vertex, word] = bits[vertex, word] | bit if mine else bits[vertex, word] & ~bit


def _move(values: np.ndarray, predicates: Predicates, vertex: int, p: int, sign: int) -> None:
    """Give a value that lies within its error of zero the sign that it should have."""
    other = predicates.right[p]
    zero = predicates.offset[p] if other < 0 else values[vertex, other] + predicates.offset[p]
    values[vertex, predicates.left[p]] = zero if sign == 0 else np.nextafter(zero, sign * np.inf)


def settle_crossings(
    desk: Desk, values: np.ndarray, predicates: Predicates, found: Signs, crossings: Crossings
) -> Crossings:
    """Settle the order of crossings along edges.

    Args:
        desk: the round.
        values: (V, width) values at the vertices.
        predicates: the predicates.
        found: their signs, settled.
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
        except WorkLimit:
            continue
    return _spliced(desk.block, values, predicates, crossings, changed) if changed else crossings


def _ordered(
    desk: Desk, edge: int, context: tuple[int, list[Row]], found: Signs, crossings: Crossings
) -> list[list[int]]:
    """Predicates in their order along an edge, those that vanish together in one list."""
    cell, line = context
    start, stop = crossings.total[edge], crossings.total[edge + 1]
    vertex, which = crossings.vertex[start:stop], crossings.predicate[start:stop].tolist()
    doubt = crossings.doubt[vertex]
    unsure = [p for p, open_ in zip(which, doubt, strict=True) if open_]
    rows = dict(zip(unsure, desk.predicates(cell, unsure), strict=True))
    points = {p: common_point([*line, row], desk.block.dimension) for p, row in rows.items()}
    if any(point is None for point in points.values()):
        raise WorkLimit
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


def _spliced(
    block: Block, values: np.ndarray, predicates: Predicates, old: Crossings, changed: dict[int, list[list[int]]]
) -> Crossings:
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
        _place(block, values, predicates, edge, groups, out)
    return out


_PER_VERTEX = ("edge", "s", "radius", "doubt", "origin")


def _place(
    block: Block, values: np.ndarray, predicates: Predicates, edge: int, groups: list[list[int]], out: Crossings
) -> None:
    a, b = block.ends[edge]
    order = np.array([p for group in groups for p in group])
    number = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    ends = values[[[a], [b]], predicates.left[order]] - predicates.offset[order]
    other = predicates.right[order]
    ends = ends - np.where(other >= 0, values[[[a], [b]], np.maximum(other, 0)], 0.0)
    rise = np.maximum(np.abs(ends[0] - ends[1]), np.finfo(float).tiny)
    share = np.clip(np.abs(ends[0]) / rise, 0.0, 1.0)
    length = float(np.linalg.norm(block.xy[b] - block.xy[a]))
    shift = 2 * predicates.error[order] + predicates.slope[order] * block.edge_radius[edge]
    radius = block.edge_radius[edge] + shift * length / rise
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
        row = dict(zip(numbers, desk.predicates(cell, numbers), strict=True))
        points: dict[tuple[int, int], list[int] | None] = {}
        for n, (i, j, c) in enumerate(triples.tolist()):
            if (i, j) not in points:
                points[i, j] = common_point([row[i], row[j]], 2)
            point = points[i, j]
            if point is not None:
                answer[n] = side(row[c], point)
    except WorkLimit:
        pass
    known = np.concatenate([mesh.known, asked])
    order = np.argsort(known)
    return mesh._replace(known=known[order], answer=np.concatenate([mesh.answer, answer])[order])
