"""Shapes as half-spaces: sizes, orientation and refusals."""

from math import inf, sqrt

import numpy as np
import pytest

from inscape._errors import DomainError, InputError
from inscape.regions import Box, HalfSpaces, Polygon
from inscape.regions._formula import depth
from inscape.regions._shapes import body, groups_of, joined


def inside(shape, points):
    found = body(shape)
    return depth(found.formula, np.asarray(points, dtype=float) @ found.normals.T + found.offsets)


def test_box_polygon_and_half_spaces_of_one_square_agree():
    square = [(0, 0), (2, 0), (2, 2), (0, 2)]
    system = HalfSpaces([[3, 0], [-1, 0], [0, 0.5], [0, -1]], [6, 0, 1, 0])
    x = np.random.default_rng(0).uniform(-1, 3, (100, 2))
    wanted = 1 - np.abs(x - 1).max(1)
    for shape in (Box(low=(0, 0), high=(2, 2)), Polygon(square), system):
        np.testing.assert_allclose(inside(shape, x), wanted, atol=1e-12)
        np.testing.assert_allclose([body(shape).low, body(shape).high], [(0, 0), (2, 2)], atol=1e-9)


def test_holes_are_cut_out():
    frame = Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], holes=[[(1, 1), (3, 1), (3, 3), (1, 3)]])
    np.testing.assert_allclose(inside(frame, [(2, 2), (0.25, 2), (2, 0.5), (5, 2)]), [-1, 0.25, 0.5, -1])


def test_largest_ball():
    assert HalfSpaces([[1, 1], [-1, 0], [0, -1]], [1, 0, 0]).radius == pytest.approx(1 / (2 + sqrt(2)))
    assert HalfSpaces([[1, 0]], [5]).radius == inf


@pytest.mark.parametrize(
    ("normals", "offsets", "text"),
    [
        ([[1, 0], [-1, 0]], [0, -1], "no common interior"),
        ([[1, 0], [-1, 0]], [1, -1], "no common interior"),
        ([[1, 0], [0, 0]], [1, 1], "zero row 1"),
        ([[1, 0]], [1, 2], "shapes"),
        ([[1, np.nan]], [1], "finite"),
        ("abc", [1], "array of numbers"),
        (np.zeros((0, 2)), np.zeros(0), "shapes"),
    ],
)
def test_degenerate_systems_are_refused(normals, offsets, text):
    with pytest.raises(DomainError, match=text):
        HalfSpaces(normals, offsets)


def test_groups():
    one = Box(low=(0,), high=(1,))
    assert groups_of(one) == {"": (one,)}
    assert groups_of([one, one]) == {"": (one, one)}
    assert groups_of({"a": one, "b": [one]}) == {"a": (one,), "b": (one,)}
    for nothing in ([], {}, {"a": []}):
        with pytest.raises(InputError, match="at least one shape"):
            groups_of(nothing)


def test_shapes_of_different_dimensions_are_refused():
    with pytest.raises(DomainError, match="dimensions 1, 2"):
        joined({"": (Box(low=(0,), high=(1,)), Box(low=(0, 0), high=(1, 1)))})
