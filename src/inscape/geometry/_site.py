"""A cell by the patterns that hold on it, and which units its predicates compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from inscape.geometry._plan import Step
from inscape.geometry._program import Maximum


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A cell, by what holds on it.

    Attributes:
        pattern: position of each earlier step → its pattern, as :func:`inscape.geometry._levels.pieces` takes one row:
            (n,) booleans, for maxima (outputs,) positions of the leaders.
        rounds: (n,) booleans of the earlier rounds of the present step, if it is a maximum.
        beyond: like ``pattern``, on the neighbour behind a side that belongs to a maximum of three or more.
    """

    pattern: Mapping[int, np.ndarray]
    rounds: Sequence[np.ndarray] = ()
    beyond: Mapping[int, np.ndarray] = field(default_factory=dict)


def competitors(step: Step, number: int, place: int, site: Site) -> tuple[int, int] | None:
    """The two units that a predicate compares on a cell; they depend on it in later rounds of a maximum.

    Args:
        step: the step.
        number: round.
        place: predicate within the round.
        site: the cell; if the step is done, its pattern names the leaders, and that of the neighbour the rivals.

    Returns:
        Left and right unit of the step's input; None if the cell does not tell.
    """
    stage = step.stages[number]
    left, right = int(stage.split.left[place]), int(stage.split.right[place])
    rule = step.rule
    if number == 0 or not isinstance(rule, Maximum):
        return left, right
    if step.node not in site.pattern:
        winners = _winners(step, rule, site.rounds[:number])
        return int(winners[left]), int(winners[right])
    group, column = (int(k[0]) for k in np.nonzero(stage.pair == place))
    order = np.argsort(rule.groups[group] < 0, kind="stable")
    order = order[rule.groups[group][order] >= 0]
    half = 1 << number
    sides = (order[2 * column * half : (2 * column + 1) * half], order[(2 * column + 1) * half :][:half])
    ahead = [int(site.pattern[step.node][group])]
    if step.node in site.beyond:
        ahead.append(int(site.beyond[step.node][group]))
    chosen = []
    for members in sides:
        known = members if len(members) == 1 else [leader for leader in ahead if leader in members]
        if len(known) != 1:
            return None
        chosen.append(int(rule.groups[group][known[0]]))
    return chosen[0], chosen[1]


def _winners(step: Step, rule: Maximum, rounds: Sequence[np.ndarray]) -> np.ndarray:
    """Units of the step's input that are still in after some rounds."""
    units = np.arange(int(rule.groups.max()) + 1)
    for stage, ahead in zip(step.stages, rounds, strict=False):
        contest = stage.right >= 0
        left_wins = np.ones(len(stage.left), np.bool_)
        left_wins[contest] = ahead if rule.sign > 0 else ~ahead
        units = units[np.where(left_wins, stage.left, stage.right)]
    return units
