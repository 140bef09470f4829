"""Rounding bounds: how large a value can be, how wrong it can be, how fast it can change, for every unit.

One pass of a batch of one through the nodes with absolute coefficients. With unit roundoff u, a sum of n products is
computed with an error of at most γ(n) = n u / (1 - n u) times the sum of the absolute products (Higham 2002, §3.1).
"""

from dataclasses import dataclass

import numpy as np

from inscape.geometry._program import Elementwise, Node, Sort

UNIT_ROUNDOFF = 2.0**-53


def gamma(n: int) -> float:
    """Relative error bound of a sum of n rounded products.

    Args:
        n: number of operations that round.

    Returns:
        n u / (1 - n u).
    """
    return n * UNIT_ROUNDOFF / (1 - n * UNIT_ROUNDOFF)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """Bounds of one node's units on the part of the chart that is looked at.

    Attributes:
        magnitude: (width,) largest absolute value.
        error: (width,) largest evaluation error.
        slope: (width,) largest slope per unit of the chart coordinate.
    """

    magnitude: np.ndarray
    error: np.ndarray
    slope: np.ndarray


def interpolated_bound(bound: Bound) -> Bound:
    """Bounds after values were interpolated twice: a mix is no worse than what is mixed, but for its own rounding.

    Args:
        bound: bounds of the values that are mixed.

    Returns:
        Bounds of the mixes.
    """
    error = bound.error + 2 * gamma(4) * bound.magnitude
    return Bound(magnitude=bound.magnitude, error=error, slope=bound.slope)


def affine_bound(node: Node, shapes: list[tuple[int, ...]], inputs: list[Bound]) -> Bound:
    """Carry bounds through an affine node.

    Args:
        node: the node.
        shapes: shapes of its inputs.
        inputs: bounds of its inputs.

    Returns:
        The bounds of its output.
    """
    rows = [np.stack([np.zeros_like(b.magnitude), b.magnitude, b.error, b.slope]) for b in inputs]
    shaped = [row.reshape(4, *shape) for row, shape in zip(rows, shapes, strict=True)]
    zero, magnitude, error, slope = node.magnitude(*shaped).reshape(4, -1)
    rounding = gamma(node.length + 2) if node.length else 0.0
    return Bound(
        magnitude=magnitude,
        error=np.maximum(error - zero, 0.0) * (1 + 1e-12) + rounding * magnitude,
        slope=np.maximum(slope - zero, 0.0) * (1 + 1e-12),
    )


def piecewise_bound(node: Node, inputs: list[Bound]) -> Bound:
    """Carry bounds through a piecewise-linear node.

    Args:
        node: the node.
        inputs: bounds of its inputs.

    Returns:
        The bounds of its output.

    Raises:
        TypeError: if the node has no rule.
    """
    rule = node.rule
    magnitude = np.concatenate([b.magnitude for b in inputs])
    error = np.concatenate([b.error for b in inputs])
    slope = np.concatenate([b.slope for b in inputs])
    if isinstance(rule, Elementwise):
        steepest = np.abs(rule.slopes).max(0)
        highest = (np.abs(rule.slopes).max(0) * magnitude) + np.abs(rule.intercepts).max(0)
        exact = bool(np.isin(rule.slopes, (0.0, 1.0)).all() and not np.any(rule.intercepts))
        rounding = 0.0 if exact else gamma(2)
        return Bound(magnitude=highest, error=steepest * error + rounding * highest, slope=steepest * slope)
    if rule is None:
        raise TypeError(f"{node.name}: a piecewise-linear node without a rule")
    pick = np.where(rule.groups >= 0, rule.groups, rule.groups[:, :1])
    top = Bound(magnitude=magnitude[pick].max(1), error=error[pick].max(1), slope=slope[pick].max(1))
    return _spread(rule.positions, top) if isinstance(rule, Sort) else top


def _spread(positions: np.ndarray, top: Bound) -> Bound:
    def spread(part: np.ndarray) -> np.ndarray:
        out = np.empty(positions.size)
        out[positions] = part[:, None]
        return out

    return Bound(magnitude=spread(top.magnitude), error=spread(top.error), slope=spread(top.slope))
