"""Half-spaces of a region from the affine maps of its units, and which of their hyperplanes coincide."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from inscape.geometry._bounds import UNIT_ROUNDOFF
from inscape.geometry._kernels_polytope import link_planes
from inscape.geometry._levels import Splitting
from inscape.geometry._local_push import Front
from inscape.geometry._local_ties import ranks, rivals
from inscape.geometry._program import Maximum, Rule, Sort


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Half-spaces normals · x ≤ offsets, of one region or of c.

    Attributes:
        normals: (..., m, d) outward normals.
        offsets: (..., m) right-hand sides.
        errors: (..., m, 2) bounds on the rounding errors of the offset and of the normal (its 2-norm).
    """

    normals: np.ndarray
    offsets: np.ndarray
    errors: np.ndarray


def step_rows(rule: Rule, split: Splitting, front: Front, pattern: np.ndarray) -> Rows:
    """The half-spaces in which the patterns of one nonlinear node hold.

    Args:
        rule: how the node splits.
        split: its predicates; empty for a maximum.
        front: front of its inputs.
        pattern: (c, n) patterns.

    Returns:
        Rows of the c regions: elementwise one for each predicate; for a maximum the leader against each other member;
        for a sort each two that follow each other in the order.
    """
    count = max(len(pattern), len(front.table))
    table = np.broadcast_to(front.table, (count, *front.table.shape[1:]))
    error = np.broadcast_to(front.error, (count, *front.error.shape[1:]))
    if isinstance(rule, Maximum | Sort):
        upper, lower = _leaders(rule, pattern) if isinstance(rule, Maximum) else _adjacent(rule, pattern)
        gap = _at(table, upper) - _at(table, lower)
        doubt = _at(error, upper) + _at(error, lower)
    else:
        sign = np.where(pattern, 1.0, -1.0)[:, None]
        gap, doubt = table[:, :, split.left], error[:, :, split.left]
        gap[:, 0] -= split.offset
        gap *= sign
        doubt[:, 0] += UNIT_ROUNDOFF * np.abs(split.offset)
    doubt = doubt + 2 * UNIT_ROUNDOFF * np.stack([np.abs(gap[:, 0]), np.linalg.norm(gap[:, 1:], axis=1)], axis=1)
    return Rows(normals=-np.moveaxis(gap[:, 1:], 1, 2), offsets=gap[:, 0], errors=np.moveaxis(doubt, 1, 2))


def _at(table: np.ndarray, units: np.ndarray) -> np.ndarray:
    index = np.broadcast_to(units[:, None], (len(units), table.shape[1], units.shape[1]))
    return np.take_along_axis(table, index, axis=2)


def _leaders(rule: Maximum, pattern: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The larger and the smaller unit of each row of a maximum or minimum."""
    where = np.nonzero(rivals(rule, pattern))
    rival = rule.groups[where[1:]].reshape(len(pattern), -1)
    leader = rule.groups[where[1], pattern[where[:2]]].reshape(len(pattern), -1)
    return (leader, rival) if rule.sign > 0 else (rival, leader)


def _adjacent(rule: Sort, pattern: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    unit = np.take_along_axis(np.broadcast_to(rule.groups, _order(rule, pattern).shape), _order(rule, pattern), 2)
    return unit[:, :, 1:].reshape(len(pattern), -1), unit[:, :, :-1].reshape(len(pattern), -1)


def _order(rule: Sort, pattern: np.ndarray) -> np.ndarray:
    """(c, g, k) members of each group, ascending."""
    return np.argsort(ranks(rule, pattern), axis=2)


def row_labels(rule: Rule, split: Splitting, pattern: np.ndarray) -> np.ndarray:
    """Predicates of the rows of :func:`step_rows`, counted in their step.

    Args:
        rule: how the node splits.
        split: its predicates; empty for a maximum.
        pattern: (c, n) patterns.

    Returns:
        (c, rows) labels: elementwise the predicate; for a maximum the place of the rival in the table of groups; for a
        sort the pair.
    """
    count = len(pattern)
    if isinstance(rule, Maximum):
        _, output, column = np.nonzero(rivals(rule, pattern))
        return (output * rule.groups.shape[1] + column).reshape(count, -1)
    if isinstance(rule, Sort):
        order, k = _order(rule, pattern), rule.groups.shape[1]
        number = np.zeros((k, k), np.int64)
        for position, (i, j) in enumerate(combinations(range(k), 2)):
            number[i, j] = number[j, i] = position
        pairs = number[order[:, :, :-1], order[:, :, 1:]] + (number.max() + 1) * np.arange(len(rule.groups))[:, None]
        return pairs.reshape(count, -1)
    return np.broadcast_to(np.arange(split.size), (count, split.size))


def coincident(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Number the hyperplanes of half-spaces; those that coincide up to their rounding errors are one.

    Args:
        rows: m half-spaces.

    Returns:
        (m,) numbers from 0, -1 where normal and offset are zero up to rounding, -2 where only the normal is; and (m,)
        orientations ±1: rows of one number and opposite orientation have opposite normals.
    """
    length = np.linalg.norm(rows.normals, axis=1)
    number = np.where(np.abs(rows.offsets) <= rows.errors[:, 0], -1, -2)
    side = np.ones(len(length), np.int64)
    real = np.flatnonzero(length > rows.errors[:, 1])
    unit = np.column_stack([rows.normals[real], rows.offsets[real]]) / length[real, None]
    doubt = rows.errors[real].sum(1) / length[real] + 16 * UNIT_ROUNDOFF
    probe = np.random.default_rng(0x51DE).standard_normal(rows.normals.shape[1])
    key = unit[:, :-1] @ probe
    side[real] = np.where(key < 0, -1, 1)
    unit *= side[real, None]
    key, order = np.abs(key), np.argsort(np.abs(key), kind="stable")
    planes = np.empty(len(real), np.int64)
    link_planes(unit, doubt, key, order, 2 * float(np.linalg.norm(probe) * doubt.max(initial=0.0)), planes)
    number[real] = planes
    return number, side
