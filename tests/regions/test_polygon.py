"""Polygons as formulas, against the even–odd rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inscape._errors import DomainError
from inscape.regions._formula import complement, depth, height, widest
from inscape.regions._polygon import corners, half_planes, polygon_formula
from inscape.testing import inside_polygon


def untangled(count, seed):
    """A random simple polygon: crossing edges of a random tour are reversed until none is left."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (count, 2))

    def cross(a, b, c):
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    def meet(p, q, a, b):
        return cross(p, q, a) * cross(p, q, b) < 0 and cross(a, b, p) * cross(a, b, q) < 0

    again = True
    while again:
        again = False
        for i in range(count - 1):
            for j in range(i + 2, count - (i == 0)):
                if meet(points[i], points[i + 1], points[j], points[(j + 1) % count]):
                    points[i + 1 : j + 1] = points[i + 1 : j + 1][::-1].copy()
                    again = True
    return points


def spiral(turns):
    """A corridor that winds inwards."""
    angle = np.linspace(0.5, turns * 2 * np.pi, 12 * turns)
    outer = angle[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.concatenate([outer, 0.8 * outer[::-1]])


def long_spiral(turns, corners_a_turn=8):
    angle = np.linspace(3, turns * 2 * np.pi, corners_a_turn * turns)
    ray = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.concatenate([angle[:, None] * ray, ((angle - 2)[:, None] * ray)[::-1]])


def comb(teeth):
    """Teeth of equal height, whose tops lie on one line."""
    top = [(x, y) for k in range(teeth) for x, y in ((2 * k, 0), (2 * k, 2), (2 * k + 1, 2), (2 * k + 1, 0))]
    return np.array([*top, (2 * teeth - 1, -1), (0, -1)], dtype=float)


SHAPES = {
    "triangle": np.array([(0, 0), (3, 1), (1, 2)], dtype=float),
    "square": np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=float),
    "L": np.array([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)], dtype=float),
    "comb": comb(5),
    "spiral": spiral(3),
    "long spiral": long_spiral(6),
}


def check(points):
    ring = corners(points)
    normals, offsets = half_planes(ring)
    formula = polygon_formula(ring)
    low, high = ring.min(0), ring.max(0)
    x = np.random.default_rng(1).uniform(low - (high - low) / 3, high + (high - low) / 3, (4000, 2))
    found = depth(formula, x @ normals.T + offsets)
    clear = np.abs(found) > 1e-9
    assert clear.mean() > 0.99
    np.testing.assert_array_equal((found > 0)[clear], inside_polygon(x, ring)[clear])
    return ring, formula


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", SHAPES)
def test_set_of_the_formula_is_the_polygon(name, turned):
    ring, formula = check(SHAPES[name][::-1] if turned else SHAPES[name])
    assert sorted(leaves(formula)) == list(range(len(ring)))


def leaves(formula):
    return [formula] if isinstance(formula, int) else [leaf for part in formula[1:] for leaf in leaves(part)]


@given(st.integers(3, 14), st.integers(0, 10**6))
def test_random_simple_polygons(count, seed):
    ring, formula = check(untangled(count, seed))
    assert sorted(leaves(formula)) == list(range(len(ring)))


@given(st.integers(3, 10), st.integers(0, 10**6))
def test_complement_has_the_opposite_sign(count, seed):
    ring = corners(untangled(count, seed))
    normals, offsets = half_planes(ring)
    formula = polygon_formula(ring)
    x = np.random.default_rng(seed).uniform(-2, 2, (200, 2))
    inside, outside = depth(formula, x @ normals.T + offsets), depth(complement(formula), -(x @ normals.T + offsets))
    np.testing.assert_array_equal(outside, -inside)


def test_heights_stay_low_and_have_a_limit():
    angle = np.linspace(0, 2 * np.pi, 600, endpoint=False)
    petals = (1 + 0.3 * np.cos(9 * angle))[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert height(check(petals)[1]) < 24
    assert height(check(comb(40))[1]) < 16
    with pytest.raises(DomainError, match="wound so often"):
        polygon_formula(corners(long_spiral(12, 24)))


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_a_high_formula_becomes_a_network(activation):
    import torch

    from inscape.regions import Polygon, build

    shape = Polygon(long_spiral(6))
    model = build(shape, 60.0, activation=activation).model
    x = np.random.default_rng(0).uniform(-40, 40, (3000, 2))
    named = model(torch.from_numpy(x))[:, 0].detach().numpy() > 0
    clear = np.abs(build(shape, 60.0, activation=activation).depth(x)[:, 0]) > 0.2
    assert clear.mean() > 0.7
    np.testing.assert_array_equal(named[clear], inside_polygon(x, shape.vertices)[clear])


def test_convex_polygons_are_one_gate():
    angle = np.arange(40) / 40 * 2 * np.pi
    formula = polygon_formula(corners(np.stack([np.cos(angle), np.sin(angle)], axis=1)))
    assert (height(formula), widest(formula)) == (1, 40)


def test_depth_of_a_convex_polygon_is_the_distance_to_its_border():
    ring = corners(SHAPES["triangle"])
    normals, offsets = half_planes(ring)
    x = np.random.default_rng(0).dirichlet(np.ones(3), 50) @ ring
    ends = np.roll(ring, -1, axis=0)
    share = np.clip(np.einsum("nkd,kd->nk", x[:, None] - ring, ends - ring) / ((ends - ring) ** 2).sum(1), 0, 1)
    nearest = ring + share[..., None] * (ends - ring)
    distance = np.linalg.norm(x[:, None] - nearest, axis=2).min(1)
    np.testing.assert_allclose(depth(polygon_formula(ring), x @ normals.T + offsets), distance, atol=1e-12)


def test_corners_on_straight_edges_and_a_closing_corner_are_left_out():
    given = [(0, 0), (1, 0), (2, 0), (2, 2), (1, 2), (0, 2), (0, 1), (0, 0)]
    assert corners(np.array(given, dtype=float)).tolist() == [[0, 0], [2, 0], [2, 2], [0, 2]]


@pytest.mark.parametrize(
    ("points", "text"),
    [
        ([(0, 0), (1, 1)], "three or more"),
        ([(0, 0, 0), (1, 1, 1), (2, 0, 1)], "three or more"),
        ([(0, 0), (1, 0), (1, 0), (1, 1)], "corner 1 of the polygon twice"),
        ([(0, 0), (1, 0), (2, 0)], "turns back"),
        ([(0, 0), (2, 0), (1, 0), (1, 1)], "turns back on itself at corner 1"),
        ([(0, 0), (1, 1), (1, 0), (0, 1)], "edges 0 and 2"),
        ([(0, 0), (4, 0), (4, 4), (2, 0), (0, 4)], "meet"),
        ([(0, 0), (0, 0), (0, 0)], "twice"),
    ],
)
def test_degenerate_polygons_are_refused(points, text):
    with pytest.raises(DomainError, match=text):
        corners(np.array(points, dtype=float))
