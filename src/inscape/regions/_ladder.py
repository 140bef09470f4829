"""Formulas as exact ReLU networks: minima and maxima of signed distances, two at a time."""

import heapq
from collections.abc import Sequence
from itertools import count
from math import ceil, log2

import numpy as np

from inscape.regions._formula import Formula, height
from inscape.regions._gates import Layers


def _paired(formula: Formula) -> Formula:
    """The same formula with gates of two inputs, as low as possible."""
    if isinstance(formula, int):
        return formula
    turn = count()
    waiting = [(height(part), next(turn), part) for part in map(_paired, formula[1:])]
    heapq.heapify(waiting)
    while len(waiting) > 1:
        (_, _, first), (low, _, second) = heapq.heappop(waiting), heapq.heappop(waiting)
        heapq.heappush(waiting, (low + 1, next(turn), (formula[0], first, second)))
    return waiting[0][2]


def _rung(units: Sequence[Formula], level: int) -> tuple[np.ndarray, np.ndarray, list[Formula]]:
    """One layer: its units in terms of the values below, its values in terms of its units, and the formulas below."""
    below: list[Formula] = []
    rows: list[dict[int, float]] = []
    back: list[dict[int, float]] = []
    for formula in units:
        u, v, r = len(below), len(below) + 1, len(rows)
        if isinstance(formula, int) or height(formula) < level:
            below.append(formula)
            rows.append({u: 1.0})
            back.append({r: 1.0})
            continue
        sign = -1.0 if formula[0] == "all" else 1.0
        below += formula[1:]
        rows += [{v: 1.0}, {u: sign, v: -sign}]
        back.append({r: 1.0, r + 1: sign})
    return _dense(rows, len(below)), _dense(back, len(rows)), below


def _dense(rows: Sequence[dict[int, float]], width: int) -> np.ndarray:
    made = np.zeros((len(rows), width))
    for i, row in enumerate(rows):
        for j, value in row.items():
            made[i, j] = value
    return made


def cut_off(low: np.ndarray, high: np.ndarray) -> float:
    """The depth B outside of shapes below which nothing is told apart.

    Args:
        low: (d,) lower corner of a box around the shapes.
        high: (d,) upper corner.

    Returns:
        A power of two, at least eight times the largest coordinate.
    """
    reach = float(max(np.abs(low).max(), np.abs(high).max()))
    return 2.0 ** ceil(log2(8.0 * max(reach, 2.0**-500)))


def ladder_layers(
    normals: np.ndarray, offsets: np.ndarray, formulas: Sequence[Formula], *, scale: float, cut: float
) -> Layers:
    r"""Weights of the network :math:`f(x) = \text{scale} \cdot \max(\text{depth}(x), -B)`.

    The first layer gives :math:`u = \max(d + B, 0)` for each signed distance d. It keeps the sign of every minimum and
    maximum, and as no value is negative from there on, :math:`\min(u, v) = v - (v - u)_+`,
    :math:`\max(u, v) = v + (u - v)_+` and :math:`u = u_+` need no more than the units that bend where a value changes
    hands. All weights between the first and the last layer are 0 and ±1.

    Args:
        normals: (h, d) unit normals.
        offsets: (h,) offsets.
        formulas: one for each output.
        scale: factor of the output.
        cut: the depth B at which the output is cut off, best a power of two.

    Returns:
        The linear layers; a ReLU stands between any two.
    """
    paired = [_paired(formula) for formula in formulas]
    units, rungs = list(paired), []
    for level in range(max(map(height, paired)), 0, -1):
        rows, back, units = _rung(units, level)
        rungs.insert(0, (rows, back))
    used = np.array(units, dtype=np.int64)
    layers: Layers = [(normals[used], offsets[used] + cut)]
    values = np.eye(len(used))
    for rows, back in rungs:
        layers.append((rows @ values, np.zeros(len(rows))))
        values = back
    layers.append((scale * values, np.full(len(paired), -scale * cut)))
    return layers
