"""Floats as whole numbers times a power of two, and sparse matrices of them: sums and products without rounding."""

from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np

DENSE_SHARE = 0.25
"""Share of non-zero entries above which a matrix is multiplied as a dense one."""


def lift(values: np.ndarray) -> tuple[np.ndarray, int]:
    """Write floats as whole numbers with a common power of two.

    Args:
        values: finite float64 array.

    Returns:
        Array of Python integers of the same shape, and the exponent e: values = whole · 2**e. For zeros only, e = 0.

    Example:
        >>> whole, exponent = lift(np.array([0.75, -2.0, 0.0]))
        >>> whole.tolist(), exponent
        ([3, -8, 0], -2)
    """
    fraction, power = np.frexp(np.asarray(values, dtype=np.float64))
    whole = np.ldexp(fraction, 53).astype(np.int64)
    lowest = np.where(whole == 0, 1, whole & -whole)
    power = power.astype(np.int64) - 53 + (np.frexp(lowest.astype(np.float64))[1] - 1)
    present = whole != 0
    if not present.any():
        return np.zeros(whole.shape, dtype=object), 0
    exponent = int(power[present].min())
    shift = np.where(present, power - exponent, 0)
    return (whole // lowest).astype(object) << shift.astype(object), exponent


@dataclass(frozen=True, kw_only=True, eq=False)
class Matrix:
    """An exact matrix by its non-zero entries: whole numbers with a common power of two.

    Attributes:
        width: number of columns.
        start: (rows + 1,) row i has the entries start[i]:start[i + 1].
        column: (entries,) their columns, and
        whole: (entries,) their values
        exponent: times 2**exponent.
    """

    width: int
    start: np.ndarray
    column: np.ndarray
    whole: np.ndarray
    exponent: int

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.start) - 1

    @property
    def dense(self) -> bool:
        """Whether so few entries are zero that they are not worth a thought."""
        return len(self.column) >= DENSE_SHARE * self.rows * self.width

    def entries(self, rows: np.ndarray) -> np.ndarray:
        """Positions of the entries of some rows, row by row."""
        sizes = self.start[rows + 1] - self.start[rows]
        ends = np.cumsum(sizes)
        return np.repeat(self.start[rows] - ends + sizes, sizes) + np.arange(ends[-1] if len(ends) else 0)

    def times(self, table: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Product of some rows with a table of whole numbers.

        Args:
            table: (width, k) integers.
            rows: (m,) rows.

        Returns:
            (m, k) integers; the power of two is left out.
        """
        if self.dense and len(rows) == self.rows and self._packed is not None:
            return _multiplied(self._packed, table)
        out = np.zeros((len(rows), table.shape[1]), dtype=object)
        for i, row in enumerate(rows):
            part = slice(self.start[row], self.start[row + 1])
            if part.start < part.stop:
                out[i] = self.whole[part] @ table[self.column[part]]
        return out

    @cached_property
    def _packed(self) -> Any:
        """The matrix as python-flint wants it, which multiplies faster than Python does; None where it is missing."""
        if find_spec("flint") is None:
            return None
        from flint import fmpz_mat

        full = np.zeros((self.rows, self.width), dtype=object)
        full[np.repeat(np.arange(self.rows), np.diff(self.start)), self.column] = self.whole
        return fmpz_mat(full.tolist())


def _multiplied(packed: Any, table: np.ndarray) -> np.ndarray:
    from flint import fmpz_mat

    product = packed * fmpz_mat([[int(number) for number in row] for row in table])
    numbers = np.empty(product.nrows() * product.ncols(), dtype=object)
    numbers[:] = [int(number) for number in product.entries()]
    return numbers.reshape(product.nrows(), product.ncols())


def matrix(values: np.ndarray) -> Matrix:
    """Lift a float matrix.

    Args:
        values: (rows, width) finite float64.

    Returns:
        The matrix.
    """
    row, column = np.nonzero(values)
    whole, exponent = lift(values[row, column])
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(values)))]).astype(np.int64)
    return Matrix(width=values.shape[1], start=start, column=column, whole=whole, exponent=exponent)


def shifted(whole: np.ndarray, power: int) -> np.ndarray:
    """Multiply whole numbers by 2**power, power ≥ 0."""
    return whole if power == 0 else whole * (1 << power)


def bits(whole: np.ndarray) -> int:
    """Length of the longest of some whole numbers in binary digits."""
    return max((int(number).bit_length() for number in whole.ravel()), default=0)


def common_point(rows: list[list[int]], dimension: int) -> list[int] | None:
    """The one point at which affine functions vanish, in homogeneous whole numbers.

    Args:
        rows: each [constant, slopes...] of an affine function, up to a positive factor.
        dimension: number d of slopes.

    Returns:
        [h0, ..., hd] with h0 > 0, for the point (h1, ..., hd) / h0; None if they vanish together nowhere or on more
        than a point.

    Example:
        >>> common_point([[-1, 2, 0], [3, 0, 1]], 2)  # 2x = 1, y = -3
        [2, 1, -6]
    """
    from math import gcd, lcm

    reduced: list[tuple[int, list[int]]] = []
    for given in rows:
        row = given
        for pivot, other in reduced:
            row = _without(row, other, pivot)
        pivot = next((k for k in range(1, dimension + 1) if row[k]), 0)
        if pivot == 0:
            if row[0]:
                return None
            continue
        shared = gcd(*row)
        row = [number // shared for number in row]
        reduced = [(k, _without(other, row, pivot)) for k, other in reduced]
        reduced.append((pivot, row))
    if len(reduced) < dimension:
        return None
    scale = lcm(*(row[pivot] for pivot, row in reduced))
    point = [scale] + [0] * dimension
    for pivot, row in reduced:
        point[pivot] = -row[0] * (scale // row[pivot])
    return point


def _without(row: list[int], other: list[int], pivot: int) -> list[int]:
    """A positive multiple of ``row`` plus a multiple of ``other``, so that entry ``pivot`` vanishes."""
    if not row[pivot]:
        return row
    a, b = abs(other[pivot]), row[pivot] if other[pivot] > 0 else -row[pivot]
    return [a * x - b * y for x, y in zip(row, other, strict=True)]


def side(row: list[int], point: list[int]) -> int:
    """Sign of an affine function at a homogeneous point: -1, 0 or +1."""
    value = sum(a * b for a, b in zip(row, point, strict=True))
    return (value > 0) - (value < 0)
