"""Accuracy leaves the model as it was."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from inscape._errors import DataError, ModelError
from inscape.training import accuracy

X = torch.rand(40, 3, generator=torch.Generator().manual_seed(0))
Y = X.argmax(1)


def test_accuracy_is_the_share_of_hits():
    assert accuracy(nn.Identity(), (X, Y)) == 1
    wrong = Y.clone()
    wrong[:10] = (wrong[:10] + 1) % 3
    assert accuracy(nn.Identity(), (X, wrong), batch_size=7) == 0.75
    assert accuracy(nn.Identity(), iter([(X, wrong)])) == 0.75


def test_model_and_random_state_are_untouched():
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
    model[1].eval()
    model[0].weight.grad = torch.ones(3, 3)
    before, state = copy.deepcopy(model), torch.get_rng_state()
    modes = [m.training for m in model.modules()]
    loader = DataLoader(TensorDataset(X, Y), batch_size=8, shuffle=True)
    assert accuracy(model, loader) == accuracy(model, (X, Y))
    assert modes == [m.training for m in model.modules()]
    assert all(
        torch.equal(a, b) for a, b in zip(model.state_dict().values(), before.state_dict().values(), strict=True)
    )
    assert torch.equal(model[0].weight.grad, torch.ones(3, 3))
    assert torch.equal(torch.get_rng_state(), state)


def test_modes_come_back_after_an_error():
    model = nn.Sequential(nn.Linear(4, 3), nn.Dropout())
    with pytest.raises(ModelError, match=r"\(40, 3\)"):
        accuracy(model, (X, Y))
    assert all(m.training for m in model.modules())


def test_batches_meet_the_models_type():
    assert 0 <= accuracy(nn.Linear(3, 3, dtype=torch.float64), (X, Y)) <= 1


@pytest.mark.parametrize(
    ("y", "words"),
    [(Y + 1, "scores 3 classes"), (Y.float(), "whole-number"), (X, "whole-number"), (Y[:0], "first axes")],
)
def test_bad_labels(y, words):
    with pytest.raises(DataError, match=words):
        accuracy(nn.Identity(), (X, y))
