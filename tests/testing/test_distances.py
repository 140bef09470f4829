"""The slow distances against closed forms."""

import inspect
import math

import numpy as np
import pytest

from inscape.testing import distance_by_milp, distance_by_patterns

DIAMOND = [
    (np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]]), np.zeros(4)),
    (np.ones((1, 4)), np.array([-0.5])),
]
"""|x| + |y| - 1/2."""


def test_from_inside_and_outside_a_diamond():
    inside, outside = np.array([0.1, 0.0]), np.array([1.0, 0.5])
    assert distance_by_milp(DIAMOND, inside, 1) == pytest.approx(0.4)
    assert distance_by_milp(DIAMOND, inside, math.inf) == pytest.approx(0.2)
    assert distance_by_patterns(DIAMOND, inside) == pytest.approx(0.4 / math.sqrt(2))
    assert distance_by_milp(DIAMOND, outside, 1) == pytest.approx(1.0)
    assert distance_by_milp(DIAMOND, outside, math.inf) == pytest.approx(0.5)
    assert distance_by_patterns(DIAMOND, outside) == pytest.approx(1.0 / math.sqrt(2))


def test_a_box_and_a_pair_of_outputs():
    two = [DIAMOND[0], (np.vstack([np.ones(4), np.zeros(4)]), np.array([-0.5, 0.0]))]
    x = np.array([1.0, 0.5])
    assert distance_by_patterns(two, x, between=(0, 1)) == pytest.approx(1.0 / math.sqrt(2))
    low, high = np.array([0.0, 0.4]), np.array([2.0, 2.0])
    assert distance_by_milp(two, x, math.inf, between=(1, 0), low=low, high=high) == pytest.approx(0.9)


def test_no_boundary_is_infinitely_far():
    positive = [DIAMOND[0], (np.ones((1, 4)), np.array([0.5]))]
    assert distance_by_patterns(positive, np.ones(2)) == math.inf
    assert distance_by_milp(positive, np.ones(2), 1) == math.inf


def test_the_program_is_linear():
    with pytest.raises(ValueError, match="expected norm to be 1 or inf"):
        inspect.unwrap(distance_by_milp)(DIAMOND, np.zeros(2), 2)
