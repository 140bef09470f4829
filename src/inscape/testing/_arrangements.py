"""Hyperplane arrangements with known counts, as integer rows."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from inscape._errors import InputError
from inscape._rng import RandomState, generator
from inscape.geometry import Box

KINDS = ("generic", "parallel", "duplicated", "negated", "central", "grid", "braid")
"""Kinds that :func:`random_arrangement` knows."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Arrangement:
    r"""Hyperplanes :math:`a_k \cdot x + b_k = 0` with small integer coefficients.

    Attributes:
        kind: the name of the family.
        normals: (n, d) integer normals.
        offsets: (n,) integer offsets.
    """

    kind: str
    normals: np.ndarray
    offsets: np.ndarray

    @property
    def dimension(self) -> int:
        """Dimension d of the space."""
        return self.normals.shape[1]

    def box(self) -> Box:
        """A box around the origin that meets every cell of the arrangement, see :func:`enclosing_box`."""
        return enclosing_box(self.normals, self.offsets)


def braid(dimension: int) -> Arrangement:
    r"""The braid arrangement :math:`A_d`: :math:`x_i = x_j` and :math:`x_i = 0`, with (d + 1)! cells.

    Args:
        dimension: dimension d of the space in which it is essential.

    Returns:
        The d (d + 1) / 2 hyperplanes.

    Example:
        >>> braid(3).normals.shape
        (6, 3)
    """
    unit = np.eye(dimension, dtype=np.int64)
    differences = [unit[i] - unit[j] for i, j in combinations(range(dimension), 2)]
    normals = np.array([*unit, *differences])
    return Arrangement(kind="braid", normals=normals, offsets=np.zeros(len(normals), dtype=np.int64))


def grid(cells: int, dimension: int) -> Arrangement:
    """Axis-parallel hyperplanes that cut space into ``cells`` slabs along each axis.

    Args:
        cells: slabs c along each axis, ≥ 2.
        dimension: dimension d of the space.

    Returns:
        The d (c - 1) hyperplanes x_i = 1, ..., c - 1, which make c**d cells.

    Example:
        >>> grid(5, 3).offsets.tolist()
        [-1, -2, -3, -4, -1, -2, -3, -4, -1, -2, -3, -4]
    """
    normals = np.repeat(np.eye(dimension, dtype=np.int64), cells - 1, axis=0)
    return Arrangement(kind="grid", normals=normals, offsets=np.tile(-np.arange(1, cells), dimension))


def moment_curve(hyperplanes: int, dimension: int) -> Arrangement:
    r"""Integer hyperplanes that are certainly in general position: :math:`\sum_i t^i x_i + t^d = 0`, t = 1, -1, 2, ...

    Any d of the rows form a Vandermonde matrix, and no d + 1 hyperplanes meet.

    Args:
        hyperplanes: number n of hyperplanes.
        dimension: dimension d of the space.

    Returns:
        The arrangement.
    """
    k = np.arange(2, hyperplanes + 2)
    powers = np.vander(k // 2 * (-1) ** (k % 2), dimension + 1, increasing=True)
    return Arrangement(kind="generic", normals=powers[:, :-1], offsets=powers[:, -1])


def random_arrangement(kind: str, hyperplanes: int, dimension: int, *, rng: RandomState = None) -> Arrangement:
    """Draw an arrangement of a family.

    Args:
        kind: one of :data:`KINDS`. "generic" is in general position; "parallel", "duplicated" and "negated" add to
            each row of a random half another one; all hyperplanes of "central" pass through the origin; "grid" and
            "braid" are random rows of those arrangements, with repetition.
        hyperplanes: number n of hyperplanes.
        dimension: dimension d of the space.
        rng: seed or generator.

    Returns:
        The arrangement, with integer coefficients.

    Raises:
        InputError: if the kind is unknown.
    """
    random = generator(rng)
    if kind == "generic":
        base = moment_curve(hyperplanes, dimension)
        return Arrangement(kind=kind, normals=base.normals, offsets=base.offsets)
    if kind in {"grid", "braid"}:
        family = grid(4, dimension) if kind == "grid" else braid(dimension)
        rows = random.integers(len(family.normals), size=hyperplanes)
        return Arrangement(kind=kind, normals=family.normals[rows], offsets=family.offsets[rows])
    if kind not in KINDS:
        raise InputError(f"expected kind to be one of {', '.join(KINDS)}, got {kind!r}")
    normals = random.integers(-9, 10, size=(hyperplanes, dimension))
    normals[~normals.any(axis=1), 0] = 1
    offsets = random.integers(-9, 10, size=hyperplanes) * (kind != "central")
    half = (hyperplanes + 1) // 2
    copies = hyperplanes - half
    if kind != "central":
        factor = {"parallel": 1, "duplicated": 2, "negated": -1}[kind]
        normals[half:] = factor * normals[:copies]
        offsets[half:] = factor * offsets[:copies] + (kind == "parallel") * random.integers(1, 9, size=copies)
    return Arrangement(kind=kind, normals=normals, offsets=offsets)


def enclosing_box(normals: np.ndarray, offsets: np.ndarray) -> Box:
    """A box around the origin that every cell of an arrangement meets.

    The closure of a cell contains a flat of least dimension. The box holds, well inside, the point of each such flat
    that is nearest to the origin; so the count inside the box is the count in the whole space.

    Args:
        normals: (n, d) normals.
        offsets: (n,) offsets.

    Returns:
        The cube, with integer corners.
    """
    a, b = np.asarray(normals, dtype=np.float64), np.asarray(offsets, dtype=np.float64)
    rank = int(np.linalg.matrix_rank(a)) if a.size else 0
    reach = 0.0
    for rows in combinations(range(len(a)), rank):
        chosen = a[list(rows)]
        if rank and np.linalg.matrix_rank(chosen) == rank:
            point = np.linalg.lstsq(chosen, -b[list(rows)], rcond=None)[0]
            reach = max(reach, float(np.abs(point).max()))
    side = np.full(a.shape[1], np.ceil(1.25 * reach) + 1)
    return Box(low=-side, high=side)
