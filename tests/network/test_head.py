"""A smooth head on the output is peeled off and applied on request."""

import numpy as np
import pytest
import torch
from torch import nn

from inscape import network


class Function(nn.Module):
    """A function of a linear layer's output as a module."""

    def __init__(self, function, outputs=3):
        super().__init__()
        self.layer, self.function = nn.Linear(2, outputs), function

    def forward(self, x):
        return self.function(self.layer(x))


HEADS = {
    "Softmax": (Function(lambda z: z.softmax(1)), "Softmax"),
    "LogSoftmax": (Function(lambda z: torch.log_softmax(z, -1)), "LogSoftmax"),
    "Sigmoid": (Function(torch.sigmoid), "Sigmoid"),
    "Sigmoid squeezed": (Function(lambda z: torch.sigmoid(z).squeeze(-1), 1), "Sigmoid"),
    "Sigmoid selected": (Function(lambda z: torch.sigmoid(z)[:, 1]), "Sigmoid"),
    "Sigmoid reshaped": (Function(lambda z: torch.sigmoid(z).view(-1, 3, 1)), "Sigmoid"),
}


@pytest.mark.parametrize("name", HEADS)
def test_peeled(name):
    model, head = HEADS[name]
    model = model.double()
    x = np.random.default_rng(0).normal(size=(5, 2))
    program = network.read(model, x)
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    assert program.head == head
    assert program.output_shape == expected.shape[1:]
    np.testing.assert_allclose(program.evaluate(x, head=True), expected, atol=1e-12)
    np.testing.assert_allclose(program.frozen().evaluate(x, head=True), expected, atol=1e-12)
    program.require_piecewise_linear()
    order = np.argsort(expected.reshape(5, -1), axis=1)
    np.testing.assert_array_equal(np.argsort(program.evaluate(x).reshape(5, -1), axis=1), order)


def read_beside(z):
    chance = torch.sigmoid(z)
    return torch.stack([chance.squeeze(-1), chance.view(-1, 3)], 1)


INSIDE = {
    "scaled": lambda z: 2 * torch.sigmoid(z),
    "used twice": lambda z: torch.cat([torch.sigmoid(z), z], 1),
    "softmax then selection": lambda z: z.softmax(1)[:, 0],
    "read beside": read_beside,
}


@pytest.mark.parametrize("name", INSIDE)
def test_kept_where_it_is_not_the_output(name):
    program = network.read(Function(INSIDE[name]), np.ones((1, 2)))
    assert program.head is None
    x = np.ones((2, 2))
    np.testing.assert_array_equal(program.evaluate(x, head=True), program.evaluate(x))


def test_what_the_output_does_not_need_is_left_out():
    class Wasteful(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            torch.relu(self.unused(x))
            return self.used(x)

    assert [layer.name for layer in network.read(Wasteful(), np.ones((1, 2))).nodes] == ["input", "used"]
