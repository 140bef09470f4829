"""Predicates that vanish together, and the pattern that holds on one side of where they vanish."""

from itertools import combinations

import numpy as np

from inscape.geometry._levels import Splitting
from inscape.geometry._program import Maximum, Rule, Sort

# Ties of one step at c places are one array:
#   Elementwise  (c, n) sign of each predicate, 0 where it is open;
#   Maximum      (c, outputs, k) True for the members among which the leader is to be chosen;
#   Sort         (c, g, k) classes, ascending with the value; members of one class are still to be ordered.


def tied(rule: Rule, split: Splitting, value: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Ties at points where values are known up to an error.

    Args:
        rule: how the step splits.
        split: its predicates; empty for a maximum.
        value: (c, width) values.
        error: (c, width) bounds on their errors.

    Returns:
        The ties.
    """
    if isinstance(rule, Maximum):
        signed, slack = rule.sign * members(rule, value), members(rule, error)
        present = rule.groups >= 0
        lead = np.where(present, signed, -np.inf).argmax(2)[:, :, None]
        best, doubt = np.take_along_axis(signed, lead, 2), np.take_along_axis(slack, lead, 2)
        return present & (best - signed <= doubt + slack)
    if isinstance(rule, Sort):
        return _classes(value[:, rule.groups], error[:, rule.groups])
    gap, doubt = differences(split, value), _sums(split, error)
    return np.where(np.abs(gap) <= doubt, 0, np.where(gap > 0, 1, -1))


def resolve(rule: Rule, split: Splitting, ties: np.ndarray, change: np.ndarray, error: np.ndarray) -> np.ndarray:
    """The pattern where the ties are broken by the change of the units in a direction.

    Units that do not change either are equal as far as the direction goes: a predicate is then off, and the lowest
    index leads.

    Args:
        rule: how the step splits.
        split: its predicates; empty for a maximum.
        ties: from :func:`tied`.
        change: (c, width) derivatives of the units in the direction.
        error: (c, width) bounds on their errors.

    Returns:
        (c, n) pattern as ``pieces`` takes it.
    """
    if isinstance(rule, Maximum):
        signed, slack = rule.sign * members(rule, change), members(rule, error)
        lead = np.where(ties, signed, -np.inf).argmax(2)[:, :, None]
        best, doubt = np.take_along_axis(signed, lead, 2), np.take_along_axis(slack, lead, 2)
        return (ties & (best - signed <= doubt + slack)).argmax(2)
    if isinstance(rule, Sort):
        return _ordered(rule, ties, _classes(change[:, rule.groups], error[:, rule.groups]))
    moved = _slopes(split, change) > _sums(split, error)
    return np.where(ties == 0, moved, ties > 0)


def members(rule: Maximum, value: np.ndarray) -> np.ndarray:
    """(c, outputs, k) values of the members of each group; those of absent members are arbitrary."""
    return value[:, np.maximum(rule.groups, 0)]


def differences(split: Splitting, value: np.ndarray) -> np.ndarray:
    """Predicates of a rule that cuts in one round, from the values of its units.

    Args:
        split: the predicates.
        value: (..., width) values.

    Returns:
        (..., n) z[left] - z[right] - offset.
    """
    return _slopes(split, value) - split.offset


def _slopes(split: Splitting, value: np.ndarray) -> np.ndarray:
    gap = value[..., split.left]
    return gap - np.where(split.right >= 0, value[..., np.maximum(split.right, 0)], 0.0) if _paired(split) else gap


def _sums(split: Splitting, value: np.ndarray) -> np.ndarray:
    total = value[..., split.left]
    return total + np.where(split.right >= 0, value[..., np.maximum(split.right, 0)], 0.0) if _paired(split) else total


def _paired(split: Splitting) -> bool:
    return bool((split.right >= 0).any())


def _classes(value: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Classes of equal values in each group, ascending; chains of near values are one class."""
    order = np.argsort(value, axis=2, kind="stable")
    value, error = np.take_along_axis(value, order, 2), np.take_along_axis(error, order, 2)
    step = np.diff(value, axis=2) > error[:, :, 1:] + error[:, :, :-1]
    classes = np.zeros(value.shape, np.int64)
    classes[:, :, 1:] = np.cumsum(step, axis=2)
    found = np.empty_like(classes)
    np.put_along_axis(found, order, classes, 2)
    return found


def _ordered(rule: Sort, classes: np.ndarray, later: np.ndarray) -> np.ndarray:
    """(c, pairs) which first members of the pairs are larger; among equals the later position counts as larger."""
    k = rule.groups.shape[1]
    place = np.arange(k)
    order = np.lexsort((np.broadcast_to(place, classes.shape), later, classes), axis=2)
    rank = np.empty_like(classes)
    np.put_along_axis(rank, order, np.broadcast_to(place, classes.shape), 2)
    pairs = list(combinations(range(k), 2))
    ahead = np.stack([rank[:, :, i] > rank[:, :, j] for i, j in pairs], axis=2)
    return ahead.reshape(len(classes), -1)


def ranks(rule: Sort, pattern: np.ndarray) -> np.ndarray:
    """Place of each member in the ascending order of its group.

    Args:
        rule: the groups.
        pattern: (c, pairs) which first members of the pairs are larger.

    Returns:
        (c, g, k) ranks.
    """
    k = rule.groups.shape[1]
    ahead = pattern.reshape(len(pattern), rule.groups.shape[0], -1)
    rank = np.zeros((len(pattern), *rule.groups.shape), np.int64)
    for column, (i, j) in enumerate(combinations(range(k), 2)):
        rank[:, :, i] += ahead[:, :, column]
        rank[:, :, j] += ~ahead[:, :, column]
    return rank


def rivals(rule: Maximum, pattern: np.ndarray) -> np.ndarray:
    """(c, outputs, k) True for the members that are present and do not lead."""
    column = np.arange(rule.groups.shape[1])
    return (rule.groups >= 0) & (column != pattern[:, :, None])


def ties_beyond(rule: Rule, pattern: np.ndarray, vanish: np.ndarray) -> np.ndarray:
    """Ties where some of a region's predicates vanish.

    Args:
        rule: how the step splits.
        pattern: (n,) pattern of the step on the region.
        vanish: (f, rows) which of the step's rows vanish, at f places.

    Returns:
        The ties at the f places.
    """
    if isinstance(rule, Maximum):
        mask = rivals(rule, pattern[None])[0]
        open_ = np.zeros((len(vanish), *rule.groups.shape), np.bool_)
        open_[:, mask] = vanish
        open_[:, np.arange(len(pattern)), pattern] = True
        return open_
    if isinstance(rule, Sort):
        rank = ranks(rule, pattern[None])[0]
        classes = np.zeros((len(vanish), *rank.shape), np.int64)
        classes[:, :, 1:] = np.cumsum(~vanish.reshape(len(vanish), rank.shape[0], -1), axis=2)
        return np.take_along_axis(classes, np.broadcast_to(rank, classes.shape), 2)
    return np.where(vanish, 0, np.where(pattern, 1, -1))
