"""Arrangements of lines in one cell against clipped polygons; bounds, pieces and norms against their definitions."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from inscape.geometry import Box, Elementwise, Maximum, Plane, Sort, affine_maps, operator_norms, subdivide
from inscape.geometry._levels import leaders, pieces, splitting, tournament
from inscape.network import read
from inscape.testing import arrangement_net, random_net

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))


def clip(polygon, normal, offset):
    """The part of a convex polygon on the positive side of a line (Sutherland and Hodgman)."""
    out = []
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        za, zb = normal @ a + offset, normal @ b + offset
        if za >= 0:
            out.append(a)
        if za * zb < 0:
            out.append(a + za / (za - zb) * (b - a))
    return np.array(out).reshape(-1, 2)


def area(polygon):
    after = np.roll(polygon, -1, axis=0)
    return float((polygon[:, 0] * after[:, 1] - polygon[:, 1] * after[:, 0]).sum() / 2) if len(polygon) else 0.0


def cells_by_clipping(normals, offsets):
    """Sign pattern → area of all cells of an arrangement in the square, one line after the other."""
    cells = {(): np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])}
    for normal, offset in zip(normals, offsets, strict=True):
        halves = {}
        for pattern, polygon in cells.items():
            for sign in (True, False):
                part = clip(polygon, normal if sign else -normal, offset if sign else -offset)
                if area(part) > 1e-12:
                    halves[(*pattern, sign)] = part
        cells = halves
    return {pattern: area(polygon) for pattern, polygon in cells.items()}


def crossings_inside(normals, offsets):
    """Number of lines that meet the square, and of their crossings inside it."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) @ normals.T + offsets
    lines = int(((corners.max(0) > 0) & (corners.min(0) < 0)).sum())
    points = [
        np.linalg.solve(normals[[i, j]], -offsets[[i, j]])
        for i, j in combinations(range(len(normals)), 2)
        if abs(np.linalg.det(normals[[i, j]])) > 1e-9
    ]
    return lines, sum(bool((np.abs(point) < 1).all()) for point in points)


@pytest.mark.interpreted
@pytest.mark.parametrize(("k", "seed"), [(1, 0), (2, 1), (5, 2), (9, 3), (14, 4)])
def test_chords_in_a_square(k, seed):
    rng = np.random.default_rng(seed)
    normals, offsets = rng.normal(size=(k, 2)), 0.4 * rng.normal(size=k)
    made = subdivide(read(arrangement_net(normals, offsets)), SQUARE)
    cells, truth = made.complex, cells_by_clipping(normals, offsets)
    lines, points = crossings_inside(normals, offsets)
    assert cells.cell_count == 1 + lines + points == len(truth)
    assert len(cells.vertices) == 4 + 2 * lines + points
    assert len(cells.ends) == 4 + 3 * lines + 2 * points
    patterns = cells.pattern(0, made.plan.steps[min(made.plan.steps)], np.arange(cells.cell_count))
    found = {tuple(pattern): volume for pattern, volume in zip(patterns.tolist(), cells.volumes, strict=True)}
    assert found == pytest.approx(truth, abs=1e-12)


@given(st.integers(1, 7), st.integers(0, 10**6))
@settings(max_examples=25)
def test_chords_with_whole_coefficients(k, seed):
    """Concurrent, parallel and repeated lines: the areas are those of clipping."""
    rng = np.random.default_rng(seed)
    normals, offsets = rng.integers(-2, 3, (k, 2)).astype(float), rng.integers(-1, 2, k).astype(float)
    normals[(normals == 0).all(1)] = 1.0
    cells, truth = (
        subdivide(read(arrangement_net(normals, offsets)), SQUARE).complex,
        cells_by_clipping(normals, offsets),
    )
    assert np.sort(cells.volumes) == pytest.approx(np.sort(list(truth.values())), abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(2, 3), (3, 4), (4, 2), (5, 3)])
@pytest.mark.parametrize("sign", [1, -1])
def test_leaders_of_a_tournament_are_the_best_members(k, n, sign):
    rng = np.random.default_rng(k)
    groups = rng.permutation(k * n).reshape(n, k)
    groups[0, -1] = -1  # a short group
    rule = Maximum(groups=groups, sign=sign)
    values = rng.integers(0, 3, (50, k * n)).astype(float)  # ties
    carried, signs = values, []
    for stage in tournament(rule):
        z = carried[:, stage.split.left] - carried[:, stage.split.right]
        signs.append(z >= 0 if sign > 0 else z > 0)
        right = np.where(stage.right >= 0, stage.right, stage.left)
        carried = (np.maximum if sign > 0 else np.minimum)(carried[:, stage.left], carried[:, right])
    best = np.where(groups >= 0, sign * values[:, groups], -np.inf)
    assert np.array_equal(leaders(rule, tournament(rule), signs), best.argmax(2))
    assert np.array_equal(carried, sign * best.max(2))


def test_pieces_of_an_elementwise_rule_are_the_function():
    rule = Elementwise(
        thresholds=np.array([-1.0, 0.5]), slopes=np.array([0.0, 2.0, -1.0]), intercepts=np.array([-2.0, 0.0, 1.5])
    )
    z = np.random.default_rng(0).uniform(-3, 3, (40, 6))
    split = splitting(rule, 6)
    found = pieces(rule, 6, z[:, split.left] > split.offset)
    expected = np.where(z < -1, -2.0, np.where(z < 0.5, 2 * z, 1.5 - z))
    assert found.scale * z + found.shift == pytest.approx(expected)


def test_thresholds_without_a_kink_cut_nothing():
    slopes = np.array([[0.0, 1.0], [1.0, 1.0]])  # the second unit is linear
    rule = Elementwise(thresholds=np.zeros(1), slopes=slopes, intercepts=np.zeros((2, 2)))
    assert splitting(rule, 2).left.tolist() == [0]


@pytest.mark.parametrize("descending", [False, True])
def test_pieces_of_a_sort_are_the_sorted_values(descending):
    groups = np.array([[0, 2, 4], [1, 3, 5]])
    rule = Sort(groups=groups, positions=groups, descending=descending)
    z = np.random.default_rng(0).normal(size=(30, 6))
    split = splitting(rule, 6)
    found = pieces(rule, 6, z[:, split.left] > z[:, split.right])
    expected = np.empty_like(z)
    for group in groups:
        expected[:, group] = np.sort(z[:, group], axis=1)[:, :: -1 if descending else 1]
    assert np.take_along_axis(z, np.broadcast_to(found.source, z.shape), axis=1) == pytest.approx(expected)


@pytest.mark.parametrize("norm", [1, 2, np.inf])
@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (2, 5), (5, 2), (3, 3), (4, 6)], ids=str)
def test_operator_norms(shape, norm):
    maps = np.random.default_rng(0).normal(size=(7, *shape))
    expected = [np.linalg.norm(matrix, ord=norm) for matrix in maps]
    assert operator_norms(maps, norm) == pytest.approx(expected, rel=1e-12)


def test_affine_maps_of_some_cells_along_chosen_directions():
    model = random_net([4, 8, 6, 3], rng=0)
    plane = Plane.random(np.zeros(4), radius=1.0, rng=0)
    made = subdivide(read(model), plane)
    some = np.array([5, 0, 5, 11])
    maps = affine_maps(made, some, np.eye(4))
    for row, cell in zip(maps, some, strict=True):
        x = torch.tensor(plane.embed(made.complex.centroids[[cell]])[0])
        jacobian = torch.autograd.functional.jacobian(model, x).numpy()
        assert row[:, 1:] == pytest.approx(jacobian, abs=1e-12)
        constant = model(x).detach().numpy() - jacobian @ (x.numpy() - plane.origin)
        assert row[:, 0] == pytest.approx(constant, abs=1e-12)


def test_rounding_bounds_hold_for_a_deep_sum():
    """The bound of a first-layer unit, against the same sum in extended precision."""
    rng = np.random.default_rng(0)
    layer = nn.Linear(300, 20, dtype=torch.float64)
    plane = Plane.random(rng.normal(size=300), radius=3.0, rng=1)
    made = subdivide(read(nn.Sequential(layer, nn.ReLU())), plane)
    affine = made.plan.affine[made.plan.steps[min(made.plan.steps)].inputs[0]]
    t = rng.uniform(-3, 3, (200, 2))
    wide = [array.astype(np.longdouble) for array in (t, plane.basis, plane.origin)]
    weight, bias = (p.detach().numpy().astype(np.longdouble) for p in layer.parameters())
    exact = (wide[2] + wide[0] @ wide[1]) @ weight.T + bias
    error = np.abs(affine.at(t) - exact)
    assert (error <= affine.bound.error).all()
    assert affine.bound.error.max() < 1e-9
    assert (np.abs(exact) <= affine.bound.magnitude).all()
    slopes = np.linalg.norm((plane.basis @ layer.weight.detach().numpy().T), axis=0)
    assert (slopes <= affine.bound.slope).all()
