"""How many cells a domain will have, before they are cut: from crossings on random lines."""

from dataclasses import dataclass
from math import gamma
from typing import Any

import numpy as np
from torch import nn

from inscape._errors import InputError
from inscape._rng import RandomState, generator
from inscape.geometry import Chart, Segment, plan, subdivide
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

    With :math:`\rho` crossings per unit length, a stationary isotropic process of hyperplanes cuts a window of sides
    :math:`s_1, \dots, s_d` into about

    .. math:: \sum_{k=0}^{d} e_k(s)\, \kappa_k\, (\rho / 2)^k \prod_{i<k} (1 - i/N)

    cells, with :math:`e_k` the elementary symmetric polynomials (the intrinsic volumes of a box), :math:`\kappa_k` the
    volume of the unit ball of dimension k, and a last factor that says that no k of the N hyperplanes are the same
    one. In the plane and for large N this is :math:`1 + P\rho/2 + A\pi\rho^2/4` for perimeter P and area A. The
    interval covers the sampling of lines, not the difference between the network and such a process.

    Args:
        model: a model or a network.
        domain: a box, segment, plane or slice; on a domain of dimension 1 the count is exact.
        lines: number of random lines.
        rng: seed or generator.
        example: (n, *shape) example input, see :func:`partition`.

    Returns:
        The prediction.

    Raises:
        InputError: if there is no line.

    Source:
        Santaló (1976), Integral Geometry and Geometric Probability, chapters 3, 4 and 14 (Crofton's formulas);
        Schneider and Weil (2008), Stochastic and Integral Geometry, section 10.3 (hyperplane mosaics).
    """
    network = program(model, domain, example)
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
    units = sum(step.size for step in plan(network, domain).steps.values())
    count, low, high = (
        _cells(max(d, 0.0), domain, units) for d in (density, density - 2 * spread, density + 2 * spread)
    )
    memory = bytes_per_cell(domain.dimension) * count
    return Prediction(cells=count, low=low, high=high, memory=memory, lines=lines)


def bytes_per_cell(dimension: int) -> float:
    """Memory of a finished cell, which has about 2^d corners and 2d sides where cells look like cubes.

    Args:
        dimension: dimension d of the domain.

    Returns:
        Bytes, with a margin.
    """
    return BYTES_PER_CELL if dimension < 3 else 1.5 * (12 * 2**dimension + 8 * dimension + 100)


def _cells(density: float, domain: Chart, units: int) -> float:
    sides, total, distinct = domain.high - domain.low, 1.0, 1.0
    symmetric = np.poly(-sides)  # e_0, e_1, ... of the sides
    for k in range(1, domain.dimension + 1):
        ball = np.pi ** (k / 2) / gamma(k / 2 + 1)
        distinct *= max(0.0, 1 - (k - 1) / max(units, 1))
        total += float(symmetric[k]) * ball * (density / 2) ** k * distinct
    return total


def _crossings(network: Network, domain: Chart, draw: np.random.Generator) -> tuple[float, float]:
    """Number of crossings and length of the chord of a random line through a uniform point."""
    point = draw.uniform(domain.low, domain.high)
    direction = draw.standard_normal(domain.dimension)
    direction /= np.linalg.norm(direction)
    with np.errstate(divide="ignore"):
        times = np.stack([(domain.low - point) / direction, (domain.high - point) / direction])
    start, stop = times.min(0).max(), times.max(0).min()
    ends = embed(domain, point + np.array([[start], [stop]]) * direction)
    made = subdivide(network, Segment(ends[0], ends[1]))
    return float(made.complex.cell_count - 1), float(stop - start)
