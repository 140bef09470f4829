"""Estimates from random points: the patterns are those of a forward pass, and grids have known numbers."""

import inspect

import numpy as np
import pytest
import torch

from inscape._errors import InputError
from inscape.geometry import Box, Plane, local_plan
from inscape.network import read
from inscape.regions import counting
from inscape.regions._sample import sample_regions
from inscape.testing import grid_net, random_net

CUBE = Box(low=(0.0, 0.0, 0.0), high=(1.0, 1.0, 1.0))


def test_all_cells_of_a_grid_are_met():
    """125 cells of one size, each hyperplane three times: 4000 points leave none out, and the estimate adds none."""
    found = sample_regions(read(grid_net(5, 3)), Box(low=(0.0,) * 3, high=(5.0,) * 3), samples=4000, rng=0)
    assert (found.samples, found.observed, found.estimate, found.coverage) == (4000, 125, 125.0, 1.0)


@pytest.mark.parametrize("samples", [1, 7, 1000, 2500])
def test_patterns_are_those_of_a_forward_pass(samples):
    model = random_net([3, 6, 5, 2], rng=1)
    found = sample_regions(read(model), CUBE, samples=samples, rng=3)
    points = torch.from_numpy(np.random.default_rng(3).uniform(0, 1, size=(samples, 3)))
    values, signs = points, []
    for layer in model.double():
        values = layer(values)
        if isinstance(layer, torch.nn.ReLU):
            signs.append((values > 0).numpy())
    counts = np.unique(np.concatenate(signs, axis=1), axis=0, return_counts=True)[1]
    wanted = counting.chao1(counts)
    assert (found.samples, found.observed, found.estimate) == (samples, len(counts), wanted.estimate)


def test_a_plane_is_sampled_in_its_window():
    model = random_net([4, 8, 2], rng=0)
    plane = Plane.through(np.zeros(4), np.array([1.0, 0, 0, 0]), np.array([0, 1.0, 0, 0]))
    found, planned = (
        sample_regions(net, plane, samples=500, rng=0) for net in (read(model), local_plan(read(model), plane))
    )
    assert found == planned
    assert 0 < found.coverage <= 1


def test_no_sample_is_refused():
    with pytest.raises(InputError, match="samples ≥ 1, got 0"):
        inspect.unwrap(sample_regions)(read(random_net([2, 3, 2], rng=0)), CUBE, samples=0)
