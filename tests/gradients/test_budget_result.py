"""Budgets as results: names, terms, tables, files."""

from math import exp, isnan

import numpy as np
import pytest
import torch
from torch import nn

import inscape
from inscape._errors import InputError
from inscape.gradients import budget, diagnose


def chain(activation):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), activation, nn.Linear(6, 5), activation, nn.Linear(5, 3)).double()


def images():
    torch.manual_seed(0)
    convolution = nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.Flatten()
    return nn.Sequential(nn.Unflatten(1, (1, 2, 2)), *convolution, nn.ReLU(), nn.Linear(3, 3)).double()


X, Y = torch.randn(12, 4, generator=torch.Generator().manual_seed(0)).double(), torch.arange(12) % 3


def test_layers_are_named_by_path_or_place():
    found = budget(chain(nn.Tanh()), None, (X, Y))
    assert found.layer("2") == found.layer(1) == found.layer(-2) == 1
    with pytest.raises(InputError, match="expected a layer among 0, 2, 4, got '7'"):
        found.layer("7")
    assert found.to_dataframe().shape[0] == 3
    names = list(found.terms(0))
    assert names[0] == "error at the output"
    assert names[-2:] == ["input of 0", "samples, coherence"]
    assert exp(found.log_gradient[0]) == pytest.approx(float(found.facts()["gradient of the first layer"]), rel=1e-3)


def test_names_that_come_twice_stay_apart():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Tanh(), nn.Linear(5, 3)).double()
    found = budget(model, None, (torch.randn(6, 4), torch.arange(6) % 3))
    assert found.names.count("tanh after 0") == 2
    assert sum(value for _, value in found.terms(0).values()) == pytest.approx(found.log_gradient[0], abs=1e-12)


def same(one, other):
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=True)
    return one == other or (isinstance(one, float) and isnan(one) and isnan(other))


@pytest.mark.parametrize("model", [chain(nn.ReLU()), images()], ids=["chain", "images"])
def test_files_keep_everything(model, tmp_path):
    found = budget(model, None, (X, Y))
    again = inscape.load(found.save(tmp_path / "budget"))
    assert [key for key, value in found.state().items() if not same(value, again.state()[key])] == []
    assert again.terms(0) == found.terms(0)
    assert again.summary() == found.summary()
    diagnosis = diagnose(model, None, (X, Y))
    loaded = inscape.load(diagnosis.save(tmp_path / "diagnosis"))
    assert loaded.verdict == diagnosis.verdict
    assert loaded.summary() == diagnosis.summary()
    assert same(loaded.budget.values, diagnosis.budget.values)
