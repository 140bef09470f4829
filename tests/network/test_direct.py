"""Every known leaf: both front ends give the same layers, equal to torch in float64, affine parts right."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from inscape import network
from inscape.geometry._program import Kind
from inscape.network import _direct
from inscape.network._export import capture
from inscape.network._head import finish

VECTOR, SEQUENCE, IMAGE = (6,), (4, 9), (4, 7, 8)
LEAVES = {
    "Linear": (nn.Linear(6, 5), VECTOR),
    "Linear without bias": (nn.Linear(6, 5, bias=False), VECTOR),
    "Linear on sequences": (nn.Linear(9, 5), SEQUENCE),
    "Conv1d": (nn.Conv1d(4, 3, 3, stride=2, padding=1), SEQUENCE),
    "Conv2d": (nn.Conv2d(4, 6, 3, padding=(1, 2), dilation=2, groups=2), IMAGE),
    "Conv2d without bias": (nn.Conv2d(4, 2, 1, bias=False), IMAGE),
    "ConvTranspose1d": (nn.ConvTranspose1d(4, 3, 3, stride=2), SEQUENCE),
    "ConvTranspose2d": (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), IMAGE),
    "BatchNorm1d": (nn.BatchNorm1d(6), VECTOR),
    "BatchNorm1d on sequences": (nn.BatchNorm1d(4), SEQUENCE),
    "BatchNorm2d": (nn.BatchNorm2d(4), IMAGE),
    "BatchNorm2d plain": (nn.BatchNorm2d(4, affine=False), IMAGE),
    "MaxPool1d": (nn.MaxPool1d(3, stride=2, padding=1), SEQUENCE),
    "MaxPool2d": (nn.MaxPool2d(3, stride=2, padding=1, dilation=2, ceil_mode=True), IMAGE),
    "AvgPool1d": (nn.AvgPool1d(2), SEQUENCE),
    "AvgPool2d": (nn.AvgPool2d((3, 2), stride=2, padding=1, ceil_mode=True, count_include_pad=False), IMAGE),
    "AvgPool2d divisor": (nn.AvgPool2d(2, divisor_override=3), IMAGE),
    "AdaptiveAvgPool1d": (nn.AdaptiveAvgPool1d(4), SEQUENCE),
    "AdaptiveAvgPool2d": (nn.AdaptiveAvgPool2d((3, 2)), IMAGE),
    "AdaptiveMaxPool2d": (nn.AdaptiveMaxPool2d((3, 5)), IMAGE),
    "Flatten": (nn.Flatten(), IMAGE),
    "ZeroPad2d": (nn.ZeroPad2d((1, 2, 0, 1)), IMAGE),
    "ConstantPad1d": (nn.ConstantPad1d(2, -1.5), SEQUENCE),
    "ConstantPad2d": (nn.ConstantPad2d(1, 0.5), IMAGE),
    "ReLU": (nn.ReLU(), VECTOR),
    "ReLU in place": (nn.ReLU(inplace=True), VECTOR),
    "LeakyReLU": (nn.LeakyReLU(0.2), VECTOR),
    "PReLU": (nn.PReLU(init=-0.3), IMAGE),
    "PReLU per channel": (nn.PReLU(4), IMAGE),
    "ReLU6": (nn.ReLU6(), VECTOR),
    "Hardtanh": (nn.Hardtanh(-0.5, 0.7), VECTOR),
    "Hardsigmoid": (nn.Hardsigmoid(), VECTOR),
    "Threshold": (nn.Threshold(0.3, 0.3), VECTOR),
    "Sigmoid": (nn.Sigmoid(), VECTOR),
    "Tanh": (nn.Tanh(), VECTOR),
    "Softplus": (nn.Softplus(beta=2.0), VECTOR),
    "GELU": (nn.GELU(), VECTOR),
    "GELU by tanh": (nn.GELU(approximate="tanh"), VECTOR),
    "SiLU": (nn.SiLU(), VECTOR),
    "ELU": (nn.ELU(0.7), VECTOR),
    "Hardswish": (nn.Hardswish(), VECTOR),
    "Softmax": (nn.Softmax(dim=1), VECTOR),
    "LogSoftmax": (nn.LogSoftmax(dim=-1), VECTOR),
    "Identity": (nn.Identity(), VECTOR),
    "Dropout": (nn.Dropout(), VECTOR),
    "Dropout1d": (nn.Dropout1d(), SEQUENCE),
    "Dropout2d": (nn.Dropout2d(), IMAGE),
    "AlphaDropout": (nn.AlphaDropout(), VECTOR),
}


@pytest.fixture(params=LEAVES)
def leaf(request):
    """A leaf between two scalings that both front ends see, with random statistics, and samples that suit it."""
    module, shape = LEAVES[request.param]
    torch.manual_seed(0)
    for tensor in [*module.parameters(), *module.buffers()]:
        if tensor.is_floating_point() and "PReLU" not in request.param:
            tensor.data.uniform_(0.5, 1.5)
    samples = np.random.default_rng(1).normal(scale=3.0, size=(4, *shape))
    return nn.Sequential(nn.Sequential(module), nn.Hardtanh(-50.0, 50.0)).double(), samples


class Beside(nn.Module):
    """Leaves that read the same input, their outputs side by side."""

    def __init__(self, leaves):
        super().__init__()
        self.leaves = nn.ModuleList(leaves)

    def forward(self, x):
        return torch.cat([leaf(x.clone()).flatten(1) for leaf in self.leaves], 1)


@pytest.fixture(scope="module", params=[VECTOR, SEQUENCE, IMAGE], ids=["vector", "sequence", "image"])
def traced(request):
    """All leaves for one input shape, traced at once."""
    leaves = [module.double() for module, shape in LEAVES.values() if shape == request.param]
    return finish(*capture(Beside(leaves), torch.ones(2, *request.param, dtype=torch.float64))), leaves


def test_both_front_ends_build_the_same_layers(traced):
    program, leaves = traced
    samples = np.random.default_rng(1).normal(scale=3.0, size=(4, *program.input_shape))
    for position, leaf in enumerate(leaves):
        made = _direct.build(_direct.leaves_of(leaf, f"leaves.{position}"), program.input_shape)
        assert made is not None
        direct = made[0].layers[1:]
        same = [layer for layer in program.nodes if layer.name == f"leaves.{position}"]
        assert [describe(layer) for layer in direct] == [describe(layer) for layer in same], leaf
        for one, other in zip(direct, same, strict=True):
            np.testing.assert_array_equal(one.apply(samples), other.apply(samples))


def describe(layer):
    return layer.name, layer.operation, layer.kind, layer.inputs, layer.shape, layer.length, layer.parameter_count


def test_equals_torch_in_float64(leaf):
    model, samples = leaf
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(samples.copy())).numpy()
    found = network.read(model, samples)
    for count in (1, 4):
        for program in (found, found.frozen()):
            np.testing.assert_allclose(program.evaluate(samples[:count]), expected[:count], rtol=1e-12, atol=1e-12)


def test_affine_parts(leaf):
    model, samples = leaf
    for program in (network.read(model, samples), network.read(model, samples).frozen()):
        layer = program.nodes[1]
        if layer.kind is not Kind.AFFINE:
            with pytest.raises(TypeError, match="has no linear part"):
                layer.linear(samples)
            continue
        zero = layer.apply(np.zeros_like(samples))
        np.testing.assert_allclose(layer.linear(samples), layer.apply(samples) - zero, rtol=1e-12, atol=1e-11)
        assert (layer.magnitude(np.abs(samples)) >= np.abs(layer.apply(samples)) - 1e-12).all()
        np.testing.assert_allclose(layer.magnitude(np.zeros_like(samples)), np.abs(zero), atol=1e-12)


def test_results_are_fresh_and_contiguous_and_inputs_stay(leaf):
    model, samples = leaf
    before = samples.copy()
    for layer in network.read(model, samples).nodes[1:2]:
        result = layer.apply(samples)
        assert result.flags.c_contiguous
        assert result.dtype == np.float64
        if layer.operation != "reshape":
            assert not np.shares_memory(result, samples)
            result[...] = np.nan
    np.testing.assert_array_equal(samples, before)


def test_read_only_and_strided_inputs():
    layer = network.read(nn.Sequential(nn.Linear(3, 2))).nodes[1]
    samples = np.random.default_rng(0).normal(size=(6, 3))
    expected = layer.apply(samples)
    fixed = samples.copy()
    fixed.flags.writeable = False
    np.testing.assert_array_equal(layer.apply(fixed), expected)
    np.testing.assert_array_equal(layer.apply(np.asfortranarray(samples)), expected)
    np.testing.assert_array_equal(layer.apply(samples[::-1]), expected[::-1])


@pytest.mark.parametrize(
    "change",
    [
        lambda layer: layer.register_forward_hook(lambda module, x, y: 2 * y),
        lambda layer: layer.register_forward_pre_hook(lambda module, x: (2 * x[0],)),
        nn.utils.parametrizations.weight_norm,
        lambda layer: prune.l1_unstructured(layer, "weight", 0.5),
    ],
    ids=["hook", "pre-hook", "parametrisation", "pruning"],
)
def test_a_changed_leaf_is_traced_instead(change):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).double()
    change(model[0])
    assert _direct.leaves_of(model) is None
    x = torch.randn(5, 3, dtype=torch.float64)
    with torch.no_grad():
        np.testing.assert_allclose(network.read(model, x).evaluate(x.numpy()), model(x).numpy(), atol=1e-12)


def test_a_subclass_of_a_leaf_is_traced_instead():
    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    model = nn.Sequential(Doubled(2, 3)).double()
    x = torch.randn(4, 2, dtype=torch.float64)
    with torch.no_grad():
        np.testing.assert_allclose(network.read(model, x).evaluate(x.numpy()), model(x).numpy(), atol=1e-12)
