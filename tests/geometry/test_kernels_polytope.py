"""The kernels for polytopes of few dimensions against linear programs and plain numpy."""

import numpy as np
import pytest
from scipy.optimize import linprog

from inscape.geometry import _kernels_polytope as small
from inscape.testing import facets_by_lp

pytestmark = pytest.mark.interpreted


def around_the_origin(dimension, count, seed):
    rng = np.random.default_rng(seed)
    normals = rng.standard_normal((count, dimension))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return normals, rng.exponential(size=count) + 0.1, rng


def ascended(normals, bound, objective):
    d = normals.shape[1]
    x, p, weight = np.empty((3, d))
    q, r = np.empty((2, d, d))
    known = np.ones(len(bound), np.bool_)
    outcome = small.ascend(normals, bound, known, objective, x, p, q, r, weight, np.empty(d, np.int64))
    return outcome, x, p


@pytest.mark.parametrize("dimension", [1, 2, 4, 7])
@pytest.mark.parametrize("count", [1, 6, 25])
def test_ascent_ends_where_the_linear_program_does(dimension, count):
    for seed in range(3):
        normals, bound, rng = around_the_origin(dimension, count, seed)
        objective = rng.standard_normal(dimension)
        objective /= np.linalg.norm(objective)
        outcome, x, p = ascended(normals, bound, objective)
        best = linprog(-objective, normals, bound, bounds=[(None, None)] * dimension)
        if best.x is None:
            assert outcome == small.UNBOUNDED
            assert (normals @ p <= 1e-9).all()
            assert objective @ p > 0
        else:
            assert outcome == small.OPTIMAL
            assert objective @ x == pytest.approx(-best.fun, rel=1e-8)
            assert (normals @ x <= bound + 1e-9).all()


def test_ascent_through_a_degenerate_corner():
    """A pyramid over a regular polygon: many half-spaces through the apex."""
    angle = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    sides = np.stack([np.cos(angle), np.sin(angle), np.ones(30)], axis=1) / np.sqrt(2)
    normals = np.concatenate([sides, [[0.0, 0.0, -1.0]]])
    outcome, x, _ = ascended(normals, np.append(np.full(30, np.sqrt(0.5)), 1.0), np.array([0.0, 0.0, 1.0]))
    assert outcome == small.OPTIMAL
    assert x == pytest.approx([0, 0, 1], abs=1e-9)


def test_ascent_gives_up_on_rows_that_numbers_cannot_tell_apart():
    normals = np.array([[1.0, 0.0], [1.0, 1e-12]])
    outcome, _, _ = ascended(normals, np.ones(2), np.array([1.0, 1e-13]))
    assert outcome in {small.OPTIMAL, small.FAILED}
    assert ascended(normals, np.ones(2), np.array([0.0, 1.0]))[0] in {small.UNBOUNDED, small.FAILED}


def test_first_hit_is_alone():
    normals, slack, margin = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1.0, 2.0]), np.full(2, 1e-9)
    assert small.first_hit(normals, slack, margin, np.array([1.0, 1.0])) == (0, 1.0)
    assert small.first_hit(normals, slack, margin, np.array([1.0, 4.0])) == (1, 0.5)
    assert small.first_hit(normals, slack, margin, np.array([1.0, 2.0]))[0] == -1
    assert small.first_hit(normals, slack, margin, np.array([-1.0, -2.0]))[0] == -1


@pytest.mark.parametrize("shots", [0, 20])
@pytest.mark.parametrize(("dimension", "count"), [(2, 9), (3, 14), (5, 12)])
def test_settled_half_spaces(dimension, count, shots):
    normals, slack, rng = around_the_origin(dimension, count, 1)
    state, known = np.zeros(count, np.int64), np.zeros(count, np.bool_)
    points, q, r = np.zeros((count, dimension)), *np.empty((2, dimension, dimension))
    uncertain = small.settle(
        normals,
        slack,
        np.full(count, 1e-9),
        np.argsort(slack),
        rng.standard_normal((shots, dimension)),
        rng.standard_normal((4, dimension)),
        state,
        known,
        points,
        np.zeros(count, np.int64),
        np.empty((4, dimension)),
        q,
        r,
        np.empty(dimension, np.int64),
    )
    facets = np.flatnonzero(state == small.FACET)
    assert uncertain == 0
    assert set(state) <= {small.FACET, small.REDUNDANT}
    assert facets.tolist() == facets_by_lp(normals, slack).tolist() == np.flatnonzero(known).tolist()
    left = slack - points[facets] @ normals.T
    assert np.allclose(left[np.arange(len(facets)), facets], 0, atol=1e-9)
    left[np.arange(len(facets)), facets] = 1.0
    assert (left > 0).all()


def test_planes_within_their_doubt_are_one():
    unit = np.array([[1.0, 0.0, 3.0], [1.0, 1e-13, 3.0], [0.0, 1.0, 3.0], [1.0, 0.0, 3.1], [0.0, 1.0, 3.0]])
    key = unit[:, :2] @ np.array([0.7, 0.2])
    number = np.empty(5, np.int64)
    count = small.link_planes(unit, np.full(5, 1e-12), key, np.argsort(key, kind="stable"), 1e-11, number)
    assert count == 3
    assert number[0] == number[1]
    assert number[2] == number[4]
    assert len({number[0], number[2], number[3]}) == 3
    assert small.link_planes(unit, np.full(5, 1e-15), key, np.argsort(key, kind="stable"), 1e-11, number) == 4
