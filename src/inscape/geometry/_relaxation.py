"""Affine forms through piecewise-linear nodes: exact where one piece holds on the ball, enclosed where several do."""

from dataclasses import dataclass

import numpy as np

from inscape.geometry._ball import Ball
from inscape.geometry._bounds import gamma
from inscape.geometry._forms import Forms, joined, ranges, weights_of
from inscape.geometry._levels import per_unit
from inscape.geometry._program import Elementwise, Maximum, Rule, Sort


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A half-space in which a family of regions lies: sign · (z[left] - z[right] - offset) ≥ 0 at a node.

    Attributes:
        node: position of the piecewise-linear node; its concatenated inputs are z.
        left: unit.
        right: second unit, -1 for none.
        offset: constant.
        sign: +1 or -1.
    """

    node: int
    left: int
    right: int
    offset: float
    sign: int

    def opposite(self) -> "Decision":
        """The other half-space."""
        return Decision(node=self.node, left=self.left, right=self.right, offset=self.offset, sign=-self.sign)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Bent:
    """What became of forms at a piecewise-linear node.

    Attributes:
        forms: forms of the output; None if the decisions contradict the ranges, so that the family is empty.
        splits: for each new deviation the decision that would narrow it.
        cuts: forms that are at most 0 but for their slack: the piecewise-linear function lies above (below, where it is
            concave) each of its pieces, which the deviation alone does not know; None for none.
    """

    forms: Forms | None
    splits: tuple[Decision, ...] = ()
    cuts: Forms | None = None


def bend(rule: Rule, node: int, forms: Forms, ball: Ball, decisions: tuple[Decision, ...]) -> Bent:
    """Carry forms through a piecewise-linear node.

    Args:
        rule: how the node splits.
        node: its position.
        forms: forms of its concatenated inputs.
        ball: the ball.
        decisions: the decisions at this node.

    Returns:
        The forms behind it, and what is undecided.
    """
    if isinstance(rule, Elementwise):
        return _elementwise(rule, node, forms, ball, decisions)
    if isinstance(rule, Maximum):
        return _maximum(rule, node, forms, ball, decisions)
    return _sort(rule, node, forms, ball, decisions)


def _elementwise(rule: Elementwise, node: int, forms: Forms, ball: Ball, decisions: tuple[Decision, ...]) -> Bent:
    low, high = ranges(forms, ball)
    for made in decisions:
        if made.sign > 0:
            low[made.left] = max(low[made.left], made.offset)
        else:
            high[made.left] = min(high[made.left], made.offset)
    if (low > high).any():
        return Bent(forms=None)
    chord = _chords(rule, low, high)
    reach = np.maximum(np.abs(low), np.abs(high)) + weights_of(ball, forms.table)
    size = np.abs(chord.scale) * reach + np.abs(chord.shift) + chord.radius
    exact = (chord.radius == 0.0) & np.isin(chord.scale, (0.0, 1.0)) & (chord.shift == 0.0)
    table = forms.table * chord.scale
    table[0] += chord.shift
    slack = np.abs(chord.scale) * forms.slack + np.where(exact, 0.0, gamma(8) * size)
    where = np.flatnonzero(chord.kinks > 0)
    splits = tuple(Decision(node=node, left=int(u), right=-1, offset=float(chord.threshold[u]), sign=1) for u in where)
    bent = _with_deviations(table, slack, chord.radius[where], where)
    single = np.flatnonzero(chord.kinks == 1)
    slopes, intercepts = per_unit(rule.slopes, len(low)), per_unit(rule.intercepts, len(low))
    begin, end = chord.first[single], chord.last[single]
    convex = slopes[begin, single] < slopes[end, single]
    cuts = [
        _cut(forms, bent, single, ball, scale=slopes[piece, single], shift=intercepts[piece, single], convex=convex)
        for piece in (begin, end)
    ]
    return Bent(forms=bent, splits=splits, cuts=_side_by_side(cuts))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Chords:
    """Lines that enclose a function of one variable on the range of each unit: scale · z + shift ± radius.

    Attributes:
        scale: (w,) slope of the chord; of the only piece where there is no kink.
        shift: (w,) constant.
        radius: (w,) half the height of the enclosure, 0 where there is no kink.
        kinks: (w,) number of kinks inside the range.
        threshold: (w,) place of the first of them.
        first: (w,) piece at the low end.
        last: (w,) piece at the high end.
    """

    scale: np.ndarray
    shift: np.ndarray
    radius: np.ndarray
    kinks: np.ndarray
    threshold: np.ndarray
    first: np.ndarray
    last: np.ndarray


def _chords(rule: Elementwise, low: np.ndarray, high: np.ndarray) -> _Chords:
    unit = np.arange(len(low))
    slopes, intercepts = per_unit(rule.slopes, len(low)), per_unit(rule.intercepts, len(low))
    thresholds = np.asarray(rule.thresholds, dtype=np.float64)
    first = (low >= thresholds[:, None]).sum(0)
    last = np.maximum(first, (high > thresholds[:, None]).sum(0))
    bends = (slopes[1:] != slopes[:-1]) & (low < thresholds[:, None]) & (thresholds[:, None] < high)
    bent = bends.any(0)
    at_low, at_high = slopes[first, unit] * low + intercepts[first, unit], slopes[last, unit] * high
    at_high = at_high + intercepts[last, unit]
    scale = np.where(bent, (at_high - at_low) / np.where(bent, high - low, 1.0), slopes[first, unit])
    # over its chord a piecewise-linear function is farthest away at a kink, or zero away at both ends
    kinks = slopes[1:] * thresholds[:, None] + intercepts[1:] - scale * thresholds[:, None]
    ends = np.stack([at_low - scale * low, at_high - scale * high])
    below = np.minimum(ends.min(0), np.where(bends, kinks, np.inf).min(0, initial=np.inf))
    above = np.maximum(ends.max(0), np.where(bends, kinks, -np.inf).max(0, initial=-np.inf))
    return _Chords(
        scale=scale,
        shift=np.where(bent, (below + above) / 2, intercepts[first, unit]),
        radius=np.where(bent, (above - below) / 2, 0.0),
        kinks=bends.sum(0),
        threshold=thresholds[bends.argmax(0)] if len(thresholds) else np.zeros(len(low)),
        first=first,
        last=last,
    )


def _cut(
    forms: Forms,
    bent: Forms,
    unit: np.ndarray,
    ball: Ball,
    *,
    scale: np.ndarray,
    shift: np.ndarray,
    convex: np.ndarray,
) -> Forms:
    """How far a piece of some units lies above what came out of them; negative where the function is concave."""
    below = scale * forms.table[:, unit]
    below[0] += shift
    table = -bent.table[:, unit]
    table[: len(below)] += below
    size = (
        weights_of(ball, bent.table[:, unit]) + np.abs(scale) * weights_of(ball, forms.table[:, unit]) + np.abs(shift)
    )
    slack = bent.slack[unit] + np.abs(scale) * forms.slack[unit] + gamma(4) * size
    return Forms(table=np.where(convex, table, -table), slack=slack)


def _side_by_side(parts: list[Forms]) -> Forms | None:
    parts = [part for part in parts if part.slack.size]
    return joined(parts) if parts else None


def _with_deviations(table: np.ndarray, slack: np.ndarray, radius: np.ndarray, unit: np.ndarray) -> Forms:
    """Forms with a new deviation for each of some units."""
    rows = np.zeros((len(unit), table.shape[1]))
    rows[np.arange(len(unit)), unit] = radius
    return Forms(table=np.vstack([table, rows]), slack=slack)


def _beaten(decisions: tuple[Decision, ...]) -> set[tuple[int, int]]:
    """Pairs (i, j) of units with z[i] ≥ z[j] by decision."""
    return {(d.left, d.right) if d.sign > 0 else (d.right, d.left) for d in decisions}


def _difference(forms: Forms, first: np.ndarray, second: np.ndarray) -> Forms:
    table = forms.table[:, first] - forms.table[:, second]
    size = np.abs(forms.table[:, first]).max(0, initial=0.0) + np.abs(forms.table[:, second]).max(0, initial=0.0)
    slack = forms.slack[first] + forms.slack[second]
    return Forms(table=table, slack=slack + gamma(2) * len(table) * size)


def _maximum(rule: Maximum, node: int, forms: Forms, ball: Ball, decisions: tuple[Decision, ...]) -> Bent:
    """Every group is its likeliest leader plus what another member exceeds it by, if one can."""
    signed = forms if rule.sign > 0 else Forms(table=-forms.table, slack=forms.slack)
    beaten = _beaten(decisions)
    beaten = beaten if rule.sign > 0 else {(j, i) for i, j in beaten}
    low, high = ranges(signed, ball)
    count = len(rule.groups)
    leader = np.empty(count, np.int64)
    pairs: list[tuple[int, int, int]] = []
    for o, group in enumerate(rule.groups):
        members = _alive(group[group >= 0], low, high, beaten)
        leader[o] = members[np.argmax((low + high)[members])] if len(members) > 1 else members[0]
        pairs += [(o, int(j), int(leader[o])) for j in members if j != leader[o]]
    lead = Forms(table=signed.table[:, leader], slack=signed.slack[leader])
    rivals = np.array(pairs, dtype=np.int64).reshape(-1, 3)
    raised, splits = _raise(lead, signed, rivals, ball, node=node, beaten=beaten)
    cuts = [_above(signed, raised, rivals[:, member], rivals[:, 0], ball) for member in (1, 2)]
    table = raised.table if rule.sign > 0 else -raised.table
    return Bent(forms=Forms(table=table, slack=raised.slack), splits=splits, cuts=_side_by_side(cuts))


def _above(forms: Forms, raised: Forms, member: np.ndarray, output: np.ndarray, ball: Ball) -> Forms:
    """How far members exceed their maximum: never, but for rounding."""
    ones = np.ones(len(member))
    return _cut(
        Forms(table=forms.table[:, member], slack=forms.slack[member]),
        Forms(table=raised.table[:, output], slack=raised.slack[output]),
        np.arange(len(member)),
        ball,
        scale=ones,
        shift=0.0 * ones,
        convex=ones > 0,
    )


def _alive(members: np.ndarray, low: np.ndarray, high: np.ndarray, beaten: set[tuple[int, int]]) -> np.ndarray:
    """Members that can still be largest; equal ones beat each other in the order of their places."""
    members = np.unique(members)
    members = members[high[members] >= low[members].max()]
    lost = [any((int(i), int(j)) in beaten and (int(j), int(i)) not in beaten for i in members) for j in members]
    kept = members[~np.array(lost)]
    return kept if len(kept) else members


def _raise(
    lead: Forms, forms: Forms, pairs: np.ndarray, ball: Ball, *, node: int, beaten: set[tuple[int, int]]
) -> tuple[Forms, tuple[Decision, ...]]:
    """Add max(0, excess of the challengers) to the leaders; pairs holds output, challenger and leader."""
    if not len(pairs):
        return lead, ()
    rivals = _difference(forms, pairs[:, 1], pairs[:, 2])
    least, most = ranges(rivals, ball)
    shut = np.array([(int(i), int(j)) in beaten for _, j, i in pairs])
    most = np.where(shut, np.minimum(most, 0.0), most)
    table, slack = lead.table.copy(), lead.slack.copy()
    radii, units, splits = [], [], []
    for o in np.unique(pairs[:, 0]):
        mine = np.flatnonzero((pairs[:, 0] == o) & (most > 0))
        if not mine.size:
            continue
        top = mine[most[mine].argmax()]
        scale = 0.0
        if mine.size == 1:  # a ReLU of the difference
            over = bool((int(pairs[top, 1]), int(pairs[top, 2])) in beaten) or least[top] >= 0
            scale = 1.0 if over else most[top] / (most[top] - least[top])
            half = 0.0 if over else -least[top] * scale / 2
        else:
            half = most[top] / 2
        weight = float(weights_of(ball, rivals.table[:, [top]])[0])
        table[:, o] += scale * rivals.table[:, top]
        table[0, o] += half
        size = float(weights_of(ball, lead.table[:, [o]])[0]) + weight + 2 * half
        slack[o] += scale * rivals.slack[top] + gamma(8) * size
        if half > 0:
            radii.append(half)
            units.append(o)
            splits.append(Decision(node=node, left=int(pairs[top, 2]), right=int(pairs[top, 1]), offset=0.0, sign=1))
    return _with_deviations(table, slack, np.array(radii), np.array(units, dtype=np.int64)), tuple(splits)


def _sort(rule: Sort, node: int, forms: Forms, ball: Ball, decisions: tuple[Decision, ...]) -> Bent:
    """Groups of known order pass; of two members, both outputs share a deviation; others are enclosed by ranges."""
    beaten = _beaten(decisions)
    low, high = ranges(forms, ball)
    width = rule.positions.size
    table, slack = np.zeros((len(forms.table), width)), np.zeros(width)
    rows: list[np.ndarray] = []
    splits: list[Decision] = []
    for group, positions in zip(rule.groups, rule.positions, strict=True):
        target = positions[::-1] if rule.descending else positions
        order, pair = _order(group, forms, ball, beaten)
        if pair is None:
            table[:, target], slack[target] = forms.table[:, order], forms.slack[order]
            continue
        if len(group) == 2:
            ordered, half = _exchange(pair, forms, ball)
            table[:, target], slack[target] = ordered.table, ordered.slack
            row = np.zeros(width)
            row[target] = -half, half
            rows.append(row)
        else:
            least, most = np.sort(low[group]), np.sort(high[group])
            table[0, target] = (least + most) / 2
            slack[target] = gamma(4) * (np.abs(least) + np.abs(most))
            for place, radius in zip(target, (most - least) / 2, strict=True):
                row = np.zeros(width)
                row[place] = radius
                rows.append(row)
        new = len(rows) - len(splits)
        splits += [Decision(node=node, left=pair[0], right=pair[1], offset=0.0, sign=1)] * new
    whole = np.vstack([table, np.array(rows).reshape(-1, width)])
    return Bent(forms=Forms(table=whole, slack=slack), splits=tuple(splits))


def _order(
    group: np.ndarray, forms: Forms, ball: Ball, beaten: set[tuple[int, int]]
) -> tuple[np.ndarray, tuple[int, int] | None]:
    """Members from small to large, and None; or an undecided pair of members."""
    size = len(group)
    wins = np.zeros(size, np.int64)
    first, second = np.triu_indices(size, 1)
    if not len(first):
        return group, None
    least, most = ranges(_difference(forms, group[first], group[second]), ball)
    for a, b, lower, upper in zip(first, second, least, most, strict=True):
        i, j = int(group[a]), int(group[b])
        if lower >= 0 or (i, j) in beaten:
            wins[a] += 1
        elif upper <= 0 or (j, i) in beaten:
            wins[b] += 1
        else:
            return group, (i, j)
    return group[np.argsort(wins, kind="stable")], None


def _exchange(pair: tuple[int, int], forms: Forms, ball: Ball) -> tuple[Forms, float]:
    """Minimum i - relu(i - j) and maximum j + relu(i - j) of two members, and half the width of their deviation."""
    i, j = pair
    rivals = _difference(forms, np.array([i]), np.array([j]))
    least, most = (float(bound[0]) for bound in ranges(rivals, ball))
    scale = most / (most - least)
    half = -least * scale / 2
    step = scale * rivals.table[:, 0]
    step[0] += half
    table = np.stack([forms.table[:, i] - step, forms.table[:, j] + step], axis=1)
    rounding = gamma(8) * float(weights_of(ball, forms.table[:, [i, j]]).sum() + 2 * half)
    return Forms(table=table, slack=forms.slack[[i, j]] + scale * rivals.slack[0] + rounding), half
