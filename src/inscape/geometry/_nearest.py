"""The nearest point of a ball's centre in a polyhedron: dual Newton in the 2-norm, linear programs in the others."""

from dataclasses import dataclass
from math import inf

import numpy as np

from inscape.geometry._ball import Ball, certified_distance, least_norm
from inscape.geometry._family import Inequalities
from inscape.geometry._simplex import Solved, minimise

_SOFT = 1e-6
"""Cost of a deviation beside that of an offset in the 2-norm, relative to the distance: it makes the dual smooth."""

_STEPS = 200

_DAMPING = (1e-13, 1e-9, 1e-6, 1e-3, 1.0)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Nearest:
    """What a solver proposes; nothing in it is trusted.

    Attributes:
        weights: (m,) multipliers ≥ 0 of the inequalities, for a certificate.
        offset: (D,) offset of the nearest point, if the set is not empty.
    """

    weights: np.ndarray
    offset: np.ndarray


def nearest(ball: Ball, rows: Inequalities, cutoff: float = inf) -> Nearest:
    """Look for the nearest point of a set of inequalities.

    Args:
        ball: gives centre, norm and box.
        rows: the inequalities.
        cutoff: distances above it are not needed exactly.

    Returns:
        Multipliers and point.
    """
    if len(rows.constants) == 1:
        excess = float(rows.constants[0] - np.abs(rows.spread[0]).sum())
        return Nearest(weights=np.ones(1), offset=least_norm(ball, rows.slopes[0], excess)[1])
    if ball.norm == 2:
        return _euclidean(ball, rows, cutoff)
    return _manhattan(ball, rows, cutoff) if ball.norm == 1 else _maximum(ball, rows, cutoff)


def _euclidean(ball: Ball, rows: Inequalities, cutoff: float) -> Nearest:
    r"""Maximise the dual of  min ½‖w‖²  with  G w + c ≤ 0  and  l ≤ w ≤ u  over multipliers ≥ 0.

    The dual is concave and piecewise quadratic. Steps are those of Newton on the multipliers that are free, with a
    search along the projected path; where they do not climb, one round of exact steps in single multipliers does.
    """
    scale = np.linalg.norm(rows.slopes, axis=1)
    scale = np.where(scale > 0, scale, np.maximum(np.abs(rows.constants), 1.0))
    slopes, constants = rows.slopes / scale[:, None], rows.constants / scale
    unit = max(float(np.abs(constants).max()), 1e-300)
    soft = unit * np.sqrt(_SOFT)
    used = np.abs(rows.spread).any(0)
    spread = rows.spread[:, used] / scale[:, None] / soft
    low = np.concatenate([ball.low, np.full(spread.shape[1], -soft)])
    high = np.concatenate([ball.high, np.full(spread.shape[1], soft)])
    problem = _Dual(table=np.hstack([slopes, spread]), constants=constants, low=low, high=high)
    start = np.zeros(len(constants))
    start[0] = max(constants[0] - np.abs(rows.spread[0]).sum() / scale[0], 0.0)
    weights = _climb(problem, start, unit, 0.5 * cutoff**2 * (1 + 1e-3))
    return Nearest(weights=weights / scale, offset=problem.point(weights)[: ball.dimension])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Dual:
    table: np.ndarray
    constants: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def point(self, weights: np.ndarray) -> np.ndarray:
        return np.clip(-(weights @ self.table), self.low, self.high)

    def at(self, weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, gradient and point."""
        pull = weights @ self.table
        w = np.clip(-pull, self.low, self.high)
        return float(weights @ self.constants + w @ (0.5 * w + pull)), self.constants + self.table @ w, w

    def free(self, w: np.ndarray) -> np.ndarray:
        return (w > self.low) & (w < self.high)


def _climb(problem: _Dual, weights: np.ndarray, unit: float, enough: float) -> np.ndarray:
    value, gradient, w = problem.at(weights)
    damping = _DAMPING[0]
    for _ in range(_STEPS):
        active = (weights > 0) | (gradient > 0)
        residual = np.where(weights > 0, np.abs(gradient), np.maximum(gradient, 0.0))
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


def _step(curvature: np.ndarray, gradient: np.ndarray, active: np.ndarray, damping: float) -> np.ndarray:
    """Newton's step on the active multipliers; damping bends it towards the gradient where the dual is flat."""
    size = max(float(np.trace(curvature)), 1e-300)
    step = np.zeros_like(gradient)
    damped = curvature + damping * size * np.eye(len(curvature))
    try:
        step[active] = np.linalg.solve(damped, gradient[active])
    except np.linalg.LinAlgError:
        step[active] = gradient[active] / size
    return step


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
    table, right, scale = _scaled(rows)
    size, free = ball.dimension, table.shape[1] - ball.dimension
    reach = min(cutoff, ball.radius)
    parts = np.hstack([table[:, :size], -table[:, :size], table[:, size:]])
    low = np.concatenate([np.zeros(2 * size), np.full(free, -1.0)])
    high = np.concatenate([np.minimum(ball.high, reach), np.minimum(-ball.low, reach), np.ones(free)])
    costs = np.concatenate([np.ones(2 * size), np.zeros(free)])
    found = minimise(costs, parts, right, low, high)
    if found is None:
        return _nowhere(parts, right, low, high, scale, size, split=True)
    return Nearest(weights=found.weights / scale, offset=found.point[:size] - found.point[size : 2 * size])


def _maximum(ball: Ball, rows: Inequalities, cutoff: float) -> Nearest:
    """Newton's method on the radius: the least violation on a cube gives weights, their certificate a larger cube."""
    table, right, scale = _scaled(rows)
    size, free = ball.dimension, table.shape[1] - ball.dimension
    weights = _first(len(right))
    radius = certified_distance(ball, rows.slopes, rows.constants, rows.spread, rows.slack, weights)
    offset = np.zeros(size)
    for _ in range(_STEPS):
        reach = min(radius * (1 + 1e-12) + 1e-300, ball.radius)
        low = np.concatenate([np.maximum(ball.low, -reach), np.full(free, -1.0)])
        high = np.concatenate([np.minimum(ball.high, reach), np.ones(free)])
        found = _least_violation(table, right, low, high)
        if found is None:
            break
        offset = found.point[:size]
        further = certified_distance(
            ball, rows.slopes, rows.constants, rows.spread, rows.slack, found.weights[: len(right)] / scale
        )
        if not further > radius * (1 + 1e-12):
            break
        radius, weights = further, found.weights / scale
        if radius >= min(cutoff, ball.radius):
            break
    return Nearest(weights=weights, offset=offset)


def _scaled(rows: Inequalities) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Table of slopes and used deviations, right sides, and what the rows were divided by."""
    used = np.abs(rows.spread).any(0)
    table = np.hstack([rows.slopes, rows.spread[:, used]])
    scale = np.maximum(np.abs(table).max(1, initial=0.0), 1e-300)
    return table / scale[:, None], -rows.constants / scale, scale


def _least_violation(table: np.ndarray, right: np.ndarray, low: np.ndarray, high: np.ndarray) -> Solved | None:
    """Minimise s with table v ≤ right + s: the weights add up to 1."""
    whole = np.hstack([table, -np.ones((len(right), 1))])
    costs = np.append(np.zeros(table.shape[1]), 1.0)
    return minimise(costs, whole, right, np.append(low, -np.inf), np.append(high, np.inf))


def _nowhere(
    table: np.ndarray,
    right: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    scale: np.ndarray,
    size: int,
    *,
    split: bool,
) -> Nearest:
    """Weights that show that the set is empty inside the limits."""
    found = _least_violation(table, right, low, high)
    if found is None:
        return Nearest(weights=_first(len(right)), offset=np.zeros(size))
    offset = found.point[:size] - found.point[size : 2 * size] if split else found.point[:size]
    return Nearest(weights=found.weights / scale, offset=offset)


def _first(count: int) -> np.ndarray:
    weights = np.zeros(count)
    weights[0] = 1.0
    return weights
