"""The search for the facets among half-spaces around an interior point.

Rays from the point find most facets: what a ray hits first is one. Each half-space that is left is maximised over the
facets found so far. If it cannot be violated it is redundant; else a ray towards the optimum finds a new facet. So a
linear program has as many rows as the region has facets, and not as many as the network has units (Clarkson 1994).
"""

import numpy as np

from inscape.geometry import _kernels_polytope as small
from inscape.geometry._halfspaces import System
from inscape.geometry._linear_program import LinearProgram, Outcome

TOLERANCE = 1e-9
"""Distance, in radii of the largest ball inside, below which a linear program does not decide."""

_RAYS_PER_DIMENSION = 8
_MOST_TARGETS = 2000
_MOST_RANDOM = 512
_TRIES = 4
_SLIDES = 60
_CHUNK_NUMBERS = 1 << 22


class Search:
    """Which half-spaces are facets, in coordinates about the centre in units of the radius."""

    def __init__(self, system: System, centre: np.ndarray, scale: float) -> None:
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
