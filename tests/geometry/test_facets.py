"""Facets and largest balls of polytopes against closed forms and one linear program for each half-space."""

from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from inscape.geometry import LocalRegion, _halfspaces, facets, largest_ball
from inscape.testing import facets_by_lp


def polytope(normals, offsets, error=1e-15):
    normals, offsets = np.asarray(normals, dtype=float), np.asarray(offsets, dtype=float)
    size = np.maximum(1.0, np.abs(offsets))
    return LocalRegion(
        pattern=(),
        normals=normals,
        offsets=offsets,
        errors=error * np.stack([size, np.ones(len(offsets))], axis=1),
        labels=np.arange(len(offsets)),
        output=np.zeros((1, normals.shape[1] + 1)),
    )


def random_polytope(dimension, count, seed, *, open_=False):
    """Half-spaces around a random point, with normals of different lengths; open ones have no end to the left."""
    rng = np.random.default_rng(seed)
    normals = rng.standard_normal((count, dimension)) * rng.uniform(0.1, 10, size=(count, 1))
    if open_:
        normals[:, 0] = np.abs(normals[:, 0])
    offsets = normals @ rng.normal(scale=5, size=dimension) + rng.exponential(size=count) * np.linalg.norm(
        normals, axis=1
    )
    return normals, offsets


def ball_by_lp(normals, offsets):
    table = np.column_stack([normals, np.linalg.norm(normals, axis=1)])
    objective = -np.eye(table.shape[1])[-1]
    best = linprog(objective, table, offsets, bounds=[(None, None)] * table.shape[1], method="highs")
    return np.inf if best.x is None else best.x[-1]


@pytest.mark.parametrize("few", [12, 0], ids=["kernels", "highs"])
@given(dimension=st.integers(1, 7), count=st.integers(1, 30), seed=st.integers(0, 10**6), open_=st.booleans())
@settings(max_examples=30)
def test_facets_are_those_of_one_linear_program_for_each_half_space(few, dimension, count, seed, open_):
    normals, offsets = random_polytope(dimension, count, seed, open_=open_)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_halfspaces, "FEW_DIMENSIONS", few)
        found = facets(polytope(normals, offsets))
    assert found.uncertain == 0
    assert np.sort(found.rows).tolist() == facets_by_lp(normals, offsets).tolist()
    assert found.radius == pytest.approx(ball_by_lp(normals, offsets), rel=1e-6)
    slack = (offsets - found.points @ normals.T) / np.linalg.norm(normals, axis=1)
    own = slack[np.arange(len(found.rows)), found.rows]
    assert np.allclose(own, 0, atol=1e-8 * (1 + np.abs(found.points).max(initial=0)))
    slack[np.arange(len(found.rows)), found.rows] = 1.0
    assert (slack > 0).all()
    assert (offsets - normals @ found.centre > 0).all()


def test_more_dimensions_than_the_kernels_take():
    normals, offsets = random_polytope(15, 45, 3)
    assert np.sort(facets(polytope(normals, offsets)).rows).tolist() == facets_by_lp(normals, offsets).tolist()


@pytest.mark.parametrize("dimension", [1, 2, 3, 5, 20, 60])
def test_cube(dimension):
    eye = np.eye(dimension)
    cube = polytope(np.concatenate([eye, -eye]), np.ones(2 * dimension))
    found = facets(cube)
    assert len(found.rows) == 2 * dimension
    assert found.radius == pytest.approx(1.0)
    assert found.centre == pytest.approx(np.zeros(dimension), abs=1e-8)


@pytest.mark.parametrize("dimension", [2, 3, 6])
def test_cross_polytope_and_simplex(dimension):
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * dimension)).reshape(dimension, -1).T
    cross = facets(polytope(signs, np.ones(len(signs))))
    assert len(cross.rows) == 2**dimension
    assert cross.radius == pytest.approx(1 / np.sqrt(dimension))
    simplex = facets(polytope(np.concatenate([-np.eye(dimension), np.ones((1, dimension))]), [0.0] * dimension + [1.0]))
    assert len(simplex.rows) == dimension + 1
    assert simplex.radius == pytest.approx(1 / (dimension + np.sqrt(dimension)))


@pytest.mark.parametrize("few", [12, 0], ids=["kernels", "highs"])
def test_half_spaces_that_only_touch_are_redundant_and_counted(few, monkeypatch):
    """The square and a line through its corner: decided within the tolerance, hence counted."""
    monkeypatch.setattr(_halfspaces, "FEW_DIMENSIONS", few)
    normals = [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1]]
    found = facets(polytope(normals, [1, 1, 1, 1, 2]))
    assert sorted(found.rows) == [0, 1, 2, 3]
    assert found.uncertain == 1
    assert facets(polytope(normals, [1, 1, 1, 1, 2 + 1e-6])).uncertain == 0
    cut = facets(polytope(normals, [1, 1, 1, 1, 2 - 1e-6]))
    assert (sorted(cut.rows), cut.uncertain) == ([0, 1, 2, 3, 4], 0)


@pytest.mark.parametrize(
    ("scale", "shift"), [(1e-9, 0.0), (1e-3, 0.0), (1e6, 0.0), (1e-6, 1.0), (1e-3, 1.0), (1e-2, 1e4), (1e6, 1e4)]
)
def test_size_and_place_do_not_matter(scale, shift):
    normals, offsets = random_polytope(3, 15, 4)
    expected = facets(polytope(normals, offsets))
    moved = scale * offsets + normals @ np.full(3, shift)
    near = np.full(3, shift)
    found = facets(polytope(normals, moved, error=1e-16 * scale), near=near)
    assert sorted(found.rows) == sorted(expected.rows)
    assert found.radius == pytest.approx(scale * expected.radius, rel=1e-4)


def test_equal_opposite_and_constant_half_spaces():
    wedge = [[1, 0], [2, 0], [0, 1], [0, 0], [0, 0], [1e-3, 0]]
    region = polytope(wedge, [1, 2, 1, 0, 5, 1e-3])
    number, _ = region.hyperplanes
    assert number[0] == number[1] == number[5] != number[2]
    assert number[3:5].tolist() == [-1, -2]
    assert region.distinct.tolist() == [0, 2]
    assert sorted(facets(region).rows) == [0, 2]
    flat = polytope([[1, 0], [-3, 0], [0, 1]], [1, -3, 1])
    assert flat.hyperplanes[0][0] == flat.hyperplanes[0][1]
    assert flat.hyperplanes[1][0] == -flat.hyperplanes[1][1]
    assert facets(flat).empty
    assert facets(polytope([[1, 0], [-1, 0]], [1, -2])).empty
    assert facets(polytope([[0, 0], [1, 0]], [-1, 1])).empty  # a constant predicate of the wrong sign


def test_walls_bound_a_region_and_are_not_listed():
    region = polytope([[1, 1], [1, 0], [0, -1]], [0.5, 1.0, 7.0])
    low, high = np.full(2, -1.0), np.full(2, 1.0)
    found = facets(region, low, high)
    assert found.rows.tolist() == [0]  # the second coincides with a wall, the third lies outside
    corner = largest_ball(region, low, high)
    assert corner[1] == pytest.approx(2.5 / (2 + np.sqrt(2)))
    assert largest_ball(region, low, None)[1] == pytest.approx(2.5 / (2 + np.sqrt(2)))
    assert np.isinf(largest_ball(region)[1])


def test_without_half_spaces_everything_is_inside():
    everything = polytope(np.zeros((0, 3)), np.zeros(0))
    found = facets(everything)
    assert (len(found.rows), found.radius, found.uncertain) == (0, np.inf, 0)
    assert largest_ball(everything, np.zeros(3), np.full(3, 2.0))[1] == pytest.approx(1.0)


def test_a_time_that_is_over_leaves_the_region_unfinished():
    normals, offsets = random_polytope(6, 40, 0)
    found = facets(polytope(normals, offsets), until=perf_counter() - 1)
    assert not found.finished
    assert not found.empty
