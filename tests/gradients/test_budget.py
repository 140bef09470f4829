"""The budget telescopes in any network, and its sum is the gradient that plain autograd gives."""

from itertools import pairwise
from math import inf, isnan, log

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from inscape._errors import DataError, ModelError
from inscape.gradients import budget, diagnose
from inscape.results import Verdict
from inscape.testing import unchanged


class Functional(nn.Module):
    """Functional calls, works in place, a matrix product with a parameter."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 6), nn.Linear(5, 3)
        self.matrix = nn.Parameter(torch.randn(6, 5) * 0.4)

    def forward(self, x):
        return self.last(F.silu(F.relu_(self.first(x)) @ self.matrix))


class Residual(nn.Module):
    """Convolutions, batch normalisation, skip connections and pooling."""

    def __init__(self):
        super().__init__()
        self.stem, self.stem_norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.one, self.one_norm = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.two, self.two_norm = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.last = nn.Linear(4, 3)

    def forward(self, x):
        x = F.relu(self.stem_norm(self.stem(x)))
        inner = F.relu(self.one_norm(self.one(x)), inplace=True)
        x = F.relu(x + self.two_norm(self.two(inner)))
        return self.last(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Inception(nn.Module):
    """Three branches that are put side by side; one of them is no layer."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 4, 1)
        self.narrow, self.wide = nn.Conv2d(4, 3, 1), nn.Conv2d(4, 3, 3, padding=1)
        self.last = nn.Conv2d(10, 3, 2)

    def forward(self, x):
        x = torch.tanh(self.stem(x))
        pooled = F.max_pool2d(x, 3, stride=1, padding=1)
        x = torch.cat([F.gelu(self.narrow(x)), torch.sigmoid(self.wide(x)), pooled], dim=1)
        return self.last(x).mean((2, 3))


class Encoder(nn.Module):
    """A transformer encoder over vectors or over tokens and their places."""

    def __init__(self, *, tokens=False, batch_first=True, norm_first=False):
        super().__init__()
        self.batch_first = batch_first
        self.embed = nn.Embedding(7, 8) if tokens else nn.Linear(3, 8)
        self.place = nn.Embedding(5, 8) if tokens else None
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=batch_first, norm_first=norm_first)
            for _ in range(2)
        )
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        x = self.embed(x)
        if self.place is not None:
            x = x + self.place(torch.arange(5))
        x = x if self.batch_first else x.transpose(0, 1)
        for layer in self.layers:
            x = layer(x)
        return self.last(x.mean(1 if self.batch_first else 0))


class Free(nn.Module):
    """A branch that does not depend on the input, and a layer that is used twice."""

    def __init__(self):
        super().__init__()
        self.first, self.twice, self.last = nn.Linear(4, 5), nn.Linear(5, 5), nn.Linear(5, 3)
        self.query = nn.Parameter(torch.randn(1, 4))
        self.side = nn.Linear(4, 5)

    def forward(self, x):
        x = torch.tanh(self.first(x)) + torch.tanh(self.side(self.query))
        return self.last(torch.tanh(self.twice(torch.tanh(self.twice(x)))))


class Prepared(nn.Module):
    """Works on the input before the first layer."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(2, 5), nn.Linear(5, 3)

    def forward(self, x):
        x = (x - x.mean(1, keepdim=True)) * 2
        return self.last(torch.tanh(self.first(x[:, :2])))


class Turned(nn.Module):
    """An output that does not lie in the memory in order."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x))).t().contiguous().t()


def chain(activation, *, inputs=4):
    return nn.Sequential(nn.Linear(inputs, 6), activation, nn.Linear(6, 5), activation, nn.Linear(5, 3))


FLAT, IMAGE, SERIES, TOKENS = (4,), (2, 4, 4), (5, 3), None
MODELS = {
    "tanh": (lambda: chain(nn.Tanh()), FLAT),
    "relu": (lambda: chain(nn.ReLU()), FLAT),
    "relu in place": (lambda: chain(nn.ReLU(inplace=True)), FLAT),
    "sigmoid": (lambda: chain(nn.Sigmoid()), FLAT),
    "gelu": (lambda: chain(nn.GELU()), FLAT),
    "functional": (Functional, FLAT),
    "turned": (Turned, FLAT),
    "prepared": (Prepared, FLAT),
    "free branch": (Free, FLAT),
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 2), nn.Tanh(), nn.Flatten(),
            nn.Linear(4, 3),
        ),
        IMAGE,
    ),
    "residual": (Residual, IMAGE),
    "inception": (Inception, IMAGE),
    "post-norm": (lambda: Encoder(batch_first=False), SERIES),
    "pre-norm": (lambda: Encoder(norm_first=True), SERIES),
    "tokens": (lambda: Encoder(tokens=True, norm_first=True), TOKENS),
}  # fmt: skip


def build(name, *, samples=12, dtype=torch.float64):
    torch.manual_seed(1)
    make, shape = MODELS[name]
    model = make().to(dtype).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    x = torch.randint(7, (samples, 5)) if shape is None else torch.randn(samples, *shape, dtype=dtype)
    return model, x, torch.arange(samples) % 3


def gradients(model, x, y, loss=F.cross_entropy):
    """Gradient of the mean loss over all samples, with the model as it stands."""
    names, values = zip(*model.named_parameters(), strict=True)
    found = torch.autograd.grad(loss(model(x), y), values, allow_unused=True)
    return dict(zip(names, found, strict=True))


def close(found, truth, tolerance=1e-12):
    return abs(found - truth) <= tolerance * max(1.0, abs(truth))


@pytest.mark.parametrize("batch_size", [5, 256])
@pytest.mark.parametrize("name", MODELS)
def test_the_sum_is_the_gradient_of_plain_autograd(name, batch_size):
    model, x, y = build(name)
    with unchanged(model):
        found = budget(model, None, (x, y), batch_size=batch_size)
    truth = gradients(model, x, y)
    assert set(found.parameters) <= set(truth)
    assert found.whole
    assert close(found.loss, float(F.cross_entropy(model(x), y).detach()))
    for layer, parameter, size in zip(found.layers, found.parameters, found.log_gradient, strict=True):
        assert close(size, log(float(truth[parameter].norm())), 1e-10), layer
        total = sum(value for _, value in found.terms(layer).values())
        assert close(total, size), layer


@pytest.mark.parametrize("name", MODELS)
def test_every_matrix_is_a_layer(name):
    model, x, y = build(name, samples=6)
    found = budget(model, None, (x, y))
    matrices = {key for key, value in model.named_parameters() if value.ndim >= 2} - {"query"}
    assert matrices <= set(found.parameters)


@pytest.mark.parametrize("name", ["residual", "convolutions", "tanh"])
def test_batch_statistics_of_one_batch_telescope(name):
    model, x, y = build(name)
    with unchanged(model):
        found = budget(model, None, (x, y), mode="train")
    model.train()
    truth = gradients(model, x, y)
    for layer, parameter, size in zip(found.layers, found.parameters, found.log_gradient, strict=True):
        assert close(size, log(float(truth[parameter].norm())), 1e-9), layer
        assert close(sum(value for _, value in found.terms(layer).values()), size), layer
    assert np.isnan(found.alignment).all() == (name == "residual")
    assert ("batch statistics" in found.status.detail) == (name == "residual")


def test_batch_normalisation_that_has_seen_nothing_uses_the_batch():
    model, x, y = build("residual")
    assert budget(model, None, (x, y), mode="auto").mode == "batch statistics"
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.num_batches_tracked += 1
    assert budget(model, None, (x, y), mode="auto").mode == "eval"


@pytest.mark.parametrize("name", ["tanh", "prepared", "convolutions", "residual", "pre-norm", "post-norm", "inception"])
def test_single_samples_are_those_of_plain_autograd(name):
    model, x, y = build(name, samples=7)
    found = budget(model, None, (x, y), batch_size=4)
    single = [gradients(model, x[i : i + 1], y[i : i + 1]) for i in range(len(x))]
    assert not found.refused
    for parameter, size in zip(found.parameters, found.log_single, strict=True):
        mean = np.mean([float(one[parameter].norm()) ** 2 for one in single])
        assert close(size, 0.5 * log(mean), 1e-9), parameter


def test_gains_and_gates_of_a_chain_are_those_of_explicit_matrices():
    model, x, y = build("tanh")
    found = budget(model, None, (x, y), batch_size=5)
    first, second, last = (model[i] for i in (0, 2, 4))
    with torch.no_grad():
        z1 = first(x)
        z2 = second(torch.tanh(z1))
        delta = last(torch.tanh(z2)).softmax(1) - F.one_hot(y, 3)
        behind2 = delta @ last.weight
        delta2 = (1 - torch.tanh(z2) ** 2) * behind2
        behind1 = delta2 @ second.weight
        delta1 = (1 - torch.tanh(z1) ** 2) * behind1
    sizes = [delta, behind2, delta2, behind1, delta1]
    expected = [log(float(b.norm() / a.norm())) for a, b in pairwise(sizes)]
    assert found.names == ("4", "tanh after 2", "2", "tanh after 0")
    assert found.categories == ("weight gain", "activation gate") * 2
    assert np.allclose(found.values, expected, rtol=1e-12, atol=0)
    assert close(found.residual, log(float(delta.norm()) / len(x) ** 0.5))
    assert close(found.change, sum(expected))
    fed = ((delta1**2).sum(1) * (x**2).sum(1)).sum() / (delta1**2).sum()
    assert close(found.inputs[0], 0.5 * log(float(fed)))
    assert np.allclose(found.alignment, 0, atol=1e-14)
    assert close(found.arriving[0], log(float(delta1.norm()) / len(x) ** 0.5))
    assert close(found.log_weight[1], log(float(second.weight.detach().norm()) / 30**0.5))
    assert list(found.depths) == [4, 2, 0]


def test_the_chance_level_has_the_labels_of_other_samples():
    model, x, y = build("tanh")
    found = budget(model, None, (x, y))
    p = model(x).softmax(1).detach()
    assert close(found.chance, log(float((p - F.one_hot(y.roll(6), 3)).norm()) / 12**0.5))


@pytest.mark.parametrize(
    ("activation", "reference"),
    [(nn.Sigmoid(), log(0.25)), (nn.Tanh(), 0.0), (nn.ReLU(), 0.5 * log(0.5)), (nn.LeakyReLU(0.5), 0.5 * log(0.625))],
)
def test_references_of_gates(activation, reference):
    torch.manual_seed(0)
    model = chain(activation).double()
    found = budget(model, None, (torch.randn(9, 4), torch.arange(9) % 3))
    gates = np.array([category == "activation gate" for category in found.categories])
    assert np.allclose(found.references[gates], reference)
    assert np.isnan(found.references[~gates]).all()
    calls = np.array([kind == "activation" for kind in found.call_kinds])
    assert np.allclose(found.call_references[calls], reference)


@pytest.mark.parametrize("name", ["residual", "inception", "post-norm", "pre-norm", "tokens"])
def test_shares_of_every_block_sum_to_one(name):
    model, x, y = build(name)
    found = budget(model, None, (x, y))
    sums: dict[str, float] = {}
    for block, _, share in found.blocks:
        sums[block] = sums.get(block, 0.0) + share
    assert sums
    assert list(sums.values()) == pytest.approx([1.0] * len(sums))


def test_a_layer_that_lets_nothing_through():
    model, x, y = build("relu")
    model[2].bias.data -= 1e3
    found = budget(model, None, (x, y))
    assert found.whole
    assert found.values[found.names.index("relu after 2")] == -inf
    assert isnan(found.change) or found.change == -inf
    assert list(found.log_gradient) == [-inf, -inf, found.log_gradient[2]]
    dead = found.calls.index("relu after 2")
    assert found.zero_share[dead] == 1
    assert found.constant_share[dead] == 1
    assert "blocked by activations" in found.facts()
    assert "lost" in str(diagnose(model, None, (x, y)).facts()["change to the first layer"])


class Detached(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 5), nn.Linear(5, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.last(torch.tanh(self.second(torch.tanh(self.first(x)).detach())))


def test_a_path_that_is_cut_is_a_status():
    torch.manual_seed(0)
    model = Detached().double()
    x, y = torch.randn(6, 4).double(), torch.arange(6) % 3
    found = budget(model, None, (x, y))
    assert not found.whole
    assert found.status.verdict is Verdict.DEGENERATE
    assert list(found.unreached) == [True, False, False]
    truth = gradients(model, x, y)
    for place in (1, 2):
        total = sum(value for _, value in found.terms(place).values())
        assert close(total, log(float(truth[found.parameters[place]].norm())))


def test_frozen_layers_are_accounted_for():
    model, x, y = build("residual")
    free = budget(model, None, (x, y))
    for parameter in model.one.parameters():
        parameter.requires_grad_(False)
    with unchanged(model):
        frozen = budget(model, None, (x, y))
    assert np.array_equal(frozen.log_gradient, free.log_gradient)


@pytest.mark.parametrize("name", ["tanh", "residual", "tokens"])
def test_one_sample_is_enough(name):
    model, x, y = build(name, samples=1)
    found = budget(model, None, (x, y))
    truth = gradients(model, x, y)
    assert found.samples == 1
    assert found.chance == -inf
    for parameter, size in zip(found.parameters, found.log_gradient, strict=True):
        assert close(size, log(float(truth[parameter].norm())), 1e-9)
    assert np.allclose(found.coherence[~np.isnan(found.alignment)], 0, atol=1e-9)


@pytest.mark.parametrize("name", ["relu", "residual", "pre-norm"])
def test_single_precision_agrees_with_double(name):
    model, x, y = build(name)
    precise = budget(model, None, (x, y))
    rough = budget(model.float(), None, (x.float(), y))
    assert np.abs(rough.log_gradient - precise.log_gradient).max() < 1e-4
    assert np.abs(rough.values - precise.values).max() < 1e-4
    for layer in range(len(rough.layers)):
        assert close(sum(value for _, value in rough.terms(layer).values()), rough.log_gradient[layer], 1e-5)


def test_losses_of_ones_own_and_targets():
    torch.manual_seed(0)
    model = chain(nn.Tanh()).double()
    x, y = torch.randn(10, 4).double(), torch.randn(10, 3).double()
    squared = budget(model, None, (x, y))
    assert close(squared.log_gradient[0], log(float(gradients(model, x, y, F.mse_loss)["0.weight"].norm())), 1e-9)
    huber = budget(model, F.huber_loss, [(x[:4], y[:4]), (x[4:], y[4:])])
    assert close(huber.log_gradient[0], log(float(gradients(model, x, y, F.huber_loss)["0.weight"].norm())), 1e-9)


def test_models_without_a_layer_are_refused():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3))

        def forward(self, x):
            return x * self.scale

    with pytest.raises(ModelError, match="no layer with a weight was seen"):
        budget(Scale(), None, (torch.randn(4, 3), torch.arange(4) % 3))
    with pytest.raises(DataError):
        budget(nn.Linear(3, 3), None, (torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)))
