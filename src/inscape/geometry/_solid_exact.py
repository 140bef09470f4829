"""Settle by exact arithmetic what rounding left open in one round, in dimension 3 and more."""

from dataclasses import dataclass, field

import numpy as np

from inscape.geometry import _codes as codes
from inscape.geometry import _split_room as room
from inscape.geometry._exact import exact_point, exact_signs
from inscape.geometry._kernels_signs import Signs, unpack
from inscape.geometry._plan import Plan, Step
from inscape.geometry._site import Site
from inscape.geometry._solid import Solid
from inscape.geometry._split import Answer, Question, split

ATTEMPTS = 8
"""How often a round is cut again because an exact sign contradicts what rounding suggested."""


WORST_PLACE = 1e-8
"""Position error, as a share of the window, above which a new vertex is placed by exact arithmetic."""


@dataclass(kw_only=True, eq=False)
class _Known:
    """What exact arithmetic has said so far of new vertices: signs (name, predicate, sign), and places by name."""

    signs: list[tuple[int, int, int]] = field(default_factory=list)
    places: dict[int, float] = field(default_factory=dict)

    def named(self) -> np.ndarray:
        return np.array(list(self.places), np.uint64)

    def given(self) -> room.Given:
        """The same in the order of names, in which the kernel looks it up."""
        rows = sorted(self.signs)
        return room.Given(
            name=np.array([name for name, _, _ in rows], np.uint64),
            predicate=np.array([predicate for _, predicate, _ in rows], np.int64),
            sign=np.array([sign for _, _, sign in rows], np.int64),
            placed=np.array(sorted(self.places), np.uint64),
            s=np.array([self.places[name] for name in sorted(self.places)], np.float64),
        )


@dataclass(kw_only=True, eq=False)
class Court:
    """Where the open decisions of one round on a block are settled.

    Attributes:
        plan: the plan.
        solid: the block before the round.
        step: the step.
        rounds: packed signs of the step's earlier rounds on the present cells.
        origin: (C,) cell before the step in which each present cell lies.
    """

    plan: Plan
    solid: Solid
    step: Step
    rounds: list[np.ndarray]
    origin: np.ndarray
    _sites: dict[int, Site] = field(default_factory=dict)

    def settle_corners(self, values: np.ndarray, found: Signs, question: Question) -> None:
        """Decide the signs at old vertices that are marked, in place; what stays open stays marked.

        Args:
            values: (V, width) values at the vertices.
            found: their signs.
            question: what the round cuts by.
        """
        marked = np.flatnonzero(found.marks)
        if not len(marked):
            return
        solid, given = self.solid, question.predicates
        bound = given.error + given.slope * solid.radius[marked, None]
        open_ = np.abs(_at(values, marked, question)) <= bound
        for v, places, queries in zip(marked.tolist(), _places(solid.corners, marked), open_, strict=True):
            asked = np.flatnonzero(queries)
            cell, vanishing = _around(solid, places)
            signs = self._signs(cell, vanishing, asked + question.base)
            if signs is not None:
                _put(found.pos, found.neg, v, asked, signs)
                found.marks[v] = False

    def cut(self, values: np.ndarray, found: Signs, question: Question) -> Answer:
        """Cut the cells; where rounding guessed wrongly, cut them again with what is right.

        Args:
            values: (V, width) values at the vertices.
            found: their signs.
            question: what the round cuts by.

        Returns:
            The vertices and cells after the cut; ``close`` marks the vertices that stay in doubt.
        """
        made = split(self.solid, values, found, question)
        known = _Known()
        for _ in range(ATTEMPTS):
            right = self._check_signs(made, question, known) and self._check_places(made, question.base, known)
            if right or not made.complete:
                break
            made = split(self.solid, values, found, question, known.given())
        return made

    def _check_signs(self, made: Answer, question: Question, known: "_Known") -> bool:
        """Ask for the signs that rounding left open at new vertices; whether all were guessed rightly."""
        points, cells, old = made.points, made.cells, len(self.solid.xy)
        fresh = np.flatnonzero(points.close[old:]) + old
        if not len(fresh):
            return True
        given, right = question.predicates, True
        z = _at(points.values, fresh, question)
        bound = given.error + question.grain * points.depth[fresh, None] + given.slope * points.radius[fresh, None]
        crossing = _crossing(points, fresh, len(given.left)) & (np.abs(z) <= bound)
        crossing[np.arange(len(fresh)), points.on[fresh]] = False
        for x, places, queries in zip(fresh.tolist(), _places(cells.corners, fresh), crossing, strict=True):
            asked = np.flatnonzero(queries)
            cell, labels = _around(cells, places)
            vanishing = np.append(np.setdiff1d(labels, asked + question.base), points.on[x] + question.base)
            signs = self._signs(int(cells.parent[cell]), vanishing, asked + question.base)
            if signs is None:
                continue
            known.signs += [(int(points.name[x]), int(q), int(s)) for q, s in zip(asked, signs, strict=True)]
            guessed = _signs_at(points, x, len(given.left))[asked]
            right = right and bool((guessed == signs).all())
            points.close[x] = False
        return right

    def _check_places(self, made: Answer, base: int, known: "_Known") -> bool:
        """Ask where new vertices lie that rounding places badly; whether there are none."""
        points, cells, old = made.points, made.cells, len(self.solid.xy)
        chart = self.plan.chart
        far = points.radius[old:] > WORST_PLACE * float(np.max(chart.high - chart.low))
        fresh = np.flatnonzero(far & ~np.isin(points.name[old:], known.named())) + old
        for x, places in zip(fresh.tolist(), _places(cells.corners, fresh), strict=True):
            cell, labels = _around(cells, places)
            site, vanishing = self._site(int(cells.parent[cell])), [*labels.tolist(), int(points.on[x]) + base]
            point = exact_point(self.solid.exact, site, vanishing, allowance=self.solid.allowance)
            if point is None:
                points.close[x] = True
                continue
            begin, along = points.t[points.a[x]], points.t[points.b[x]] - points.t[points.a[x]]
            s = float((point - begin) @ along / max(along @ along, 1e-300))
            known.places[int(points.name[x])] = min(1.0, max(0.0, s))
        return not len(fresh)

    def _signs(self, cell: int, vanishing: np.ndarray, queries: np.ndarray) -> np.ndarray | None:
        solid = self.solid
        asked = vanishing.tolist(), queries.tolist()
        return exact_signs(solid.exact, self._site(cell), *asked, allowance=solid.allowance)

    def _site(self, cell: int) -> Site:
        """The pattern of a cell in all steps and rounds before."""
        if cell not in self._sites:
            sizes = [stage.split.size for stage in self.step.stages if stage.split.size]
            rounds = [unpack(b[cell][None], size)[0] for b, size in zip(self.rounds, sizes, strict=False)]
            pattern: dict[int, np.ndarray] = {}
            solid, at = self.solid, int(self.origin[cell])
            while True:
                for level in reversed(solid.levels):
                    pattern[level.step] = codes.pattern(level.bits[at][None], self.plan.steps[level.step])[0]
                    at = int(level.parent[at])
                if solid.past is None:
                    break
                solid, at = solid.past.solid, int(solid.past.members[at])
            self._sites[cell] = Site(pattern=pattern, rounds=rounds)
        return self._sites[cell]


def _places(corners: np.ndarray, vertices: np.ndarray) -> list[np.ndarray]:
    """For each vertex the places where it stands in the list of corners."""
    order = np.argsort(corners, kind="stable")
    first = np.searchsorted(corners, vertices, sorter=order)
    last = np.searchsorted(corners, vertices, side="right", sorter=order)
    return [order[a:b] for a, b in zip(first, last, strict=True)]


def _around(cells: Solid | room.Output, places: np.ndarray) -> tuple[int, np.ndarray]:
    """A cell at a vertex, and the labels of all sides of all cells on which the vertex lies."""
    # what vanishes at the vertex on one cell does so on all of them, since the network is continuous
    around = np.searchsorted(cells.start, places, side="right") - 1
    labels = [_labels(cells, int(cell), int(place)) for cell, place in zip(around, places, strict=True)]
    return int(around[0]), np.unique(np.concatenate(labels))


def _labels(cells: Solid | room.Output, cell: int, place: int) -> np.ndarray:
    """Labels of the sides on which a corner of a cell lies."""
    first, last = cells.side_start[cell], cells.side_start[cell + 1]
    return cells.side_label[first:last][unpack(cells.masks[place][None], int(last - first))[0]]


def _at(values: np.ndarray, rows: np.ndarray, question: Question) -> np.ndarray:
    """(m, n) values of the predicates at some vertices."""
    given = question.predicates
    z = values[rows][:, given.left] - given.offset
    paired = given.right >= 0
    return z - np.where(paired, values[rows][:, np.where(paired, given.right, 0)], 0.0)


def _crossing(points: room.Points, rows: np.ndarray, n: int) -> np.ndarray:
    """(m, n) which predicates change sign along the edges on which new vertices lie."""
    a, b = points.a[rows], points.b[rows]
    return unpack((points.pos[a] & points.neg[b]) | (points.neg[a] & points.pos[b]), n)


def _signs_at(points: room.Points, x: int, n: int) -> np.ndarray:
    return unpack(points.pos[x][None], n)[0].astype(np.int8) - unpack(points.neg[x][None], n)[0]


def _put(pos: np.ndarray, neg: np.ndarray, v: int, predicates: np.ndarray, signs: np.ndarray) -> None:
    for p, sign in zip(predicates.tolist(), signs.tolist(), strict=True):
        word, bit = p >> 6, np.uint64(1 << (p & 63))
        for bits, on in ((pos, sign > 0), (neg, sign < 0)):
            bits[v, word] = bits[v, word] | bit if on else bits[v, word] & ~bit
