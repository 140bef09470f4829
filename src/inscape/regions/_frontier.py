"""The search from region to region: what is known, what lies beyond it, and what comes next."""

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush, nsmallest
from itertools import count
from typing import Literal

import numpy as np

from inscape.geometry import (
    Facets,
    LocalPlan,
    LocalRegion,
    facets,
    largest_ball,
    nearest_point,
    neighbours_of,
    patterns_at,
    region_of,
    regions_of,
)
from inscape.regions._pattern_code import PatternCode

_MOST_AHEAD = 32
_FEW_DIMENSIONS = 12
_NUMBERS_AHEAD = 1 << 19

Order = Literal["best-first", "breadth-first"] | Callable[[np.ndarray], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Way:
    """A facet through which a region was seen, where its distance is still to be computed.

    Attributes:
        normals: (k, d) unit normals of the facets and walls around the region on this side.
        offsets: (k,) right-hand sides.
        facet: which of them was crossed.
    """

    normals: np.ndarray
    offsets: np.ndarray
    facet: int


@dataclass(order=True, slots=True)
class _Item:
    """A region that was seen and not yet looked at; the heap orders by the first two fields."""

    priority: float
    number: int
    key: bytes = field(compare=False)
    point: np.ndarray = field(compare=False)
    way: _Way | None = field(compare=False, default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sight:
    """A region that was looked at.

    Attributes:
        region: the region.
        facets: its facets.
        keys: packed patterns beyond them.
    """

    region: LocalRegion
    facets: Facets
    keys: list[bytes]


def _size(found: Facets) -> int:
    return len(found.rows)


@dataclass(kw_only=True, slots=True)
class Journal:
    """What the search has found, in the order of finding.

    Attributes:
        index: packed pattern → number of the region.
        empty: packed patterns of regions without interior, as far as rounding can tell.
        priorities: at which each region was taken.
        centres: centre of the largest ball inside each.
        radii: its radius.
        uncertain: half-spaces of each that were not decided.
        beyond: for each its neighbours' packed patterns.
        labels: for each the predicates of its facets.
    """

    index: dict[bytes, int] = field(default_factory=dict)
    empty: set[bytes] = field(default_factory=set)
    priorities: list[float] = field(default_factory=list)
    centres: list[np.ndarray] = field(default_factory=list)
    radii: list[float] = field(default_factory=list)
    uncertain: list[int] = field(default_factory=list)
    beyond: list[list[bytes]] = field(default_factory=list)
    labels: list[np.ndarray] = field(default_factory=list)


class Frontier:
    """Regions that were seen but not looked at, in the order in which they are to be taken."""

    def __init__(
        self, plan: LocalPlan, walls: tuple[np.ndarray, np.ndarray] | None, starts: np.ndarray, order: Order
    ) -> None:
        """Begin at some points.

        Args:
            plan: the network.
            walls: (d,) low and high walls, or None.
            starts: (n, d) points from which distances are measured.
            order: which region comes next.
        """
        self.plan, self.starts, self.order = plan, starts, order
        self.low, self.high = (None, None) if walls is None else walls
        self.code = PatternCode.of(plan)
        self.journal = Journal()
        self._heap: list[_Item] = []
        self._sights: dict[bytes, _Sight] = {}
        numbers = max(plan.size, 1) * (plan.dimension + 1)
        self._ahead = min(_MOST_AHEAD, _NUMBERS_AHEAD // numbers) if plan.dimension <= _FEW_DIMENSIONS else 0
        self._number = count()

    def enter(self, point: np.ndarray, ahead: np.ndarray | None) -> bool:
        """Put the region of a starting point on the frontier.

        Args:
            point: (d,) the point.
            ahead: (d,) where the point lies on a hyperplane, the side that is meant; a general one by default.

        Returns:
            Whether the region has an interior.
        """
        pattern = patterns_at(self.plan, point[None], ahead)
        region = region_of(self.plan, tuple(part[0] for part in pattern))
        if not largest_ball(region, self.low, self.high, near=point)[1] > 0:
            return False
        self.see(self._keys(pattern, 1)[0], point, self.order(point) if callable(self.order) else 0.0)
        return True

    def see(self, key: bytes, point: np.ndarray, priority: float, way: _Way | None = None) -> None:
        """Put a region on the frontier.

        Args:
            key: its packed pattern.
            point: (d,) a point in it or on its border.
            priority: when to take it, smallest first; with a way, a lower bound.
            way: how to compute its distance.
        """
        heappush(self._heap, _Item(priority, next(self._number), key, point, way))

    def remaining(self) -> int:
        """Number of different regions on the frontier."""
        journal = self.journal
        return len({item.key for item in self._heap} - journal.index.keys() - journal.empty)

    def next(self) -> _Item | None:
        """Take the region that comes next, None if there is none."""
        journal = self.journal
        while self._heap:
            item = heappop(self._heap)
            if item.key in journal.index or item.key in journal.empty:
                continue
            if item.way is None:
                return item
            distance = max(item.priority, self._distance(item.way, item.priority))
            heappush(self._heap, _Item(distance, item.number, item.key, item.point))
        return None

    def _distance(self, way: _Way, least: float) -> float:
        points = (nearest_point(way.normals, way.offsets, x, on=way.facet) for x in self.starts)
        return min(
            (float(np.linalg.norm(y - x)) for y, x in zip(points, self.starts, strict=True) if y is not None),
            default=least,
        )

    def restore(self, item: _Item) -> None:
        """Put a region back that was taken and could not be finished.

        Args:
            item: what :meth:`next` gave.
        """
        heappush(self._heap, item)

    def look(self, item: _Item, until: float) -> bool:
        """Look at a region: its facets and what lies beyond them.

        Args:
            item: what :meth:`next` gave.
            until: reading of the clock at which to stop.

        Returns:
            Whether it was finished in time.
        """
        if item.key not in self._sights:
            self._look_ahead(item, until)
        sight = self._sights.pop(item.key, None)
        if sight is None:
            return False
        journal, found = self.journal, sight.facets
        if found.empty:
            journal.empty.add(item.key)
            return True
        journal.index[item.key] = len(journal.radii)
        journal.priorities.append(item.priority)
        journal.centres.append(found.centre)
        journal.radii.append(found.radius)
        journal.uncertain.append(found.uncertain)
        journal.beyond.append(sight.keys)
        journal.labels.append(sight.region.labels[found.rows])
        self._see_beyond(item, sight)
        return True

    def _look_ahead(self, item: _Item, until: float) -> None:
        """Look at a region and at those that will probably be next, all at once, as long as there is time."""
        items = [item, *(other for other in nsmallest(self._ahead, self._heap) if self._fresh(other.key))]
        items = list({other.key: other for other in items}.values())
        packed = np.stack([np.frombuffer(other.key, np.uint8) for other in items])
        regions, found = regions_of(self.plan, self.code.unpack(packed), len(items)), []
        for other, region in zip(items, regions, strict=True):
            found.append(facets(region, self.low, self.high, near=other.point, until=until))
            if not found[-1].finished:
                found.pop()
                break
        if not found:
            return
        known = regions[: len(found)]
        keys = self._keys(neighbours_of(self.plan, known, [part.rows for part in found]), sum(map(_size, found)))
        ends = np.cumsum([0, *map(_size, found)]).tolist()
        for i, region in enumerate(known):
            self._sights[items[i].key] = _Sight(region=region, facets=found[i], keys=keys[ends[i] : ends[i + 1]])

    def _fresh(self, key: bytes) -> bool:
        return not (key in self.journal.index or key in self.journal.empty or key in self._sights)

    def _see_beyond(self, item: _Item, sight: _Sight) -> None:
        """Put the neighbours that are new on the frontier."""
        keys, points, journal = sight.keys, sight.facets.points, self.journal
        new = [i for i, key in enumerate(keys) if key not in journal.index and key not in journal.empty]
        if self.order != "best-first":
            for i in new:
                self.see(keys[i], points[i], self._rank(item, points[i]))
            return
        normals, offsets = self._sides(sight.region, sight.facets)
        gap = np.abs(normals[: len(keys)] @ self.starts.T - offsets[: len(keys), None]).min(axis=1, initial=np.inf)
        for i in new:
            way = _Way(normals=normals, offsets=offsets, facet=i)
            self.see(keys[i], points[i], max(item.priority, float(gap[i])), way)

    def _rank(self, item: _Item, point: np.ndarray) -> float:
        if callable(self.order):
            return float(self.order(point))
        return item.priority + 1.0

    def _sides(self, region: LocalRegion, found: Facets) -> tuple[np.ndarray, np.ndarray]:
        """Unit normals and right-hand sides of a region's facets, then of the walls."""
        length = np.linalg.norm(region.normals[found.rows], axis=1)
        normals, offsets = [region.normals[found.rows] / length[:, None]], [region.offsets[found.rows] / length]
        if self.low is not None and self.high is not None:
            eye = np.eye(region.dimension)
            normals += [-eye, eye]
            offsets += [-self.low, self.high]
        return np.concatenate(normals), np.concatenate(offsets)

    def pattern(self, key: bytes) -> tuple[np.ndarray, ...]:
        """The pattern of a key.

        Args:
            key: packed pattern.

        Returns:
            For each nonlinear node (n,) its pattern.
        """
        return tuple(part[0] for part in self.code.unpack(np.frombuffer(key, np.uint8)[None]))

    def _keys(self, patterns: tuple[np.ndarray, ...], size: int) -> list[bytes]:
        return [row.tobytes() for row in self.code.pack(patterns, size)]
