"""Cells as intersections of half-spaces."""

import numpy as np
import pytest
from scipy.spatial import HalfspaceIntersection

from inscape.geometry import Box, Segment, cell_facets, half_spaces, subdivide
from inscape.network import read
from inscape.testing import random_net

pytestmark = pytest.mark.interpreted


def made(d):
    chart = Box(low=[-1] * d, high=[1] * d) if d > 1 else Segment((-1, -1), (1, 1))
    return subdivide(read(random_net([max(d, 2), 6, 4, 1], rng=2)), chart).complex


@pytest.mark.parametrize("d", [2, 3, 4])
def test_corners_are_those_of_the_half_spaces(d):
    found = made(d)
    for cell in range(0, found.cell_count, 1 + found.cell_count // 25):
        if found.volumes[cell] < 1e-6:
            continue
        normals, offsets, labels = half_spaces(found, cell)
        assert np.linalg.norm(normals, axis=1) == pytest.approx(np.ones(len(normals)))
        table = np.column_stack([normals, -offsets])
        points = HalfspaceIntersection(table, found.centroids[cell]).intersections
        corners = found.vertices[found.corners[found.offsets[cell] : found.offsets[cell + 1]]]
        near = np.linalg.norm(points[:, None] - corners, axis=2)
        assert near.min(1).max() < 1e-6
        assert near.min(0).max() < 1e-6
        assert np.array_equal(labels, found.facet_label[cell_facets(found, cell)])


def test_dimension_one():
    found = made(1)
    for cell in range(found.cell_count):
        normals, offsets, labels = half_spaces(found, cell)
        assert np.sort(normals.ravel() * offsets) == pytest.approx(np.sort(found.vertices[found.ends[cell], 0]))
        assert (normals @ found.centroids[cell] < offsets).all()
        assert (labels == -1).all()
