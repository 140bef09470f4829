"""Effective sample sizes against autograd over all data at once."""

import numpy as np
import pytest
import torch
from torch import nn

from inscape._errors import ModelError
from inscape.gradients._effective import effective_sizes
from inscape.testing import unchanged
from inscape.training import mlp, small_convnet


def kish(function, z):
    z = z.detach().double().requires_grad_()
    (slope,) = torch.autograd.grad(function(z).sum(), z)
    return (slope.sum(0) ** 2 / slope.square().sum(0)).numpy()


@pytest.mark.parametrize(("name", "function"), [("tanh", torch.tanh), ("sigmoid", torch.sigmoid), ("relu", torch.relu)])
def test_a_net_of_two_layers(name, function):
    model, x = mlp([3, 7, 5, 2], activation=name), torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    with unchanged(model):
        found = effective_sizes(model, (x, torch.zeros(50)), batch_size=11)
    first = model[0](x)
    expected = [kish(function, first), kish(function, model[2](function(first)))]
    assert list(found) == [f"{name} after 0", f"{name} after 2"]
    for sizes, truth in zip(found.values(), expected, strict=True):
        np.testing.assert_allclose(sizes, truth, rtol=1e-5)


def test_positions_of_an_image_are_values_of_its_channel():
    model, x = small_convnet(), torch.randn(6, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    found = effective_sizes(model, (x, torch.zeros(6)))
    np.testing.assert_array_equal(found["relu after 0"], (model[0](x) > 0).sum((0, 2, 3)))
    assert [len(sizes) for sizes in found.values()] == [8, 24, 32]


def test_equal_slopes_count_in_full_and_one_sample_counts_once():
    x = torch.zeros(20, 1)
    assert float(effective_sizes(nn.Sequential(nn.Tanh()), (x, x))["tanh"][0]) == 20
    x[0] = 1.0
    assert float(effective_sizes(nn.Sequential(nn.ReLU()), (x, x))["relu"][0]) == 1


def test_a_model_without_units_is_refused():
    with pytest.raises(ModelError, match="Linear has no activation"):
        effective_sizes(nn.Linear(2, 2), (torch.zeros(3, 2), torch.zeros(3)))
