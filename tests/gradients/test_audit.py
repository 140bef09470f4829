"""Initialisations: hyperplanes outside the data, κ, and a copy that is scaled to the data."""

import numpy as np
import pytest
import torch
from torch import nn

import inscape
from inscape._errors import DataError, InputError
from inscape.gradients import Cause, audit, budget, rescaled
from inscape.testing import unchanged
from inscape.training import mlp


@pytest.fixture
def cloud():
    source = torch.Generator().manual_seed(0)
    return torch.randn(400, 6, generator=source), torch.randint(0, 3, (400,), generator=source)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "gelu"])
def test_hyperplanes_outside_the_data_are_counted(activation, cloud):
    model = mlp([6, 8, 3], activation=activation, rng=1)
    with torch.no_grad():
        model[0].bias.zero_()
        model[0].bias[:3] = torch.tensor([100.0, -100.0, 100.0])  # three of eight
    with unchanged(model):
        found = audit(model, cloud)
    assert found.outside.tolist() == [3 / 8]
    assert found.units.tolist() == [8]
    assert found.budget.log_gradient == pytest.approx(budget(model, None, cloud).log_gradient)


def test_the_verdict_is_that_of_the_rule(cloud):
    model = mlp([6, 16, 16, 16, 16, 3], rng=0)
    model[4].weight.data.mul_(0.001)
    found = audit(model, cloud)
    assert (found.cause, found.where) == (Cause.SMALL_WEIGHTS, "4")


def test_after_rescaling_kappa_is_one_half_and_hyperplanes_stay(cloud):
    model = mlp([6, 12, 12, 3], activation="tanh", rng=0)
    for layer in (0, 2):
        model[layer].weight.data.mul_(9.0)
        model[layer].bias.data.mul_(9.0)
    with unchanged(model):
        found = audit(model, cloud, rescale=True)
    assert found.kappa.min() > 3
    assert found.after.kappa == pytest.approx([0.5, 0.5], rel=1e-4)
    assert found.after.outside[0] == found.outside[0]
    copy = rescaled(model, cloud).model
    assert found.after.budget.log_gradient == pytest.approx(budget(copy, None, cloud).log_gradient)


def test_dead_units_and_facts(cloud):
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(6)[:4])
        model[0].bias.copy_(torch.tensor([0.0, 0.0, 0.0, -50.0]))
    found = audit(model, cloud)
    assert found.dead.tolist() == [0.25]
    assert "25.0%" in str(found.facts()["hyperplanes outside the data"])
    assert np.isnan(found.kappa).all()


def test_files_tables_and_figures(cloud, tmp_path):
    found = audit(mlp([6, 8, 8, 3], activation="tanh", rng=0), cloud, rescale=True)
    again = inscape.load(found.save(tmp_path / "audit"))
    assert again.after.kappa == pytest.approx(found.after.kappa)
    assert again.cause is found.cause
    assert found.info("layers").rows == 2
    assert [series.name for series in found.info("outside").series] == ["as initialised", "scaled to the data"]
    assert found.info("budget").ends[-1] == pytest.approx(found.budget.log_gradient[0])
    assert len(found.columns()["kappa_after"]) == 2
    with pytest.raises(InputError, match="expected which to be one of"):
        found.info("units")
    with pytest.raises(DataError, match="once only"):
        audit(mlp([6, 8, 3], rng=0), iter([cloud]))
