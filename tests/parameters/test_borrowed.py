"""A borrowed model is a function of its parameters and comes back unchanged."""

import inspect
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.func import jacrev

from inscape._errors import InputError, InputTypeError, ModelError
from inscape.parameters import borrowed
from inscape.testing._untouched import unchanged


def made():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 1))


def test_own_parameters_give_the_models_output():
    model = made().eval()
    x = torch.randn(4, 2)
    with borrowed(model) as function:
        torch.testing.assert_close(function(x), model(x))


def test_other_parameters_and_gradients_through_them():
    model = nn.Linear(2, 1, bias=False)
    x = torch.tensor([[1.0, 2.0]])
    with unchanged(model), borrowed(model) as function:
        weight = torch.tensor([[3.0, 4.0]], requires_grad=True)
        value = function(x, {"weight": weight})
        (gradient,) = torch.autograd.grad(value.sum(), weight)
        hessian = jacrev(jacrev(lambda w: function(x, {"weight": w}).pow(2).sum()))(weight.detach())
    assert value.item() == 11.0
    torch.testing.assert_close(gradient, x)
    torch.testing.assert_close(hessian.view(2, 2), 2 * x.T @ x)


def test_training_statistics_and_random_numbers_stay_in_the_clone():
    model = made().train()
    with unchanged(model), borrowed(model) as function:
        function(torch.ones(8, 2) + torch.arange(8.0)[:, None])
        assert not torch.equal(function.buffers["1.running_mean"], model[1].running_mean)


def test_unknown_names():
    with borrowed(made()) as function, pytest.raises(InputError, match=r"got 'weight'; known are 0\.weight"):
        function(torch.ones(1, 2), {"weight": torch.ones(1)})
    with pytest.raises(InputTypeError, match="got Tensor"), contextmanager(inspect.unwrap(borrowed))(torch.ones(2)):
        pass


CHANGES = {
    "0.weight": lambda model: model[0].weight.data.add_(1),
    "1.running_mean": lambda model: model[1].running_mean.add_(1),
    "gradient of 0.weight": lambda model: model(torch.ones(3, 2)).sum().backward(),
    "mode of the model": lambda model: model.eval(),
    "hooks of 3": lambda model: model[3].register_forward_hook(lambda module, x, y: None),
    "requires_grad of 0.bias": lambda model: model[0].bias.requires_grad_(False),
    "3.weight": lambda model: setattr(model[3], "weight", nn.Parameter(model[3].weight.detach().clone())),
    "3.bias": lambda model: setattr(model[3], "bias", None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_the_model_is_reported(name):
    model = made()
    with pytest.raises(ModelError, match=f"but changed: .*{name}"), borrowed(model):
        CHANGES[name](model)


def test_an_error_inside_passes_through():
    with pytest.raises(ZeroDivisionError), borrowed(made()):
        raise ZeroDivisionError


def test_modules_and_weights_that_occur_twice_come_out_as_they_were():
    shared = nn.Linear(3, 3, bias=False)
    model = nn.Sequential(shared, nn.Tanh(), shared, nn.Linear(3, 3, bias=False))
    model[3].weight = shared.weight
    x, weight = torch.randn(4, 3), torch.randn(3, 3)
    for _ in range(2):
        with borrowed(model) as function:
            found = function(x, {"0.weight": weight})
        expected = torch.tanh(x @ weight.T) @ weight.T @ weight.T
        assert torch.allclose(found, expected, atol=1e-5)
        assert model[0].weight is model[2].weight is model[3].weight is shared.weight
