"""The engine in dimension 3 to 6: counts against closed forms and slow oracles, generic and degenerate."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn

from inscape.geometry import Box, Slice, subdivide
from inscape.network import read
from inscape.regions import Everywhere, boundary, counting, partition
from inscape.results import EXACT, Verdict
from inscape.testing import (
    NET_KINDS,
    arrangement_net,
    arrangements,
    braid_net,
    count_by_lp,
    enclosing_box,
    grid_net,
    montufar_net,
    random_net,
    relu_nets,
    sequential,
    unchanged,
)


def cube(dimension, half=1.0):
    return Box(low=np.full(dimension, -half), high=np.full(dimension, half))


@pytest.mark.parametrize("dimension", [3, 4, 5, 6])
@pytest.mark.parametrize("units", [3, 7, 9])
def test_generic_hyperplanes_make_zaslavskys_number_of_cells(dimension, units):
    net = random_net([dimension, units, 1], rng=dimension)
    found = partition(net, cube(dimension, 1e4))
    assert found.cell_count == found.count("activation") == counting.generic_cells(units, dimension)
    assert found.status == EXACT


@given(arrangements(max_hyperplanes=7, max_dimension=4))
@settings(max_examples=30)
def test_arrangements_have_the_cells_of_their_characteristic_polynomial(arrangement):
    normals, offsets = arrangement.normals, arrangement.offsets
    if normals.shape[1] < 3:
        return
    found = partition(arrangement_net(normals, offsets), enclosing_box(normals, offsets))
    assert found.count("activation") == counting.arrangement_cells(normals, offsets)
    assert found.status == EXACT


@pytest.mark.parametrize(("cells", "dimension"), [(5, 3), (3, 4), (2, 5), (2, 6)])
def test_grids_with_duplicated_and_negated_hyperplanes(cells, dimension):
    found = partition(grid_net(cells, dimension), cube(dimension, 2.0 * cells))
    assert (found.cell_count, found.status) == (cells**dimension, EXACT)


@pytest.mark.parametrize(("dimension", "cells"), [(3, 24), (4, 120), (5, 720)])
def test_braid_arrangements_have_factorial_cells(dimension, cells):
    found = partition(braid_net(dimension), cube(dimension, 3.0))
    assert (found.cell_count, found.status) == (cells, EXACT)


@pytest.mark.parametrize("dimension", [3, 4])
def test_montufars_construction_reaches_its_bound(dimension):
    widths = [2 * dimension, 2 * dimension]
    found = partition(montufar_net(widths, dimension), Box(low=np.zeros(dimension), high=np.ones(dimension)))
    assert found.count("activation") >= counting.montufar_lower(widths, dimension)


@given(relu_nets(dimension=3, max_width=5, max_depth=2))
@settings(max_examples=40)
def test_nets_have_the_cells_of_the_oracle_and_certainty(net):
    found = partition(net, cube(3))
    assert found.count("activation") == found.cell_count == count_by_lp(net, cube(3))
    assert found.status == EXACT


@pytest.mark.parametrize("kind", NET_KINDS)
@pytest.mark.parametrize("dimension", [3, 4])
def test_every_kind_of_net(kind, dimension):
    net = random_net([dimension, 5, 4, 1], kind=kind, rng=7)
    found = partition(net, cube(dimension))
    assert found.count("activation") == found.cell_count == count_by_lp(net, cube(dimension))
    assert found.status == EXACT


@pytest.mark.parametrize("kind", NET_KINDS)
def test_slices_through_the_kink_of_many_units(kind):
    net = random_net([5, 6, 4, 1], kind=kind, rng=2)
    chart = Slice.through(np.zeros(5), *np.eye(5)[:3], margin=0.5)
    assert partition(net, chart).count("activation") == count_by_lp(net, chart)


def test_a_slice_of_a_cube_has_the_cells_that_it_meets():
    net = random_net([4, 8, 6, 1], rng=3)
    whole = partition(net, cube(4, 2.0))
    chart = Slice.random(np.full(4, 0.1), dimension=3, radius=0.8, rng=1)
    found = partition(net, chart)
    signs = {row.tobytes() for row in whole.patterns()}
    assert all(row.tobytes() in signs for row in found.patterns())


@pytest.mark.parametrize("width", [3, 6])
def test_everywhere_is_stable_under_doubling(width):
    net = random_net([3, width, 2], rng=width)
    found = partition(net, Everywhere())
    assert found.status.verdict is Verdict.STABLE
    assert found.cell_count == counting.generic_cells(width, 3)
    assert partition(net, cube(3, 2 * found.domain.high[0])).cell_count == found.cell_count


def test_blocks_make_the_same_complex():
    network = read(random_net([3, 20, 20, 1], rng=1)).frozen()
    whole = subdivide(network, cube(3))
    parts = subdivide(network, cube(3), block_bytes=1 << 18)
    for name in ("vertices", "start", "corners", "masks", "side_start", "side_label", "doubt"):
        np.testing.assert_array_equal(getattr(whole.complex, name), getattr(parts.complex, name))
    for one, other in zip(whole.complex.levels, parts.complex.levels, strict=True):
        np.testing.assert_array_equal(one.parent, other.parent)
        np.testing.assert_array_equal(one.bits, other.bits)


def test_the_limit_is_a_status():
    net = random_net([3, 16, 16, 1], rng=1)
    found = partition(net, cube(3), max_cells=50)
    assert (found.status.verdict, found.cell_count) == (Verdict.LIMIT, 50)


class Pairs(nn.Module):
    """Sorts pairs: MaxMin."""

    def forward(self, x):
        return x.unflatten(-1, (-1, 2)).sort(-1).values.flatten(-2)


class Triples(nn.Module):
    """Maxout of three."""

    def forward(self, x):
        return x.unflatten(-1, (-1, 3)).amax(-1)


ACTIVATIONS = {
    "leaky": (nn.LeakyReLU(0.1), 6),
    "clamp": (nn.Hardtanh(), 6),
    "relu6": (nn.ReLU6(), 6),
    "maxmin": (Pairs(), 6),
    "maxout": (Triples(), 2),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_affine_maps_are_those_of_the_network(name):
    act, width = ACTIVATIONS[name]
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(3, 6), act, nn.Linear(width, 6), act, nn.Linear(width, 2)).double()
    with unchanged(net):
        found = partition(net, cube(3, 2.0), example=torch.zeros(1, 3))
    assert found.status == EXACT
    assert found.cell_count == found.count("activation")
    corners = np.repeat(np.arange(found.cell_count), np.diff(found.complex.offsets))
    maps = found.affine_maps[corners]
    points = found.vertices[found.complex.corners]
    values = maps[:, :, 0] + np.einsum("cod,cd->co", maps[:, :, 1:], points)
    truth = net(torch.from_numpy(points)).detach().numpy()
    np.testing.assert_allclose(values, truth, atol=1e-9)


def test_classes_change_across_the_boundary():
    net = random_net([3, 10, 4], rng=5)
    found = boundary(net, cube(3))
    made = found.complex
    centres = np.add.reduceat(made.vertices[made.corners], made.start[:-1]) / np.diff(made.start)[:, None]
    assert np.array_equal(found.classes, net(torch.from_numpy(centres)).argmax(1).numpy())


@pytest.mark.parametrize("classes", [3, 4, 5, 6, 8])
def test_classes_that_meet_in_a_line_have_the_area_of_half_planes(classes):
    angles = 2 * np.pi * np.arange(classes) / classes + 0.3
    net = sequential([(np.stack([np.cos(angles), np.sin(angles), 0 * angles], 1), np.zeros(classes))])
    found = boundary(net, cube(3))
    between = angles + np.pi / classes
    area = 2 * (1 / np.maximum(np.abs(np.cos(between)), np.abs(np.sin(between)))).sum()
    assert found.measure == pytest.approx(area, rel=1e-12)
    assert (found.status, len(found.facets)) == (EXACT, classes)


@pytest.mark.parametrize("seed", range(6))
def test_four_planes_through_a_point_but_for_one_rounding(seed):
    draw = np.random.default_rng(seed)
    weight, point = draw.integers(1, 5, (4, 3)) * draw.choice([-1.0, 1.0], (4, 3)), np.array([0.25, -0.5, 0.125])
    bias = -weight @ point
    bias[3] = np.nextafter(bias[3], np.inf)
    net = sequential([(weight, bias), (np.ones((1, 4)), np.zeros(1))])
    found = partition(net, cube(3))
    assert (found.cell_count, found.status) == (counting.arrangement_cells(weight, -bias), EXACT)
