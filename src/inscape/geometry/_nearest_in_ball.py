"""The nearest point of a ball's centre in a polyhedron: dual Newton in the 2-norm, linear programs in the others."""

from dataclasses import dataclass
from math import inf

import numpy as np

from inscape.geometry._ball import Ball, least_norm
from inscape.geometry._inequalities import Inequalities, certified_distance
from inscape.geometry._simplex import Solved, minimise

_SOFT = 1e-6
"""Cost of a deviation beside that of an offset in the 2-norm, relative to the distance: it makes the dual smooth."""

_STEPS = 60

_QUICK = 25

_DAMPING = (1e-13, 1e-9, 1e-6, 1e-3, 1.0)

_SMALL = 400
"""Number of coordinates up to which a finite method takes over where the dual does not settle."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Nearest:
    """What a solver proposes; nothing in it is trusted.

    Attributes:
        weights: (m,) multipliers ≥ 0 of the inequalities, for a certificate.
        offset: (D,) offset of the nearest point, if the set is not empty.
        deviations: (K,) deviations there.
    """

    weights: np.ndarray
    offset: np.ndarray
    deviations: np.ndarray


def nearest(
    ball: Ball, rows: Inequalities, cutoff: float = inf, *, start: np.ndarray | None = None, exact: bool = True
) -> Nearest:
    """Look for the nearest point of a set of inequalities.

    Args:
        ball: gives centre, norm and box.
        rows: the inequalities.
        cutoff: distances above it are not needed exactly.
        start: (m,) multipliers to begin with.
        exact: False where a good answer is enough.

    Returns:
        Multipliers and point.
    """
    if len(rows.constants) == 1:
        excess = float(rows.constants[0] - np.abs(rows.spread[0]).sum())
        offset = least_norm(ball, rows.slopes[0], excess)[1]
        return Nearest(weights=np.ones(1), offset=offset, deviations=-np.sign(rows.spread[0]))
    if ball.norm == 2:
        return _euclidean(ball, rows, cutoff, start, exact=exact)
    return _manhattan(ball, rows, cutoff) if ball.norm == 1 else _maximum(ball, rows, cutoff)


def _euclidean(ball: Ball, rows: Inequalities, cutoff: float, start: np.ndarray | None, *, exact: bool) -> Nearest:
    """Maximise the dual of min ½‖w‖² with G w + c ≤ 0 and l ≤ w ≤ u, a concave piecewise quadratic, by Newton."""
    scale = np.linalg.norm(rows.slopes, axis=1)
    scale = np.where(scale > 0, scale, np.maximum(np.abs(rows.constants), 1.0))
    slopes, constants = rows.slopes / scale[:, None], rows.constants / scale
    unit = max(float(np.abs(constants).max()), 1e-300)
    soft = unit * np.sqrt(_SOFT)
    used = np.asarray(np.abs(rows.spread).any(0))
    spread = rows.spread[:, used] / scale[:, None] / soft
    low = np.concatenate([ball.low, np.full(spread.shape[1], -soft)])
    high = np.concatenate([ball.high, np.full(spread.shape[1], soft)])
    span = None if ball.boxed else ball.span
    if span is not None:  # the nearest point lies in the span of all slopes
        slopes = slopes @ span
        low, high = low[ball.dimension - ball.rank :], high[ball.dimension - ball.rank :]
    size = slopes.shape[1]
    problem = _Dual(table=np.hstack([slopes, spread]), constants=constants, low=low, high=high)
    if start is None:
        begin = np.zeros(len(constants))
        begin[0] = max(constants[0] - np.abs(rows.spread[0]).sum() / scale[0], 0.0)
    else:
        begin = start * scale
    enough = 0.5 * cutoff**2 * (1 + 1e-3)
    weights = _climb(problem, begin, unit, enough, _STEPS if exact else _QUICK)
    value, gradient, w = problem.at(weights)
    if exact and value <= enough and _residual(weights, gradient).max() > 1e-8 * unit and len(low) <= _SMALL:
        weights, w = _least_squares(problem)
    offset = w[:size] if span is None else span @ w[:size]
    return Nearest(weights=weights / scale, offset=offset, deviations=_placed(w[size:] / soft, used))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Dual:
    table: np.ndarray
    constants: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def at(self, weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, gradient and point."""
        pull = weights @ self.table
        w = np.clip(-pull, self.low, self.high)
        return float(weights @ self.constants + w @ (0.5 * w + pull)), self.constants + self.table @ w, w

    def free(self, w: np.ndarray) -> np.ndarray:
        return (w > self.low) & (w < self.high)


def _climb(problem: _Dual, weights: np.ndarray, unit: float, enough: float, steps: int) -> np.ndarray:
    value, gradient, w = problem.at(weights)
    damping = _DAMPING[0]
    for _ in range(steps):
        active = (weights > 0) | (gradient > 0)
        residual = _residual(weights, gradient)
        if residual.max(initial=0.0) <= 1e-13 * unit or value > enough:
            break
        free = problem.table[np.ix_(active, problem.free(w))]
        curvature = free @ free.T
        begin = value
        for damping in _DAMPING:
            trial = np.maximum(weights + _step(curvature, gradient, active, damping), 0.0)
            found = problem.at(trial)
            if found[0] > value + 1e-4 * float(gradient @ (trial - weights)) and found[0] > value:
                weights, (value, gradient, w) = trial, found
                break
        if residual.max() > 1e-9 * unit or damping > 1e-6:
            weights = _round(problem, weights)
            value, gradient, w = problem.at(weights)
        if not value > begin * (1 + 1e-15):
            break
    return weights


def _residual(weights: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """How far each multiplier is from its optimality condition."""
    return np.where(weights > 0, np.abs(gradient), np.maximum(gradient, 0.0))


def _step(curvature: np.ndarray, gradient: np.ndarray, active: np.ndarray, damping: float) -> np.ndarray:
    """Newton's step on the active multipliers; damping bends it towards the gradient where the dual is flat."""
    size = float(np.trace(curvature))
    size = size if size > 1e-30 else 1.0  # all coordinates at their limits: the dual is straight, any step will do
    step = np.zeros_like(gradient)
    damped = curvature + damping * size * np.eye(len(curvature))
    try:
        step[active] = np.linalg.solve(damped, gradient[active])
    except np.linalg.LinAlgError:
        step[active] = gradient[active] / size
    return step


def _least_squares(problem: _Dual) -> tuple[np.ndarray, np.ndarray]:
    """The same problem as non-negative least squares, a finite method: Lawson and Hanson (1974), chapter 23."""
    from scipy.optimize import nnls

    unit = np.eye(len(problem.low))
    above, below = np.isfinite(problem.high), np.isfinite(problem.low)
    table = np.vstack([problem.table, unit[above], -unit[below]])
    constants = np.concatenate([problem.constants, -problem.high[above], problem.low[below]])
    system = np.vstack([-table.T, constants])
    target = np.append(np.zeros(len(unit)), 1.0)
    try:
        weights, _ = nnls(system, target, maxiter=10 * len(constants))
    except RuntimeError:  # too many exchanges
        return np.eye(len(problem.constants))[0], np.zeros(len(unit))
    rest = target - system @ weights
    w = -rest[:-1] / rest[-1] if abs(rest[-1]) > 1e-14 else np.zeros(len(unit))
    return weights[: len(problem.constants)], w


def _round(problem: _Dual, weights: np.ndarray) -> np.ndarray:
    """One Newton step in each multiplier in turn."""
    weights = weights.copy()
    pull = weights @ problem.table
    for i, row in enumerate(problem.table):
        w = np.clip(-pull, problem.low, problem.high)
        slope = problem.constants[i] + row @ w
        bend = float(np.square(row[problem.free(w)]).sum())
        if bend <= 0:
            continue
        moved = max(weights[i] + slope / bend, 0.0)
        pull += (moved - weights[i]) * row
        weights[i] = moved
    return weights


def _manhattan(ball: Ball, rows: Inequalities, cutoff: float) -> Nearest:
    """One linear program over the offset's positive and negative parts, as long as it can be met within the cutoff."""
    table, right, scale, used = _scaled(rows)
    size, free = ball.dimension, table.shape[1] - ball.dimension
    reach = min(cutoff, ball.radius)
    parts = np.hstack([table[:, :size], -table[:, :size], table[:, size:]])
    low = np.concatenate([np.zeros(2 * size), np.full(free, -1.0)])
    high = np.concatenate([np.minimum(ball.high, reach), np.minimum(-ball.low, reach), np.ones(free)])
    costs = np.concatenate([np.ones(2 * size), np.zeros(free)])
    found = minimise(costs, parts, right, low, high)
    if found is None:  # nothing within reach: weights that show it
        found = _least_violation(parts, right, low, high)
    if found is None:
        return Nearest(weights=_first(len(right)), offset=np.zeros(size), deviations=np.zeros(len(used)))
    offset = found.point[:size] - found.point[size : 2 * size]
    deviations = _placed(found.point[2 * size : 2 * size + free], used)
    return Nearest(weights=found.weights / scale, offset=offset, deviations=deviations)


def _maximum(ball: Ball, rows: Inequalities, cutoff: float) -> Nearest:
    """Newton's method on the radius: the least violation on a cube gives weights, their certificate a larger cube."""
    table, right, scale, used = _scaled(rows)
    size, free = ball.dimension, table.shape[1] - ball.dimension
    weights = _first(len(right))
    radius = certified_distance(ball, rows, weights)
    offset, deviations = np.zeros(size), np.zeros(len(used))
    for _ in range(_STEPS):
        reach = min(radius * (1 + 1e-12) + 1e-300, ball.radius)
        low = np.concatenate([np.maximum(ball.low, -reach), np.full(free, -1.0)])
        high = np.concatenate([np.minimum(ball.high, reach), np.ones(free)])
        found = _least_violation(table, right, low, high)
        if found is None:
            break
        offset, deviations = found.point[:size], _placed(found.point[size : size + free], used)
        further = certified_distance(ball, rows, found.weights[: len(right)] / scale)
        if not further > radius * (1 + 1e-12):
            break
        radius, weights = further, found.weights / scale
        if radius >= min(cutoff, ball.radius):
            break
    return Nearest(weights=weights, offset=offset, deviations=deviations)


def _placed(values: np.ndarray, used: np.ndarray) -> np.ndarray:
    deviations = np.zeros(len(used))
    deviations[used] = values
    return deviations


def _scaled(rows: Inequalities) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Table of slopes and used deviations, right sides, what the rows were divided by, and which are used."""
    used = np.asarray(np.abs(rows.spread).any(0))
    table = np.hstack([rows.slopes, rows.spread[:, used]])
    scale = np.maximum(np.abs(table).max(1, initial=0.0), 1e-300)
    return table / scale[:, None], -rows.constants / scale, scale, used


def _least_violation(table: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray) -> Solved | None:
    """Minimise s with table v ≤ right + s: the weights add up to 1."""
    whole = np.hstack([table, -np.ones((len(right), 1))])
    costs = np.append(np.zeros(table.shape[1]), 1.0)
    return minimise(costs, whole, right, np.append(low, -np.inf), np.append(high, np.inf))


def _first(count: int) -> np.ndarray:
    weights = np.zeros(count)
    weights[0] = 1.0
    return weights
