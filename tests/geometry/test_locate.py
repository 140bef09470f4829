"""Finding cells: half-spaces of the answer hold the point, and walks agree with a search everywhere."""

from dataclasses import replace

import numpy as np
import pytest

from inscape.geometry import Box, centroid_tree, half_spaces, locate, subdivide
from inscape.geometry._kernels_locate import locate_among_polytopes
from inscape.network import read
from inscape.testing import cubes, random_net

pytestmark = pytest.mark.interpreted


@pytest.mark.parametrize("widths", [[3, 8, 6, 1], [4, 6, 4, 1], [5, 4, 2, 1]])
def test_points_lie_in_their_cell(widths):
    d = widths[0]
    made = subdivide(read(random_net(widths, rng=1)), Box(low=[-1] * d, high=[1] * d)).complex
    points = np.random.default_rng(0).uniform(-1, 1, (300, d))
    found = locate(made, points, tree=centroid_tree(made))
    for cell, point in zip(found, points, strict=True):
        normals, offsets, _ = half_spaces(made, int(cell))
        assert (normals @ point <= offsets + 1e-9).all()


def test_a_walk_from_anywhere_ends_in_the_same_cell():
    made = subdivide(read(random_net([3, 8, 6, 1], rng=4)), Box(low=[-1] * 3, high=[1] * 3)).complex
    points = np.random.default_rng(1).uniform(-1, 1, (200, 3))
    wanted = locate(made, points)
    sides = (made.side_start.astype(np.int64), made.facets.of_side)
    planes = (made.neighbours, made.normals, made.facet_offsets)
    for guess in np.random.default_rng(2).integers(0, made.cell_count, (5, len(points))):
        found = np.empty(len(points), np.int64)
        locate_among_polytopes(sides, planes, guess, points, (1e-13, 1e-9), found)
        assert np.array_equal(found, wanted)


def test_a_point_behind_a_hole_is_found_by_looking_everywhere():
    made = cubes((3, 1, 1))
    kept = np.r_[0:8, 16:24]
    holed = replace(
        made,
        start=np.array([0, 8, 16]),
        corners=made.corners[kept],
        masks=made.masks[kept],
        side_start=np.array([0, 6, 12]),
        side_label=np.delete(made.side_label, np.arange(6, 12)),
        doubt=np.zeros(2, np.bool_),
    )
    sides = (holed.side_start, holed.facets.of_side)
    planes = (holed.neighbours, holed.normals, holed.facet_offsets)
    found = np.empty(2, np.int64)
    points = np.array([[2.5, 0.5, 0.5], [1.5, 0.5, 0.5]])
    locate_among_polytopes(sides, planes, np.zeros(2, np.int64), points, (1e-13, 1e-9), found)
    assert found.tolist() == [1, -1]


def test_outside_and_not_finite():
    made = cubes((2, 2, 2))
    points = np.array([[3.0, 0, 0], [np.nan, 0, 0], [np.inf, 0, 0], [-1e-6, 0.5, 0.5], [2, 2, 2], [1, 1, 1]])
    found = locate(made, points)
    assert found[:4].tolist() == [-1] * 4
    assert found[4] == 7
    assert 0 <= found[5] < 8


def test_corners_and_centroids_belong_to_their_cells():
    made = subdivide(read(random_net([3, 8, 6, 1], rng=4)), Box(low=[-1] * 3, high=[1] * 3)).complex
    assert np.array_equal(locate(made, made.centroids), np.arange(made.cell_count))
    found = locate(made, made.vertices)
    assert (found >= 0).all()
    for cell, point in zip(found, made.vertices, strict=True):
        normals, offsets, _ = half_spaces(made, int(cell))
        assert (normals @ point <= offsets + 1e-9).all()
