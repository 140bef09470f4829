"""Formulas as layers of soft gates: every AND and OR is one sigmoid unit."""

from collections.abc import Sequence
from math import exp

import numpy as np

from inscape.regions._formula import Formula, height, parts_of

Layers = list[tuple[np.ndarray, np.ndarray]]
"""Weight (out, in) and bias (out,) of each linear layer."""


def _wanted(formulas: Sequence[Formula]) -> list[list[Formula]]:
    """Which formulas the units of each layer stand for: half-spaces first, the classes last."""
    levels = [list(formulas)]
    for level in range(max(1, *map(height, formulas)), 0, -1):
        below: list[Formula] = []
        for formula in levels[0]:
            below += _parts(formula, level)[1]
        levels.insert(0, below)
    return levels


def _parts(formula: Formula, level: int) -> tuple[str, tuple[Formula, ...]]:
    """Gate and inputs of a unit; what lies deeper is carried by gates of one input."""
    return parts_of(formula) if height(formula) == level else ("all", (formula,))


def gate_layers(
    normals: np.ndarray, offsets: np.ndarray, formulas: Sequence[Formula], *, scale: float, gain: float
) -> Layers:
    """Weights of the network.

    Args:
        normals: (h, d) unit normals.
        offsets: (h,) offsets.
        formulas: one for each output.
        scale: slope of the first layer's units.
        gain: slope of the gates.

    Returns:
        The linear layers; a sigmoid stands between any two.
    """
    levels = _wanted(formulas)
    used = np.array(levels[0], dtype=np.int64)
    layers: Layers = [(scale * normals[used], scale * offsets[used])]
    for level, units in enumerate(levels[1:], start=1):
        weight, bias, start = np.zeros((len(units), len(levels[level - 1]))), np.zeros(len(units)), 0
        for i, formula in enumerate(units):
            gate, parts = _parts(formula, level)
            weight[i, start : start + len(parts)] = gain
            bias[i] = -gain * (len(parts) - 0.5 if gate == "all" else 0.5)
            start += len(parts)
        layers.append((weight, bias))
    return layers


def sigmoid(value: float) -> float:
    """The logistic function, without overflow."""
    return 1 / (1 + exp(-value)) if value >= 0 else exp(value) / (1 + exp(value))


def logit_bounds(formulas: Sequence[Formula], *, scale: float, gain: float, margin: float) -> np.ndarray:
    r"""What the outputs promise at a margin.

    With :math:`α` and :math:`β` the largest shortfall from 1 inside and the largest value outside of a gate's inputs,
    :math:`α = β = σ(-\text{scale} \cdot \text{margin})` for the first layer, the gates obey

    .. math::

        \text{ALL of } n:\; z \ge κ(½ - nα) \text{ inside},\; z \le -κ(½ - β) \text{ outside}; \qquad
        \text{ANY of } r:\; z \ge κ(½ - α) \text{ inside},\; z \le -κ(½ - rβ) \text{ outside.}

    Args:
        formulas: one for each output.
        scale: slope of the first layer's units.
        gain: slope κ of the gates.
        margin: least distance to the faces that decide.

    Returns:
        (2, K) least logit inside, and least negated logit outside; where one is not positive nothing is promised.
    """
    levels = _wanted(formulas)
    error = sigmoid(-scale * margin)
    short, over = np.full(len(levels[0]), error), np.full(len(levels[0]), error)
    inside = outside = np.zeros(0)
    for level, units in enumerate(levels[1:], start=1):
        counts = [len(_parts(formula, level)[1]) for formula in units]
        every = np.array([_parts(formula, level)[0] == "all" for formula in units])
        starts = np.cumsum([0, *counts[:-1]])
        total = np.add.reduceat(np.stack([short, over]), starts, axis=1)
        most = np.maximum.reduceat(np.stack([short, over]), starts, axis=1)
        inside = gain * (0.5 - np.where(every, total[0], most[0]))
        outside = gain * (0.5 - np.where(every, most[1], total[1]))
        short = np.array([sigmoid(-value) for value in inside])
        over = np.array([sigmoid(-value) for value in outside])
    return np.stack([inside, outside])
