"""Coreductions: the pairs are a filtration, and the critical faces give the ranks of the whole matrices."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inscape.geometry import faces
from inscape.geometry._homology import _joined, _rank, relative_betti_numbers
from inscape.geometry._kernels_homology import coreduce, transpose
from inscape.testing import betti_by_sets, cubes, faces_by_sets

pytestmark = pytest.mark.interpreted


def chain(under):
    """Facets and cofacets of all faces in one numbering."""
    base = np.concatenate([[0], np.cumsum(under.counts)])
    start, below = _joined(under, [np.ones(n, np.bool_) for n in under.counts], base)
    above_start, above = np.zeros(base[-1] + 1, np.int64), np.empty(len(below), np.int64)
    transpose(start, below, above_start, above)
    return base, start, below, above_start, above


def some_cells(seed, shape, share):
    made = cubes(shape)
    return made, np.flatnonzero(np.random.default_rng(seed).random(made.cell_count) < share)


def test_cofacets_are_facets_the_other_way():
    made, cells = some_cells(0, (3, 2, 2), 0.5)
    base, start, below, above_start, above = chain(faces(made, cells=cells))
    down = {(i, int(j)) for i in range(base[-1]) for j in below[start[i] : start[i + 1]]}
    up = {(int(i), j) for j in range(base[-1]) for i in above[above_start[j] : above_start[j + 1]]}
    assert down == up


@given(st.integers(0, 10**6), st.sampled_from([(3, 2, 2), (2, 2, 2, 1)]), st.floats(0.2, 0.9))
@settings(max_examples=15, deadline=None)
def test_removal_is_a_filtration_with_pairs(seed, shape, share):
    made, cells = some_cells(seed, shape, share)
    under = faces(made, cells=cells)
    base, start, below, above_start, above = chain(under)
    count = int(base[-1])
    place, partner = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    coreduce((start, below), (above_start, above), np.diff(start), np.empty(count, np.int64), place, partner)
    assert np.array_equal(np.sort(place), np.arange(count))
    for face in range(count):
        facets = below[start[face] : start[face + 1]]
        mate = partner[face]
        assert (place[facets] < place[face]).all()
        if mate >= 0:
            assert partner[mate] == face
            assert abs(place[face] - place[mate]) == 1
        if mate in facets:  # all other facets went before the pair did
            assert (place[facets[facets != mate]] < place[mate]).all()
    critical = [int((partner[low:high] < 0).sum()) for low, high in pairwise(base)]
    euler = sum(critical[::2]) - sum(critical[1::2])
    assert euler == under.euler


@given(st.integers(0, 10**6), st.sampled_from([(2, 2, 2), (3, 2, 1), (2, 2, 1, 1)]), st.floats(0.2, 0.9))
@settings(max_examples=15, deadline=None)
def test_numbers_are_those_of_the_whole_matrices(seed, shape, share):
    made, cells = some_cells(seed, shape, share)
    start = made.start
    tops = [frozenset(made.corners[start[c] : start[c + 1]].tolist()) for c in cells]
    under = [{face for face in part if any(face <= top for top in tops)} for part in faces_by_sets(made)]
    assert relative_betti_numbers(faces(made, cells=cells)) == betti_by_sets(under)


def test_relative_to_its_skin_a_cube_is_a_sphere():
    under = faces(cubes((1, 1, 1)))
    skin = [np.ones(n, np.bool_) for n in under.counts[:3]] + [np.zeros(1, np.bool_)]
    assert relative_betti_numbers(under, left_out=skin) == (0, 0, 0, 1)
    edge = [np.isin(np.arange(n), kept) for n, kept in zip(under.counts, ([0, 1], [], [], []), strict=True)]
    assert relative_betti_numbers(under, left_out=edge) == (0, 1, 0, 0)  # two points made one close a loop


def test_rank_by_hand():
    assert _rank([]) == 0
    assert _rank([0, 0]) == 0
    assert _rank([0b011, 0b110, 0b101]) == 2
    assert _rank([0b001, 0b010, 0b111]) == 3


def test_a_loop_that_needs_paths():
    """Surfaces with many handles leave many critical edges, whose boundaries cancel along paths."""
    solid = np.zeros((7, 7, 3), bool)
    solid[1:6, 1:6, 1] = True
    solid[2:5:2, 2:5:2, 1] = False
    made = cubes(solid.shape)
    inner = np.flatnonzero((made.neighbours >= 0).all(1))
    flat = solid.ravel()
    skin = inner[flat[made.neighbours[inner, 0]] != flat[made.neighbours[inner, 1]]]
    assert relative_betti_numbers(faces(made, facets=skin)) == (1, 8, 1)
