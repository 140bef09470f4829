"""A rescaled copy: half-covered transitions, unit variance, the same hyperplanes."""

import numpy as np
import pytest
import torch
from torch import nn

from inscape._errors import DataError, InputError
from inscape.gradients import rescaled, slabs
from inscape.testing import unchanged


def labelled(x):
    return x, torch.zeros(len(x))


def directions(layer):
    rows = torch.cat([layer.weight.detach().flatten(1), layer.bias.detach()[:, None]], dim=1)
    return rows / rows.norm(dim=1, keepdim=True)


def test_saturating_units_come_to_one_half_in_every_layer():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 8), nn.Sigmoid(), nn.Linear(8, 2)).double()
    model[0].weight.data *= 40
    x = torch.randn(300, 5).double()
    with unchanged(model):
        found = rescaled(model, labelled(x), delta=0.3)
    np.testing.assert_allclose(slabs(found.model, labelled(x), delta=0.3).kappa, 0.5)
    for i in (0, 2):
        assert torch.allclose(directions(model[i]), directions(found.model[i]))
        assert torch.allclose(found.model[i].weight[:, 0] / model[i].weight[:, 0], torch.tensor(found.factors[str(i)]))
    assert torch.equal(found.model[4].weight, model[4].weight)
    assert found.kept == {}


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.GELU(), nn.LeakyReLU(0.2)])
def test_layers_before_rectifiers_come_to_unit_variance(activation):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), activation, nn.Conv2d(4, 6, 2), activation, nn.Flatten(), nn.Linear(54, 3)
    )
    x = 7 * torch.randn(60, 1, 6, 6)
    found = rescaled(model, labelled(x))
    after, before = slabs(found.model, labelled(x)), slabs(model, labelled(x))
    for index in range(2):
        assert np.sqrt(np.square(after.deviation[after.layer == index]).mean()) == pytest.approx(1.0, rel=1e-5)
    assert len(set(found.factors["0"].tolist())) == 1
    first = before.layer == 0
    np.testing.assert_allclose(after.offset[first], before.offset[first], rtol=1e-4)
    assert torch.allclose(directions(model[2]), directions(found.model[2]), atol=1e-6)


class Mixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.normed, self.norm = nn.Linear(3, 4), nn.BatchNorm1d(4)
        self.frozen, self.twice, self.free = nn.Linear(4, 4).requires_grad_(False), nn.Linear(4, 4), nn.Linear(4, 4)
        self.product = nn.Parameter(torch.randn(4, 4))

    def forward(self, x):
        h = torch.relu(self.norm(self.normed(x)))
        h = torch.tanh(self.frozen(h))
        h = torch.tanh(self.twice(torch.tanh(self.twice(h))))
        h = torch.tanh(h @ self.product)
        return torch.tanh(torch.relu(self.free(h)) + h)


def test_what_cannot_be_scaled_is_left_and_listed():
    torch.manual_seed(0)
    model, x = Mixed().eval(), torch.randn(50, 3)
    found = rescaled(model, labelled(x))
    assert list(found.factors) == ["free"]
    said = {name: reason.partition(",")[0] for name, reason in found.kept.items()}
    assert said == {
        "normed": "a normalisation follows",
        "frozen": "it is frozen",
        "twice": "its weight is used more than once",
        "twice (call 2)": "its weight is used more than once",
        "product": "its weight or bias is no parameter of its own",
        "tanh after free": "no single layer feeds the activation",
    }
    changed = [
        name
        for (name, one), other in zip(model.named_parameters(), found.model.parameters(), strict=True)
        if not torch.equal(one, other)
    ]
    assert changed == ["free.weight", "free.bias"]


def test_constant_units_stay():
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    model[0].weight.data[0] = 0.0
    found = rescaled(model, labelled(torch.randn(30, 2)))
    assert found.factors["0"][0] == 1.0
    assert torch.equal(found.model[0].bias[0], model[0].bias[0])


def test_gradients_do_not_come_along():
    model, x = nn.Sequential(nn.Linear(2, 2), nn.Tanh()), torch.randn(30, 2)
    model(x).sum().backward()
    assert all(parameter.grad is None for parameter in rescaled(model, labelled(x)).model.parameters())


def test_data_must_be_there_more_than_once_and_the_level_below_one():
    model, x = nn.Sequential(nn.Linear(2, 2), nn.Tanh()), torch.randn(30, 2)
    with pytest.raises(DataError, match="once only"):
        rescaled(model, iter([labelled(x)]))
    with pytest.raises(InputError, match="half-width > 0"):
        rescaled(model, labelled(x), delta=1.0)
