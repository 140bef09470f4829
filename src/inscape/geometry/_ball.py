"""A norm ball around a point, cut by a box: largest values of affine functions on it, and the way to a half-space."""

from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np

from inscape.geometry._bounds import gamma


@dataclass(frozen=True, kw_only=True, eq=False)
class Ball:
    """Offsets δ from a centre with ‖δ‖ ≤ radius and low ≤ δ ≤ high.

    Attributes:
        centre: (D,) the point.
        norm: 1, 2 or infinity.
        radius: radius, infinity allowed.
        low: (D,) lower limits of the offset, ≤ 0; -infinity where there is none.
        high: (D,) upper limits of the offset, ≥ 0.
        basis: (D, B) functions of the offset in which slopes are written, None for its coordinates: where a network
            looks at its input through B first units, B numbers say as much as D.
        span: (D, B) orthonormal columns that span the basis, None where there is none.
    """

    centre: np.ndarray
    norm: float
    radius: float
    low: np.ndarray
    high: np.ndarray
    basis: np.ndarray | None = None
    span: np.ndarray | None = None

    @property
    def dimension(self) -> int:
        """Number D of coordinates."""
        return self.centre.size

    @property
    def rank(self) -> int:
        """Number B of functions in which slopes are written."""
        return self.dimension if self.basis is None else self.basis.shape[1]

    @cached_property
    def boxed(self) -> bool:
        """Whether a coordinate has a limit of its own."""
        return bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    @cached_property
    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """(D,) least and largest offset of each coordinate."""
        return np.maximum(self.low, -self.radius), np.minimum(self.high, self.radius)

    @cached_property
    def reach(self) -> np.ndarray:
        """(D,) largest absolute offset of each coordinate."""
        return np.maximum(-self.limits[0], self.limits[1])

    @cached_property
    def spans(self) -> np.ndarray:
        """(B,) bounds of the absolute values of the basis functions."""
        if self.basis is None:
            return self.reach
        return (self.reach @ np.abs(self.basis)) * (1 + gamma(self.dimension + 4))

    def slopes(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Slopes by the offset's coordinates.

        Args:
            rows: (B, w) slopes in the basis.

        Returns:
            (D, w) slopes, and (w,) bounds of what rounding does to the functions on the ball.
        """
        if self.basis is None:
            return rows, np.zeros(rows.shape[1])
        return self.basis @ rows, gamma(self.rank + 2) * (self.spans @ np.abs(rows))

    def length(self, offset: np.ndarray) -> float:
        """Norm of an offset."""
        return float(np.linalg.norm(offset, ord=self.norm))

    def dual(self, slopes: np.ndarray) -> np.ndarray:
        """Dual norms: the largest value of slope · δ over ‖δ‖ ≤ 1.

        Args:
            slopes: (D, w) slopes of w functions.

        Returns:
            (w,) norms.
        """
        if self.norm == 2:
            return np.sqrt(np.einsum("dw,dw->w", slopes, slopes))
        return np.abs(slopes).sum(0) if self.norm == inf else np.abs(slopes).max(0, initial=0.0)

    def largest(self, slopes: np.ndarray) -> np.ndarray:
        """Upper bounds of slope · δ on the ball, rounding included.

        Args:
            slopes: (D, w) slopes of w functions.

        Returns:
            (w,) bounds.
        """
        found: np.ndarray = np.full(slopes.shape[1], inf)
        if self.radius < inf:
            found = self.radius * self.dual(slopes)
        if self.boxed:
            low, high = self.limits
            rising = np.maximum(slopes, 0.0)
            with np.errstate(invalid="ignore"):
                over_box = high @ rising + low @ (slopes - rising)
            found = np.fmin(found, over_box)
        return found * (1 + gamma(self.dimension + 4)) + np.finfo(float).tiny


def least_norm(ball: Ball, slope: np.ndarray, excess: float) -> tuple[float, np.ndarray]:
    r"""The shortest offset that lowers an affine function by a given amount, inside the box.

    .. math:: \min \|\delta\| \quad\text{with}\quad -a \cdot \delta \ge s

    Without a box this is :math:`s / \|a\|_*` with the dual norm. With one, every coordinate moves as the norm wants
    until it meets its limit.

    Args:
        ball: gives norm and box; its radius does not matter.
        slope: (D,) slope a.
        excess: the amount s.

    Returns:
        The norm, infinity if no offset does it, and the (D,) offset.
    """
    if excess <= 0:
        return 0.0, np.zeros_like(slope)
    steep = np.abs(slope)
    if not steep.any():
        return inf, np.zeros_like(slope)
    room = np.where(slope < 0, ball.high, -ball.low)
    moves = _moves(ball.norm, steep, room, excess)
    if moves is None:
        return inf, np.where(slope < 0, 1.0, -1.0) * np.where(np.isfinite(room), room, 0.0)
    offset = np.where(slope < 0, moves, -moves)
    return ball.length(moves), offset


def _moves(norm: float, steep: np.ndarray, room: np.ndarray, excess: float) -> np.ndarray | None:
    """Sizes of the coordinates' moves, None if all room together is not enough."""
    if norm == 1:
        return _steepest_first(steep, room, excess)
    share = np.ones_like(steep) if norm == inf else steep
    share = np.where(steep > 0, share, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        stops = np.where(share > 0, room / share, inf)
    order = np.argsort(stops)
    gain = (steep * share)[order]
    rate = np.append(np.cumsum(gain[::-1])[::-1], 0.0)
    done = np.append(0.0, np.cumsum(np.where(gain > 0, (steep * np.where(np.isfinite(room), room, 0.0))[order], 0.0)))
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = (excess - done) / rate
    limit = np.append(stops[order], inf)
    fits = np.flatnonzero((rate > 0) & (scale <= limit))
    return np.minimum(scale[fits[0]] * share, room) if fits.size else None


def _steepest_first(steep: np.ndarray, room: np.ndarray, excess: float) -> np.ndarray | None:
    moves = np.zeros_like(steep)
    left = excess
    for k in np.argsort(-steep, kind="stable"):
        if steep[k] == 0.0:
            return None
        moves[k] = min(room[k], left / steep[k])
        left -= moves[k] * steep[k]
        if moves[k] < room[k]:
            return moves
    return moves if left <= 0 else None
