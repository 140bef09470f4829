"""The fingerprint tells structure and weights apart, and nothing else."""

import copy

import torch
from torch import nn

from inscape.network import model_fingerprint
from inscape.testing._untouched import unchanged


def made():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU())


def test_same_model_same_fingerprint():
    model = made()
    with unchanged(model):
        first = model_fingerprint(model)
    assert first == model_fingerprint(copy.deepcopy(model)) == model_fingerprint(made())
    model.eval()
    model[0].weight.requires_grad_(False)
    assert first == model_fingerprint(model)


def test_every_difference_shows():
    models = [made() for _ in range(6)]
    models[1][0].weight.data[0, 0] += 1e-6
    models[2][1].running_mean[0] += 1
    models[3][2] = nn.LeakyReLU()
    models[4].double()
    models[5][0].weight.data = models[5][0].weight.data.T.reshape(3, 2)
    assert len({model_fingerprint(model) for model in models}) == 6


def test_options_and_half_precision():
    assert model_fingerprint(nn.LeakyReLU(0.1)) != model_fingerprint(nn.LeakyReLU(0.2))
    assert len(model_fingerprint(made().to(torch.bfloat16))) == 32
