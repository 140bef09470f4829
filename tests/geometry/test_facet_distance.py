"""Nearest points of segments and hulls against dense sampling and each other."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inscape.geometry import nearest_in_hull, nearest_on_segments

NORMS = (1.0, 2.0, math.inf)


@pytest.mark.parametrize("norm", NORMS)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.booleans())
def test_segments_equal_the_hull_of_their_ends_and_no_sample_is_nearer(norm, seed, size, whole):
    draw = np.random.default_rng(seed)
    starts, ends = draw.standard_normal((2, 5, size))
    if whole:  # ties between coordinates
        starts, ends = np.round(2 * starts), np.round(2 * ends)
    point = draw.standard_normal(size)
    distances, places = nearest_on_segments(starts, ends, point, norm)
    share = np.linspace(0, 1, 1001)[:, None]
    for a, b, distance, place in zip(starts, ends, distances, places, strict=True):
        assert 0 <= place <= 1
        assert np.linalg.norm(a + place * (b - a) - point, ord=norm) == pytest.approx(distance, abs=1e-12)
        assert nearest_in_hull(np.stack([a, b]), point, norm)[0] == pytest.approx(distance, rel=1e-7, abs=1e-9)
        sampled = np.linalg.norm((1 - share) * a + share * b - point, ord=norm, axis=1).min()
        assert distance <= sampled + 1e-12
        assert sampled <= distance + 1e-3 * np.linalg.norm(b - a, ord=norm) + 1e-12


@pytest.mark.parametrize(("norm", "distance"), [(1.0, 1.0), (2.0, 3**-0.5), (math.inf, 1 / 3)])
def test_simplex_facet(norm, distance):
    found, nearest = nearest_in_hull(np.eye(3), np.zeros(3), norm)
    assert found == pytest.approx(distance)
    assert nearest.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("norm", NORMS)
def test_inside_the_hull_the_distance_is_zero(norm):
    corners = np.array([[0.0, 0], [4, 0], [0, 4]])
    assert nearest_in_hull(corners, np.array([1.0, 1.0]), norm)[0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("norm", NORMS)
def test_no_mix_of_corners_is_nearer(norm):
    draw = np.random.default_rng(1)
    corners, point = draw.standard_normal((6, 4)), 3 * draw.standard_normal(4)
    distance, nearest = nearest_in_hull(corners, point, norm)
    assert np.linalg.norm(nearest - point, ord=norm) == pytest.approx(distance)
    mixes = draw.dirichlet(np.full(6, 0.3), size=100_000) @ corners
    sampled = np.linalg.norm(mixes - point, ord=norm, axis=1).min()
    assert distance <= sampled + 1e-9
    assert sampled < distance * 1.1
