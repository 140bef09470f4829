"""Whole models and hand-written forwards through the export front end."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from inscape import network
from inscape._errors import ModelError, UnsupportedLayerError
from inscape.geometry._program import Kind
from inscape.testing._untouched import unchanged


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function, *modules):
        super().__init__()
        self.function = function
        self.held = nn.ModuleList(modules)

    def forward(self, x):
        return self.function(x, *self.held)


class LeNet(nn.Module):
    """Convolutions with functional activations and a view that spells the batch."""

    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 3, 3), nn.Conv2d(3, 4, 3)
        self.f1, self.f2 = nn.Linear(4 * 1 * 1, 8), nn.Linear(8, 3)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.c1(x)), 2)
        x = functional.avg_pool2d(functional.relu(self.c2(x)), 2)
        x = functional.relu(self.f1(x.view(x.size(0), -1)))
        return functional.log_softmax(self.f2(functional.dropout(x, training=self.training)), dim=1)


class VGG(nn.Module):
    """Convolution, BatchNorm, ReLU in place, MaxPool, flattened by ``torch.flatten``."""

    def __init__(self):
        super().__init__()
        layers = []
        for channels, following in ((1, 4), (4, 6)):
            layers += [nn.Conv2d(channels, following, 3, padding=1), nn.BatchNorm2d(following)]
            layers += [nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(6 * 3 * 3, 3))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class Block(nn.Module):
    """A residual block that adds in place."""

    def __init__(self, channels, following):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, following, 3, 2, 1, bias=False), nn.BatchNorm2d(following)
        self.conv2, self.bn2 = nn.Conv2d(following, following, 3, 1, 1, bias=False), nn.BatchNorm2d(following)
        self.down = nn.Sequential(nn.Conv2d(channels, following, 1, 2, bias=False), nn.BatchNorm2d(following))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += self.down(x)
        return self.relu(out)


class ResNet(nn.Module):
    """Two residual blocks, global average pooling."""

    def __init__(self):
        super().__init__()
        self.layer1, self.layer2 = Block(1, 4), Block(4, 6)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        return self.fc(functional.adaptive_avg_pool2d(self.layer2(self.layer1(x)), 1).flatten(1))


class UNet(nn.Module):
    """Down, up by transposed convolution and by upsampling, skip by concatenation."""

    def __init__(self):
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
        self.up, self.merge = nn.ConvTranspose2d(4, 3, 2, stride=2), nn.Conv2d(10, 2, 3, padding=1)

    def forward(self, x):
        first = functional.relu(self.down1(x))
        second = functional.relu(self.down2(functional.max_pool2d(first, 2)))
        wide = functional.interpolate(second, scale_factor=2, mode="bilinear", align_corners=False)
        return self.merge(torch.cat([first, functional.relu(self.up(second)), wide], dim=1))


class Recurrent(nn.Module):
    """An LSTM that keeps its last state."""

    def __init__(self):
        super().__init__()
        self.memory, self.out = nn.LSTM(3, 4, num_layers=2, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.out(self.memory(x)[0][:, -1])


class Transformer(nn.Module):
    """A class token, positions, attention with the time first, an encoder layer."""

    def __init__(self):
        super().__init__()
        self.token, self.place = nn.Parameter(torch.randn(1, 1, 4)), nn.Parameter(torch.randn(1, 6, 4))
        self.embed, self.attention = nn.Linear(3, 4), nn.MultiheadAttention(4, 2)
        self.encoder, self.out = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        x = torch.cat([self.token.expand(x.size(0), -1, -1), self.embed(x)], dim=1) + self.place
        t = x.transpose(0, 1)
        x = self.encoder((t + self.attention(t, t, t, need_weights=False)[0]).transpose(0, 1))
        return self.out(x[:, 0])


MODELS = {
    "LeNet": (LeNet, (1, 12, 12), "LogSoftmax"),
    "VGG": (VGG, (1, 12, 12), None),
    "ResNet": (ResNet, (1, 9, 9), None),
    "UNet": (UNet, (1, 8, 8), None),
    "LSTM": (Recurrent, (5, 3), None),
    "Transformer": (Transformer, (5, 3), None),
}
SMOOTH = {"LSTM": ("LSTM", "memory"), "Transformer": ("attention", "attention")}


def made(name):
    torch.manual_seed(0)
    kind, shape, head = MODELS[name]
    model = kind().double()
    for buffer in model.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    return model, np.random.default_rng(0).normal(size=(3, *shape)), head


@pytest.mark.parametrize("name", MODELS)
def test_models_equal_torch_and_are_left_alone(name):
    model, samples, head = made(name)
    with unchanged(model):
        program = network.read(model, samples[:1])
    assert program.head == head
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(samples)).numpy()
    for count in (1, 3):
        for one in (program, program.frozen()):
            np.testing.assert_allclose(one.evaluate(samples[:count], head=True), expected[:count], atol=1e-12)
    if name in SMOOTH:
        operation, module = SMOOTH[name]
        with pytest.raises(UnsupportedLayerError, match=f"got .*{operation}.* in module '{module}"):
            program.require_piecewise_linear()
    else:
        program.require_piecewise_linear()


@pytest.mark.parametrize("name", ["LeNet", "VGG", "ResNet", "UNet"])
def test_affine_layers_inside_models(name):
    model, samples, _ = made(name)
    values = [samples]
    for layer in network.read(model, samples).nodes[1:]:
        inputs = [values[i] for i in layer.inputs]
        values.append(layer.apply(*inputs))
        assert values[-1].shape == (3, *layer.shape)
        if layer.kind is Kind.AFFINE:
            constant = layer.apply(*(np.zeros_like(value) for value in inputs))
            np.testing.assert_allclose(layer.linear(*inputs), values[-1] - constant, atol=1e-12)
            assert (layer.magnitude(*(abs(v) for v in inputs)) >= abs(values[-1]) - 1e-12).all()
            assert layer.length > 0 or np.isin(values[-1], np.concatenate([v.ravel() for v in inputs] + [[0.0]])).all()


def test_names_are_module_paths():
    model, samples, _ = made("ResNet")
    names = [layer.name for layer in network.read(model, samples).nodes]
    assert {"layer1.conv1", "layer1.bn1", "layer1.relu", "layer2.down.0", "layer1", "fc"} <= set(names)


VECTOR = (6,)
AFFINE = {
    "add a number": lambda x: x + 1.5,
    "subtract from a number": lambda x: 3 - (x - 1) / 2,
    "subtract from a constant": lambda x: torch.arange(6.0).double() - 2 * x,
    "add with alpha": lambda x: torch.add(x, x, alpha=-2),
    "constant times": lambda x: torch.arange(6.0).double() * x,
    "divide by a constant": lambda x: x / (1 + torch.arange(6.0).double()),
    "negate": lambda x: -x,
    "addcmul": lambda x: torch.addcmul(torch.ones(6).double(), x, -torch.arange(6.0).double(), value=-0.5),
    "matrix product": lambda x: x @ torch.linspace(-1, 1, 12).double().view(6, 2),
    "matrix first": lambda x: (torch.linspace(-1, 1, 6).double().view(3, 2) @ x.view(-1, 2, 3)).flatten(1),
    "addmm": lambda x: torch.addmm(torch.ones(2).double(), x, torch.ones(6, 2).double(), beta=-2, alpha=0.5),
    "einsum": lambda x: torch.einsum("bi,ij->bj", x, torch.linspace(-1, 1, 12).double().view(6, 2)),
    "sum": lambda x: x.sum(1, keepdim=True),
    "mean": lambda x: x.view(-1, 2, 3).mean((1, 2)),
    "cumsum": lambda x: x.cumsum(1),
    "slices": lambda x: torch.cat([x[:, ::2], x[:, [0, 3]], x[:, -1:]], 1).flip(1),
    "in place on a slice": lambda x: (
        x.clone().index_fill_(1, torch.tensor([0]), 0.0)
        if not isinstance(x, torch.Tensor)
        else torch.cat([x[:, :2].clone().add_(1).mul_(-2), x[:, 2:]], 1)
    ),
    "stack with zeros": lambda x: torch.stack([x, torch.zeros_like(x), torch.ones_like(x)], 1).flatten(1),
    "new zeros": lambda x: torch.cat([x, x.new_full((x.shape[0], 2), 3.0)], 1),
    "split": lambda x: x.split([1, 5], 1)[1] - x.chunk(6, 1)[0],
    "unbind": lambda x: x.unbind(1)[2].unsqueeze(1),
    "roll": lambda x: x.roll(2, 1).repeat(1, 2),
    "squeeze everything": lambda x: x[:, :1].squeeze(),
    "permuted": lambda x: x.view(-1, 2, 3).permute(0, 2, 1).reshape(x.shape[0], -1),
    "time first": lambda x: (
        (x.view(-1, 3, 2).transpose(0, 1).reshape(-1, 2) @ torch.ones(2, 2).double()).view(3, -1, 2).transpose(0, 1)
    ),
    "masked": lambda x: x.masked_fill(torch.arange(6) > 3, -1.5),
    "where": lambda x: torch.where(torch.arange(6) > 2, x, torch.full((6,), 2.0).double()),
    "pad": lambda x: functional.pad(x, (1, 2), value=2.0),
    "reflect": lambda x: functional.pad(x.unsqueeze(1), (2, 1), mode="reflect"),
    "nearest": lambda x: functional.interpolate(x.unsqueeze(1), scale_factor=2),
    "linear upsampling": lambda x: functional.interpolate(x.unsqueeze(1), size=9, mode="linear", align_corners=True),
    "bilinear": lambda x: functional.interpolate(x.view(-1, 1, 2, 3), size=(5, 4), mode="bilinear"),
    "unfold": lambda x: functional.unfold(x.view(-1, 1, 2, 3), 2),
    "triangle": lambda x: torch.tril(x.view(-1, 2, 3)),
    "pixel shuffle": lambda x: functional.pixel_shuffle(torch.cat([x, x], 1).view(-1, 4, 3, 1), 2),
    "cast": lambda x: x.to(torch.float64).contiguous(),
    "conv same": lambda x: functional.conv1d(x.unsqueeze(1), torch.ones(2, 1, 3).double(), padding="same"),
    "adaptive pool": lambda x: functional.adaptive_avg_pool1d(x.unsqueeze(1), 4),
    "parameterless gradient switch": lambda x: torch.no_grad()(lambda: 2 * x)(),
}


@pytest.fixture(scope="module")
def affine_program():
    """All affine operations beside one another, captured at once; their samples, values and expected outputs."""
    samples = np.random.default_rng(0).normal(size=(5, *VECTOR))
    model = Function(lambda x: torch.cat([AFFINE[name](x).reshape(x.shape[0], -1) for name in AFFINE], 1))
    program = network.read(model, samples)
    values = [samples]
    for layer in program.nodes[1:]:
        values.append(layer.apply(*(values[i] for i in layer.inputs)))
    return program, values


@pytest.mark.parametrize("name", AFFINE)
def test_affine_operations_equal_torch(affine_program, name):
    program, values = affine_program
    samples = torch.from_numpy(values[0].copy())
    widths = [AFFINE[key](samples[:2].clone())[0].numel() for key in AFFINE]
    start = sum(widths[: list(AFFINE).index(name)])
    expected = AFFINE[name](samples.clone()).reshape(5, -1).numpy()
    for found in (values[program.output], program.frozen().evaluate(values[0])):
        np.testing.assert_allclose(found[:, start : start + expected.shape[1]], expected, atol=1e-12)


def test_parts_of_affine_operations(affine_program):
    program, values = affine_program
    for layer, value in zip(program.nodes[1:], values[1:], strict=True):
        assert layer.kind is Kind.AFFINE
        inputs = [values[i] for i in layer.inputs]
        constant = layer.apply(*(np.zeros_like(one) for one in inputs))
        np.testing.assert_allclose(layer.linear(*inputs), value - constant, atol=1e-12)
        assert (layer.magnitude(*(abs(one) for one in inputs)) >= abs(value) - 1e-12).all()
        np.testing.assert_allclose(layer.apply(*(one[:1] for one in inputs)), value[:1], atol=1e-12)


SMOOTH_FUNCTIONS = {
    "product": lambda x: x * x,
    "quotient": lambda x: 1 / (1 + x**2),
    "layer norm": lambda x: functional.layer_norm(x, (6,)),
    "group norm": lambda x: functional.group_norm(x, 2),
    "attention": lambda x: functional.scaled_dot_product_attention(
        x.view(-1, 2, 3), x.view(-1, 2, 3), x.view(-1, 2, 3)
    ),
    "norm": lambda x: functional.normalize(x, dim=1),
    "glu": functional.glu,
    "exp": lambda x: torch.log1p(torch.exp(x)),
}


def test_smooth_operations_are_carried_and_refused_by_geometry():
    samples = np.random.default_rng(0).normal(size=(4, *VECTOR))
    model = Function(lambda x: torch.cat([2 * f(x).flatten(1) for f in SMOOTH_FUNCTIONS.values()], 1))
    program = network.read(model, samples)
    np.testing.assert_allclose(program.evaluate(samples), model(torch.from_numpy(samples)).numpy(), atol=1e-12)
    smooth = {layer.operation for layer in program.nodes if layer.kind is Kind.SMOOTH}
    assert {"product of two computed values", "LayerNorm", "GroupNorm", "attention", "norm", "GLU", "exp"} <= smooth
    with pytest.raises(UnsupportedLayerError, match="exact geometry needs a piecewise-linear network, got product"):
        program.require_piecewise_linear()


class Counting(nn.Module):
    """Changes its buffer whenever it is used."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(1))

    def forward(self, x):
        self.count += 1
        return x + self.count


class Two(nn.Module):
    """Needs two inputs."""

    def forward(self, x, y):
        return x + y


REFUSED = {
    "control flow": (Function(lambda x: x if x.sum() > 0 else -x), ModelError, "data-dependent control flow"),
    "fixed batch": (Function(lambda x: x.view(2, 6)), ModelError, "fixed number of samples"),
    "mixing by mean": (Function(lambda x: x - x.mean(0)), ModelError, "'mean'.*mixes the samples"),
    "mixing by product": (Function(lambda x: x @ x.T), ModelError, "mixes the samples"),
    "mixing by reshape": (
        Function(lambda x: x.view(-1, 2, 3).transpose(0, 1).reshape(-1, 6)),
        ModelError,
        "mixes|fixed number",
    ),
    "mixing by softmax": (nn.Sequential(nn.Linear(6, 2), nn.Softmax(dim=0)), ModelError, "mixes the samples"),
    "mixing by sort": (Function(lambda x: x.sort(0)[0]), ModelError, "mixes the samples"),
    "mixing by flip": (Function(lambda x: x.flip(0)), ModelError, "mixes the samples"),
    "mixing by size": (Function(lambda x: x / x.shape[0]), ModelError, "mixes the samples"),
    "computed bounds": (Function(lambda x: x.clamp(max=x.abs() + 1)), UnsupportedLayerError, "'clamp'"),
    "two inputs": (Two(), ModelError, "could not be traced"),
    "layers that do not fit": (
        nn.Sequential(nn.Linear(6, 2), nn.BatchNorm2d(2)),
        ModelError,
        "expected 4D input",
    ),
    "mixing by cat": (Function(lambda x: torch.cat([x, x])), ModelError, "mixes the samples"),
    "samples last": (Function(lambda x: x.T), ModelError, "first dimension of the output"),
    "changing buffer": (Counting(), ModelError, "changes its buffer 'count'"),
    "two outputs": (Function(lambda x: (x, 2 * x)), ModelError, "one output tensor, got 2"),
    "constant output": (Function(lambda x: torch.ones(3)), ModelError, "does not depend on its input"),
    "statistics of the batch": (
        nn.BatchNorm1d(6, track_running_stats=False),
        UnsupportedLayerError,
        "statistics of the",
    ),
    "functional statistics": (
        Function(lambda x: functional.batch_norm(x, None, None, training=True)),
        UnsupportedLayerError,
        "statistics of the batch",
    ),
    "dropout for ever": (Function(functional.dropout), UnsupportedLayerError, "'native_dropout'.*random"),
    "noise": (Function(lambda x: x + torch.randn(6)), UnsupportedLayerError, "'randn'.*random"),
    "integers": (Function(lambda x: x.long().float()), UnsupportedLayerError, "'_to_copy'"),
    "wrong shape": (Function(lambda x, m: m(x), nn.Linear(5, 2)), ModelError, "samples of shape \\(6,\\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_say_what_and_leave_the_model_alone(name, capfd):
    model, error, text = REFUSED[name]
    example = np.ones((2, 6))
    with unchanged(model), pytest.raises(error, match=text):
        network.read(model, example)
    assert capfd.readouterr() == ("", "")


def test_dictionary_with_one_tensor_and_input_changed_in_place():
    program = network.read(Function(lambda x: {"logits": functional.relu_(x)}), np.ones((1, 3)))
    x = np.array([[-1.0, 0.0, 2.0]])
    np.testing.assert_array_equal(program.evaluate(x), [[0.0, 0.0, 2.0]])
    np.testing.assert_array_equal(x, [[-1.0, 0.0, 2.0]])


def test_shared_module_keeps_its_path_and_a_plain_tensor_attribute_is_live():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.activation, self.layer = nn.ReLU(), nn.Linear(2, 2)
            self.mask = torch.ones(2)

        def forward(self, x):
            return self.activation(self.layer(self.activation(x))) * self.mask

    model = Twice()
    program = network.read(model, torch.randn(1, 2))
    assert [layer.name for layer in program.nodes[1:4]] == ["activation", "layer", "activation"]
    model.mask.fill_(0.0)
    np.testing.assert_array_equal(program.evaluate(np.ones((1, 2))), np.zeros((1, 2)))
