"""Borders of transitions that have no closed form, and the slopes of a PReLU."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from inscape.gradients import slabs
from inscape.gradients._activations import Activation, transition


@pytest.mark.parametrize(
    ("name", "function", "low", "high"),
    [
        ("hardtanh", F.hardtanh, -1.0, 1.0),
        ("hardtanh", partial(F.hardtanh, min_val=-0.3, max_val=2.1), -0.3, 2.1),
        ("relu6", F.relu6, 0.0, 6.0),
        ("hardsigmoid", F.hardsigmoid, -3.0, 3.0),
        ("softsign", F.softsign, 1 - 2**0.5, 2**0.5 - 1),
    ],
)
def test_borders_are_exact(name, function, low, high):
    found = transition(Activation(name=name, function=function), 0.5)
    assert found.centre - found.halfwidth == pytest.approx(low, abs=1e-8)
    assert found.centre + found.halfwidth == pytest.approx(high, abs=1e-8)


def test_a_prelu_has_its_kink_at_zero_and_slopes_of_its_own():
    model = nn.Sequential(nn.Linear(1, 2, bias=False), nn.PReLU(2))
    model[0].weight.data[:] = 1.0
    model[1].weight.data[:] = torch.tensor([0.1, 0.9])
    x = torch.tensor([[-2.0], [-1.0], [1.0], [4.0]])
    found = slabs(model, (x, x), delta=0.5)
    assert found.occupancy.tolist() == [0.5, 1.0]
    assert found.halfwidth.tolist() == [0.0, 0.0]
    assert np.isnan(found.kappa).all()


def test_slopes_of_a_prelu_make_its_gate():
    slopes = torch.tensor([0.0, 3.0])
    found = transition(Activation(name="prelu", function=partial(F.prelu, weight=slopes), slopes=slopes))
    assert found.largest == 3.0
    assert found.reference_gate == pytest.approx(0.5 * np.log(0.5 * (1 + 4.5)))
