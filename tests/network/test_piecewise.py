"""The rule of every piecewise-linear layer, evaluated by a slow oracle, gives the layer's own values."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from inscape import network
from inscape._errors import UnsupportedLayerError
from inscape.geometry._program import Elementwise, Kind, Maximum, Sort


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function, *modules):
        super().__init__()
        self.function = function
        self.held = nn.ModuleList(modules)

    def forward(self, x):
        return self.function(x, *self.held)


def by_rule(rule, values, shape):
    """Evaluate a rule one number at a time."""
    flat = np.concatenate([value.reshape(len(value), -1) for value in values], axis=1)
    result = np.full((len(flat), int(np.prod(shape))), np.nan)
    for row, out in zip(flat, result, strict=True):
        if isinstance(rule, Elementwise):
            for unit, value in enumerate(row):
                piece = sum(value > threshold for threshold in rule.thresholds)
                pick = (piece,) if rule.slopes.ndim == 1 else (piece, unit)
                out[unit] = rule.slopes[pick] * value + rule.intercepts[pick]
        elif isinstance(rule, Maximum):
            for unit, group in enumerate(rule.groups):
                out[unit] = rule.sign * max(rule.sign * row[i] for i in group if i >= 0)
        else:
            for group, places in zip(rule.groups, rule.positions, strict=True):
                for place, value in zip(places, sorted((row[i] for i in group), reverse=rule.descending), strict=True):
                    out[place] = value
    return result.reshape(-1, *shape)


def maxmin(x):
    first, second = x.chunk(2, 1)
    return torch.cat([torch.max(first, second), torch.min(first, second)], 1)


def group_sort(x):
    return torch.sort(x.view(x.shape[0], 3, 2), dim=-1)[0].flatten(1)


VECTOR, SEQUENCE, IMAGE = (6,), (4, 9), (2, 5, 6)
CASES = {
    "relu": (functional.relu, VECTOR, Elementwise),
    "leaky": (lambda x: functional.leaky_relu(x, -0.2), VECTOR, Elementwise),
    "prelu": (nn.PReLU(init=0.4), VECTOR, Elementwise),
    "prelu per channel": (nn.PReLU(4), SEQUENCE, Elementwise),
    "relu6": (functional.relu6, VECTOR, Elementwise),
    "hardtanh": (lambda x: functional.hardtanh(x, -0.3, 0.8), VECTOR, Elementwise),
    "hardsigmoid": (functional.hardsigmoid, VECTOR, Elementwise),
    "clamp": (lambda x: x.clamp(-0.5, 0.25), VECTOR, Elementwise),
    "clamp from below": (lambda x: x.clamp(min=0.1), VECTOR, Elementwise),
    "clamp from above": (lambda x: x.clamp_max(0.1), VECTOR, Elementwise),
    "clamp crossed": (lambda x: x.clamp(0.5, -0.5), VECTOR, Elementwise),
    "abs": (torch.abs, VECTOR, Elementwise),
    "threshold": (lambda x: functional.threshold(x, 0.2, 0.2), VECTOR, Elementwise),
    "rrelu": (nn.RReLU(), VECTOR, Elementwise),
    "max pool 1d": (lambda x: functional.max_pool1d(x, 3, 2, 1), SEQUENCE, Maximum),
    "max pool 2d": (lambda x: functional.max_pool2d(x, (3, 2), 2, 1, ceil_mode=True), IMAGE, Maximum),
    "max pool dilated": (lambda x: functional.max_pool2d(x, 2, 1, dilation=2), IMAGE, Maximum),
    "max pool 3d": (lambda x: functional.max_pool3d(x, 2), (1, 4, 4, 3), Maximum),
    "adaptive max pool 1d": (lambda x: functional.adaptive_max_pool1d(x, 4), SEQUENCE, Maximum),
    "adaptive max pool 2d": (lambda x: functional.adaptive_max_pool2d(x, (3, 4)), IMAGE, Maximum),
    "amax": (lambda x: x.amax((1, 3)), IMAGE, Maximum),
    "amax keeping": (lambda x: x.amax(-1, keepdim=True), IMAGE, Maximum),
    "amin": (lambda x: x.amin(2), IMAGE, Maximum),
    "max over a dimension": (lambda x: x.max(1)[0], IMAGE, Maximum),
    "min over a dimension": (lambda x: x.min(-1, keepdim=True).values, IMAGE, Maximum),
    "maximum": (lambda x: torch.maximum(x[:, :3], x[:, 3:]), VECTOR, Maximum),
    "minimum broadcast": (lambda x: torch.minimum(x[:, :1], x[:, 1:]), IMAGE, Maximum),
    "maximum with a constant": (lambda x: torch.maximum(x, torch.arange(6.0).double() - 3), VECTOR, Maximum),
    "minimum with a number": (lambda x: torch.min(torch.tensor(0.3).double(), x), VECTOR, Maximum),
    "maxout": (lambda x: x.view(-1, 3, 2).amax(2), VECTOR, Maximum),
    "maxmin": (maxmin, VECTOR, Maximum),
    "sort": (lambda x: x.sort(1, descending=True).values, IMAGE, Sort),
    "group sort": (group_sort, VECTOR, Sort),
    "relu time first": (lambda x: functional.relu(x.transpose(0, 1)).transpose(0, 1), SEQUENCE, Elementwise),
    "pool over time and batch": (
        lambda x: functional.max_pool1d(x.flatten(0, 1).unsqueeze(1), 2).view(x.shape[0], 4, -1), SEQUENCE, Maximum,
    ),
    "sort time first": (lambda x: x.permute(2, 0, 1).sort(0)[0].transpose(0, 1), SEQUENCE, Sort),
    "max time first": (lambda x: x.permute(2, 0, 1).amax(0), SEQUENCE, Maximum),
}  # fmt: skip


WIDEST = 60


def case_of(name):
    """The case as a function of the first entries of a wide sample."""
    function, shape, _ = CASES[name]
    return lambda x: function(x[:, : int(np.prod(shape))].reshape(-1, *shape)).flatten(1)


@pytest.fixture(scope="module")
def captured():
    """All cases beside one another, captured at once, with the values of all layers."""
    modules = [case[0].double() for case in CASES.values() if isinstance(case[0], nn.Module)]
    for module in modules:
        for parameter in module.parameters():
            if parameter.numel() > 1:
                parameter.data = torch.linspace(-0.5, 1.5, parameter.numel()).double()
    model = Function(lambda x, *held: torch.cat([case_of(name)(x) for name in CASES], 1), *modules).eval()
    samples = np.random.default_rng(0).normal(scale=2.0, size=(5, WIDEST))
    samples[0, :3] = 0.0
    program = network.read(model, samples)
    values = [samples]
    for layer in program.nodes[1:]:
        values.append(layer.apply(*(values[i] for i in layer.inputs)))
    return program, values


@pytest.mark.parametrize("name", CASES)
def test_values_equal_torch(captured, name):
    program, values = captured
    samples = torch.from_numpy(values[0].copy())
    with torch.no_grad():
        widths = [case_of(key)(samples[:1]).shape[1] for key in CASES]
        expected = case_of(name)(samples).numpy()
    start = sum(widths[: list(CASES).index(name)])
    np.testing.assert_array_equal(values[program.output][:, start : start + expected.shape[1]], expected)


def test_rules_give_the_values_of_their_layers(captured):
    program, values = captured
    kinds = []
    for node, layers in enumerate(zip(program.nodes, program.frozen().nodes, strict=True)):
        for layer in layers:
            inputs = [values[i] for i in layer.inputs]
            if layer.kind is Kind.PIECEWISE:
                kinds.append(type(layer.rule))
                assert layer.units == np.prod(layer.shape)
                np.testing.assert_allclose(by_rule(layer.rule, inputs, layer.shape), values[node], atol=1e-14)
            else:
                assert layer.rule is None
    expected = [case[2] for case in CASES.values()]
    for kind, least in ((Elementwise, expected.count(Elementwise)), (Maximum, expected.count(Maximum)), (Sort, 3)):
        assert kinds.count(kind) >= 2 * least


def test_constant_operand_is_a_node_without_linear_part():
    model = Function(lambda x: torch.maximum(x, torch.arange(3.0).double())).double()
    program = network.read(model, np.zeros((1, 3)))
    constant = next(layer for layer in program.nodes if layer.operation == "Constant")
    x = np.ones((4, 3))
    np.testing.assert_array_equal(constant.apply(x), np.tile([0.0, 1.0, 2.0], (4, 1)))
    np.testing.assert_array_equal(constant.linear(x), np.zeros((4, 3)))
    np.testing.assert_array_equal(constant.magnitude(x), np.tile([0.0, 1.0, 2.0], (4, 1)))


def test_prelu_rule_follows_training():
    layer = nn.PReLU()
    program = network.read(nn.Sequential(nn.Linear(2, 2), layer))
    still = program.frozen()
    layer.weight.data.fill_(0.75)
    assert program.nodes[2].rule.slopes[0] == 0.75
    assert still.nodes[2].rule.slopes[0] == 0.25


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: functional.threshold(x, 0.5, 0.0), "jumps from 0.0 to 0.5"),
        (lambda x: functional.rrelu(x, training=True), "random"),
        (lambda x: torch.clamp(x, torch.zeros(3), torch.ones(3)), "bounds that are tensors"),
        (lambda x: torch.sort(x, 1)[1].float(), "'sort' \\(its output number 1\\)"),
        (torch.sign, "'sign'"),
        (lambda x: torch.where(x > 0, x, 0.1 * x), "'gt'"),
        (lambda x: x.topk(2, 1)[0], "'topk'"),
    ],
)
def test_jumps_and_unknown_operations_are_refused(function, text):
    with pytest.raises(UnsupportedLayerError, match=text):
        network.read(Function(function), torch.randn(2, 3))
