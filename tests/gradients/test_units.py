"""Units: channels of a pre-activation, and the layer that makes it."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from inscape.gradients._tape import Tape
from inscape.gradients._units import by_channel, channel_axis, layer_of


def taped(model, x):
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    with Tape(names, lambda event, h, output: None) as tape:
        model(x)
    return tape.events


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(4, 5), nn.Linear(4, 5)

    def forward(self, x):
        return torch.relu(self.one(x) + self.two(x))


@pytest.mark.parametrize(
    ("model", "shape", "name", "axis"),
    [
        (nn.Sequential(nn.Linear(4, 5), nn.ReLU()), (3, 4), "0", 1),
        (nn.Sequential(nn.Linear(4, 5), nn.GELU()), (3, 6, 4), "0", 2),
        (nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Dropout(0.0), nn.ReLU()), (3, 4), "0", 1),
        (nn.Sequential(nn.Linear(4, 5), nn.LayerNorm(5), nn.ReLU()), (3, 6, 4), "0", 2),
        (nn.Sequential(nn.Conv1d(4, 5, 2), nn.Tanh()), (3, 4, 6), "0", 1),
        (nn.Sequential(nn.Conv2d(4, 5, 2), nn.GroupNorm(1, 5), nn.ReLU(inplace=True)), (3, 4, 6, 6), "0", 1),
        (nn.Sequential(nn.GroupNorm(2, 4), nn.ReLU()), (3, 4, 6), "0", 1),
        (nn.Sequential(nn.LayerNorm(4), nn.ReLU()), (3, 6, 4), "0", 2),
        (nn.Sequential(nn.ReLU()), (3, 4), None, 1),
        (nn.Sequential(nn.ReLU()), (3, 4, 6, 6), None, 1),
        (nn.Sequential(nn.Tanh(), nn.ReLU()), (3, 4), None, 1),
        (Branches(), (3, 4), None, 1),
    ],
)
def test_layer_and_axis_of_an_activation(model, shape, name, axis):
    events = taped(model, torch.randn(shape))
    activation = [event for event in events if event.kind == "activation"][-1]
    layer = layer_of(activation, events)
    assert (layer and layer.name) == name
    assert channel_axis(activation, events) == axis


def test_an_embedding_makes_units_too():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(5, 3)

        def forward(self, x):
            return F.relu(self.words(x))

    events = taped(Words(), torch.tensor([[1, 2]]))
    assert layer_of(events[1], events).name == "words"


@pytest.mark.parametrize("axis", [1, 3])
def test_channels_come_last(axis):
    x = torch.randn(2, 3, 4, 5)
    turned = by_channel(x, axis)
    assert turned.shape == (120 // x.shape[axis], x.shape[axis])
    torch.testing.assert_close(turned.sum(0), x.sum(tuple(set(range(4)) - {axis})))
