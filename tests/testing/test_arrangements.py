"""The families of arrangements have the counts that they promise."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings

from inscape._errors import InputError
from inscape.geometry import Box
from inscape.regions import counting
from inscape.testing import KINDS, arrangements, braid, enclosing_box, grid, moment_curve, random_arrangement


@pytest.mark.parametrize("d", [1, 2, 3])
def test_braid_and_grid_have_their_closed_counts(d):
    assert counting.arrangement_cells(braid(d).normals, braid(d).offsets) == factorial(d + 1)
    rows = grid(4, d)
    assert counting.arrangement_cells(rows.normals, rows.offsets) == 4**d


@pytest.mark.parametrize(("n", "d"), [(6, 1), (6, 2), (7, 3), (7, 4)])
def test_moment_curve_is_in_general_position(n, d):
    rows = moment_curve(n, d)
    full = np.column_stack([rows.normals, rows.offsets])
    assert all(round(np.linalg.det(rows.normals[list(chosen)])) != 0 for chosen in combinations(range(n), d))
    assert all(round(np.linalg.det(full[list(chosen)])) != 0 for chosen in combinations(range(n), d + 1))


@given(arrangements(max_hyperplanes=7, max_dimension=4))
def test_every_family_is_made_of_integer_hyperplanes(arrangement):
    n, d = arrangement.normals.shape
    assert (n, d) == (len(arrangement.offsets), arrangement.dimension)
    assert arrangement.normals.dtype == arrangement.offsets.dtype == np.int64
    assert arrangement.normals.any(axis=1).all()
    assert (arrangement.box().low < 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_degenerate_families_have_fewer_cells(kind):
    rows = random_arrangement(kind, 6, 2, rng=0)
    cells = counting.arrangement_cells(rows.normals, rows.offsets)
    assert (cells == counting.generic_cells(6, 2)) == (kind == "generic")


@given(arrangements(max_hyperplanes=5, max_dimension=2))
@settings(max_examples=20)
def test_a_larger_box_than_the_enclosing_one_has_no_more_cells(arrangement):
    from inscape.testing import count_by_lp

    layers = [(arrangement.normals, arrangement.offsets), (np.ones((1, len(arrangement.normals))), np.zeros(1))]
    box = arrangement.box()
    assert count_by_lp(layers, box) == count_by_lp(layers, Box(low=7 * box.low, high=7 * box.high))


def test_enclosing_box_of_parallels_reaches_the_farthest():
    assert enclosing_box(np.array([[1, 0], [1, 0]]), np.array([0, -10])).high.tolist() == [14.0, 14.0]
    assert enclosing_box(np.zeros((0, 2)), np.zeros(0)).high.tolist() == [1.0, 1.0]


def test_same_seed_same_arrangement():
    one, two = (random_arrangement("parallel", 5, 3, rng=7) for _ in range(2))
    assert (one.normals == two.normals).all()
    assert (one.offsets == two.offsets).all()


def test_unknown_kind_is_named():
    with pytest.raises(InputError, match=r"expected kind to be one of generic, .*, got 'round'"):
        random_arrangement("round", 3, 2)
