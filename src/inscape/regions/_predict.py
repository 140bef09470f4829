"""How many cells a domain will have, before they are cut: from crossings on random lines."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from inscape._errors import InputError
from inscape._rng import RandomState, generator
from inscape.geometry import Chart, Segment, subdivide
from inscape.network import Network
from inscape.regions._read import embed, program

BYTES_PER_CELL = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """A predicted number of cells.

    Attributes:
        cells: the prediction.
        low: lower end of an interval of about 95 % for the sampling error.
        high: upper end.
        memory: bytes that the finished cells will take, beside one block of layer values.
        lines: number of random lines.
    """

    cells: float
    low: float
    high: float
    memory: float
    lines: int


def predict_cells(
    model: nn.Module | Network, domain: Chart, *, lines: int = 24, rng: RandomState = 0, example: Any = None
) -> Prediction:
    r"""Predict the number of cells on a domain from exact breakpoints along random lines through it.

    With :math:`\rho` crossings per unit length, a stationary isotropic process of lines has total length
    :math:`\pi\rho/2` per unit area and :math:`\pi\rho^2/4` crossing points per unit area; a window of area A and
    perimeter P then has about :math:`1 + P\rho/2 + A\pi\rho^2/4` cells. The interval covers the sampling of lines, not
    the difference between the network and such a process.

    Args:
        model: a model or a network.
        domain: a box, segment or plane; on a domain of dimension 1 the count is exact.
        lines: number of random lines.
        rng: seed or generator.
        example: (n, *shape) example input, see :func:`partition`.

    Returns:
        The prediction.

    Raises:
        InputError: if the dimension is not 1 or 2, or there is no line.

    Source:
        Santaló (1976), Integral Geometry and Geometric Probability, chapters 3 and 4 (Crofton's formulas).
    """
    network = program(model, domain, example)
    if domain.dimension not in (1, 2):
        raise InputError(f"expected a domain of dimension 1 or 2, got dimension {domain.dimension}")
    if lines < 1:
        raise InputError(f"expected at least one random line, got lines={lines}")
    if domain.dimension == 1:
        count = float(subdivide(network, domain).complex.cell_count)
        return Prediction(cells=count, low=count, high=count, memory=BYTES_PER_CELL * count, lines=1)
    draw = generator(rng)
    found = np.array([_crossings(network, domain, draw) for _ in range(lines)])
    crossings, lengths = found[:, 0], found[:, 1]
    density = crossings.sum() / lengths.sum()
    spread = np.sqrt(np.square(crossings - density * lengths).sum()) / lengths.sum()
    count, low, high = (_cells(max(d, 0.0), domain) for d in (density, density - 2 * spread, density + 2 * spread))
    return Prediction(cells=count, low=low, high=high, memory=BYTES_PER_CELL * count, lines=lines)


def _cells(density: float, domain: Chart) -> float:
    sides = domain.high - domain.low
    return float(1 + sides.sum() * density + np.prod(sides) * np.pi * density**2 / 4)


def _crossings(network: Network, domain: Chart, draw: np.random.Generator) -> tuple[float, float]:
    """Number of crossings and length of the chord of a random line through a uniform point."""
    point, angle = draw.uniform(domain.low, domain.high), draw.uniform(0, np.pi)
    direction = np.array([np.cos(angle), np.sin(angle)])
    with np.errstate(divide="ignore"):
        times = np.stack([(domain.low - point) / direction, (domain.high - point) / direction])
    start, stop = times.min(0).max(), times.max(0).min()
    ends = embed(domain, point + np.array([[start], [stop]]) * direction)
    made = subdivide(network, Segment(ends[0], ends[1]))
    return float(made.complex.cell_count - 1), float(stop - start)
