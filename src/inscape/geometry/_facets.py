"""The facets of a region: which of its half-spaces are needed to describe it.

Rays from an interior point find most facets: what a ray hits first is one. Each half-space that is left is maximised
over the facets found so far. If it cannot be violated it is redundant; else a ray towards the optimum finds a new
facet. So a linear program has as many rows as the region has facets, and not as many as the network has units (Clarkson
1994).
"""

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from inscape.geometry import _kernels_polytope as small
from inscape.geometry._bounds import UNIT_ROUNDOFF
from inscape.geometry._linear_program import LinearProgram, Outcome
from inscape.geometry._local import LocalRegion

TOLERANCE = 1e-9
"""Distance, in radii of the largest ball inside, below which a linear program does not decide."""

_FEW_DIMENSIONS = 12
_FEW_ROWS = 1000
_RAYS_PER_DIMENSION = 8
_MOST_TARGETS = 2000
_MOST_RANDOM = 512
_TRIES = 4
_SLIDES = 60
_CHUNK_NUMBERS = 1 << 22


@dataclass(frozen=True, kw_only=True, eq=False)
class Facets:
    """The facets of one region inside walls.

    Attributes:
        rows: (f,) half-spaces of the region that carry a facet, positions in its arrays; walls are not among them.
        points: (f, d) a point of each facet, not on any other.
        centre: (d,) centre of the largest ball inside the region and the walls.
        radius: its radius; infinite if balls of any size fit, not positive if the region has no interior.
        uncertain: half-spaces about which a linear program did not decide beyond its tolerance.
        finished: whether all half-spaces were settled before the time was over.
    """

    rows: np.ndarray
    points: np.ndarray
    centre: np.ndarray
    radius: float
    uncertain: int
    finished: bool = True

    @property
    def empty(self) -> bool:
        """Whether the region has no interior inside the walls, as far as rounding can tell."""
        return self.finished and not self.radius > 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _System:
    """Different half-spaces of unit normals.

    Attributes:
        normals: (m, d) unit normals.
        offsets: (m,) right-hand sides.
        doubt: (m, 2) rounding errors of offset and normal.
        source: (m,) position in the region's arrays, -1 for walls.
    """

    normals: np.ndarray
    offsets: np.ndarray
    doubt: np.ndarray
    source: np.ndarray

    @property
    def small(self) -> bool:
        """Whether the compiled kernels are faster than HiGHS."""
        return self.normals.shape[1] <= _FEW_DIMENSIONS and len(self.normals) <= _FEW_ROWS

    def error(self, x: np.ndarray) -> np.ndarray:
        """(m,) bounds on the errors of the slacks at a point."""
        size = 1.0 + np.abs(self.offsets) + float(np.linalg.norm(x))
        return self.doubt[:, 0] + self.doubt[:, 1] * np.linalg.norm(x) + 8 * UNIT_ROUNDOFF * size


def facets(
    region: LocalRegion,
    low: np.ndarray | None = None,
    high: np.ndarray | None = None,
    *,
    near: np.ndarray | None = None,
    until: float = np.inf,
) -> Facets:
    """Find the facets of a region.

    Args:
        region: the region.
        low: (d,) lower walls, none by default.
        high: (d,) upper walls, none by default.
        near: (d,) a point in the region or near it, which makes the numbers well scaled; by default the origin.
        until: reading of ``time.perf_counter`` at which to stop.

    Returns:
        The facets; there are none if the region has no interior.

    Example:
        >>> from inscape.geometry import region_at
        >>> from inscape.network import read
        >>> from torch import nn
        >>> net = read(nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1)))
        >>> len(facets(region_at(net, np.zeros(3))).rows)  # a corner of space between two planes
        2

    Source:
        Clarkson (1994), More output-sensitive geometric algorithms.
    """
    system = _system(region, low, high)
    centre, radius, scale = _inside(region, system, near, until)
    if not radius > 0:
        return Facets(
            rows=np.zeros(0, np.int64),
            points=np.zeros((0, region.dimension)),
            centre=centre,
            radius=radius,
            uncertain=0,
            finished=perf_counter() < until,
        )
    search = _Search(system, centre, scale)
    if system.small:
        search.settle()
    else:
        search.shoot()
    search.decide(until)
    hit = np.flatnonzero(search.facet & (system.source >= 0))
    return Facets(
        rows=system.source[hit],
        points=centre + scale * search.points[hit],
        centre=centre,
        radius=radius,
        uncertain=search.uncertain,
        finished=perf_counter() < until,
    )


def largest_ball(
    region: LocalRegion,
    low: np.ndarray | None = None,
    high: np.ndarray | None = None,
    *,
    near: np.ndarray | None = None,
    until: float = np.inf,
) -> tuple[np.ndarray, float]:
    """The largest ball inside a region.

    Args:
        region: the region.
        low: (d,) lower walls, none by default.
        high: (d,) upper walls, none by default.
        near: (d,) a point in the region or near it; by default the origin.
        until: reading of ``time.perf_counter`` at which to stop.

    Returns:
        (d,) its centre, and its radius: infinite if balls of any size fit, not positive if the region has no interior
        as far as rounding can tell.
    """
    return _inside(region, _system(region, low, high), near, until)[:2]


def _inside(
    region: LocalRegion, system: "_System", near: np.ndarray | None, until: float
) -> tuple[np.ndarray, float, float]:
    """Centre and radius of the largest ball, and the radius of a finite ball about that centre."""
    start = np.zeros(region.dimension) if near is None else np.asarray(near, dtype=np.float64)
    centre, radius = _chebyshev(system, start, until)
    slack = system.offsets - system.normals @ centre
    scale = float(slack.min()) if len(slack) else 1.0
    doubt = system.error(centre)[slack <= 2 * scale].max(initial=0.0)
    if region.contradictory or scale <= 4 * doubt:
        return centre, min(radius, 0.0), scale
    return centre, radius, scale


def _system(region: LocalRegion, low: np.ndarray | None, high: np.ndarray | None) -> _System:
    """Different half-spaces of the region; where one coincides with a wall it is the wall."""
    rows = region.distinct
    length = np.linalg.norm(region.normals[rows], axis=1)
    normals, offsets = region.normals[rows] / length[:, None], region.offsets[rows] / length
    doubt = region.errors[rows] / length[:, None]
    eye, kept = np.eye(region.dimension), np.ones(len(rows), np.bool_)
    walls, places = [], []
    for sign, wall in ((-1.0, low), (1.0, high)):
        if wall is not None:
            walls.append(sign * eye)
            places.append(sign * np.asarray(wall, dtype=np.float64))
            near = np.sqrt(np.maximum(2 - 2 * sign * normals, 0.0))
            allowed = doubt[:, 1:] + 1e-12
            same = (near <= allowed) & (np.abs(offsets[:, None] - places[-1]) <= (doubt[:, :1] + allowed))
            kept &= ~same.any(1)
    return _System(
        normals=np.concatenate([normals[kept], *walls]),
        offsets=np.concatenate([offsets[kept], *places]),
        doubt=np.concatenate([doubt[kept], *(np.zeros((len(wall), 2)) for wall in walls)]),
        source=np.concatenate([rows[kept], np.full(sum(map(len, walls)), -1)]),
    )


def _chebyshev(system: _System, near: np.ndarray, until: float) -> tuple[np.ndarray, float]:
    """Chebyshev centre and radius: max r with a · x + r ≤ b for all rows."""
    if not len(system.offsets):
        return near, np.inf
    slack = system.offsets - system.normals @ near
    sizes = np.sort(np.abs(slack))
    scale = float(sizes[min(2 * len(near), len(sizes)) - 1]) or float(sizes[-1]) or 1.0
    best, endless = _ball_in_kernel(system, slack / scale) if system.small else (None, False)
    if best is None:
        best, endless = _ball_by_highs(system, slack / scale, until)
    if best is None:
        return near, -np.inf
    centre = near + scale * best
    radius = float((system.offsets - system.normals @ centre).min())
    return centre, np.inf if endless and radius > 0 else radius


def _ball_in_kernel(system: _System, slack: np.ndarray) -> tuple[np.ndarray | None, bool]:
    """Centre of the largest ball (of a ball of radius 1 if there is no largest), and whether there is no largest."""
    count, d = system.normals.shape
    base = min(float(slack.min()), 0.0) - 1.0
    table = np.ones((count + 1, d + 1))
    table[:-1, :-1] = system.normals
    table[-1, :-1] = 0.0  # r ≤ 1
    table[:-1] *= np.sqrt(0.5)
    bound = np.append((slack - base) * np.sqrt(0.5), 1.0 - base)
    known = np.ones(count + 1, np.bool_)
    known[-1] = False
    room = np.empty((3, d + 1)), np.empty((2, d + 1, d + 1)), np.empty(d + 1, np.int64)
    objective = np.eye(d + 1)[-1]
    for endless in (False, True):
        known[-1] = endless
        x, p, weight = room[0]
        outcome = small.ascend(table, bound, known, objective, x, p, room[1][0], room[1][1], weight, room[2])
        if outcome == small.OPTIMAL:
            return x[:-1].copy(), endless
        if outcome == small.FAILED:
            break
    return None, False


def _ball_by_highs(system: _System, slack: np.ndarray, until: float) -> tuple[np.ndarray | None, bool]:
    """The same by HiGHS."""
    table = np.column_stack([system.normals, np.ones(len(slack))])
    objective = np.eye(table.shape[1])[-1]
    program = LinearProgram(table, slack, until)
    outcome, best = program.maximise(objective)
    endless = outcome is Outcome.UNBOUNDED
    if endless:
        program.limit(len(objective) - 1, 1.0)
        outcome, best = program.maximise(objective)
    return (best[:-1], endless) if outcome is Outcome.OPTIMAL else (None, False)


class _Search:
    """Which half-spaces are facets, in coordinates about the centre in units of the radius."""

    def __init__(self, system: _System, centre: np.ndarray, scale: float) -> None:
        self.normals = system.normals
        self.slack = (system.offsets - system.normals @ centre) / scale
        self.margin = TOLERANCE + 4 * system.error(centre) / scale
        self.open = system.source >= 0
        self.facet = ~self.open  # walls hold without proof
        self.points = np.zeros_like(system.normals)
        self.uncertain = 0
        self._random = np.random.default_rng(0xFACE7)

    def settle(self) -> None:
        """Shoot and solve in compiled kernels; what they give up stays open."""
        count, d = self.normals.shape
        state = np.where(self.open, small.OPEN, small.FACET)
        rays = np.concatenate([self.normals, self._random.standard_normal((_RAYS_PER_DIMENSION * d, d))])
        self.uncertain += small.settle(
            self.normals,
            self.slack,
            self.margin,
            np.argsort(self.slack, kind="stable"),
            rays,
            self._random.standard_normal((_TRIES, d)),
            state,
            self.facet,
            self.points,
            np.zeros(count, np.int64),
            np.empty((4, d)),
            np.empty((d, d)),
            np.empty((d, d)),
            np.empty(d, np.int64),
        )
        self.open &= state == small.LEFT

    def shoot(self) -> None:
        """Shoot towards the nearest half-spaces and in random directions."""
        if not self.open.any():
            return
        near = np.argsort(self.slack, kind="stable")[:_MOST_TARGETS]
        count = min(_RAYS_PER_DIMENSION * self.normals.shape[1], _MOST_RANDOM)
        rays = np.concatenate([self.normals[near], self._random.standard_normal((count, self.normals.shape[1]))])
        total, times = np.zeros_like(self.points), np.zeros(len(self.points), np.int64)
        size = max(1, _CHUNK_NUMBERS // len(self.slack))
        for first in range(0, len(rays), size):
            hits, points, _ = self._first(rays[first : first + size])
            known = hits >= 0
            np.add.at(total, hits[known], points[known])
            times += np.bincount(hits[known], minlength=len(total))
        found = (times > 0) & self.open
        self.points[found] = total[found] / times[found, None]
        self.facet |= found
        self.open &= ~found
        targets = near[self.open[near]]
        for first in range(0, len(targets), size):
            self._slide(targets[first : first + size])

    def _slide(self, targets: np.ndarray) -> None:
        """Shoot towards half-spaces, each time parallel to those that were in the way before."""
        rays = self.normals[targets]
        for _ in range(_SLIDES):
            hits, points, first = self._first(rays)
            new = np.flatnonzero((hits >= 0) & self.open[hits])
            self.points[hits[new]] = points[new]
            self.facet[hits[new]], self.open[hits[new]] = True, False
            rays = rays - np.einsum("kd,kd->k", self.normals[first], rays)[:, None] * self.normals[first]
            size = np.linalg.norm(rays, axis=1)
            towards = np.einsum("kd,kd->k", self.normals[targets], rays) > 0.01 * size
            going = self.open[targets] & towards & (size > 0.01)
            targets, rays = targets[going], rays[going] / size[going, None]
            if not len(targets):
                return

    def _first(self, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(k,) half-space that each ray hits first and alone, -1 for none; (k, d) where; (k,) what it hits first."""
        speed = self.normals @ rays.T
        with np.errstate(divide="ignore", invalid="ignore"):
            time = np.where(speed > 0, self.slack[:, None] / speed, np.inf)
        hit = time.argmin(axis=0)
        column = np.arange(len(rays))
        first = time[hit, column]
        with np.errstate(invalid="ignore"):
            points = np.where(np.isfinite(first), first, 0.0)[:, None] * rays
            left = self.slack[:, None] - self.normals @ points.T
        left[hit, column] = np.inf
        alone = (left > self.margin[:, None]).all(axis=0) & np.isfinite(first)
        return np.where(alone, hit, -1), points, hit

    def decide(self, until: float) -> None:
        """Settle each open half-space by linear programs over the facets that are known.

        Args:
            until: reading of the clock at which to stop.
        """
        if not self.open.any():
            return
        program = LinearProgram(self.normals[self.facet], self.slack[self.facet], until)
        for row in np.argsort(self.slack, kind="stable").tolist():
            while self.open[row]:
                outcome, best = program.maximise(self.normals[row])
                if outcome is Outcome.OPTIMAL:
                    excess = float(self.normals[row] @ best - self.slack[row])
                    if excess <= self.margin[row]:
                        self._drop(row, undecided=bool(excess >= -self.margin[row]))
                        self._prune(best)
                        break
                elif outcome is not Outcome.UNBOUNDED:
                    self._drop(row, undecided=True)
                    break
                new = self._towards(best if best.any() else self.normals[row])
                if new < 0:
                    self._drop(row, undecided=True)
                else:
                    program.add(self.normals[new], float(self.slack[new]))

    def _drop(self, row: int, *, undecided: bool) -> None:
        self.open[row] = False
        self.uncertain += int(undecided)

    def _towards(self, target: np.ndarray) -> int:
        """A new facet on the way to a point that violates an open half-space, -1 if rounding hides it."""
        spread = np.concatenate([[0.0], 10.0 ** -np.arange(2, 2 + 2 * _TRIES, 2)])[:, None]
        noise = self._random.standard_normal((len(spread), len(target)))
        hits, points, _ = self._first(target + spread * np.linalg.norm(target) * noise)
        for hit, point in zip(hits, points, strict=True):
            if hit >= 0 and self.open[hit]:
                self.open[hit], self.facet[hit], self.points[hit] = False, True, point
                return int(hit)
        return -1

    def _prune(self, vertex: np.ndarray) -> None:
        """Drop all open half-spaces that are largest at the same vertex, and hold there: no program is needed."""
        known = np.flatnonzero(self.facet)
        tight = known[np.abs(self.normals[known] @ vertex - self.slack[known]) <= TOLERANCE]
        rows = np.flatnonzero(self.open)
        if len(tight) != len(vertex) or not rows.size:
            return
        holds = self.normals[rows] @ vertex - self.slack[rows] < -self.margin[rows]
        rows = rows[holds]
        try:
            weights = np.linalg.solve(self.normals[tight].T, self.normals[rows].T)
        except np.linalg.LinAlgError:
            return
        self.open[rows[(weights >= 0.0).all(axis=0)]] = False
