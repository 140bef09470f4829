"""The check that a model is untouched finds every kind of change."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from inscape.testing._untouched import unchanged


def made():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    model.mask = torch.ones(2)
    model(torch.ones(4, 2)).sum().backward()
    return model


def replace_parameter(model):
    model[0].weight = nn.Parameter(model[0].weight.detach().clone())


def negate_zero(model):
    model[0].bias.data.zero_()
    with unchanged(model):
        pass
    with unchanged(model):
        model[0].bias.data.neg_()


CHANGES = {
    "0.weight": lambda model: model[0].weight.data.add_(1e-7),
    "1.running_var": lambda model: model(torch.randn(3, 2)),
    "mask": lambda model: model.mask.zero_(),
    "0.weight by gradient": lambda model: model[0].weight.grad.add_(1),
    "0.bias without gradient": lambda model: setattr(model[0].bias, "grad", None),
    "0.bias that needs none": lambda model: model[0].bias.requires_grad_(False),
    "0.weight replaced": replace_parameter,
    "0.bias with other signs of zero": negate_zero,
    "1.training": lambda model: model[1].eval(),
    "0._forward_hooks": lambda model: model[0].register_forward_hook(lambda module, x, y: None),
    "1.weight removed": lambda model: delattr(model[1], "weight"),
    "random state of torch": lambda model: torch.rand(1),
    "random state of numpy": lambda model: np.random.rand(1),  # noqa: NPY002
    "random state of Python": lambda model: random.random(),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_found(name):
    model = made()
    named = name if name.startswith("random") else name.split()[0]
    with pytest.raises(AssertionError, match=f"but changed: .*{named}"), unchanged(model):
        CHANGES[name](model)


def test_looking_is_no_change():
    model, other = made(), made()
    with unchanged(model, other):
        other.eval().train()
        assert torch.isfinite(model[0].weight).all()
