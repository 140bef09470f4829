"""Affine maps with their rounding errors, carried through the nodes of a program for given patterns."""

from dataclasses import dataclass

import numpy as np

from inscape.geometry._bounds import UNIT_ROUNDOFF, gamma
from inscape.geometry._levels import pieces
from inscape.geometry._program import Node, Rule


@dataclass(frozen=True, kw_only=True, slots=True)
class Front:
    """The affine maps of one node's units on c regions.

    Attributes:
        table: (c, r + 1, width) constant, then the change along each of r directions.
        error: (c, 2, width) bounds on the rounding errors of the constant and of the changes (their 2-norm).
    """

    table: np.ndarray
    error: np.ndarray


def start(origin: np.ndarray, directions: np.ndarray) -> Front:
    """The map of the input node.

    Args:
        origin: (c, D) or (D,) points of input space.
        directions: (c, r, D) or (r, D) directions.

    Returns:
        The front, without errors.
    """
    base = np.atleast_2d(origin)[:, None]
    rows = directions if directions.ndim == 3 else directions[None]
    count = max(len(base), len(rows))
    table = np.concatenate([np.broadcast_to(part, (count, *part.shape[1:])) for part in (base, rows)], axis=1)
    return Front(table=table, error=np.zeros((count, 2, table.shape[2])))


def joined(fronts: list[Front]) -> Front:
    """The units of several nodes, one after the other.

    Args:
        fronts: fronts of one number of directions.

    Returns:
        One front.
    """
    if len(fronts) == 1:
        return fronts[0]
    count = max(len(front.table) for front in fronts)
    return Front(
        table=np.concatenate([np.broadcast_to(f.table, (count, *f.table.shape[1:])) for f in fronts], axis=2),
        error=np.concatenate([np.broadcast_to(f.error, (count, *f.error.shape[1:])) for f in fronts], axis=2),
    )


def carry(node: Node, fronts: list[Front], shapes: list[tuple[int, ...]]) -> Front:
    """Carry maps through an affine node, with a running error bound: what was wrong before, and its own rounding.

    Args:
        node: the node.
        fronts: fronts of its inputs.
        shapes: shapes of its inputs.

    Returns:
        The front of its output.
    """
    count, rows = max(len(front.table) for front in fronts), fronts[0].table.shape[1]
    constant, changes, size = [], [], []
    for front, shape in zip(fronts, shapes, strict=True):
        table = np.broadcast_to(front.table, (count, *front.table.shape[1:]))
        error = np.broadcast_to(front.error, (count, *front.error.shape[1:]))
        constant.append(np.ascontiguousarray(table[:, 0]).reshape(count, *shape))
        changes.append(np.ascontiguousarray(table[:, 1:]).reshape(count * (rows - 1), *shape))
        norm = np.linalg.norm(table[:, 1:], axis=1)
        stacked = np.stack([np.abs(table[:, 0]), norm, error[:, 0], error[:, 1], np.zeros_like(norm)])
        size.append(stacked.reshape(5 * count, *shape))
    made = np.concatenate(
        [node.apply(*constant).reshape(count, 1, -1), node.linear(*changes).reshape(count, rows - 1, -1)], axis=1
    )
    carried = node.magnitude(*size).reshape(5, count, -1)
    zero, share = carried[4], gamma(node.length + 2) if node.length else 0.0
    error = np.stack([carried[2] - zero + share * carried[0], carried[3] - zero + share * (carried[1] - zero)], axis=1)
    return Front(table=made, error=np.maximum(error, 0.0) * (1 + 1e-12))


def bend(rule: Rule, front: Front, pattern: np.ndarray) -> Front:
    """Apply the pieces of a nonlinear node that the patterns choose.

    Args:
        rule: how the node splits.
        front: front of its (joined) inputs.
        pattern: (c, n) patterns as :func:`pieces` takes them.

    Returns:
        The front of its output.
    """
    width = front.table.shape[2]
    found = pieces(rule, width, pattern)
    count = max(len(pattern), len(front.table))
    if len(found.source) == 1 and np.array_equal(found.source[0], np.arange(width)):
        table, error = front.table, front.error
    else:
        table, error = (_picked(part, found.source, count) for part in (front.table, front.error))
    scale, shift = found.scale[:, None, :], found.shift
    table = table * scale
    error = error * np.abs(scale)
    if not np.isin(found.scale, (0.0, 1.0)).all() or shift.any():
        error[:, 0] += 2 * UNIT_ROUNDOFF * (np.abs(table[:, 0]) + np.abs(shift))
        error[:, 1] += 2 * UNIT_ROUNDOFF * np.linalg.norm(table[:, 1:], axis=1)
    table[:, 0] += shift
    return Front(table=table, error=error)


def _picked(part: np.ndarray, source: np.ndarray, count: int) -> np.ndarray:
    index = np.broadcast_to(source[:, None, :], (count, part.shape[1], source.shape[1]))
    return np.take_along_axis(np.broadcast_to(part, (count, *part.shape[1:])), index, axis=2)
