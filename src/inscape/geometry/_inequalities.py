"""Linear inequalities with unknown deviations, and a lower bound of the distance to them that needs no trust."""

from dataclasses import dataclass, replace

import numpy as np

from inscape.geometry._ball import Ball, least_norm
from inscape.geometry._bounds import gamma


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Inequalities:
    """Linear inequalities c + a · δ + e · ε ≤ r with unknown |ε_k| ≤ 1.

    Attributes:
        constants: (m,) c.
        slopes: (m, D) a.
        spread: (m, K) e.
        slack: (m,) r.
    """

    constants: np.ndarray
    slopes: np.ndarray
    spread: np.ndarray
    slack: np.ndarray

    def and_also(self, other: "Inequalities", chosen: np.ndarray | slice = slice(None)) -> "Inequalities":
        """These inequalities followed by some of another set."""
        return Inequalities(
            constants=np.concatenate([self.constants, other.constants[chosen]]),
            slopes=np.concatenate([self.slopes, other.slopes[chosen]]),
            spread=np.concatenate([self.spread, other.spread[chosen]]),
            slack=np.concatenate([self.slack, other.slack[chosen]]),
        )

    def values(self, offset: np.ndarray, deviations: np.ndarray) -> np.ndarray:
        """(m,) left sides at an offset and deviations."""
        return self.constants + self.slopes @ offset + self.spread @ deviations

    def sizes(self, ball: Ball) -> np.ndarray:
        """(m,) bounds of the sums of absolute terms."""
        return np.abs(self.constants) + np.abs(self.slopes) @ ball.reach + np.abs(self.spread).sum(1)


def certified_distance(ball: Ball, rows: Inequalities, weights: np.ndarray) -> float:
    r"""A lower bound of the distance to a set of inequalities, valid for any weights ≥ 0.

    Every point of the set satisfies the weighted sum of the inequalities, which is one half-space when each deviation
    is taken at its worst, and the distance to that is known in closed form:

    .. math:: \|\delta\| \ge \frac{\mu \cdot c - \|E^\top \mu\|_1 - \mu \cdot r}{\|A^\top \mu\|_*}

    Weights may come from any solver: what it did wrong makes the bound smaller, never invalid. Rounding of the sum
    itself is accounted for.

    Args:
        ball: gives centre, norm and box.
        rows: the inequalities.
        weights: (m,) weights μ.

    Returns:
        The bound, infinity if the set is empty.
    """
    used = weights > 0
    if not used.any():
        return 0.0
    weight, slopes, spread = weights[used], rows.slopes[used], rows.spread[used]
    constants, slack, count = rows.constants[used], rows.slack[used], len(weight)
    size = weight @ (np.abs(constants) + slack) + weight @ np.abs(spread).sum(1)
    excess = weight @ constants - weight @ slack - np.abs(weight @ spread).sum()
    excess -= gamma(2 * count + spread.shape[1] + 4) * size
    if excess <= 0:
        return 0.0
    slope = weight @ slopes
    error = gamma(count + 1) * (weight @ np.abs(slopes))
    unclear = np.abs(slope) <= error
    roomy = ball if not unclear.any() else _symmetric(ball, unclear)
    distance = least_norm(roomy, np.where(slope < 0, slope - error, slope + error), float(excess))[0]
    return distance * (1 - gamma(4 * ball.dimension + 8))


def _symmetric(ball: Ball, chosen: np.ndarray) -> Ball:
    """The ball with the wider of its two limits on both sides of some coordinates."""
    wide = np.maximum(-ball.low, ball.high)
    return replace(ball, low=np.where(chosen, -wide, ball.low), high=np.where(chosen, wide, ball.high))
