"""Whole numbers with a power of two against fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inscape.geometry import _dyadic
from inscape.geometry._dyadic import bits, common_point, lift, matrix, shifted, side

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-6, 6)


@pytest.fixture(params=["python-flint", "python"])
def arithmetic(request, monkeypatch):
    """Both ways to multiply matrices."""
    if request.param == "python":
        monkeypatch.setattr(_dyadic, "find_spec", lambda name: None)
    else:
        pytest.importorskip("flint")
    return request.param


@given(st.lists(FLOATS, max_size=6))
def test_floats_are_lifted_exactly(values):
    whole, exponent = lift(np.array(values))
    assert [Fraction(n) * Fraction(2) ** exponent for n in whole.tolist()] == [Fraction(v) for v in values]
    assert not any(whole) or any(n % 2 for n in whole.tolist())  # no common factor is left


def test_float32_values_are_lifted_exactly():
    values = np.float32([0.1, -1 / 3, 1e-40]).astype(np.float64)
    whole, exponent = lift(values)
    assert [Fraction(n) * Fraction(2) ** exponent for n in whole.tolist()] == [Fraction(v) for v in values.tolist()]
    assert lift(np.float64(np.float32([0.1])))[0][0].bit_length() <= 24


@pytest.mark.parametrize("share", [1.0, 0.6, 0.1, 0.0])
def test_products_are_those_of_fractions(share, arithmetic):
    rng = np.random.default_rng(int(100 * share))
    values = rng.normal(size=(7, 9)) * (rng.random((7, 9)) < share) * 2.0 ** rng.integers(-40, 40, (7, 9))
    table = np.array([[int(n) << 90 for n in row] for row in rng.integers(-(2**60), 2**60, (9, 3))], dtype=object)
    made = matrix(values)
    exact = [[sum(Fraction(a) * t for a, t in zip(row, column, strict=True)) for column in table.T] for row in values]
    for rows in (np.arange(7), np.array([5, 2])):
        found = made.times(table, rows)
        scaled = [[Fraction(n) * Fraction(2) ** made.exponent for n in row] for row in found.tolist()]
        assert scaled == [exact[row] for row in rows]
    assert len(made.entries(np.array([5, 2]))) == np.count_nonzero(values[[5, 2]])
    assert made.column[made.entries(np.array([5, 2]))].tolist() == [
        int(k) for row in (5, 2) for k in np.flatnonzero(values[row])
    ]


def test_sizes_and_shifts():
    numbers = np.array([[3, -(2**70)], [0, 1]], dtype=object)
    assert bits(numbers) == 71
    assert bits(numbers[:0]) == 0
    assert shifted(numbers, 3).tolist() == [[24, -(2**73)], [0, 8]]


def solved(rows, dimension):
    """The common zero by Gaussian elimination in fractions, None if there is none or more than one."""
    left = [[Fraction(x) for x in [*row[1:], -row[0]]] for row in rows]
    for column in range(dimension):
        pivot = next((k for k in range(column, len(left)) if left[k][column]), None)
        if pivot is None:
            return None
        left[column], left[pivot] = left[pivot], left[column]
        left[column] = [x / left[column][column] for x in left[column]]
        for k in range(len(left)):
            if k != column:
                factor = left[k][column]
                left[k] = [x - factor * y for x, y in zip(left[k], left[column], strict=True)]
    return None if any(row[-1] for row in left[dimension:]) else [row[-1] for row in left[:dimension]]


@given(st.integers(1, 6), st.integers(0, 3), st.data())
@settings(max_examples=150)
def test_common_points_are_those_of_elimination(dimension, extra, data):
    row = st.lists(WHOLE, min_size=dimension + 1, max_size=dimension + 1)
    rows = data.draw(st.lists(row, min_size=dimension, max_size=dimension + extra))
    if data.draw(st.booleans()):  # all through one point, so that surplus rows agree
        rows = [[-sum(slopes), *slopes] for _, *slopes in rows]
    found, exact = common_point(rows, dimension), solved(rows, dimension)
    assert (found is None) == (exact is None)
    if found is not None:
        assert found[0] > 0
        assert [Fraction(x, found[0]) for x in found[1:]] == exact
        query = data.draw(row)
        value = query[0] + sum(a * b for a, b in zip(query[1:], exact, strict=True))
        assert side(query, found) == (value > 0) - (value < 0)


def test_too_few_functions_pin_nothing_down():
    assert common_point([[1, 2, 3]], 2) is None
    assert common_point([[1, 2, 3], [2, 4, 6]], 2) is None  # the same line twice
    assert common_point([[1, 2, 3], [1, 4, 6]], 2) is None  # parallel lines
