"""The face lattice against plain Python sets, closed forms and the identities of Euler."""

from itertools import pairwise
from math import comb

import numpy as np
import pytest

from inscape.geometry import Box, Segment, f_vector, faces, subdivide
from inscape.network import read
from inscape.testing import arranged, cubes, faces_by_sets, polytope, random_net

pytestmark = pytest.mark.interpreted


def as_sets(made, found):
    """For each dimension the faces as sets of vertices."""
    sets = []
    for j in range(len(found.counts)):
        start, corners = found.corners(j)
        sets.append([frozenset(found.vertices[part].tolist()) for part in np.split(corners, start[1:-1])])
    return sets


def arrangement(d, n, seed, scale=0.4):
    rows = np.random.default_rng(seed).normal(size=(n, d + 1)) * np.append(np.ones(d), scale)
    return arranged(rows, Box(low=[-1.0] * d, high=[1.0] * d))


MADE = {
    "cubes": lambda: cubes((2, 3, 2)),
    "cubes in four": lambda: cubes((2, 2, 1, 2)),
    "general": lambda: arrangement(3, 5, 0),
    "central": lambda: arrangement(3, 4, 1, 0.0),
    "general in four": lambda: arrangement(4, 3, 2),
    "central in four": lambda: arrangement(4, 4, 3, 0.0),
    "octahedron": lambda: polytope(np.vstack([np.eye(3), -np.eye(3)])),
    "cross-polytope": lambda: polytope(np.vstack([np.eye(5), -np.eye(5)])),
}


@pytest.mark.parametrize("name", MADE)
def test_faces_are_those_that_sets_give(name):
    made = MADE[name]()
    found, wanted = faces(made), faces_by_sets(made)
    assert f_vector(made).tolist() == [len(part) for part in wanted]
    sets = as_sets(made, found)
    assert [set(part) for part in sets] == wanted
    assert found.euler == 1
    for j, (lower, upper) in enumerate(pairwise(sets)):
        start, below = found.start[j], found.below[j]
        for i, face in enumerate(upper):
            mine = {lower[k] for k in below[start[i] : start[i + 1]]}
            assert mine == {facet for facet in wanted[j] if facet < face}


@pytest.mark.parametrize("d", [3, 4, 5, 6])
def test_closed_forms(d):
    cube = [2 ** (d - k) * comb(d, k) for k in range(d + 1)]
    assert f_vector(cubes((1,) * d)).tolist() == cube
    assert f_vector(polytope(np.vstack([np.zeros(d), np.eye(d)]))).tolist() == [
        comb(d + 1, k + 1) for k in range(d + 1)
    ]
    cross = [2 ** (k + 1) * comb(d, k + 1) for k in range(d)]
    assert f_vector(polytope(np.vstack([np.eye(d), -np.eye(d)]))).tolist() == [*cross, 1]


def test_planes_in_general_position():
    """n planes in general position through a large box: the faces inside follow from counts of flats."""
    angles = np.random.default_rng(0).normal(size=(5, 3))
    rows = np.column_stack([angles / np.linalg.norm(angles, axis=1, keepdims=True), np.linspace(-0.1, 0.1, 5)])
    made = arranged(rows, Box(low=[-20.0] * 3, high=[20.0] * 3))
    assert made.cell_count == sum(comb(5, i) for i in range(4))
    inner = (np.abs(made.vertices) < 19).all(1).sum()
    assert inner == comb(5, 3)
    assert (made.neighbours[:, 1] >= 0).sum() == 5 * sum(comb(4, i) for i in range(3))


def test_a_part_is_closed_and_in_the_order_given():
    made = cubes((2, 2, 2))
    part = faces(made, cells=np.array([7, 0]))
    assert part.counts.tolist() == [15, 24, 12, 2]  # two cubes that share one corner
    sets = as_sets(made, part)
    assert sets[3][1] == set(made.corners[:8].tolist())
    wall = np.flatnonzero(made.facet_label == 1)
    square = faces(made, facets=wall[::-1].copy())
    assert square.counts.tolist() == [9, 12, 4]
    whole = made.facets
    for f, corners in zip(wall[::-1], as_sets(made, square)[2], strict=True):
        assert corners == set(whole.corners[whole.start[f] : whole.start[f + 1]].tolist())


@pytest.mark.parametrize("empty", [{"cells": np.zeros(0, int)}, {"facets": np.zeros(0, int)}])
def test_nothing_has_no_faces(empty):
    for made in (cubes((2, 1, 1)), plane(), line()):
        assert faces(made, **empty).counts.sum() == 0


def plane():
    return subdivide(read(random_net([2, 8, 6, 1], rng=1)), Box(low=(-1, -1), high=(1, 1))).complex


def line():
    return subdivide(read(random_net([2, 8, 6, 1], rng=1)), Segment((-1, -1), (1, 1))).complex


def test_dimension_two():
    made = plane()
    found = faces(made)
    assert found.counts.tolist() == [len(made.vertices), len(made.ends), made.cell_count]
    assert found.euler == 1
    part = faces(made, cells=np.array([3, 1]))
    corners = [set(made.corners[made.start[c] : made.start[c + 1]].tolist()) for c in (3, 1)]
    assert as_sets(made, part)[2] == corners
    assert set(part.vertices) == corners[0] | corners[1]
    edges = faces(made, facets=np.array([4, 2]))
    assert as_sets(made, edges)[1] == [set(made.ends[4].tolist()), set(made.ends[2].tolist())]


def test_dimension_one():
    made = line()
    assert f_vector(made).tolist() == [made.cell_count + 1, made.cell_count]
    assert faces(made, cells=np.array([0])).counts.tolist() == [2, 1]
    assert faces(made, facets=np.array([1, 2])).counts.tolist() == [2]


def sign_vectors(made, program, d):
    """For each dimension the different three-valued sign vectors at the middles of all faces of all cells."""
    found = faces(made)
    counts = []
    for j in range(d + 1):
        start, corners = found.corners(j)
        points = made.vertices[found.vertices[corners]]
        middle = np.add.reduceat(points, start[:-1]) / np.diff(start)[:, None]
        values, rows = middle, []
        for layer in list(program)[:-1]:
            if hasattr(layer, "weight"):
                values = values @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
                rows.append(np.where(np.abs(values) < 1e-11, 0, np.sign(values)))
            else:
                values = np.maximum(np.where(np.abs(values) < 1e-11, 0, values), 0)
        walls = np.column_stack([np.abs(middle + 1) < 1e-11, np.abs(middle - 1) < 1e-11])
        counts.append(len(np.unique(np.column_stack([*rows, walls]), axis=0)))
    return counts


@pytest.mark.parametrize("widths", [[3, 6, 5, 1], [4, 5, 4, 1], [5, 3, 3, 1], [3, 4, 4, 3, 1]])
def test_sign_vectors_count_the_faces_of_a_network(widths):
    """Each face has its own vector of signs (+, 0, -) of units and walls, found by forward passes."""
    d = widths[0]
    model = random_net(widths, rng=5)
    made = subdivide(read(model), Box(low=[-1] * d, high=[1] * d)).complex
    counts = f_vector(made)
    assert sign_vectors(made, model, d) == counts.tolist()
    assert counts[::2].sum() - counts[1::2].sum() == 1
