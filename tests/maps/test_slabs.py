"""Transition slabs against root finding and against the network itself."""

from inspect import unwrap

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from torch import nn

from inscape._errors import DomainError, InputError, UnsupportedLayerError
from inscape.geometry import Box, Plane
from inscape.maps import slabs, transition_halfwidth

SQUARE = Box(low=(-1, -1), high=(1, 1))
DERIVATIVE = {
    "sigmoid": lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2 * 4,
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
}


@given(activation=st.sampled_from(["sigmoid", "tanh"]), delta=st.floats(1e-4, 0.999))
def test_halfwidth_is_the_root_of_the_derivative(activation, delta):
    root = brentq(lambda z: DERIVATIVE[activation](z) - delta, 0.0, 40.0, xtol=1e-13)
    assert transition_halfwidth(activation, delta) == pytest.approx(root, rel=1e-6, abs=1e-7)


def test_the_whole_derivative_is_reached_at_zero_only():
    assert transition_halfwidth("tanh", 1.0) == 0.0


@pytest.mark.parametrize("delta", [0.0, -0.1, 1.1, float("nan")])
def test_levels_outside_the_range_are_refused(delta):
    with pytest.raises(InputError, match="0 < delta ≤ 1"):
        transition_halfwidth("tanh", delta)


def test_other_activations_are_refused():
    with pytest.raises(InputError, match="'sigmoid' or 'tanh', got 'relu'"):
        unwrap(transition_halfwidth)("relu", 0.5)


def smooth(activation, inputs=2, units=7):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, units), activation, nn.Linear(units, 2))


@pytest.mark.parametrize(("activation", "name"), [(nn.Sigmoid(), "sigmoid"), (nn.Tanh(), "tanh")])
def test_points_are_inside_a_slab_where_the_unit_is_steep(activation, name):
    model = smooth(activation, inputs=5)
    plane = Plane.random(np.arange(5) / 5, radius=20, rng=0)
    found = slabs(model, plane, delta=0.3)
    t = np.random.default_rng(0).uniform(-20, 20, (500, 2))
    with torch.no_grad():
        z = model[0].double()(torch.tensor(plane.embed(t))).numpy()
    steep = DERIVATIVE[name](z) >= 0.3
    inside = np.abs(t @ found.normals.T + found.offsets) <= found.thickness / 2
    assert found.activation == name
    assert (steep == inside).all()
    assert 0.02 < steep.mean() < 0.98


def test_thickness_is_that_of_the_weights():
    model = smooth(nn.Tanh())
    weights = model[0].weight.detach().double().numpy()
    found = slabs(model, SQUARE, delta=0.5)
    assert np.allclose(found.thickness, 2 * transition_halfwidth("tanh", 0.5) / np.linalg.norm(weights, axis=1))


def test_convolutions_have_slabs_too():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sigmoid(), nn.Flatten(), nn.Linear(8, 2))
    assert slabs(model, Plane.random(np.zeros((1, 4, 4)), rng=0)).normals.shape == (8, 2)


def test_a_single_logistic_unit_is_its_own_head():
    assert slabs(nn.Sequential(nn.Linear(2, 1), nn.Sigmoid()), SQUARE).activation == "sigmoid"


def test_borders_lie_on_the_level_inside_the_window():
    model = smooth(nn.Tanh())
    (line,) = slabs(model, SQUARE, delta=0.5).polylines()
    points = line.points[~np.isnan(line.points).any(1)]
    assert (np.abs(points) <= 1 + 1e-12).all()
    with torch.no_grad():
        z = model[0](torch.tensor(points, dtype=torch.float32)).numpy()
    assert np.abs(np.abs(z) - transition_halfwidth("tanh", 0.5)).min(1).max() < 1e-5


def test_units_that_do_not_change_have_no_border():
    model = smooth(nn.Tanh())
    model[0].weight.data.zero_()
    found = slabs(model, SQUARE)
    assert np.isinf(found.thickness).all()
    assert found.polylines() == ()


def test_borders_parallel_to_an_axis_are_cut_too():
    model = smooth(nn.Tanh(), units=2)
    model[0].weight.data[:] = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    model[0].bias.data[:] = torch.tensor([0.0, 9.0])
    (line,) = slabs(model, SQUARE).polylines()
    half = transition_halfwidth("tanh", 0.5) / 2
    assert np.allclose(np.sort(line.points[[0, 1], 1]), [-1, 1])
    assert np.allclose(sorted({round(abs(x), 6) for x in line.points[[0, 1, 3, 4], 0]}), [half], atol=1e-6)


def test_other_first_layers_are_refused_by_name():
    with pytest.raises(UnsupportedLayerError, match=r"Sigmoid or Tanh .* got ReLU in module '1'"):
        slabs(smooth(nn.ReLU()), SQUARE)
    with pytest.raises(UnsupportedLayerError, match="got none"):
        slabs(nn.Linear(2, 2), SQUARE)


def test_the_domain_must_be_a_plane():
    with pytest.raises(DomainError, match="two-dimensional"):
        slabs(smooth(nn.Tanh(), inputs=3), Box(low=(0, 0, 0), high=(1, 1, 1)))
