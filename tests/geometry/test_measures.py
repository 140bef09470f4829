"""Volumes, areas and centres of mass against closed forms and Qhull."""

from dataclasses import replace
from math import factorial, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull, Delaunay

from inscape.geometry import Box
from inscape.testing import arranged, cubes, polytope

pytestmark = pytest.mark.interpreted
DIMENSIONS = [3, 4, 5, 6]


@pytest.mark.parametrize("d", DIMENSIONS)
def test_simplex(d):
    made = polytope(np.vstack([np.zeros(d), np.eye(d)]))
    assert made.volumes == pytest.approx([1 / factorial(d)], rel=1e-14)
    assert made.centroids[0] == pytest.approx(np.full(d, 1 / (d + 1)), rel=1e-14)
    assert sorted(made.areas) == pytest.approx([*[1 / factorial(d - 1)] * d, sqrt(d) / factorial(d - 1)], rel=1e-14)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_cross_polytope_is_not_simple(d):
    made = polytope(np.vstack([np.eye(d), -np.eye(d)]) + 0.25)
    assert made.volumes == pytest.approx([2**d / factorial(d)], rel=1e-14)
    assert made.centroids[0] == pytest.approx(np.full(d, 0.25), rel=1e-13)
    assert made.areas == pytest.approx(np.full(2**d, sqrt(d) / factorial(d - 1)), rel=1e-13)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_pyramid_over_a_cube(d):
    """One corner on 2 (d - 1) sides, all others on d: the facets at the tip are pyramids themselves."""
    base = np.array(np.meshgrid(*[[0.0, 1.0]] * (d - 1))).reshape(d - 1, -1).T
    points = np.vstack([np.column_stack([base, np.zeros(len(base))]), np.append(np.full(d - 1, 0.5), 1.0)])
    made = polytope(points)
    assert made.volumes == pytest.approx([1 / d], rel=1e-14)
    assert made.centroids[0] == pytest.approx([*[0.5] * (d - 1), 1 / (d + 1)], rel=1e-13)
    assert made.areas.sum() == pytest.approx(1 + 2 * sqrt(1.25), rel=1e-13)


def test_facets_that_are_not_simple():
    """A bipyramid over an octahedron: in four dimensions, with facets that are tetrahedra; and its prism."""
    octahedron = np.vstack([np.eye(3), -np.eye(3)])
    prism = np.vstack([np.column_stack([octahedron, np.full(6, z)]) for z in (0.0, 2.0)])
    made = polytope(prism)
    assert made.volumes == pytest.approx([2 * 4 / 3], rel=1e-14)
    assert sorted(made.areas)[:2] == pytest.approx([4 / 3, 4 / 3], rel=1e-14)
    double = np.vstack([np.column_stack([octahedron, np.zeros(6)]), [[0, 0, 0, 1.5], [0, 0, 0, -1]]])
    assert polytope(double).volumes == pytest.approx([4 / 3 * 2.5 / 4], rel=1e-14)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_cubes(d):
    made = cubes((2, 3, *[1] * (d - 2)))
    assert made.volumes == pytest.approx(np.ones(6), rel=1e-14)
    assert made.areas == pytest.approx(np.ones(len(made.areas)), rel=1e-14)
    assert made.centroids[5] == pytest.approx([1.5, 2.5, *[0.5] * (d - 2)], rel=1e-14)


@given(st.integers(3, 5), st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_random_hulls_by_qhull(d, seed):
    points = np.random.default_rng(seed).normal(size=(d + 4, d))
    points = points[ConvexHull(points).vertices]
    made, hull = polytope(points), ConvexHull(points)
    assert made.volumes[0] == pytest.approx(hull.volume, rel=1e-9)
    assert made.areas.sum() == pytest.approx(hull.area, rel=1e-9)
    parts = points[Delaunay(points).simplices]
    weight = np.abs(np.linalg.det(parts[:, 1:] - parts[:, :1]))
    assert made.centroids[0] == pytest.approx((parts.mean(1) * weight[:, None]).sum(0) / weight.sum(), abs=1e-8)


@pytest.mark.parametrize(("d", "n"), [(3, 5), (4, 3), (5, 2)])
def test_cells_of_an_arrangement_fill_the_box(d, n):
    rows = np.random.default_rng(d).normal(size=(n, d + 1)) * np.append(np.ones(d), 0.3)
    made = arranged(rows, Box(low=[-1.0] * d, high=[1.0] * d))
    assert made.volumes.sum() == pytest.approx(2.0**d, rel=1e-8)
    assert (made.volumes[:, None] * made.centroids).sum(0) == pytest.approx(np.zeros(d), abs=1e-7)
    for c in range(made.cell_count):
        hull = ConvexHull(made.vertices[made.corners[made.start[c] : made.start[c + 1]]])
        assert made.volumes[c] == pytest.approx(hull.volume, rel=1e-7)
        own = made.facets.of_side[made.side_start[c] : made.side_start[c + 1]]
        assert made.areas[own].sum() == pytest.approx(hull.area, rel=1e-7)
        assert (made.normals[own] * np.where(made.neighbours[own, 0] == c, 1, -1)[:, None]).T @ made.areas[
            own
        ] == pytest.approx(np.zeros(d), abs=1e-7)  # the areas of a closed surface cancel (Minkowski)


def test_a_flat_cell_has_volume_zero_and_a_centre():
    made = cubes((1, 1, 1))
    flat = replace(made, vertices=made.vertices * [1, 1, 0])
    assert flat.volumes[0] == 0
    assert flat.centroids[0] == pytest.approx([0.5, 0.5, 0])
