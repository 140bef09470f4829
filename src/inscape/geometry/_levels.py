"""From the rule of a piecewise-linear node to the predicates whose zero sets cut the cells, and back to its pieces."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from inscape.geometry._program import Elementwise, Maximum, Rule, Sort


@dataclass(frozen=True, kw_only=True, slots=True)
class Splitting:
    """The n predicates z[left] - z[right] - offset of one node.

    Attributes:
        left: (n,) unit.
        right: (n,) second unit, -1 for none.
        offset: (n,) constant.
    """

    left: np.ndarray
    right: np.ndarray
    offset: np.ndarray

    @property
    def size(self) -> int:
        """Number n of predicates."""
        return self.left.size

    @property
    def plain(self) -> bool:
        """Whether the predicates are the values themselves."""
        ordered = np.array_equal(self.left, np.arange(self.size))
        return ordered and not self.offset.any() and bool((self.right < 0).all())


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One round of a step. A maximum of k members has ceil(log2 k) rounds, in which pairs compete; others have one.

    Attributes:
        split: the predicates.
        left: (m,) unit of the round's input that feeds each output of the round; empty where there is one round.
        right: (m,) its competitor, -1 for none.
        pair: (groups, columns) predicate that decides each output, -1 where there is no contest.
    """

    split: Splitting
    left: np.ndarray
    right: np.ndarray
    pair: np.ndarray


def stages(rule: Rule, width: int) -> tuple[Stage, ...]:
    """The rounds in which a rule cuts the cells.

    Args:
        rule: how the node splits.
        width: number of units of its flattened (concatenated) input.

    Returns:
        The rounds, in order.
    """
    if isinstance(rule, Maximum):
        return tournament(rule)
    none = np.zeros(0, np.int32)
    return (Stage(split=splitting(rule, width), left=none, right=none, pair=none.reshape(0, 0)),)


def tournament(rule: Maximum) -> tuple[Stage, ...]:
    """Rounds of pairwise maxima: fewer needless cuts than all pairs, and no three lines through a point.

    Args:
        rule: the groups.

    Returns:
        The rounds; the winners of the last one are the outputs.
    """
    order = np.argsort(rule.groups < 0, axis=1, kind="stable")
    groups = np.take_along_axis(rule.groups, order, axis=1)
    rounds = []
    while True:
        left = groups[:, 0::2]
        right = np.full_like(left, -1)
        right[:, : groups.shape[1] // 2] = groups[:, 1::2]
        present, contest = left >= 0, right >= 0
        split = Splitting(
            left=left[contest].astype(np.int32),
            right=right[contest].astype(np.int32),
            offset=np.zeros(int(contest.sum())),
        )
        rounds.append(
            Stage(
                split=split,
                left=left[present].astype(np.int64),
                right=right[present].astype(np.int64),
                pair=np.where(contest, np.cumsum(contest).reshape(contest.shape) - 1, -1),
            )
        )
        groups = np.where(present, np.cumsum(present).reshape(present.shape) - 1, -1)
        if groups.shape[1] == 1:
            return tuple(rounds)


def splitting(rule: Elementwise | Sort, width: int) -> Splitting:
    """List the predicates of a rule that cuts in one round.

    Elementwise: one for each unit and threshold with a kink (threshold-major). Sort: one for each pair of members of a
    group.

    Args:
        rule: how the node splits.
        width: number of units of its flattened (concatenated) input.

    Returns:
        The predicates.
    """
    if isinstance(rule, Elementwise):
        slopes = per_unit(rule.slopes, width)
        kinks = slopes[:-1] != slopes[1:]
        level, unit = np.nonzero(kinks)
        return Splitting(
            left=unit.astype(np.int32),
            right=np.full(unit.size, -1, np.int32),
            offset=np.asarray(rule.thresholds, dtype=np.float64)[level],
        )
    pairs = _pairs(rule.groups)
    return Splitting(left=pairs[:, 0].copy(), right=pairs[:, 1].copy(), offset=np.zeros(len(pairs)))


def per_unit(table: np.ndarray, width: int) -> np.ndarray:
    """Slopes or intercepts with one column for each unit.

    Args:
        table: (k,) for all units, or (k, width).
        width: number of units.

    Returns:
        (k, width) table.
    """
    table = np.asarray(table, dtype=np.float64)
    return np.broadcast_to(table[:, None], (table.shape[0], width)) if table.ndim == 1 else table


def _pairs(groups: np.ndarray) -> np.ndarray:
    columns = [groups[:, list(pair)] for pair in combinations(range(groups.shape[1]), 2)]
    if not columns:
        return np.zeros((0, 2), np.int32)
    pairs = np.stack(columns, axis=1).reshape(-1, 2)
    return pairs[(pairs >= 0).all(1) & (pairs[:, 0] != pairs[:, 1])].astype(np.int32)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pieces:
    """The affine piece of a node on each of c cells: out[o] = scale[o] · z[source[o]] + shift[o].

    Attributes:
        source: (c, outputs) or (1, outputs) unit that feeds each output.
        scale: (c, outputs) or (1, outputs).
        shift: (c, outputs) or (1, outputs).
    """

    source: np.ndarray
    scale: np.ndarray
    shift: np.ndarray


def pieces(rule: Rule, width: int, positive: np.ndarray) -> Pieces:
    """Read the affine pieces off the sign pattern.

    Args:
        rule: how the node splits.
        width: number of units of its flattened (concatenated) input.
        positive: (c, n) which predicates of :func:`splitting` are positive; for :class:`Maximum` (c, outputs)
            position of the leader in its group, see :func:`leaders`.

    Returns:
        The pieces on the c cells.
    """
    if isinstance(rule, Elementwise):
        slopes, intercepts = per_unit(rule.slopes, width), per_unit(rule.intercepts, width)
        level, unit = np.nonzero(slopes[:-1] != slopes[1:])
        interval = np.zeros((len(positive), width), np.int64)
        for k in range(slopes.shape[0] - 1):
            chosen = level == k
            columns = unit[chosen]
            passed = positive[:, chosen]
            interval[:, columns] = np.where(passed, k + 1, interval[:, columns])
        column = np.arange(width)
        return Pieces(source=column[None], scale=slopes[interval, column], shift=intercepts[interval, column])
    if isinstance(rule, Maximum):
        row = np.arange(rule.groups.shape[0])
        source = rule.groups[row, positive]
        return Pieces(source=source, scale=np.ones((1, row.size)), shift=np.zeros((1, row.size)))
    return _sorted_pieces(rule, positive)


def _sorted_pieces(rule: Sort, positive: np.ndarray) -> Pieces:
    groups = rule.groups
    wins = np.zeros((len(positive), *groups.shape), np.int64)
    order = list(combinations(range(groups.shape[1]), 2))
    table = positive.reshape(len(positive), groups.shape[0], len(order))
    for column, (i, j) in enumerate(order):
        ahead = table[:, :, column]
        wins[:, :, i] += ahead
        wins[:, :, j] += ~ahead
    rank = wins if not rule.descending else groups.shape[1] - 1 - wins
    source = np.empty((len(positive), rule.positions.size), np.int64)
    target = np.take_along_axis(np.broadcast_to(rule.positions, wins.shape), rank, axis=2)
    flat = np.broadcast_to(groups, wins.shape).reshape(len(positive), -1)
    np.put_along_axis(source, target.reshape(len(positive), -1), flat, axis=1)
    width = rule.positions.size
    return Pieces(source=source, scale=np.ones((1, width)), shift=np.zeros((1, width)))


def leaders(rule: Maximum, stages: Sequence[Stage], signs: Sequence[np.ndarray]) -> np.ndarray:
    """Which member of each group is largest (smallest for sign -1), the lowest position among equals.

    Args:
        rule: the groups.
        stages: rounds of the tournament, from :func:`tournament`.
        signs: for each round (c, n) which predicates are not negative (for a minimum: positive).

    Returns:
        (c, outputs) positions in the groups.
    """
    count, rows = len(signs[0]), np.arange(len(rule.groups))
    column = np.zeros((count, len(rows)), np.int64)
    for stage, sign in zip(reversed(stages), reversed(signs), strict=True):
        contest = stage.pair[rows, column]
        ahead = np.take_along_axis(sign, np.maximum(contest, 0), axis=1) if sign.shape[1] else contest < 0
        left_wins = (contest < 0) | (ahead if rule.sign > 0 else ~ahead)
        column = 2 * column + ~left_wins
    order = np.argsort(rule.groups < 0, axis=1, kind="stable")
    return order[rows, column]
