"""A captured network follows its model, is frozen, described and refuses smooth insides."""

import numpy as np
import pytest
import torch
from torch import nn

from inscape import network
from inscape._errors import ModelError, UnsupportedLayerError
from inscape.geometry._program import Node


def small():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(2, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(), nn.Linear(4, 3), nn.Softmax(dim=1)
    )


def test_follows_an_optimizer_step_and_frozen_does_not():
    model = small()
    program, x = network.read(model), np.ones((5, 2))
    still, before = program.frozen(), program.evaluate(x)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model(torch.rand(8, 2))[:, 0].sum().backward()
    optimizer.step()
    with torch.no_grad():
        expected = model.double().eval()[:-1](torch.from_numpy(x)).numpy()
    assert not np.array_equal(program.evaluate(x), before)
    np.testing.assert_array_equal(still.evaluate(x), before)
    np.testing.assert_allclose(network.read(model).evaluate(x), expected, atol=1e-12)


def test_follows_through_the_export_front_end_too():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 3)

        def forward(self, x):
            return torch.relu(self.layer(x)) * 2

    model, x = Net(), np.ones((4, 2))
    program = network.read(model, x)
    with torch.no_grad():
        model.layer.weight.zero_()
        model.layer.bias.fill_(1.5)
    np.testing.assert_array_equal(program.evaluate(x), np.full((4, 3), 3.0))


def test_freezing_folds_batch_norm_into_scale_and_shift():
    model = small()
    model[1].running_var.fill_(4.0 - model[1].eps)
    model[1].running_mean.fill_(1.0)
    norm = network.read(model).frozen().nodes[2]
    scale, shift = norm.frozen
    np.testing.assert_allclose(scale.numpy().ravel(), 0.5)
    np.testing.assert_allclose(shift.numpy().ravel(), -0.5)
    assert norm.freeze() is norm


def test_describe_lists_every_operation_and_the_head():
    rows = network.read(small()).describe()
    assert [row["operation"] for row in rows] == ["Input", "Linear", "BatchNorm", "ReLU", "Linear", "Softmax"]
    assert [row["module"] for row in rows] == ["input", "0", "1", "2", "4", "5"]
    assert [row["parameters"] for row in rows] == [0, 12, 8, 0, 15, 0]
    assert [row["units"] for row in rows] == [0, 0, 0, 4, 0, 0]
    assert rows[1]["output shape"] == (4,)


def test_shapes_units_and_protocol():
    program = network.read(small())
    assert (program.input_shape, program.output_shape, program.units) == ((2,), (3,), 4)
    assert all(isinstance(layer, Node) for layer in program.nodes)
    assert network.read(program) is program


def test_lengths_are_the_longest_sums():
    model = nn.Sequential(nn.Linear(7, 3), nn.ReLU(), nn.Linear(3, 2, bias=False))
    assert [layer.length for layer in network.read(model).nodes] == [0, 8, 0, 3]
    image = nn.Sequential(nn.Conv2d(4, 6, 3, groups=2), nn.Flatten(), nn.Linear(6, 1))
    assert [layer.length for layer in network.read(image, np.ones((1, 4, 3, 3))).nodes] == [0, 19, 0, 7]


def test_samples_of_another_shape_are_refused():
    program = network.read(small())
    for x in (np.ones((4, 3)), np.ones(2), np.ones((1, 1, 2))):
        with pytest.raises(ModelError, match=r"expected samples of shape \(n, 2\)"):
            program.evaluate(x)


def test_smooth_insides_are_named_with_what_is_supported():
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Tanh(), nn.Linear(3, 2)), nn.Sigmoid())
    program = network.read(model)
    assert program.head == "Sigmoid"
    with pytest.raises(UnsupportedLayerError, match=r"got Tanh in module '1\.0'; supported are .*MaxPool2d.*ReLU"):
        program.require_piecewise_linear()
    network.read(small()).require_piecewise_linear()


def test_single_precision_weights_lift_exactly():
    model = nn.Sequential(nn.Linear(3, 2))
    x = np.random.default_rng(0).normal(size=(6, 3))
    weight, bias = (p.detach().numpy().astype(np.float64) for p in model[0].parameters())
    np.testing.assert_allclose(network.read(model).evaluate(x), x @ weight.T + bias, rtol=1e-15, atol=1e-15)
