"""Decision boundaries in three dimensions and more: closed forms, known topology, dense samples, slices."""

from math import factorial, pi, sqrt

import numpy as np
import pytest
import torch
from torch import nn

from inscape._errors import InputError
from inscape.geometry import Box, Plane
from inscape.network import read
from inscape.regions import Boundary, boundary
from inscape.results import load
from inscape.testing import random_net, sequential


def cube(d):
    return Box(low=[-1.0] * d, high=[1.0] * d)


def net(*layers):
    return sequential([(np.array(w, dtype=float), np.array(b, dtype=float)) for w, b in layers])


def diamond(d, radius):
    """|x_1| + ... + |x_d| - radius."""
    return net((np.vstack([np.eye(d), -np.eye(d)]), np.zeros(2 * d)), (np.ones((1, 2 * d)), [-radius]))


class Shape(nn.Module):
    """Positive inside a shape, from maxima and absolute values of coordinates."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def shape(function, d=3):
    return read(Shape(function), torch.zeros(1, d, dtype=torch.float64))


def box_norm(x):
    return x.abs().amax(dim=1, keepdim=True)


def torus(x):
    ring = (x[:, :2].abs().amax(dim=1, keepdim=True) - 0.6).abs()
    return 0.25 - torch.maximum(ring, x[:, 2:].abs().amax(dim=1, keepdim=True))


def two_cubes(x):
    return torch.maximum(*(0.25 - box_norm(x - shift * torch.eye(3, dtype=x.dtype)[:1]) for shift in (-0.5, 0.5)))


SHAPES = {
    # name: (model, d, area, volume of class 1, Betti numbers of the boundary, of class 1, of class 0)
    "cube": (shape(lambda x: 0.5 - box_norm(x)), 3, 6.0, 1.0, (1, 0, 1), (1, 0, 0), (1, 0, 1)),
    "shell": (
        shape(lambda x: torch.minimum(box_norm(x) - 0.5, 0.75 - box_norm(x))),
        3,
        6 * (1 + 1.5**2),
        1.5**3 - 1,
        (2, 0, 2),
        (1, 0, 1),
        (2, 0, 1),
    ),
    "two cubes": (shape(two_cubes), 3, 3.0, 0.25, (2, 0, 2), (2, 0, 0), (1, 0, 2)),
    "torus": (shape(torus), 3, 9.6, 1.2, (1, 2, 1), (1, 1, 0), (1, 1, 1)),
    "bar": (shape(lambda x: 0.5 - box_norm(x[:, :2])), 3, 8.0, 2.0, (1, 1, 0), (1, 0, 0), (1, 1, 0)),
    "plane": (net(([[0, 0, 1]], [0])), 3, 4.0, 4.0, (1, 0, 0), (1, 0, 0), (1, 0, 0)),
    "cube in four": (shape(lambda x: 0.5 - box_norm(x), 4), 4, 8.0, 1.0, (1, 0, 0, 1), (1, 0, 0, 0), (1, 0, 0, 1)),
    "ring in four": (shape(torus, 4), 4, 9.6 * 0.5 + 2 * 1.2, 0.6, (1, 1, 1, 1), (1, 1, 0, 0), (1, 0, 1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_closed_forms(name):
    model, d, area, volume, betti, inside, outside = SHAPES[name]
    found = boundary(model, cube(d))
    assert found.measure == pytest.approx(area, rel=1e-12)
    assert found.class_volumes == pytest.approx([2.0**d - volume, volume], rel=1e-12)
    assert found.betti() == betti
    assert found.class_betti(1) == inside
    assert found.class_betti(0) == outside
    assert found.components == betti[0]
    assert found.euler == sum((-1) ** k * b for k, b in enumerate(betti))
    assert found.class_components.tolist() == [outside[0], inside[0]]


@pytest.mark.parametrize("d", [3, 4, 5])
def test_cross_polytope(d):
    found = boundary(diamond(d, 0.9), cube(d))
    assert len(found.pairs) == 2**d
    assert found.measures == pytest.approx(np.full(2**d, sqrt(d) * 0.9 ** (d - 1) / factorial(d - 1)), rel=1e-12)
    assert found.class_volumes[0] == pytest.approx((2 * 0.9) ** d / factorial(d), rel=1e-12)
    assert np.abs(found.normals) == pytest.approx(np.full((2**d, d), 1 / sqrt(d)), rel=1e-12)
    assert found.betti() == (1, *[0] * (d - 2), 1)


def test_the_wall_as_one_point():
    plane = boundary(SHAPES["plane"][0], cube(3))
    assert plane.betti(compactified=True) == (1, 0, 1)
    bar = boundary(SHAPES["bar"][0], cube(3))
    assert bar.betti(compactified=True) == (1, 1, 1)
    closed = boundary(SHAPES["torus"][0], cube(3))
    assert closed.betti(compactified=True) == closed.betti()


def test_four_sectors_around_a_line():
    angles = 2 * pi * np.arange(4) / 4 + 0.3
    weight = np.stack([np.cos(angles), np.sin(angles), np.zeros(4)], axis=1)
    found = boundary(net((weight, np.zeros(4))), cube(3))
    assert found.betti() == (1, 0, 0)
    assert sorted({tuple(sorted(pair)) for pair in found.pairs.tolist()}) == [(0, 1), (0, 3), (1, 2), (2, 3)]
    assert found.betti(between=(0, 1)) == found.betti(between=(1, 0)) == (1, 0, 0)
    assert found.betti(between=(0, 2)) == (0, 0, 0)
    assert [found.class_betti(k) for k in range(4)] == [(1, 0, 0)] * 4
    rays = angles + pi / 4
    reach = 1 / np.maximum(np.abs(np.cos(rays)), np.abs(np.sin(rays)))
    assert found.measure == pytest.approx(2 * reach.sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda found: found.betti(between=(0, 0)), "two different outputs"),
        (lambda found: found.betti(between=(0, 7)), "of 0 to 1"),
        (lambda found: found.class_betti(2), "class from 0 to 1, got 2"),
        (lambda found: found.segments, "no segments; see surface"),
    ],
)
def test_what_is_not_there_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call(boundary(SHAPES["plane"][0], cube(3)))


WIDTHS = [[3, 12, 10, 4], [3, 10, 8, 1], [4, 8, 6, 3], [5, 5, 4, 3]]


@pytest.fixture(scope="module", params=WIDTHS, ids=str)
def case(request):
    widths = request.param
    network = read(random_net(widths, rng=7))
    return network, boundary(network, cube(widths[0]))


def classes_at(network, t):
    """Class by a forward pass, and by how much it leads."""
    values = network.evaluate(t)
    if values.shape[1] == 1:
        return (values[:, 0] > 0).astype(int), np.abs(values[:, 0])
    top = np.sort(values, axis=1)
    return values.argmax(1), top[:, -1] - top[:, -2]


def middles(found):
    points, offsets = found.surface()
    return np.add.reduceat(points, offsets[:-1]) / np.diff(offsets)[:, None]


def test_class_on_both_sides_of_each_piece(case):
    network, found = case
    assert len(found.pairs) > 20
    large = found.measures > 1e-4
    middle, step = middles(found)[large], 1e-7 * found.normals[large]
    for side, column in ((-step, 0), (step, 1)):
        label, lead = classes_at(network, middle + side)
        clear = lead > 1e-12
        assert clear.mean() > 0.9
        assert np.array_equal(label[clear], found.pairs[large, column][clear])


def test_outputs_are_equal_on_the_boundary(case):
    network, found = case
    assert classes_at(network, found.surface()[0])[1].max() < 1e-10


def test_volumes_by_monte_carlo(case):
    network, found = case
    d = found.dimension
    t = np.random.default_rng(0).uniform(-1, 1, (100_000, d))
    share = np.bincount(classes_at(network, t)[0], minlength=found.class_count) / len(t)
    assert found.class_volumes.sum() == pytest.approx(2.0**d, rel=1e-12)
    assert np.abs(found.class_volumes / 2**d - share).max() < 5 * 0.5 / sqrt(len(t))
    assert np.array_equal(found.class_areas, found.class_volumes)


def test_area_by_crossings_of_random_lines(case):
    """Cauchy and Crofton: the mean number of crossings along an axis is the area's projection."""
    network, found = case
    d = found.dimension
    projected = np.abs(found.normals * found.measures[:, None]).sum(0)
    for axis in range(d):
        rng = np.random.default_rng(axis)
        lines = rng.uniform(-1, 1, (1500, 1, d)) + np.zeros((1, 400, 1))
        lines[:, :, axis] = np.linspace(-1, 1, 400)
        labels = classes_at(network, lines.reshape(-1, d))[0].reshape(1500, 400)
        crossings = (np.diff(labels, axis=1) != 0).sum(1)
        error = crossings.std() / sqrt(len(crossings))
        assert abs(crossings.mean() - projected[axis] / 2 ** (d - 1)) < 5 * error + 0.02


def test_a_plane_through_space_meets_the_boundary_in_its_own(case):
    network, found = case
    d = found.dimension
    plane = Plane(
        origin=np.full(d, 0.11), basis=np.eye(d)[:2], low=np.full(2, -1.11), high=np.full(2, 0.89), shape=(d,)
    )
    line = boundary(network, plane)
    points = plane.embed(line.segments.mean(1))
    distance = np.abs(points @ found.normals.T - found.complex.facet_offsets[found.facets])
    assert distance.min(1).max(initial=0) < 1e-9


def test_columns_and_summary(case):
    _, found = case
    table = found.columns()
    assert {len(column) for column in table.values()} == {len(found.pairs)}
    points, offsets = found.surface()
    heights = (points * np.repeat(found.normals, np.diff(offsets), axis=0)).sum(1)
    assert np.allclose(heights, np.repeat(table["offset"], np.diff(offsets)), atol=1e-12)
    assert table["measure"].sum() == pytest.approx(found.measure)
    name = "area" if found.dimension == 3 else "measure"
    assert found.facts()[name] == f"{found.measure:.6g}"
    assert sorted(np.unique(found.component)) == list(range(found.components))


def test_files_give_the_same_back(case, tmp_path):
    _, found = case
    again = load(found.save(tmp_path / "boundary"))
    assert isinstance(again, Boundary)
    assert again.betti() == found.betti()
    assert np.array_equal(again.measures, found.measures)
    assert np.array_equal(again.pairs, found.pairs)


def test_surface_in_three_dimensions_runs_around_each_piece():
    found = boundary(read(random_net([3, 12, 10, 4], rng=3)), cube(3))
    points, offsets = found.surface()
    assert len(offsets) == len(found.pairs) + 1
    for i in range(len(found.pairs)):
        ring = points[offsets[i] : offsets[i + 1]]
        cross = np.cross(ring[1:-1] - ring[0], ring[2:] - ring[0]) @ found.normals[i] / 2
        assert cross.sum() == pytest.approx(found.measures[i], rel=1e-9, abs=1e-15)
        assert (cross > -1e-12).all()  # convex, counter-clockwise seen from the second class


def test_figure_is_the_surface():
    found = boundary(read(random_net([3, 12, 10, 4], rng=3)), cube(3))
    info = found.info()
    points, offsets = found.surface()
    assert np.array_equal(info.points, points)
    assert np.array_equal(info.offsets, offsets)
    named = [info.names[value] for value in info.values]
    assert named == [f"{min(pair)} | {max(pair)}" for pair in found.pairs.tolist()]
    assert found.plot() is not None
    flat = boundary(read(random_net([3, 4, 1], rng=0)), cube(3), level=1e6)
    assert len(flat.info().values) == 0
    with pytest.raises(InputError, match="dimension 4 has no figure"):
        boundary(SHAPES["cube in four"][0], cube(4)).info()


def test_betti_numbers_in_the_plane():
    square = Box(low=(-1, -1), high=(1, 1))
    frame = shape(lambda x: torch.minimum(box_norm(x) - 0.5, 0.75 - box_norm(x)), 2)
    found = boundary(frame, square)
    assert found.betti() == (2, 2)
    assert found.class_betti(1) == (1, 1)
    assert found.class_betti(0) == (2, 1)
    assert found.euler == 0
    line = boundary(net(([[1, 0]], [0])), square)
    assert (line.betti(), line.betti(compactified=True)) == ((1, 0), (1, 1))
    _, offsets = line.surface()
    assert np.diff(offsets).tolist() == [2] * len(line.pairs)
    interval = boundary(net(([[1], [-1]], [0, 0]), ([[1, 1]], [-0.5])), Box(low=(-1,), high=(1,)))
    assert interval.betti() == (2,)
    assert interval.surface()[0].shape == (2, 1)
