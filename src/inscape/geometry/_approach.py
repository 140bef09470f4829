"""Upper bounds of a distance: points beyond the boundary, found by repeated linearisation and drawn back to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from time import perf_counter

import numpy as np

from inscape.geometry._ball import Ball, least_norm
from inscape.geometry._family import Target, enclose, forward, recentred
from inscape.geometry._forms import Forms
from inscape.geometry._program import Program

_GRID = np.linspace(0.0, 1.0, 33)[1:]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Hit:
    """A point at which a target's computed margin is zero or less.

    Attributes:
        distance: norm of its offset from the centre.
        offset: (D,) the offset.
        target: number of the target.
    """

    distance: float
    offset: np.ndarray
    target: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Problem:
    """What is asked at one point.

    Attributes:
        program: the network.
        ball: centre, norm, box and basis; no radius.
        targets: sets that are looked for, of which any will do.
        known: forms of the first units around the centre.
    """

    program: Program
    ball: Ball
    targets: Sequence[Target]
    known: Mapping[int, Forms]

    def margins(self, offsets: np.ndarray) -> np.ndarray:
        """Margins by a forward pass.

        Args:
            offsets: (n, D) offsets from the centre.

        Returns:
            (n, targets) margins, positive outside a target.
        """
        outputs = evaluate(self.program, self.ball.centre + offsets)
        return np.stack([target.margin(outputs) for target in self.targets], axis=1)


def evaluate(program: Program, points: np.ndarray) -> np.ndarray:
    """Evaluate a network.

    Args:
        program: the network.
        points: (n, D) flattened inputs.

    Returns:
        (n, m) flattened outputs.
    """
    return forward(program, points, (program.output,))[program.output].reshape(len(points), -1)


def drawn_back(problem: Problem, offset: np.ndarray) -> Hit | None:
    """The first point on the way to an offset that lies in a target.

    Args:
        problem: the problem.
        offset: (D,) end of the way.

    Returns:
        The point, None if a grid on the way meets no target.
    """
    low, high = 0.0, 1.0
    reached: np.ndarray | None = None
    while high - low > 4e-16 * high or reached is None:
        shares = low + (high - low) * _GRID
        margins = problem.margins(shares[:, None] * offset)
        inside = (margins <= 0).any(1)
        if not inside.any():
            break
        first = int(inside.argmax())
        reached = margins[first]
        low, before = (float(shares[first - 1]) if first else low), high
        high = float(shares[first])
        if high == before and first == len(shares) - 1 and high - low <= 1e-15 * high:
            break
    if reached is None:
        return None
    found = high * offset
    return Hit(distance=problem.ball.length(found), offset=found, target=int(reached.argmin()))


def approach(problem: Problem, *, rounds: int = 30, starts: int = 4, deadline: float = inf) -> Hit | None:
    """Look for a near point of the targets.

    At a point the network is replaced by its affine map there. The nearest point to the centre at which a linearised
    margin vanishes is the next point; once the network itself says that it lies beyond, the way to it is searched for
    the first crossing. A target of its own is pursued in each start.

    Args:
        problem: the problem.
        rounds: linearisations for each start.
        starts: number of starts; the first pursues whatever is nearest.
        deadline: value of ``time.perf_counter`` after which no other start is made once a point was found.

    Returns:
        The nearest point that was found, None if there was none.
    """
    estimates = _linearised(problem, np.zeros(problem.ball.dimension))
    order = np.argsort([distance for distance, _ in estimates])
    choices: list[list[int] | None] = [None, *([int(j)] for j in order[: starts - 1])]
    best: Hit | None = None
    for chosen in choices if len(problem.targets) > 1 else choices[:1]:
        if best is not None and perf_counter() >= deadline:
            break
        found = _pursue(problem, chosen, rounds)
        if found is not None and (best is None or found.distance < best.distance):
            best = found
    return best


def _linearised(problem: Problem, at: np.ndarray, *, local: bool = False) -> list[tuple[float, np.ndarray]]:
    """For each target the distance from the centre to its linearised margin's zeros, and the offset."""
    centre = problem.ball.centre + at
    none = np.full(at.size, inf)
    point = Ball(centre=centre, norm=problem.ball.norm, radius=0.0, low=-none, high=none, basis=problem.ball.basis)
    found = enclose(problem.program, point, (), recentred(problem.program, point, problem.known))
    if found is None:
        return [(inf, np.zeros_like(at))] * len(problem.targets)
    table = found.outputs.table
    table = np.vstack([table[:1], point.slopes(table[1 : 1 + point.rank])[0]])
    ball = problem.ball
    if local:
        ball = replace(ball, centre=centre, low=ball.low - at, high=ball.high - at)
    answers = []
    for target in problem.targets:
        margin = float(target.margin(table[:1])[0])
        slope = target.sign * (table[1:, target.left] - (table[1:, target.right] if target.right >= 0 else 0.0))
        distance, offset = least_norm(ball, slope, margin if local else margin - float(slope @ at))
        answers.append((distance, offset + at if local else offset))
    return answers


def _pursue(problem: Problem, chosen: list[int] | None, rounds: int) -> Hit | None:
    at = np.zeros(problem.ball.dimension)
    best: Hit | None = None
    for turn in range(rounds):
        estimates = _linearised(problem, at, local=best is None and turn >= rounds // 3)
        picked = estimates if chosen is None else [estimates[j] for j in chosen]
        distance, offset = min(picked, key=lambda pair: pair[0])
        if not np.isfinite(distance) or (best is not None and distance >= best.distance * (1 - 1e-9)):
            break
        beyond = np.clip(1.02 * offset, problem.ball.low, problem.ball.high)
        found = drawn_back(problem, beyond)
        at = beyond
        if found is not None:
            if best is not None and found.distance >= best.distance * (1 - 1e-9):
                break
            best, at = found, found.offset
    return best if best is not None else _far(problem, at)


def _far(problem: Problem, direction: np.ndarray) -> Hit | None:
    """Go on in a direction for a long way."""
    for doubling in range(1, 24):
        far = np.clip(direction * 2.0**doubling, problem.ball.low, problem.ball.high)
        found = drawn_back(problem, far)
        if found is not None:
            return found
    return None
