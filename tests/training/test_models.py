"""The small networks: structure, initial values, and what they reach on real digits."""

import numpy as np
import pytest
import torch
from torch import nn

from inscape import data
from inscape._errors import InputError
from inscape.training import Recipe, accuracy, fit, mlp, small_convnet


def relu_units(model, x):
    count = 0
    for layer in model:
        x = layer(x)
        count += x.numel() * isinstance(layer, nn.ReLU)
    return count


def test_mlp_alternates_layers_and_activations():
    model = mlp((4, 8, 8, 3), activation="tanh")
    assert [type(layer).__name__ for layer in model] == ["Linear", "Tanh", "Linear", "Tanh", "Linear"]
    assert model(torch.zeros(5, 4)).shape == (5, 3)
    assert len(mlp([4, 2])) == 1


def test_seed_decides_and_global_state_is_untouched():
    state = torch.get_rng_state()
    for make in (lambda rng: mlp([3, 4, 2], rng=rng), lambda rng: small_convnet(rng=rng)):
        first, same, other = make(1), make(1), make(2)
        assert torch.equal(first[0].weight, same[0].weight)
        assert torch.equal(first[0].bias, same[0].bias)
        assert not torch.equal(first[0].weight, other[0].weight)
    assert torch.equal(torch.get_rng_state(), state)


def test_initial_values_have_hes_scale():
    model = mlp([400, 500, 2], rng=np.random.default_rng(0))
    weight, bias = model[0].weight.detach(), model[0].bias.detach()
    assert weight.std() == pytest.approx(np.sqrt(2 / 400), rel=0.02)
    assert bias.abs().max() <= 1 / 20
    assert bias.std() == pytest.approx(1 / 20 / np.sqrt(3), rel=0.1)


def test_convnet_is_small_enough_for_exact_geometry():
    model = small_convnet(classes=7)
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 7)
    assert relu_units(model, torch.zeros(1, 1, 28, 28)) == 760


def test_convnet_learns_mnist(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    train, held_out = data.split(*data.load("mnist5k"))
    recipe = Recipe(batch_size=32, learning_rate=3e-3, scheduler="cosine")
    done = fit(small_convnet(), train, epochs=4, recipe=recipe, test=held_out)
    assert accuracy(done.model, held_out) >= 0.93


@pytest.mark.parametrize(("sizes", "words"), [([3], "two or more"), ([3, 0, 2], "≥ 1")])
def test_bad_widths(sizes, words):
    with pytest.raises(InputError, match=words):
        mlp(sizes)


def test_bad_activation_and_classes():
    with pytest.raises(InputError, match="got 'step'"):
        mlp([2, 2], activation="step")
    with pytest.raises(InputError, match="classes ≥ 2"):
        small_convnet(classes=1)
