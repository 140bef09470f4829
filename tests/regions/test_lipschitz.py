"""Lipschitz constants against closed forms, sampled slopes and norms of matrices."""

import inspect
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from inscape.geometry import Box, Plane, Segment
from inscape.network import read
from inscape.regions import lipschitz, partition
from inscape.testing import random_net, sawtooth, sequential

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))
NORMS = (1, 2, math.inf)


class MaxMin(nn.Module):
    """Sorts neighbouring pairs."""

    def forward(self, x):
        return x.unflatten(1, (-1, 2)).sort(dim=2, descending=True).values.flatten(1)


def orthogonal(*widths):
    layers = []
    for inputs, outputs in pairwise(widths):
        q = np.linalg.qr(np.random.default_rng(inputs).standard_normal((max(inputs, outputs),) * 2))[0]
        layer = nn.Linear(inputs, outputs, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(q[:outputs, :inputs]))
            layer.bias.copy_(torch.linspace(-0.3, 0.3, outputs))
        layers += [layer, MaxMin()]
    return read(nn.Sequential(*layers[:-1]), torch.zeros(1, widths[0], dtype=torch.float64))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("outputs", [1, 2, 5])
def test_linear_net_has_the_norm_of_its_matrix(norm, outputs):
    weight = np.random.default_rng(outputs).standard_normal((outputs, 2))
    found = lipschitz(sequential([(weight, np.zeros(outputs))]), SQUARE, norm)
    assert found.constant == pytest.approx(np.linalg.norm(weight, ord=norm), rel=1e-12)
    assert found.mean == pytest.approx(found.constant)
    assert found.full


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_tent_map(depth):
    found = lipschitz(sawtooth(depth), Box(low=(0,), high=(1,)))
    assert found.slopes == pytest.approx(np.full(2**depth, 2.0**depth))


@pytest.mark.parametrize("norm", NORMS)
def test_constant_bounds_every_sampled_slope_and_is_reached(norm):
    model = random_net([2, 10, 8, 3], rng=4)
    found, network = lipschitz(model, SQUARE, norm), read(model)
    draw = np.random.default_rng(0)
    x, y = draw.uniform(-1, 1, (2, 20_000, 2))
    rise = np.linalg.norm(network.evaluate(x) - network.evaluate(y), ord=norm, axis=1)
    assert (rise <= found.constant * np.linalg.norm(x - y, ord=norm, axis=1) * (1 + 1e-12)).all()
    steepest = partition(model, SQUARE).centroids[found.slopes.argmax()]
    jacobian = torch.autograd.functional.jacobian(model, torch.tensor(steepest)).numpy()
    assert np.linalg.norm(jacobian, ord=norm) == pytest.approx(found.constant, rel=1e-9)


def test_sorted_orthogonal_net_keeps_lengths():
    found = lipschitz(orthogonal(2, 8, 8, 8), SQUARE)
    assert found.slopes == pytest.approx(np.ones(len(found.slopes)))
    assert len(found.slopes) > 3


def test_sorted_orthogonal_net_with_fewer_outputs_is_at_most_one():
    found = lipschitz(orthogonal(2, 8, 8, 1), SQUARE)
    assert 0.1 < found.constant <= 1 + 1e-12


@pytest.mark.parametrize(
    "chart", [Plane.random(np.zeros(4), radius=1.0, rng=0), Segment(np.zeros(4), np.ones(4))], ids=["plane", "segment"]
)
def test_constant_along_a_slice_is_at_most_that_of_the_space(chart):
    weight = np.random.default_rng(0).standard_normal((3, 4))
    found = lipschitz(sequential([(weight, np.zeros(3))]), chart)
    assert found.constant == pytest.approx(np.linalg.norm(weight @ chart.basis.T, 2))
    assert found.constant <= np.linalg.norm(weight, 2)
    assert not found.full
    assert "along the chart" in str(found.facts()["constant"])


def test_histogram_is_a_distribution():
    found = lipschitz(random_net([2, 10, 8, 3], rng=4), SQUARE)
    share, edges = found.histogram(20)
    assert share.sum() == pytest.approx(1.0)
    assert edges[0] == 0
    assert edges[-1] == pytest.approx(found.constant)
    steep = found.slopes > edges[10]
    assert share[10:].sum() == pytest.approx(found.volumes[steep].sum() / 4, abs=1e-9)
    assert found.mean == pytest.approx(np.average(found.slopes, weights=found.volumes))


def test_a_partition_made_before_serves():
    model = random_net([2, 10, 8, 3], rng=4)
    assert lipschitz(partition(model, SQUARE)).constant == lipschitz(model, SQUARE).constant


def test_dead_net_has_constant_zero():
    found = lipschitz(sequential([(np.ones((2, 2)), np.full(2, -9.0)), (np.ones((1, 2)), np.zeros(1))]), SQUARE)
    assert found.constant == found.mean == 0.0


@pytest.mark.parametrize("norm", [0, 3, -1.0])
def test_other_norms_are_refused(norm):
    with pytest.raises(ValueError, match="expected norm to be 1, 2 or inf"):
        lipschitz(random_net([2, 3, 1], rng=0), SQUARE, norm)


def test_a_domain_is_needed():
    with pytest.raises(ValueError, match="expected a domain beside the model"):
        inspect.unwrap(lipschitz)(random_net([2, 3, 1], rng=0))


def test_table():
    found = lipschitz(random_net([2, 6, 1], rng=0), SQUARE)
    assert found.to_dataframe()["slope"].max() == found.constant
