"""Where a decision that rounding left open is looked up: cells and their patterns, edges and vertices, exactly."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from inscape.geometry import _codes as codes
from inscape.geometry._block import Block, Level
from inscape.geometry._dyadic import common_point
from inscape.geometry._exact import WorkLimitError
from inscape.geometry._kernels_signs import Predicates, unpack
from inscape.geometry._plan import Plan, Step
from inscape.geometry._program import Maximum
from inscape.geometry._site import Site

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
        values: (V, width) values at the vertices.
        predicates: the round's predicates of these values.
    """

    plan: Plan
    block: Block
    step: Step
    number: int
    base: int
    values: np.ndarray
    predicates: Predicates
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
        else:
            pattern[level.step] = codes.pattern(bits[None], self.plan.steps[level.step])[0]

    def rows(self, locus: int, numbers: Sequence[int]) -> list[Row]:
        """Predicates of the round as affine functions on a cell or an edge."""
        found = self._rows(self.site(locus), [self.base + int(p) for p in numbers])
        if found is None:
            raise WorkLimitError
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
        desk = replace(self, block=past.block, number=0, _sites={})
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
                    members = step.rule.groups[place]
                    pair = (int(members[one.pattern[node][place]]), int(members[other.pattern[node][place]]))
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
