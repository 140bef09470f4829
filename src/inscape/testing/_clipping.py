"""Cells of small networks by clipping polygons in fractions: slow, and true to the last bit."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from torch import nn

from inscape._errors import InputError
from inscape.geometry import Chart
from inscape.testing._constructions import Layer
from inscape.testing._oracles import layers_of

Model = nn.Module | Sequence[Layer]
Point = tuple[Fraction, ...]
Row = list[Fraction]
"""[constant, slopes...] of an affine function of the chart coordinates."""


def cells_by_clipping(model: Model, chart: Chart) -> np.ndarray:
    """Every full-dimensional activation pattern of a small ReLU network on a segment or in the plane.

    Each unit cuts each cell, in rational arithmetic without any tolerance: cells of any size are found, also those
    that are thinner than a float can tell. A unit that vanishes identically on a cell does not cut it and counts as
    off.

    Args:
        model: an ``nn.Sequential`` of Linear and ReLU, or its weights; its float64 values are taken as exact.
        chart: box, segment or plane of dimension 1 or 2.

    Returns:
        (cells, units) patterns, True for on, one row for each cell, sorted.

    Raises:
        InputError: if the chart is of another dimension.

    Example:
        >>> from inscape.geometry import Box
        >>> two_lines = (np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([0.0, 2.0**-60]))
        >>> len(cells_by_clipping([two_lines, (np.ones((1, 2)), np.zeros(1))], Box(low=(-1, -1), high=(1, 1))))
        3
    """
    if chart.dimension not in (1, 2):
        raise InputError(f"expected a chart of dimension 1 or 2, got {chart.dimension}")
    low, high = ([Fraction(value) for value in end.tolist()] for end in (chart.low, chart.high))
    whole: list[Point] = [(low[0],), (high[0],)]
    if chart.dimension == 2:
        whole = [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]
    directions = [[Fraction(value) for value in row] for row in chart.basis.tolist()]
    start = [
        [Fraction(origin), *(row[k] for row in directions)] for k, origin in enumerate(chart.origin.ravel().tolist())
    ]
    found: list[tuple[list[Point], list[Row], tuple[bool, ...]]] = [(whole, start, ())]
    for weight, bias in layers_of(model)[:-1]:
        found = [child for parent in found for child in _next_layer(parent, weight.tolist(), bias.tolist())]
    units = sum(len(weight) for weight, _ in layers_of(model)[:-1])
    return np.array(sorted(pattern for *_, pattern in found), dtype=bool).reshape(len(found), units)


def _next_layer(
    parent: tuple[list[Point], list[Row], tuple[bool, ...]], weight: list[list[float]], bias: list[float]
) -> list[tuple[list[Point], list[Row], tuple[bool, ...]]]:
    corners, values, pattern = parent
    rows = [_combined(unit, values, constant) for unit, constant in zip(weight, bias, strict=True)]
    cells: list[tuple[list[Point], tuple[bool, ...]]] = [(corners, ())]
    for row in rows:
        cells = [child for cell in cells for child in _halves(*cell, row)]
    zero = [Fraction(0)] * len(rows[0])
    return [
        (around, [row if on else zero for row, on in zip(rows, bits, strict=True)], pattern + bits)
        for around, bits in cells
    ]


def _combined(weights: list[float], values: list[Row], constant: float) -> Row:
    row = [Fraction(constant)] + [Fraction(0)] * (len(values[0]) - 1)
    for weight, value in zip(weights, values, strict=True):
        if weight:
            row = [a + Fraction(weight) * b for a, b in zip(row, value, strict=True)]
    return row


def _halves(corners: list[Point], bits: tuple[bool, ...], row: Row) -> list[tuple[list[Point], tuple[bool, ...]]]:
    heights = [row[0] + sum(a * b for a, b in zip(row[1:], corner, strict=True)) for corner in corners]
    if max(heights) <= 0:
        return [(corners, (*bits, False))]
    if min(heights) >= 0:
        return [(corners, (*bits, True))]
    closed = [*zip(corners, heights, strict=True), (corners[0], heights[0])]
    if len(corners) == 2:
        closed = closed[:2]
    sides: tuple[list[Point], list[Point]] = ([], [])
    for (a, za), (b, zb) in pairwise(closed):
        for side, sign in ((0, -1), (1, 1)):
            if sign * za >= 0:
                sides[side].append(a)
            if za * zb < 0:
                share = za / (za - zb)
                sides[side].append(tuple(x + share * (y - x) for x, y in zip(a, b, strict=True)))
    if len(corners) == 2:
        sides[int(heights[1] > 0)].append(corners[1])
    return [(sides[0], (*bits, False)), (sides[1], (*bits, True))]
