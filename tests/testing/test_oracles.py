"""The slow oracles against one another and against closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch import nn

from inscape._errors import InputError, UnsupportedLayerError
from inscape.geometry import Box, Plane, Segment
from inscape.testing import (
    NET_KINDS,
    breakpoints_by_bisection,
    cells_by_dense_sampling,
    cells_by_lp,
    count_by_lp,
    layers_of,
    random_net,
    relu_nets,
    sawtooth,
)

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))


def rows(patterns):
    return {tuple(pattern) for pattern in patterns.tolist()}


def patterns_at(net, x):
    """Activation patterns at points, from the modules' own forward pass."""
    found, value = [], torch.from_numpy(x)
    for module in net:
        value = module(value)
        if isinstance(module, nn.ReLU):
            found.append(value > 0)
    return torch.cat(found, dim=1).numpy()


@given(relu_nets(max_width=5))
@settings(max_examples=30)
def test_sampling_sees_only_cells_that_linear_programs_find(net):
    assert rows(cells_by_dense_sampling(net, SQUARE, resolution=40)) <= rows(cells_by_lp(net, SQUARE))


@pytest.mark.parametrize("kind", NET_KINDS)
def test_fine_sampling_sees_almost_every_cell(kind):
    net = random_net([2, 4, 3, 1], kind=kind, rng=3)
    seen, exact = rows(cells_by_dense_sampling(net, SQUARE, resolution=400)), rows(cells_by_lp(net, SQUARE))
    assert seen <= exact
    assert len(exact - seen) <= 1


@pytest.mark.parametrize("kind", NET_KINDS)
def test_patterns_are_those_of_the_forward_pass(kind):
    net = random_net([2, 4, 4, 1], kind=kind, rng=5)
    points = np.random.default_rng(0).uniform(-1, 1, size=(500, 2))
    assert rows(patterns_at(net, points)) <= rows(cells_by_lp(net, SQUARE))


def test_cells_on_a_plane_are_those_of_the_restricted_network():
    net = random_net([5, 6, 3, 1], rng=4)
    plane = Plane.random(np.zeros(5), radius=2.0, rng=1)
    t = np.random.default_rng(0).uniform(-2, 2, size=(3000, 2))
    assert rows(patterns_at(net, plane.embed(t))) <= rows(cells_by_lp(net, plane))
    assert rows(cells_by_dense_sampling(net, plane, resolution=60)) <= rows(cells_by_lp(net, plane))


def test_a_unit_that_vanishes_on_a_cell_does_not_cut_it():
    dead = [
        (np.array([[1.0, 0.0]]), np.zeros(1)),
        (np.array([[1.0], [-1.0]]), np.zeros(2)),
        (np.ones((1, 2)), np.zeros(1)),
    ]
    patterns = cells_by_lp(dead, SQUARE)
    assert patterns.tolist() == [[False, False, False], [True, True, False]]


def test_linear_model_is_one_cell():
    assert cells_by_lp([(np.ones((1, 2)), np.zeros(1))], SQUARE).shape == (1, 0)


def kinks_of(net, segment):
    return breakpoints_by_bisection(lambda x: net(torch.from_numpy(x)).detach().numpy(), segment)


@pytest.mark.parametrize("seed", range(4))
def test_kinks_of_one_layer_are_the_walls_between_its_cells(seed):
    net = random_net([3, 9, 2], rng=seed)
    segment = Segment((-1.0, -0.5, 0.3), (1.0, 0.8, -0.7))
    ends = np.r_[segment.low, kinks_of(net, segment), segment.high]
    middles = segment.embed((ends[1:, None] + ends[:-1, None]) / 2)
    assert len(middles) == count_by_lp(net, segment)
    assert rows(patterns_at(net, middles)) == rows(cells_by_lp(net, segment))


@pytest.mark.parametrize("seed", range(6))
def test_a_deep_net_is_affine_between_its_kinks(seed):
    net = random_net([3, 5, 4, 2], rng=seed)
    segment = Segment((-1.0, -0.5, 0.3), (1.0, 0.8, -0.7))
    knots = np.r_[segment.low, kinks_of(net, segment), segment.high]
    t = np.random.default_rng(0).uniform(segment.low[0], segment.high[0], size=500)
    values, at_knots = (net(torch.from_numpy(segment.embed(x[:, None]))).detach().numpy() for x in (t, knots))
    assert 1 < len(knots) - 1 <= count_by_lp(net, segment)
    for output in range(2):
        assert np.interp(t, knots, at_knots[:, output]) == pytest.approx(values[:, output], abs=1e-9)


def test_kinks_of_the_sawtooth_are_dyadic():
    kinks = breakpoints_by_bisection(
        lambda x: sawtooth(5)(torch.from_numpy(x)).detach().numpy(), Box(low=(0,), high=(1,))
    )
    assert kinks == pytest.approx(np.arange(1, 32) / 32, abs=1e-12)


def test_a_jump_is_found_where_it_is():
    kinks = breakpoints_by_bisection(lambda x: np.floor(x + 1 / 3), Box(low=(0,), high=(1,)))
    assert kinks == pytest.approx([2 / 3], abs=1e-6)


def test_layers_of_passes_over_what_changes_nothing():
    linear = nn.Linear(4, 2, bias=False)
    ((weight, bias),) = layers_of(nn.Sequential(nn.Flatten(), nn.Sequential(linear), nn.Dropout()))
    assert weight.dtype == np.float64
    assert bias.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Linear(2, 2), nn.Tanh()),
        nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)),
        nn.Sequential(nn.ReLU(), nn.Linear(2, 2)),
    ],
)
def test_other_models_are_refused_by_name(model):
    with pytest.raises(UnsupportedLayerError, match="expected Linear and ReLU in turn, got"):
        count_by_lp(model, SQUARE)


def test_wrong_dimensions_are_named():
    with pytest.raises(InputError, match="expected a model with 2 inputs"):
        count_by_lp(random_net([3, 2, 1], rng=0), SQUARE)
    with pytest.raises(InputError, match="expected a chart of dimension 1, got 2"):
        breakpoints_by_bisection(lambda x: x, SQUARE)
