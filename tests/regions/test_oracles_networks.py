"""The engine against slow oracles on small networks, generic and degenerate, on boxes, segments and planes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from inscape.geometry import Box, Plane, Segment
from inscape.regions import counting, partition
from inscape.testing import (
    NET_KINDS,
    breakpoints_by_bisection,
    cells_by_dense_sampling,
    count_by_lp,
    random_net,
    relu_nets,
)

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))


@given(relu_nets(max_width=5, max_depth=2))
@settings(max_examples=20)
def test_square_has_the_cells_of_the_oracle(net):
    assert partition(net, SQUARE).count("activation") == count_by_lp(net, SQUARE)


@given(relu_nets(dimension=1, max_width=6, max_depth=3))
@settings(max_examples=25)
def test_interval_has_the_cells_of_the_oracle(net):
    interval = Box(low=(-1.5,), high=(2.0,))
    assert partition(net, interval).count("activation") == count_by_lp(net, interval)


@pytest.mark.parametrize("kind", NET_KINDS)
def test_plane_through_a_higher_space(kind):
    net = random_net([4, 6, 4, 1], kind=kind, rng=1)
    plane = Plane.random(np.full(4, 0.1), radius=1.5, rng=0)
    assert partition(net, plane).count("activation") == count_by_lp(net, plane)


@pytest.mark.parametrize("kind", NET_KINDS)
def test_plane_through_the_kink_of_many_units(kind):
    net = random_net([3, 6, 4, 1], kind=kind, rng=2)
    plane = Plane.through((0, 0, 0), (1, 0, 0), (0, 1, 0))
    assert partition(net, plane).count("activation") == count_by_lp(net, plane)


@pytest.mark.parametrize("seed", range(4))
def test_kinks_along_a_segment(seed):
    net = random_net([3, 8, 6, 2], rng=seed)
    segment = Segment((-1.0, -0.5, 0.3), (1.0, 0.8, -0.7))
    cells = partition(net, segment)
    kinks = breakpoints_by_bisection(lambda x: net(torch.from_numpy(x)).detach().numpy(), segment)
    assert cells.count("activation") == count_by_lp(net, segment)
    assert all(np.abs(cells.vertices[:, 0] - kink).min() < 1e-9 for kink in kinks)
    assert cells.count("connected") == len(kinks) + 1


@pytest.mark.parametrize("kind", NET_KINDS)
def test_bounds_hold_and_sampling_misses_only_small_cells(kind):
    net = random_net([2, 10, 8, 1], kind=kind, rng=0)
    cells = partition(net, SQUARE)
    seen = len(cells_by_dense_sampling(net, SQUARE, resolution=200))
    assert seen <= cells.count("activation") <= counting.serra_upper([10, 8], 2)
    assert (cells.volumes > (2 / 40) ** 2).sum() <= seen


@pytest.mark.parametrize("kind", NET_KINDS)
def test_the_sample_estimate_of_a_network_is_near_its_count(kind):
    net = random_net([2, 10, 1], kind=kind, rng=4)
    cells = partition(net, SQUARE)
    share = cells.volumes / cells.volumes.sum()
    drawn = np.random.default_rng(0).multinomial(400, share)
    estimate = counting.chao1(drawn)
    assert estimate.observed <= cells.cell_count
    assert estimate.coverage_low - 0.02 <= share[drawn > 0].sum() <= estimate.coverage_high + 0.02
