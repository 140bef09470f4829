"""Distance from a point to a set that a network's outputs define: best-first over families of linear regions."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from math import inf, isfinite
from time import perf_counter

import numpy as np

from inscape._progress import Meter, SilentMeter
from inscape.geometry._approach import Hit, Problem, approach, drawn_back
from inscape.geometry._ball import Ball
from inscape.geometry._family import Enclosure, Target, enclose, head_start, towards
from inscape.geometry._forms import Forms
from inscape.geometry._free_ball import free_radius
from inscape.geometry._inequalities import Inequalities, certified_distance
from inscape.geometry._nearest_in_ball import Nearest, nearest
from inscape.geometry._program import Program
from inscape.geometry._relaxation import Decision

TOLERANCE = 1e-6
"""Relative gap between the bounds at which a distance counts as certified."""

_CUTTING = 6
"""Rounds in which violated cuts are added."""

_VIOLATED = 1e-7
"""Violation of a cut, relative to its terms, that counts."""

_STRETCHES = np.array([1.0, 1 + 1e-10, 1 + 1e-7])
"""A proposed point lies on the boundary but for rounding; a little further on it should be beyond."""

_FAR = 1e6
"""Where no point of the targets is known, the search ends at this radius (in units of the largest coordinate or 1)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """When to stop.

    Attributes:
        families: how many families are examined at most.
        deadline: value of ``time.perf_counter`` at which to stop.
        tolerance: relative gap between the bounds that is small enough.
    """

    families: int = 100_000
    deadline: float = inf
    tolerance: float = TOLERANCE


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Bracket:
    """What is known of a distance.

    Attributes:
        lower: certified lower bound.
        upper: distance of the nearest point found, infinity if there is none.
        offset: (D,) its offset, NaN if there is none.
        target: number of its target, -1 if there is none.
        families: number of families that were examined.
        interrupted: whether the caller interrupted the search.
    """

    lower: float
    upper: float
    offset: np.ndarray
    target: int
    families: int
    interrupted: bool = False


def bracket(
    program: Program,
    ball: Ball,
    targets: Sequence[Target],
    *,
    limits: Limits | None = None,
    meter: Meter | None = None,
) -> Bracket:
    """Enclose the distance from a ball's centre to the nearest point of any target.

    Args:
        program: the network.
        ball: centre, norm and box; its radius does not matter.
        targets: the sets, as conditions on the output.
        limits: when to stop.
        meter: where examined families are reported.

    Returns:
        Bounds that hold whenever the search stopped.
    """
    framed, known = head_start(program, replace(ball, radius=0.0))
    problem = Problem(program=program, ball=replace(framed, radius=inf), targets=targets, known=known)
    origin = np.zeros((1, ball.dimension))
    margins = problem.margins(origin)[0]
    if (margins <= 0).any():
        return Bracket(lower=0.0, upper=0.0, offset=origin[0], target=int(margins.argmin()), families=0)
    search = _Search(problem=problem, limits=limits or Limits(), meter=meter or SilentMeter())
    try:
        search.best = approach(problem, deadline=search.limits.deadline)
        search.run()
        search.core()
    except KeyboardInterrupt:
        search.interrupted = True
    return search.answer()


@dataclass(order=True, slots=True)
class _Family:
    """An examined family; the smallest bound comes first, deeper ones first among equals."""

    bound: float
    depth: int
    number: int
    target: int = field(compare=False)
    decisions: tuple[Decision, ...] = field(compare=False)
    split: Decision | None = field(compare=False)


@dataclass(kw_only=True, eq=False)
class _Search:
    """One search: the best point so far, the families that wait, and what is known below them.

    Attributes:
        problem: what is asked.
        limits: when to stop.
        meter: where examined families are reported.
        best: the nearest point found.
        queue: heap of examined families that may hold a nearer point.
        known: forms of the first units on the ball.
        radius: radius of the ball that is searched.
        shell: certified lower bound of the distance.
        closed: least bound of the families that were put aside: near enough to the best point, or nothing to decide.
        families: how many were examined.
        interrupted: whether the caller interrupted.
    """

    problem: Problem
    limits: Limits
    meter: Meter
    best: Hit | None = None
    queue: list[_Family] = field(default_factory=list)
    known: dict[int, Forms] = field(default_factory=dict)
    radius: float = inf
    shell: float = 0.0
    closed: float = inf
    families: int = 0
    interrupted: bool = False

    @property
    def upper(self) -> float:
        return inf if self.best is None else self.best.distance

    @property
    def goal(self) -> float:
        """Bounds above it need no more work."""
        return min(self.upper * (1 - self.limits.tolerance), self.radius)

    def answer(self) -> Bracket:
        best = self.best
        return Bracket(
            lower=min(self.shell, self.upper),
            upper=self.upper,
            offset=np.full(self.problem.ball.dimension, np.nan) if best is None else best.offset,
            target=-1 if best is None else best.target,
            families=self.families,
            interrupted=self.interrupted,
        )

    def run(self) -> None:
        """Search the ball up to the best point; where none is known, balls of doubling radius."""
        while True:
            self.radius = self._next_radius()
            self._ball()
            if self._farthest() == 0.0 and self.shell >= self.radius and self.best is None:
                self.shell = inf  # nothing in the whole box
            if self.shell < self.radius or self.upper <= self.radius or self.radius >= self._farthest():
                return

    def core(self) -> None:
        """Where a limit came first, a ball that is free as a whole may say more than the families that were left."""
        radius = min(self.radius, self.upper)
        if self._spent() and self.shell < self.goal and isfinite(radius):
            self.shell = max(self.shell, free_radius(self.problem, radius))

    def _next_radius(self) -> float:
        if self.best is not None:
            return self.best.distance
        ball = self.problem.ball
        if np.isfinite(ball.low).all() and np.isfinite(ball.high).all():
            return ball.length(np.maximum(-ball.low, ball.high)) * (1 + 1e-9)
        return 10 * self.shell if self.shell > 0 else 1e-8 * self._farthest()

    def _farthest(self) -> float:
        ball = self.problem.ball
        if np.isfinite(ball.low).all() and np.isfinite(ball.high).all():
            return 0.0
        return _FAR * max(1.0, float(np.abs(ball.centre).max(initial=0.0)))

    def _ball(self) -> None:
        """Search the ball of the present radius; ``shell`` ends as a lower bound of the distance."""
        self.queue, self.closed = [], inf
        begun = self.shell
        ball = replace(self.problem.ball, radius=self.radius)
        ball, self.known = head_start(self.problem.program, replace(ball, basis=None, span=None))
        root = enclose(self.problem.program, ball, (), self.known)
        for number in range(len(self.problem.targets)):
            self._examine(number, (), begun, root)
        while self.queue and self.queue[0].bound < min(self.goal, self.closed):
            if self._spent():
                break
            family = heappop(self.queue)
            self.shell = max(begun, min(family.bound, self.closed))
            if family.split is None:
                self.closed = min(self.closed, family.bound)
                continue
            for made in (family.split, family.split.opposite()):
                self._examine(family.target, (*family.decisions, made), family.bound)
        waiting = self.queue[0].bound if self.queue else inf
        self.shell = max(begun, min(waiting, self.closed, self.upper, self.radius))

    def _spent(self) -> bool:
        return self.families >= self.limits.families or perf_counter() >= self.limits.deadline

    def _examine(
        self, target: int, decisions: tuple[Decision, ...], least: float, enclosure: Enclosure | None = None
    ) -> None:
        """Bound the distance to a family; queue it unless it lies too far away."""
        problem = self.problem
        ball = replace(problem.ball, radius=min(self.radius, self.upper))
        self.families += 1
        self.meter.advance(1)
        if enclosure is None:
            enclosure = enclose(problem.program, ball, decisions, self.known)
            if enclosure is None:
                return
        rows = towards(enclosure, problem.targets[target], ball)
        leaf = not enclosure.splits
        bound, found = self._bound(ball, rows, enclosure.cuts, least, exact=leaf)
        if found is not None and not self._try(found.offset) and leaf:
            self._try_inside(ball, rows)
        if found is None or bound >= self.goal:
            self.closed = min(self.closed, bound)
            return
        loss = np.abs(found.weights[: len(rows.constants)] @ rows.spread)
        split = _widest(enclosure, loss, np.abs(rows.spread).sum(0))
        item = _Family(
            bound=bound,
            depth=-len(decisions),
            number=self.families,
            target=target,
            decisions=decisions,
            split=split,
        )
        heappush(self.queue, item)

    def _bound(
        self, ball: Ball, rows: Inequalities, cuts: Inequalities, least: float, *, exact: bool
    ) -> tuple[float, Nearest | None]:
        """Certified bound of a family, and the point that the solver proposes; no point if the bound is enough."""
        first = np.zeros(len(rows.constants))
        first[0] = 1.0
        bound = max(least, certified_distance(ball, rows, first))
        if bound >= self.goal:
            return bound, None
        sizes = cuts.sizes(ball)
        found = nearest(ball, rows, cutoff=ball.radius, exact=exact)
        bound = max(bound, certified_distance(ball, rows, found.weights))
        for _ in range(_CUTTING):
            taken = np.flatnonzero(cuts.values(found.offset, found.deviations) > _VIOLATED * sizes)
            if bound >= self.goal or not taken.size:
                break
            rows = rows.and_also(cuts, taken)
            start = np.concatenate([found.weights, np.zeros(len(taken))])
            found = nearest(ball, rows, cutoff=ball.radius, start=start)
            raised = certified_distance(ball, rows, found.weights)
            sizes[taken] = inf
            if not raised > bound * (1 + 1e-3):
                bound = max(bound, raised)
                break
            bound = raised
        return bound, found

    def _try(self, offset: np.ndarray) -> bool:
        """See whether a proposed point lies in a target, and keep it if it is nearer than the best."""
        if not 0 < self.problem.ball.length(offset) < self.upper:
            return False
        stretched = np.clip(_STRETCHES[:, None] * offset, self.problem.ball.low, self.problem.ball.high)
        beyond = np.flatnonzero((self.problem.margins(stretched) <= 0).any(1))
        if not beyond.size:
            return False
        found = drawn_back(self.problem, stretched[beyond[0]])
        if found is None or found.distance >= self.upper:
            return False
        self.best = found
        return True

    def _try_inside(self, ball: Ball, rows: Inequalities) -> None:
        """Nothing is left to decide: points a little beyond the boundary are real ones, but for rounding."""
        unit = float(rows.sizes(ball)[0])
        for share in (1e-12, 1e-9, 1e-7):
            constants = rows.constants.copy()
            constants[0] += share * unit
            if self._try(nearest(ball, replace(rows, constants=constants), cutoff=ball.radius, exact=True).offset):
                return


def _widest(enclosure: Enclosure, loss: np.ndarray, size: np.ndarray) -> Decision | None:
    """The decision that could raise the bound most: whose deviation the weighted sum of inequalities feels most."""
    if not enclosure.splits:
        return None
    score = loss + 1e-9 * size * (1.0 if not loss.any() else float(loss.max()) / max(float(size.max()), 1e-300))
    return enclosure.splits[int(score.argmax())]
