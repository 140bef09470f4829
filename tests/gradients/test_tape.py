"""The tape sees every layer and activation, and the model computes what it computes."""

from copy import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from inscape.gradients._tape import Tape


def taped(model, x):
    """Events, what the visitor was told, and the output."""
    told = []
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    with Tape(names, lambda event, h, output: told.append((event, h, output))) as tape:
        output = model(x)
    return tape, told, output


def layers(tape):
    return [(event.kind, event.operation, event.name) for event in tape.events if event.kind != "other"]


def test_layers_and_activations_are_named_by_their_module():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 4), nn.Tanh()), nn.Linear(4, 2))
    x = torch.randn(5, 3)
    tape, told, output = taped(model, x)
    assert layers(tape) == [
        ("linear", "linear", "0"),
        ("activation", "relu", "relu after 0"),
        ("linear", "linear", "2.0"),
        ("activation", "tanh", "tanh after 2.0"),
        ("linear", "linear", "3"),
    ]
    assert [event.parameter for event in tape.events] == ["0.weight", "", "2.0.weight", "", "3.weight"]
    assert [event.source for event in tape.events] == [None, 0, 1, 2, 3]
    assert [event.index for event in tape.events] == [0, 1, 2, 3, 4]
    assert all(event.shape == tuple(out.shape) for event, _, out in told)
    assert all(event.node is out.grad_fn for event, _, out in told)
    assert torch.equal(output, model(x))


MODULES = {
    "conv1d": (nn.Conv1d(3, 2, 2), (2, 3, 5), "convolution"),
    "conv2d": (nn.Conv2d(3, 2, 2), (2, 3, 5, 5), "convolution"),
    "conv3d": (nn.Conv3d(3, 2, 2), (2, 3, 3, 3, 3), "convolution"),
    "conv_transpose2d": (nn.ConvTranspose2d(3, 2, 2), (2, 3, 5, 5), "convolution"),
    "batch_norm": (nn.BatchNorm1d(3), (2, 3), "normalisation"),
    "layer_norm": (nn.LayerNorm(3), (2, 3), "normalisation"),
    "group_norm": (nn.GroupNorm(1, 3), (2, 3), "normalisation"),
    "instance_norm": (nn.InstanceNorm1d(3, affine=True), (2, 3, 4), "normalisation"),
    "rms_norm": (nn.RMSNorm(3), (2, 3), "normalisation"),
}


@pytest.mark.parametrize("operation", MODULES)
def test_layers_by_kind(operation):
    module, shape, kind = MODULES[operation]
    tape, told, _ = taped(nn.Sequential(module), torch.randn(shape))
    assert layers(tape) == [(kind, operation, "0")]
    event = told[0][0]
    assert event.weight is module.weight
    assert event.bias is getattr(module, "bias", None)
    assert "weight" not in event.arguments


def test_embeddings_by_kind():
    tape, _, _ = taped(nn.Sequential(nn.Embedding(5, 3, padding_idx=1)), torch.tensor([[0, 1]]))
    assert layers(tape) == [("embedding", "embedding", "0")]
    assert tape.events[0].arguments["padding_idx"] == 1


ACTIVATIONS = [
    nn.ReLU(), nn.ReLU(inplace=True), nn.Sigmoid(), nn.Tanh(), nn.LeakyReLU(0.2), nn.ReLU6(), nn.ELU(0.5), nn.SELU(),
    nn.CELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Softplus(2.0), nn.Softsign(), nn.LogSigmoid(),
    nn.Hardsigmoid(), nn.Hardtanh(-2, 2), nn.Hardswish(), nn.Hardshrink(), nn.Softshrink(), nn.Tanhshrink(),
]  # fmt: skip


@pytest.mark.parametrize("module", ACTIVATIONS, ids=str)
def test_activations_keep_their_options(module):
    x = 3 * torch.randn(5, 3)
    _, told, output = taped(nn.Sequential(nn.Linear(3, 4), module), x)
    (event, before, after) = told[-1]
    assert event.kind == "activation"
    assert event.source == 0
    torch.testing.assert_close(event.activation.function(before), after)
    at = before.detach().requires_grad_()
    pure = copy(module)
    pure.inplace = False
    (slope,) = torch.autograd.grad(pure(at).sum(), at)
    torch.testing.assert_close(event.activation.derivative(before.detach()), slope)
    assert output is after


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight, self.scale = nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(2, 4))

    def forward(self, x):
        hidden = (x @ self.weight).sigmoid()
        hidden = torch.tanh(input=hidden).relu_()
        return F.linear(hidden, self.scale).mean(1)


def test_functions_and_methods_are_seen():
    tape, _, _ = taped(Functional(), torch.randn(5, 3))
    assert layers(tape) == [
        ("linear", "matmul", "weight"),
        ("activation", "sigmoid", "sigmoid after weight"),
        ("activation", "tanh", "tanh after weight"),
        ("activation", "relu", "relu after weight"),
        ("linear", "linear", "scale"),
    ]
    assert tape.events[-1].operation == "mean"


def test_what_a_call_sends_back_can_be_told_apart():
    """A tensor with two users: the gradient that each sends back adds up to the tensor's own."""
    model, sent = nn.ModuleList([nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 4)]).double(), {}

    def visit(event, x, output):
        if x.requires_grad:
            x.register_hook(lambda gradient: sent.__setitem__(event.name, gradient))

    names = {id(parameter): name for name, parameter in model.named_parameters()}
    hidden = model[0](torch.randn(2, 3, dtype=torch.float64)).detach().requires_grad_()
    with Tape(names, visit):
        output = model[1](hidden).sum() + 2 * model[2](hidden).sum()
    output.backward()
    torch.testing.assert_close(sent["1"], model[1].weight.sum(0).expand(2, 4))
    torch.testing.assert_close(sent["2"], 2 * model[2].weight.sum(0).expand(2, 4))
    torch.testing.assert_close(hidden.grad, sent["1"] + sent["2"])


def test_in_place_calls_work_on_the_tensor_itself():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True))
    x = torch.randn(5, 3)
    _, told, output = taped(model, x)
    event, before, after = told[1]
    assert after is output
    assert event.arguments["in_place"] is output
    torch.testing.assert_close(before, model[0](x))  # as it was before
    torch.testing.assert_close(torch.autograd.grad(output.sum(), model[0].bias)[0], (output > 0).float().sum(0))


def test_values_that_are_moved_keep_their_source():
    model = nn.Sequential(nn.Conv2d(1, 2, 2), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.0), nn.Linear(8, 3))
    tape, _, _ = taped(model, torch.randn(2, 1, 5, 5))
    linear = tape.events[-1]
    assert linear.name == "4"
    pool = tape.events[linear.source]
    assert pool.name == "max_pool2d after 0"
    assert tape.events[pool.source].name == "0"


@pytest.mark.parametrize("training", [True, False])
def test_dropout_is_noted_where_it_is_at_work(training):
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.Dropout(0.0), nn.AlphaDropout(0.5)).train(training)
    tape, _, _ = taped(model, torch.randn(2, 3))
    assert len(tape.random) == (2 if training else 0)


def test_functional_dropout_and_attention_dropout_are_noted():
    class Dropping(nn.Module):
        def forward(self, x):
            x = F.dropout(x, 0.5)
            return F.scaled_dot_product_attention(x, x, x, dropout_p=0.1)

    tape, _, _ = taped(Dropping(), torch.randn(2, 3, 4))
    assert tape.random == ["dropout", "attention"]


@pytest.mark.parametrize("batch_first", [True, False])
def test_attention_is_looked_into(batch_first):
    model = nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0, batch_first=batch_first).eval()
    x = torch.randn(3, 5, 6)
    tape, _, output = taped(model, x)
    names = [event.parameter for event in tape.events if event.parameter]
    assert names == [
        "self_attn.in_proj_weight", "self_attn.out_proj.weight", "norm1.weight", "linear1.weight", "linear2.weight",
        "norm2.weight",
    ]  # fmt: skip
    assert [event.operation for event in tape.events if event.kind == "attention"] == ["attention"]
    torch.testing.assert_close(output, model(x))


def test_nothing_is_left_behind():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    taped(model, torch.randn(2, 3))
    assert not model[0]._forward_hooks
    assert F.multi_head_attention_forward.__globals__["has_torch_function"] is torch.overrides.has_torch_function
    y = model(torch.randn(2, 3))
    assert not hasattr(y, "_inscape_event")
