"""Nearest points of straight pieces: of many segments at once, and of one convex piece given by its corners."""

from math import inf

import numpy as np

from inscape.geometry._simplex import minimise

_ROUNDS = 100


def nearest_on_segments(
    starts: np.ndarray, ends: np.ndarray, point: np.ndarray, norm: float = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Distance of a point to each of s segments.

    In the 2-norm in closed form; in the others by Kelley's cutting planes in one variable, which end after finitely
    many steps because the distance along a segment is convex and piecewise linear.

    Args:
        starts: (s, D) first ends.
        ends: (s, D) second ends.
        point: (D,) the point.
        norm: 1, 2 or infinity.

    Returns:
        (s,) distances, and (s,) positions of the nearest points: 0 at the start, 1 at the end.

    Example:
        >>> corner = np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]])
        >>> [float(nearest_on_segments(*corner, np.zeros(2), p)[0][0].round(9)) for p in (1, 2, np.inf)]
        [1.0, 0.707106781, 0.5]
    """
    offset, along = starts - point, ends - starts
    if norm == 2:
        square = np.einsum("sd,sd->s", along, along)
        place = -np.einsum("sd,sd->s", offset, along) / np.where(square > 0, square, 1.0)
        place = np.clip(place, 0.0, 1.0)
        return np.linalg.norm(offset + place[:, None] * along, axis=1), place
    return _kelley(offset, along, norm)


def _at(offset: np.ndarray, along: np.ndarray, place: np.ndarray, norm: float) -> tuple[np.ndarray, np.ndarray]:
    """Norms, and a slope of each along its segment."""
    value = offset + place[:, None] * along
    if norm == 1:
        return np.abs(value).sum(1), (np.sign(value) * along).sum(1)
    row = np.arange(len(value))
    top = np.abs(value).argmax(1)
    return np.abs(value[row, top]), np.sign(value[row, top]) * along[row, top]


def _kelley(offset: np.ndarray, along: np.ndarray, norm: float) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.zeros(len(offset)), np.ones(len(offset))
    (at_low, slope_low), (at_high, slope_high) = (_at(offset, along, s, norm) for s in (low, high))
    best = np.where(at_low <= at_high, at_low, at_high)
    place = np.where(at_low <= at_high, low, high)
    open_ = (slope_low < 0) & (slope_high > 0)
    for _ in range(_ROUNDS):
        if not open_.any():
            break
        k = np.flatnonzero(open_)
        meet = (at_low - at_high + slope_high * high - slope_low * low)[k] / (slope_high - slope_low)[k]
        meet = np.clip(meet, low[k], high[k])
        value, slope = _at(offset[k], along[k], meet, norm)
        better = value < best[k]
        best[k[better]], place[k[better]] = value[better], meet[better]
        floor = at_low[k] + slope_low[k] * (meet - low[k])
        done = (value <= floor * (1 + 1e-15)) | (slope == 0) | (meet <= low[k]) | (meet >= high[k])
        left, right = k[~done & (slope < 0)], k[~done & (slope > 0)]
        falling, rising = ~done & (slope < 0), ~done & (slope > 0)
        low[left], at_low[left], slope_low[left] = meet[falling], value[falling], slope[falling]
        high[right], at_high[right], slope_high[right] = meet[rising], value[rising], slope[rising]
        open_[k[done]] = False
    return best, place


def nearest_in_hull(corners: np.ndarray, point: np.ndarray, norm: float = 2) -> tuple[float, np.ndarray]:
    r"""Distance of a point to a convex piece of any dimension.

    .. math:: \min \Big\|\sum_i \lambda_i v_i - x\Big\|, \qquad \lambda \ge 0, \ \sum_i \lambda_i = 1

    Args:
        corners: (k, D) corners v.
        point: (D,) the point x.
        norm: 1, 2 or infinity.

    Returns:
        The distance and the (D,) nearest point.

    Example:
        >>> distance, nearest = nearest_in_hull(np.eye(3), np.zeros(3))
        >>> nearest.round(9).tolist()
        [0.333333333, 0.333333333, 0.333333333]

    Source:
        Lawson and Hanson (1974), chapter 23, for the 2-norm; linear programs for the others.
    """
    offset = corners - point
    count, size = offset.shape
    if norm == 2:
        from scipy.optimize import nnls

        unit = max(float(np.abs(offset).max()), 1e-300)
        system = np.vstack([offset.T / unit, np.ones(count)])
        share = nnls(system, np.append(np.zeros(size), 1.0), maxiter=30 * count)[0]
    else:
        parts = size if norm == 1 else 1
        bound = np.eye(size) if norm == 1 else np.ones((size, 1))
        one = np.concatenate([np.ones(count), np.zeros(parts)])
        table = np.vstack([np.hstack([offset.T, -bound]), np.hstack([-offset.T, -bound]), one, -one])
        right = np.concatenate([np.zeros(2 * size), [1.0, -1.0]])
        high = np.concatenate([np.ones(count), np.full(parts, inf)])
        found = minimise(1.0 - one, table, right, np.zeros(count + parts), high)
        share = np.ones(count) if found is None else found.point[:count]
    share = share / share.sum()
    return float(np.linalg.norm(share @ offset, ord=norm)), share @ corners
