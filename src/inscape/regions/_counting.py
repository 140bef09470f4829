"""Closed-form counts of hyperplane arrangements: generic, bounded, central and degenerate ones."""

from collections.abc import Sequence
from fractions import Fraction
from math import comb
from operator import index

import numpy as np
from numpy.typing import ArrayLike

from inscape._errors import InputError, InputTypeError

Row = tuple[Fraction, ...]


def whole(name: str, value: object, *, least: int = 0) -> int:
    """Check a count.

    Args:
        name: what the count is, for the error text.
        value: the count as the caller gave it.
        least: smallest value that makes sense.

    Returns:
        The count as a Python int.

    Raises:
        InputTypeError: if it is no whole number.
        InputError: if it is smaller than ``least``.
    """
    try:
        number = index(value)  # pyright: ignore[reportArgumentType]
    except TypeError as error:
        raise InputTypeError(f"expected {name} to be a whole number, got {value!r}") from error
    if number < least:
        raise InputError(f"expected {name} ≥ {least}, got {name}={number}")
    return number


def generic_cells(hyperplanes: int, dimension: int) -> int:
    r"""Number of cells that hyperplanes in general position cut a space into.

    .. math:: r(n, d) = \sum_{i=0}^{d} \binom{n}{i}

    Args:
        hyperplanes: number of hyperplanes :math:`n \ge 0`.
        dimension: dimension :math:`d \ge 0` of the space.

    Returns:
        The number of full-dimensional cells, bounded and unbounded.

    Example:
        >>> generic_cells(3, 2)  # three lines in the plane
        7

    Source:
        Zaslavsky (1975), Theorem A for simple arrangements.
    """
    n, d = whole("hyperplanes", hyperplanes), whole("dimension", dimension)
    return sum(comb(n, i) for i in range(min(n, d) + 1))


def bounded_cells(hyperplanes: int, dimension: int) -> int:
    r"""Number of bounded cells of hyperplanes in general position.

    .. math:: b(n, d) = \binom{n - 1}{d}

    Args:
        hyperplanes: number of hyperplanes :math:`n \ge 0`.
        dimension: dimension :math:`d \ge 0` of the space.

    Returns:
        The number of bounded full-dimensional cells.

    Example:
        >>> bounded_cells(3, 2)  # the triangle between three lines
        1

    Source:
        Zaslavsky (1975), Theorem C for simple arrangements.
    """
    n, d = whole("hyperplanes", hyperplanes), whole("dimension", dimension)
    return comb(n - 1, d) if n > 0 else int(d == 0)


def central_cells(hyperplanes: int, dimension: int) -> int:
    r"""Number of cells of hyperplanes through one common point that are otherwise in general position.

    .. math:: c(n, d) = 2 \sum_{i=0}^{d-1} \binom{n - 1}{i}

    This is the count of one layer without biases.

    Args:
        hyperplanes: number of hyperplanes :math:`n \ge 0`.
        dimension: dimension :math:`d \ge 0` of the space.

    Returns:
        The number of full-dimensional cells, all of them cones.

    Example:
        >>> central_cells(3, 2)  # three lines through the origin
        6

    Source:
        Schläfli's count of the cells of central arrangements; Cover (1965), Theorem 1.
    """
    n, d = whole("hyperplanes", hyperplanes), whole("dimension", dimension)
    if n == 0 or d == 0:
        return 1
    return 2 * sum(comb(n - 1, i) for i in range(min(n, d)))


def dichotomies(points: int, dimension: int, *, affine: bool = False) -> int:
    r"""Number of ways in which one unit can split points in general position into two labelled classes.

    .. math:: C(n, d) = 2 \sum_{i=0}^{d-1} \binom{n - 1}{i}

    Args:
        points: number of points :math:`n \ge 1`.
        dimension: dimension :math:`d \ge 1` of the input space.
        affine: True for a unit with a bias, which counts as one more dimension.

    Returns:
        The number of labellings, out of :math:`2^n`, that a hyperplane can produce.

    Example:
        >>> dichotomies(4, 2, affine=True)  # all labellings of 4 points but the two XORs
        14

    Source:
        Cover (1965), Theorem 1.
    """
    n, d = whole("points", points, least=1), whole("dimension", dimension, least=1)
    return central_cells(n, d + 1 if affine else d)


def least_hyperplanes(cells: int, dimension: int, *, central: bool = False) -> int:
    r"""Least number of hyperplanes, and so of first-layer units, that can make a number of cells.

    A layer must send every one of M labels to a cell of its own, so that M labels need at least this many units:
    the smallest n with :math:`\sum_{i \le d} \binom{n}{i} \ge M`.

    Args:
        cells: wanted number of cells or labels :math:`M \ge 1`.
        dimension: dimension :math:`d \ge 1` of the space.
        central: True if the units have no bias.

    Returns:
        The least number of hyperplanes.

    Raises:
        InputError: if bias-free units on a line are asked for more than two cells, which no number of them makes.

    Example:
        >>> least_hyperplanes(10, 2)  # ten digits in the plane
        4
    """
    wanted, d = whole("cells", cells, least=1), whole("dimension", dimension, least=1)
    if central and d == 1 and wanted > 2:
        raise InputError(f"bias-free units cut a line into at most two cells, got cells={wanted}; allow biases")
    count = central_cells if central else generic_cells
    high = 1
    while count(high, d) < wanted:
        high *= 2
    low = 0
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if count(middle, d) >= wanted else (middle + 1, high)
    return low


def _exact(name: str, values: ArrayLike) -> list[list[Fraction]]:
    array = np.asarray(values)
    if array.ndim != 2:
        raise InputError(f"expected {name} of shape (hyperplanes, dimension), got shape {array.shape}")
    try:
        return [[Fraction(value) for value in row] for row in array.tolist()]
    except (ValueError, OverflowError, TypeError) as error:
        raise InputError(f"expected {name} to be finite numbers, got {error}") from error


def _normalised(rows: Sequence[Sequence[Fraction]]) -> tuple[Row, ...]:
    """Drop rows with a zero normal, which are no hyperplanes, and all but one of equal hyperplanes."""
    found: dict[Row, None] = {}
    for row in rows:
        pivot = next((value for value in row[:-1] if value), None)
        if pivot is not None:
            found[tuple(value / pivot for value in row)] = None
    return tuple(found)


def _restricted(rows: Sequence[Row], onto: Row) -> tuple[Row, ...]:
    """Intersect hyperplanes with one of them, in the coordinates that are left after its pivot is eliminated."""
    pivot = next(i for i, value in enumerate(onto) if value)
    reduced = [[value - row[pivot] * own for value, own in zip(row, onto, strict=True)] for row in rows]
    return _normalised([row[:pivot] + row[pivot + 1 :] for row in reduced])


def _polynomial(rows: tuple[Row, ...], dimension: int) -> tuple[int, ...]:
    coefficients = [0] * dimension + [1]
    for k, row in enumerate(rows):
        for i, value in enumerate(_polynomial(_restricted(rows[:k], row), dimension - 1)):
            coefficients[i] -= value
    return tuple(coefficients)


def characteristic_polynomial(normals: ArrayLike, offsets: ArrayLike | None = None) -> tuple[int, ...]:
    r"""Characteristic polynomial of any arrangement of hyperplanes :math:`a_k \cdot x + b_k = 0`.

    By deletion and restriction, :math:`\chi_A(t) = \chi_{A - H}(t) - \chi_{A^H}(t)`, in rational arithmetic: parallel,
    equal, negated and concurrent hyperplanes are recognised exactly. Rows with a zero normal are no hyperplanes
    and do not count. The work grows like the number of faces; it is meant for up to some dozens of hyperplanes.

    Args:
        normals: (n, d) normals :math:`a_k`: integers, fractions or floats, which are taken at their exact value.
        offsets: (n,) offsets :math:`b_k`; None for hyperplanes through the origin.

    Returns:
        The d + 1 integer coefficients, that of :math:`t^k` at position k.

    Raises:
        InputError: if the shapes do not fit or a number is not finite.

    Example:
        >>> characteristic_polynomial([[1, 0], [0, 1], [1, -1]])  # t² - 3 t + 2
        (2, -3, 1)

    Source:
        Zaslavsky (1975); Orlik and Terao (1992), Theorem 2.56.
    """
    left = _exact("normals", normals)
    dimension = np.asarray(normals).shape[1]
    given = np.zeros(len(left), dtype=int) if offsets is None else np.asarray(offsets)
    right = _exact("offsets", given.reshape(-1, 1))
    if len(left) != len(right):
        raise InputError(f"expected one offset for each of {len(left)} normals, got {len(right)}")
    return _polynomial(_normalised([a + b for a, b in zip(left, right, strict=True)]), dimension)


def arrangement_cells(normals: ArrayLike, offsets: ArrayLike | None = None) -> int:
    r"""Exact number of cells of any arrangement, degenerate or not: :math:`(-1)^d \chi(-1)`.

    Args:
        normals: (n, d) normals, taken at their exact value.
        offsets: (n,) offsets; None for hyperplanes through the origin.

    Returns:
        The number of full-dimensional cells of the whole space.

    Example:
        >>> arrangement_cells([[1, 0], [1, 0], [0, 1]], [0, 1, 0])  # two parallels and a line across
        6

    Source:
        Zaslavsky (1975), Theorem A.
    """
    return sum(abs(value) for value in characteristic_polynomial(normals, offsets))


def bounded_arrangement_cells(normals: ArrayLike, offsets: ArrayLike | None = None) -> int:
    r"""Exact number of bounded cells of any arrangement: :math:`|\chi(1)|` if the normals span the space, else none.

    Args:
        normals: (n, d) normals, taken at their exact value.
        offsets: (n,) offsets; None for hyperplanes through the origin.

    Returns:
        The number of bounded full-dimensional cells.

    Example:
        >>> bounded_arrangement_cells([[1, 0], [1, 0], [0, 1], [0, 1]], [0, 1, 0, 1])  # the unit square
        1

    Source:
        Zaslavsky (1975), Theorem C.
    """
    coefficients = characteristic_polynomial(normals, offsets)
    spanning = coefficients[0] != 0
    return abs(sum(coefficients)) if spanning else 0
