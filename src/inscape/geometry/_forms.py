"""Affine forms: enclosures of a layer's values on a ball by affine functions with named deviations.

A unit's value is c + a · δ + Σ e_k ε_k ± r: affine in the offset δ, with deviations |ε_k| ≤ 1 that stand for units
whose piece is not known on the ball, and r for rounding. The same deviation may appear in many units, and cancels.
"""

from dataclasses import dataclass

import numpy as np

from inscape.geometry._ball import Ball
from inscape.geometry._bounds import gamma
from inscape.geometry._program import Node


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Forms:
    """Affine forms of w units.

    Attributes:
        table: (1 + B + K, w) constants, slopes, deviations.
        slack: (w,) bounds of all rounding so far.
    """

    table: np.ndarray
    slack: np.ndarray

    def padded(self, rows: int) -> np.ndarray:
        """The table with zero rows for deviations that it does not know."""
        missing = rows - len(self.table)
        return np.vstack([self.table, np.zeros((missing, self.table.shape[1]))]) if missing else self.table


def input_forms(ball: Ball) -> Forms:
    """The forms of the input: the centre and its offset."""
    return Forms(table=np.vstack([ball.centre[None], np.eye(ball.dimension)]), slack=np.zeros(ball.dimension))


def joined(parts: list[Forms]) -> Forms:
    """Forms of several inputs side by side."""
    if len(parts) == 1:
        return parts[0]
    rows = max(len(part.table) for part in parts)
    table = np.concatenate([part.padded(rows) for part in parts], axis=1)
    return Forms(table=table, slack=np.concatenate([part.slack for part in parts]))


def weights_of(ball: Ball, table: np.ndarray) -> np.ndarray:
    """Bounds of the sums of absolute terms, for rounding.

    Args:
        ball: the ball.
        table: (1 + B + K, w) forms.

    Returns:
        (w,) bounds.
    """
    size = np.abs(table)
    inner = ball.rank + 1
    return size[0] + ball.spans @ size[1:inner] + size[inner:].sum(0)


def affine(node: Node, shapes: list[tuple[int, ...]], inputs: list[Forms], ball: Ball) -> Forms:
    """Carry forms through an affine node.

    Args:
        node: the node.
        shapes: shapes of its inputs.
        inputs: forms of its inputs.
        ball: the ball.

    Returns:
        Forms of its output.
    """
    rows = max(len(part.table) for part in inputs)
    tables = [part.padded(rows) for part in inputs]
    base = [np.ascontiguousarray(t[:1]).reshape(1, *shape) for t, shape in zip(tables, shapes, strict=True)]
    rest = [np.ascontiguousarray(t[1:]).reshape(rows - 1, *shape) for t, shape in zip(tables, shapes, strict=True)]
    table = np.vstack([node.apply(*base).reshape(1, -1), node.linear(*rest).reshape(rows - 1, -1)])
    if node.length == 0 and not any(part.slack.any() for part in inputs):
        return Forms(table=table, slack=np.zeros(table.shape[1]))
    sizes = [
        np.stack([np.zeros_like(part.slack), part.slack, weights_of(ball, t)]).reshape(3, *shape)
        for part, t, shape in zip(inputs, tables, shapes, strict=True)
    ]
    zero, slack, size = node.magnitude(*sizes).reshape(3, -1)
    rounding = gamma(node.length + 2) if node.length else 0.0
    grown = np.maximum(slack - zero, 0.0) * (1 + 1e-12)
    return Forms(table=table, slack=grown + 3 * rounding * size)  # of the table, and of both rows of magnitudes


def ranges(forms: Forms, ball: Ball) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest values on the ball, rounding included.

    Args:
        forms: forms of w units.
        ball: the ball.

    Returns:
        (w,) lower and (w,) upper bounds.
    """
    inner = ball.rank + 1
    slopes, rounding = ball.slopes(forms.table[1:inner])
    spread = np.abs(forms.table[inner:]).sum(0)
    up = ball.largest(slopes)
    down = ball.largest(-slopes) if ball.boxed else up
    constant = forms.table[0]
    pad = (
        forms.slack
        + rounding
        + gamma(len(forms.table) - inner + 4) * (np.abs(constant) + np.maximum(up, down) + spread)
    )
    return constant - down - spread - pad, constant + up + spread + pad
