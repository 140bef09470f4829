"""Betti numbers against closed forms, gudhi's cubical complexes and ranks of whole boundary matrices."""

from itertools import product

import gudhi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inscape._errors import InputError
from inscape.geometry import Box, betti_numbers, components, euler_characteristic, faces, subdivide
from inscape.geometry._topology import _on_wall, betti_by_reduction
from inscape.network import read
from inscape.testing import betti_by_sets, cubes, faces_by_sets, random_net


def skin(made, solid):
    """Facets between cubes inside and outside of a solid."""
    sides = made.neighbours
    inner = np.flatnonzero((sides >= 0).all(1))
    flat = np.ravel(solid)
    return inner[flat[sides[inner, 0]] != flat[sides[inner, 1]]]


def reduced(made, *, compactified=False, **part):
    """The same numbers by coreductions, also where there is a shorter way."""
    under = faces(made, **part)
    wall = _on_wall(made, under) if compactified else [np.zeros(n, np.bool_) for n in under.counts]
    return betti_by_reduction(under, wall)[: made.dimension]


def ball(d):
    solid = np.zeros((3,) * d, bool)
    solid[(1,) * d] = True
    return solid


def ring(shape=(5, 5, 3)):
    """A square ring of cubes in the middle layer."""
    solid = np.zeros(shape, bool)
    middle = tuple(n // 2 for n in shape[2:])
    solid[(slice(1, 4), slice(1, 4), *middle)] = True
    solid[(2, 2, *middle)] = False
    return solid


def two_balls():
    return np.concatenate([ball(3), ball(3)[1:]])


def linked():
    """Two square rings, each through the hole of the other."""
    solid = np.zeros((9, 7, 7), bool)
    solid[1:6, 1:6, 3] = True
    solid[2:5, 2:5, 3] = False
    other = np.zeros_like(solid)
    other[3:8, 3, 1:6] = True
    other[4:7, 3, 2:5] = False
    assert not (solid & other).any()
    return solid | other


def thick(distance_low, distance_high):
    """Cubes at some Chebyshev distances from a square loop."""
    points = np.array(list(product(range(9), range(9), range(5))))
    loop = [p for p in points if max(abs(p[0] - 4), abs(p[1] - 4)) == 2 and p[2] == 2]
    distance = np.abs(points[:, None] - np.array(loop)).max(2).min(1).reshape(9, 9, 5)
    return (distance >= distance_low) & (distance <= distance_high)


def embedded(solid):
    """The same solid as the middle layer of one more dimension."""
    empty = np.zeros_like(solid)
    return np.stack([empty, solid, empty], axis=-1)


SOLIDS = {
    # name: (solid, Betti numbers of its skin, of itself)
    "sphere": (ball(3), (1, 0, 1), (1, 0, 0)),
    "two spheres": (two_balls(), (2, 0, 2), (2, 0, 0)),
    "torus": (ring(), (1, 2, 1), (1, 1, 0)),
    "linked tori": (linked(), (2, 4, 2), (2, 2, 0)),
    "two nested tori": (thick(1, 1), (2, 4, 2), (1, 2, 1)),
    "hollow box": (~ball(3), (1, 0, 1), (1, 0, 1)),
    "sphere in four": (ball(4), (1, 0, 0, 1), (1, 0, 0, 0)),
    "sphere in five": (ball(5), (1, 0, 0, 0, 1), (1, 0, 0, 0, 0)),
    "circle times sphere": (ring((5, 5, 3, 3)), (1, 1, 1, 1), (1, 1, 0, 0)),
    "three-torus": (embedded(thick(1, 1)), (1, 3, 3, 1), (1, 2, 1, 0)),
    "sphere times circle": (embedded(np.pad(~ball(3), 1)), (1, 1, 1, 1), (1, 0, 1, 0)),
}


@pytest.mark.parametrize("name", SOLIDS)
def test_closed_forms(name):
    solid, of_skin, of_solid = SOLIDS[name]
    made = cubes(solid.shape)
    facets, cells = skin(made, solid), np.flatnonzero(solid)
    assert betti_numbers(made, facets=facets) == of_skin == reduced(made, facets=facets)
    assert betti_numbers(made, cells=cells) == of_solid == reduced(made, cells=cells)
    assert len(np.unique(components(made, facets))) == of_skin[0]
    assert betti_numbers(made, facets=facets, compactified=True) == of_skin  # it does not meet the wall
    assert euler_characteristic(of_skin) == faces(made, facets=facets).euler


def tube():
    solid = np.zeros((3, 3, 3), bool)
    solid[1, 1, :] = True
    return solid


def slab(d=3):
    solid = np.zeros((3,) * d, bool)
    solid[1] = True
    return solid


def corner():
    solid = np.zeros((2, 2, 2), bool)
    solid[0, 0, 0] = True
    return solid


OPEN = {
    # name: (solid, Betti numbers of the skin inside the box, and with the wall as one point)
    "plane": (np.arange(2).reshape(2, 1, 1) * np.ones((2, 2, 2)) > 0, (1, 0, 0), (1, 0, 1)),
    "two planes": (slab(), (2, 0, 0), (1, 0, 2)),  # two spheres that touch
    "cylinder": (tube(), (1, 1, 0), (1, 1, 1)),  # a sphere with two points made one
    "cut corner": (corner(), (1, 0, 0), (1, 0, 1)),
    "plane in four": (np.arange(2).reshape(2, 1, 1, 1) * np.ones((2, 2, 2, 2)) > 0, (1, 0, 0, 0), (1, 0, 0, 1)),
    "two planes in four": (slab(4), (2, 0, 0, 0), (1, 0, 0, 2)),
    "tube in four": (np.multiply.outer(ball(3), np.ones(3)) > 0, (1, 0, 1, 0), (1, 1, 0, 1)),
}


@pytest.mark.parametrize("name", OPEN)
def test_pieces_that_end_on_the_wall(name):
    solid, closed, compactified = OPEN[name]
    made = cubes(solid.shape)
    facets = skin(made, solid)
    assert betti_numbers(made, facets=facets) == closed
    assert betti_numbers(made, facets=facets, compactified=True) == compactified
    assert reduced(made, facets=facets, compactified=True) == compactified


@given(st.integers(0, 10**6), st.floats(0.15, 0.85), st.sampled_from([(4, 3, 3), (3, 3, 2, 2), (2, 2, 2, 2, 2)]))
@settings(max_examples=25, deadline=None)
def test_random_solids_by_gudhi(seed, share, shape):
    solid = np.random.default_rng(seed).random(shape) < share
    made = cubes(shape)
    peer = gudhi.CubicalComplex(top_dimensional_cells=np.where(solid, 0.0, 1.0))
    peer.compute_persistence(homology_coeff_field=2, min_persistence=-1.0)
    wanted = tuple(peer.persistent_betti_numbers(0.5, 0.5)[: len(shape)])
    assert betti_numbers(made, cells=np.flatnonzero(solid)) == wanted
    assert reduced(made, cells=np.flatnonzero(solid)) == wanted


@given(st.integers(0, 10**6), st.sampled_from([(3, 3, 3), (2, 2, 2, 2)]), st.integers(2, 4))
@settings(max_examples=25, deadline=None)
def test_boundaries_between_many_classes(seed, shape, kinds):
    """Edges where three classes meet are no manifold; so the ranks of the whole boundary matrices decide."""
    made = cubes(shape)
    label = np.random.default_rng(seed).integers(0, kinds, made.cell_count)
    facets = skin(made, label)
    start = made.facets.start
    chosen = {frozenset(made.facets.corners[start[f] : start[f + 1]].tolist()) for f in facets}
    under = faces_by_sets(made)[: len(shape)]
    under = [{face for face in part if any(face <= top for top in chosen)} for part in under]
    wanted = betti_by_sets(under)
    assert betti_numbers(made, facets=facets) == wanted
    assert reduced(made, facets=facets) == wanted
    assert reduced(made, facets=facets, compactified=True) == betti_numbers(made, facets=facets, compactified=True)
    wall = faces_by_sets(made)
    outer = np.flatnonzero((made.neighbours < 0).any(1))
    tops = {frozenset(made.facets.corners[start[f] : start[f + 1]].tolist()) for f in outer}
    cone = [
        {face for face in part if any(face <= top for top in tops)} & mine
        for part, mine in zip(wall, under, strict=False)
    ]
    apex = frozenset({-1})  # a cone over what lies on the wall makes it one point, up to homotopy
    coned = [part | {face | apex for face in (cone[j - 1] if j else [frozenset()])} for j, part in enumerate(under)]
    coned.append({face | apex for face in cone[-1]})
    if any(cone):
        assert betti_numbers(made, facets=facets, compactified=True) == betti_by_sets(coned)[: len(shape)]


def test_nothing_has_no_homology():
    for made in (cubes((2, 2, 2)), cubes((2, 2, 1, 1))):
        none = (0,) * made.dimension
        assert betti_numbers(made, facets=np.zeros(0, int)) == none
        assert betti_numbers(made, facets=np.zeros(0, int), compactified=True) == none
        assert betti_numbers(made, cells=np.zeros(0, int)) == none
        assert len(components(made, np.zeros(0, int))) == 0


@pytest.mark.parametrize("part", [{}, {"cells": np.zeros(1, int), "facets": np.zeros(1, int)}])
def test_exactly_one_part(part):
    with pytest.raises(InputError, match="either cells or facets"):
        betti_numbers(cubes((1, 1, 1)), **part)


def test_cells_are_not_compactified():
    with pytest.raises(InputError, match="closed region of a class"):
        betti_numbers(cubes((1, 1, 1)), cells=np.zeros(1, int), compactified=True)


@pytest.mark.parametrize("cells", [[0, 5], [1, 2, 3], [0, 1]])
def test_dimension_two(cells):
    made = subdivide(read(random_net([2, 8, 6, 1], rng=1)), Box(low=(-1, -1), high=(1, 1))).complex
    solid = np.isin(np.arange(made.cell_count), cells)
    facets = skin(made, solid)
    assert betti_numbers(made, facets=facets) == reduced(made, facets=facets)
    assert betti_numbers(made, facets=facets, compactified=True) == reduced(made, facets=facets, compactified=True)
    found = betti_numbers(made, cells=np.array(cells))
    assert euler_characteristic(found) == faces(made, cells=np.array(cells)).euler
    assert found == reduced(made, cells=np.array(cells))
    outside = betti_numbers(made, cells=np.flatnonzero(~solid))
    assert outside[0] >= 1


def test_dimension_one():
    made = subdivide(read(random_net([1, 8, 6, 1], rng=1)), Box(low=(-1,), high=(1,))).complex
    assert betti_numbers(made, facets=np.array([1, 2, 4])) == (3,)
    order = np.argsort(made.centroids[:, 0])
    assert betti_numbers(made, cells=order[:2]) == (1,)
    assert betti_numbers(made, cells=order[[0, 2]]) == (2,)
    assert components(made, np.array([1, 2, 4])).tolist() == [0, 1, 2]


def test_a_part_of_a_complex_that_does_not_fill_its_box():
    """Where cells are missing the wall is no sphere, and duality is not used."""
    from dataclasses import replace

    made = cubes((3, 3, 3))
    kept = np.delete(np.arange(27), 13)
    rows = (8 * kept[:, None] + np.arange(8)).ravel()
    sides = (6 * kept[:, None] + np.arange(6)).ravel()
    holed = replace(
        made,
        start=np.arange(0, 8 * 26 + 1, 8),
        corners=made.corners[rows],
        masks=made.masks[rows],
        side_start=np.arange(0, 6 * 26 + 1, 6),
        side_label=made.side_label[sides],
        doubt=np.zeros(26, np.bool_),
    )
    assert betti_numbers(holed, cells=np.arange(26)) == (1, 0, 1)
    layer = np.flatnonzero(holed.facet_label == 0)
    assert betti_numbers(holed, facets=layer) == (1, 0, 0)
