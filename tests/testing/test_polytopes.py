"""Complexes made by hand are what they say."""

import inspect
from math import comb

import numpy as np
import pytest

from inscape._errors import InputError
from inscape.geometry import Box
from inscape.testing import arranged, betti_by_sets, cubes, faces_by_sets, polytope


def test_cubes_are_where_they_should_be():
    made = cubes((2, 3, 4))
    for cell, place in enumerate(np.ndindex(2, 3, 4)):
        corners = made.vertices[made.corners[made.start[cell] : made.start[cell + 1]]]
        assert corners.min(0).tolist() == list(place)
        assert corners.max(0).tolist() == [i + 1 for i in place]
        for k in range(6):
            on = (made.masks[made.start[cell] : made.start[cell + 1], 0] >> np.uint64(k)) & np.uint64(1) != 0
            side = corners[on][:, k % 3]
            assert len(side) == 4
            assert set(side) == {place[k % 3] + k // 3}
    assert made.side_label.max() == 1 + 2 + 3 - 1
    assert made.side_label.min() == -6


def test_cubes_need_three_axes():
    with pytest.raises(InputError, match="at least three axes"):
        inspect.unwrap(cubes)((2, 2))


@pytest.mark.parametrize(("d", "n"), [(3, 4), (4, 2)])
def test_arrangements_have_their_number_of_cells(d, n):
    rows = np.random.default_rng(0).normal(size=(n, d + 1)) * np.append(np.ones(d), 0.1)
    made = arranged(rows, Box(low=[-50.0] * d, high=[50.0] * d))
    assert made.cell_count == sum(comb(n, i) for i in range(d + 1))
    central = arranged(np.column_stack([rows[:, :-1], np.zeros(n)]), Box(low=[-1.0] * d, high=[1.0] * d))
    assert central.cell_count == 2 * sum(comb(n - 1, i) for i in range(d))


def test_signs_of_cells_are_those_of_their_centroids():
    rows = np.random.default_rng(3).normal(size=(5, 4)) * [1, 1, 1, 0.3]
    made = arranged(rows, Box(low=[-1.0] * 3, high=[1.0] * 3))
    values = made.centroids @ rows[:, :-1].T + rows[:, -1]
    assert len(np.unique(values > 0, axis=0)) == made.cell_count


def test_sets_of_a_pyramid():
    tip = polytope(np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0.5, 0.5, 1]]))
    assert [len(part) for part in faces_by_sets(tip)] == [5, 8, 5, 1]
    assert betti_by_sets(faces_by_sets(tip)) == (1, 0, 0, 0)
    assert betti_by_sets(faces_by_sets(tip)[:3]) == (1, 0, 1)
    assert betti_by_sets(faces_by_sets(tip)[:2]) == (1, 4)
