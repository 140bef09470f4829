"""A ball around a point that holds no target: bounds of a whole ball at once, without dividing it into families."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from inscape.geometry._approach import Problem
from inscape.geometry._family import enclose, head_start, towards
from inscape.geometry._inequalities import certified_distance

_HALVINGS = 20
_BISECTIONS = 3


def free_radius(problem: Problem, radius: float) -> float:
    """A certified lower bound of the distance, cheap and loose: the price of some forward passes.

    The affine bounds of a small ball are tighter than those of a large one. So the radius is halved until nothing in
    the ball can be in a target, and then raised again by bisection.

    Args:
        problem: centre, norm, box and targets.
        radius: radius to begin with, > 0 and finite.

    Returns:
        The bound, from 0 to the radius: no point that is nearer lies in a target.

    Source:
        Wong and Kolter (2018), for one ball.
    """
    best, low, high = 0.0, 0.0, radius
    for _ in range(_HALVINGS):
        bound = _bound(problem, high)
        best = max(best, min(bound, high))
        if bound >= high:
            low = high
            break
        high /= 2
        if high <= best:
            break
    if low in {0.0, radius}:
        return best
    high = 2 * low
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        bound = _bound(problem, middle)
        best = max(best, min(bound, middle))
        low, high = (middle, high) if bound >= middle else (low, middle)
    return best


def _bound(problem: Problem, radius: float) -> float:
    """Least distance at which a target can be met inside the ball of this radius."""
    plain = replace(problem.ball, radius=radius, basis=None, span=None)
    ball, known = head_start(problem.program, plain)
    root = enclose(problem.program, ball, (), known)
    if root is None:
        return radius
    found: Sequence[float] = [
        certified_distance(ball, rows, np.eye(1, len(rows.constants))[0])
        for rows in (towards(root, target, ball) for target in problem.targets)
    ]
    return min(found)
