"""Norms of single samples' gradients against a loop of single backward passes, vmap(grad) and closed forms."""

from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn.utils import parametrizations

from inscape._errors import DataError, InputError, ModelError, UnsupportedLayerError
from inscape.gradients import contributions
from inscape.testing import unchanged

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


class Mapped(nn.Module):
    """A module between two functions."""

    def __init__(self, module, before=lambda x: x, after=lambda x: x):
        super().__init__()
        self.module, self.before, self.after = module, before, after

    def forward(self, x):
        return self.after(self.module(self.before(x)))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3)
        self.second, self.head = nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.Linear(3, 4)
        self.norm.running_mean.copy_(torch.tensor([0.1, -0.2, 0.3]))
        self.norm.running_var.copy_(torch.tensor([0.5, 1.5, 2.0]))

    def forward(self, x):
        x = F.relu(self.norm(self.first(x)), inplace=True)
        return self.head((x + self.second(x)).relu().mean((2, 3)))


class Raw(nn.Module):
    """Two matrices of one module, one of them multiplied from the right, and functional activations."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Parameter(torch.randn(5, 6)), nn.Parameter(torch.randn(6, 4))

    def forward(self, x):
        return torch.tanh(F.linear(x, self.left)) @ torch.ones(5, 6, dtype=x.dtype) @ self.right


class Rows(nn.Module):
    """Positions folded into rows: (n, t, e) → (n·t, e), or (t·n, e)."""

    def __init__(self, swap):
        super().__init__()
        self.inner, self.head, self.swap = nn.Linear(5, 6), nn.Linear(6, 4), swap

    def forward(self, x):
        x = x.transpose(0, 1) if self.swap else x
        hidden = torch.sigmoid(self.inner(x.reshape(-1, 5))).reshape(*x.shape[:2], 6)
        return self.head(hidden.mean(0 if self.swap else 1))


class Attention(nn.Module):
    def __init__(self, batch_first):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=batch_first)
        self.head, self.batch_first = nn.Linear(6, 4), batch_first

    def forward(self, x):
        x = x if self.batch_first else x.transpose(0, 1)
        return self.head(self.attention(x, x, x, need_weights=False)[0].mean(1 if self.batch_first else 0))


class Words(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.words, self.head = nn.Embedding(9, 6, **options), nn.Linear(6, 4)

    def forward(self, x):
        return self.head(self.words(x).mean(1))


def transformer(norm_first, batch_first):
    layer = nn.TransformerEncoderLayer(6, 2, 8, dropout=0.2, norm_first=norm_first, batch_first=batch_first)
    turned = (lambda x: x) if batch_first else (lambda x: x.transpose(0, 1))
    pooled = nn.Sequential(Mapped(layer, turned, lambda x: turned(x).mean(1)), nn.Linear(6, 4))
    return pooled


def half_frozen():
    model = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 4))
    model[0].requires_grad_(False)
    return model


def pooled(*layers):
    return nn.Sequential(*layers, nn.Flatten(2), Mapped(nn.Identity(), after=lambda x: x.mean(2)))


IMAGE, SEQUENCE, SIGNAL = (3, 7, 7), (7, 5), (4, 20)
MODELS = {
    "mlp": ((5,), lambda: nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 8), nn.ReLU(True), nn.Linear(8, 4))),
    "linear 3-D, direct": ((30, 5), lambda: Mapped(nn.Sequential(nn.Linear(5, 6), nn.GELU(), nn.Linear(6, 4)),
                                                  after=lambda x: x.mean(1))),
    "linear 3-D, ghost": ((2, 5), lambda: Mapped(nn.Sequential(nn.Linear(5, 9), nn.SiLU(), nn.Linear(9, 4)),
                                                 after=lambda x: x.mean(1))),
    "linear 4-D": ((2, 3, 5), lambda: Mapped(nn.Linear(5, 4), after=lambda x: x.square().mean((1, 2)))),
    "conv1d": (SIGNAL, lambda: pooled(
        nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2), nn.ReLU(), nn.Conv1d(6, 4, 1))),
    "conv1d, ghost": ((4, 6), lambda: pooled(nn.Conv1d(4, 20, 3, stride=2, padding=1, groups=2), nn.ReLU(),
                                             nn.Conv1d(20, 4, 2, padding="same"))),
    "conv2d": (IMAGE, lambda: pooled(nn.Conv2d(3, 4, (2, 3), padding="same", dilation=(2, 1)), nn.ReLU(inplace=True),
                                     nn.Conv2d(4, 4, 3, stride=2, groups=2, bias=False), nn.Tanh())),
    "conv2d, ghost": ((6, 4, 4), lambda: pooled(nn.Conv2d(6, 24, 3, padding=1, stride=(1, 2)), nn.ReLU(),
                                                nn.Conv2d(24, 4, 2, padding="valid", dilation=(2, 1), groups=2))),
    "conv2d, reflected": (IMAGE, lambda: pooled(
        nn.Conv2d(3, 6, 3, padding=1, padding_mode="reflect"), nn.ReLU(), nn.Conv2d(6, 4, 1, stride=2))),
    "one position": ((3, 4, 4), lambda: nn.Sequential(nn.Conv2d(3, 4, 4), nn.Flatten())),
    "residual, batch norm": (IMAGE, Residual),
    "norms of images": (IMAGE, lambda: pooled(
        nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.InstanceNorm2d(4, affine=True), nn.Conv2d(4, 4, 2))),
    "instance norm, tracked": (IMAGE, lambda: pooled(
        nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4, affine=True, track_running_stats=True), nn.ReLU())),
    "norms of sequences": (SEQUENCE, lambda: Mapped(
        nn.Sequential(nn.Linear(5, 6), nn.LayerNorm(6), nn.ReLU(), nn.RMSNorm((7, 6)), nn.Linear(6, 4)),
        after=lambda x: x.mean(1))),
    "batch norm, 2-D": ((5,), lambda: nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ELU(), nn.Linear(6, 4))),
    "embedding": ("words", Words),
    "embedding, padding": ("words", lambda: Words(padding_idx=0)),
    "embedding, sparse": ("words", lambda: Words(sparse=True)),
    "attention, batch first": (SEQUENCE, lambda: nn.Sequential(nn.Linear(5, 6), Attention(True))),
    "attention": (SEQUENCE, lambda: nn.Sequential(nn.Linear(5, 6), Attention(False))),
    "encoder layer": (SEQUENCE, lambda: nn.Sequential(nn.Linear(5, 6), transformer(False, False))),
    "encoder layer, batch first": (SEQUENCE, lambda: nn.Sequential(nn.Linear(5, 6), transformer(False, True))),
    "encoder layer, norm first": (SEQUENCE, lambda: nn.Sequential(nn.Linear(5, 6), transformer(True, True))),
    "encoder layer, norm first, sequence first": (
        SEQUENCE, lambda: nn.Sequential(nn.Linear(5, 6), transformer(True, False))),
    "raw matrices": ((6,), Raw),
    "raw matrix, positions": ((40, 6), lambda: Mapped(Raw(), after=lambda x: x.mean(1))),
    "folded rows": (SEQUENCE, lambda: Rows(False)),
    "folded rows, sequence first": (SEQUENCE, lambda: Rows(True)),
    "half frozen": ((5,), half_frozen),
}  # fmt: skip


def made(name, dtype=torch.float64, samples=9):
    shape, build = MODELS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(len(name))
        model = build().to(dtype)
        for parameter in model.parameters():  # scales and shifts away from 1 and 0
            parameter.data.add_(0.1 * torch.randn_like(parameter))
        x = torch.randint(0, 9, (samples, 7)) if shape == "words" else torch.randn(samples, *shape, dtype=dtype)
        return model, x, torch.randint(0, 4, (samples,))


def weight_of(model, layer):
    """Name of the weight of a layer, told from its path."""
    names = [name for name, _ in model.named_parameters()]
    if layer in names:
        return layer
    (name,) = [n for n in names if n.rpartition(".")[0] == layer and n.endswith("weight")]
    return name


def one_by_one(model, loss, x, y, names):
    """(n, L) norms by a loop of single backward passes, and the gradient of the mean loss."""
    parameters = [p.requires_grad_() for name, p in model.named_parameters() if name in names]
    order = [name for name, _ in model.named_parameters() if name in names]
    rows = []
    for i in range(len(x)):
        found = torch.autograd.grad(loss(model(x[i : i + 1]), y[i : i + 1]), parameters)
        rows.append({name: float(g.to_dense().double().norm()) for name, g in zip(order, found, strict=True)})
    whole = torch.autograd.grad(loss(model(x), y), parameters)
    mean = {name: float(g.to_dense().double().norm()) for name, g in zip(order, whole, strict=True)}
    return np.array([[row[name] for name in names] for row in rows]), np.array([mean[name] for name in names])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("name", MODELS)
def test_norms_are_those_of_single_backward_passes(name, dtype):
    model, x, y = made(name, dtype)
    with unchanged(model):
        found = contributions(model, None, (x, y), batch_size=4)
    assert found.refused == ()
    names = [weight_of(model, layer) for layer in found.layers]
    matrices = {n for n, p in model.named_parameters() if "weight" in n or p.ndim == 2}
    assert set(names) == matrices
    norms, mean = one_by_one(model.eval(), F.cross_entropy, x, y, names)
    tolerance = TOLERANCE[dtype]
    np.testing.assert_allclose(found.norms, norms, rtol=tolerance, atol=tolerance * norms.max())
    np.testing.assert_allclose(found.mean_gradient, mean, rtol=tolerance, atol=tolerance * norms.max())
    assert found.norms.dtype == np.float64
    np.testing.assert_array_equal(found.labels, y)


@pytest.mark.parametrize("name", ["mlp", "linear 3-D, direct", "conv2d, reflected", "norms of images"])
def test_norms_are_those_of_vmap(name):
    model, x, y = made(name)
    found = contributions(model, None, (x, y))
    parameters = {key: value.detach() for key, value in model.named_parameters()}

    def loss(values, a, b):
        return F.cross_entropy(functional_call(model.eval(), values, (a[None],)), b[None])

    single = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, x, y)
    norms = np.stack([single[weight_of(model, layer)].flatten(1).norm(dim=1).numpy() for layer in found.layers], 1)
    np.testing.assert_allclose(found.norms, norms, rtol=1e-10, atol=1e-10 * norms.max())


@settings(max_examples=15)
@given(
    widths=st.lists(st.integers(1, 7), min_size=2, max_size=4),
    samples=st.integers(1, 9),
    batch_size=st.integers(1, 9),
    seed=st.integers(0, 10**6),
)
def test_random_perceptrons_in_any_batches(widths, samples, batch_size, seed):
    source = torch.Generator().manual_seed(seed)
    layers = []
    for inputs, units in pairwise(widths):
        linear = nn.Linear(inputs, units, dtype=torch.float64)
        linear.weight.data = torch.randn(units, inputs, generator=source, dtype=torch.float64)
        layers += [linear, nn.Tanh()]
    model = nn.Sequential(*layers)
    x = torch.randn(samples, widths[0], generator=source, dtype=torch.float64)
    y = torch.randn(samples, widths[-1], generator=source, dtype=torch.float64)
    found = contributions(model, None, (x, y), batch_size=batch_size)
    norms, mean = one_by_one(model, F.mse_loss, x, y, [f"{layer}.weight" for layer in found.layers])
    np.testing.assert_allclose(found.norms, norms, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.mean_gradient, mean, rtol=1e-10, atol=1e-12)


def test_alike_samples_cohere_and_opposite_ones_cancel():
    model = nn.Linear(3, 2, bias=False, dtype=torch.float64)
    x = torch.tensor([[1.0, -2.0, 0.5]], dtype=torch.float64)
    alike = contributions(model, None, (x.repeat(5, 1), torch.ones(5, 2)))
    assert alike.coherence == pytest.approx([1.0])
    goal = model(x).detach()
    opposite = contributions(model, None, (x.repeat(2, 1), torch.cat([goal + 1, goal - 1])))
    assert opposite.coherence == pytest.approx([0.0], abs=1e-12)


def test_a_fitted_layer_has_no_coherence():
    model = nn.Linear(2, 1, dtype=torch.float64)
    x = torch.eye(2, dtype=torch.float64)
    found = contributions(model, None, (x, model(x).detach()))
    assert found.norms.tolist() == [[0.0], [0.0]]
    assert np.isnan(found.coherence).all()
    assert found.gini.tolist() == [0.0]


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.twice, self.head = nn.Linear(5, 5), nn.Linear(5, 4)

    def forward(self, x):
        return self.head(self.twice(self.twice(x).tanh()))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(5, 6, batch_first=True), nn.Linear(6, 4)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def parametrised():
    return nn.Sequential(parametrizations.orthogonal(nn.Linear(5, 5)), nn.Tanh(), nn.Linear(5, 4))


def solid():
    return nn.Sequential(nn.Conv3d(1, 2, 2), nn.Flatten(), nn.Linear(16, 4))


@pytest.mark.parametrize(
    ("model", "shape", "layer", "reason", "kept"),
    [
        (Tied(), (5,), "twice", "used 2 times", ("head",)),
        (Recurrent(), SEQUENCE, "lstm", "no instrumented call uses lstm.weight", ("head",)),
        (parametrised(), (5,), "0.parametrizations.weight", "no instrumented call uses", ("2",)),
        (solid(), (1, 3, 3, 3), "0", "conv3d is not instrumented", ("2",)),
        (Words(scale_grad_by_freq=True), "words", "words", "embedding is not instrumented", ("head",)),
    ],
    ids=["tied", "lstm", "parametrised", "conv3d", "by frequency"],
)
def test_layers_without_norms_are_listed_by_name(model, shape, layer, reason, kept):
    x = torch.randint(0, 9, (6, 7)) if shape == "words" else torch.randn(6, *shape)
    y = torch.arange(6) % 4
    with unchanged(model):
        found = contributions(model, None, (x, y))
    assert found.layers == kept
    assert [name for name, _ in found.refused if name.startswith(layer)]
    assert all(reason in why for name, why in found.refused if name.startswith(layer))
    assert "no norms of single samples" in str(found.status)
    norms, _ = one_by_one(model, F.cross_entropy, x, y, [f"{name}.weight" for name in kept])
    np.testing.assert_allclose(found.norms, norms, rtol=1e-4, atol=1e-6)


class Mixing(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(5, 6), nn.Linear(6, 4)

    def forward(self, x):
        hidden = self.first(x)
        return self.second(hidden - hidden.mean(0))


def test_a_model_that_mixes_samples_is_refused():
    with pytest.raises(UnsupportedLayerError, match="first: its output does not keep the samples apart"):
        contributions(Mixing(), None, (torch.randn(8, 5), torch.arange(8) % 4))


def weighted(output, y):
    return F.cross_entropy(output, y, weight=torch.tensor([1.0, 3.0, 1.0, 5.0]))


def ignoring(output, y):
    return F.cross_entropy(output, y, ignore_index=3)


def summed(output, y):
    return F.cross_entropy(output, y, reduction="sum")


@pytest.mark.parametrize("loss", [weighted, ignoring, summed])
@pytest.mark.parametrize("start", [0, 2], ids=["first batch", "later batch"])
def test_losses_that_are_no_mean_are_refused(loss, start):
    model = nn.Linear(5, 4)
    # in the later case the first batch holds one class only, where the first two losses are a mean
    y = torch.tensor([0, 0, 0, 0, 0, 0, 0, 0] if start else []).long()
    y = torch.cat([y, torch.tensor([0, 1, 2, 3, 1, 1, 3, 3])])
    x = torch.randn(len(y), 5)
    with (
        unchanged(model),
        pytest.raises(InputError, match="the mean of its samples' losses, but in a batch of 8 a sample"),
    ):
        contributions(model, loss, (x, y), batch_size=8)


def test_train_mode_is_refused_where_samples_are_tied():
    x, y = torch.randn(6, 5), torch.arange(6) % 4
    model = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 4))
    with unchanged(model), pytest.raises(UnsupportedLayerError, match=r"statistics of the batch \(1\) and dropout"):
        contributions(model, None, (x, y), mode="train")
    bare = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6, track_running_stats=False), nn.Linear(6, 4))
    with pytest.raises(UnsupportedLayerError, match=r"statistics of the batch \(1\)"):
        contributions(bare, None, (x, y))
    free = nn.Sequential(nn.Linear(5, 6), nn.Dropout(0.0), nn.Linear(6, 4))
    assert contributions(free, None, (x, y), mode="train").provenance.options["mode"] == "train"


def test_running_statistics_serve_in_auto_mode():
    model = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Linear(6, 4))
    x, y = torch.randn(6, 5), torch.arange(6) % 4
    with pytest.raises(UnsupportedLayerError, match="statistics of the batch"):
        contributions(model, None, (x, y), mode="auto")  # the running statistics have seen nothing
    model(x)
    assert contributions(model, None, (x, y), mode="auto").provenance.options["mode"] == "eval"


def test_all_forms_of_data_give_the_same():
    model, x, y = made("mlp")
    whole = contributions(model, None, (x, y), batch_size=4)
    pieces = [(x[:4], y[:4]), (x[4:8], y[4:8]), (x[8:], y[8:])]
    for data in (pieces, iter(pieces), ((a, b) for a, b in pieces), torch.utils.data.TensorDataset(x, y)):
        found = contributions(model, None, data, batch_size=4)
        np.testing.assert_array_equal(found.norms, whole.norms)
        np.testing.assert_array_equal(found.mean_gradient, whole.mean_gradient)
    assert contributions(model, None, (x.numpy(), y.numpy())).norms.shape == (9, 3)


@pytest.mark.parametrize("swap", [False, True])
def test_a_first_batch_of_one_sample_tells_layouts_apart(swap):
    model, x, y = made("folded rows, sequence first" if swap else "folded rows")
    found = contributions(model, None, [(x[:1], y[:1]), (x[1:], y[1:])])
    np.testing.assert_allclose(found.norms, contributions(model, None, (x, y)).norms, rtol=1e-10)


def test_many_batches_pass_the_short_sums():
    model, x, y = made("mlp", torch.float32, samples=40)
    found = contributions(model, None, (x, y), batch_size=1)
    np.testing.assert_allclose(found.mean_gradient, contributions(model, None, (x, y)).mean_gradient, rtol=1e-5)


def test_targets_have_no_labels():
    model, x, _ = made("mlp")
    found = contributions(model, None, (x, torch.zeros(9, 4)))
    assert found.labels.size == 0
    assert "label" not in found.columns()


def test_progress_is_told_of_every_batch():
    told = []

    class Counter:
        def start(self, description, total):
            told.append((description, total))

        def advance(self, amount):
            told.append(amount)

        def stop(self):
            told.append("stop")

    model, x, y = made("mlp")
    contributions(model, None, (x, y), batch_size=4, progress=Counter())
    assert told == [("contributions", 3), 1, 1, 1, "stop"]


class Fickle(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(5, 4), nn.Linear(5, 4)

    def forward(self, x):
        return self.one(x) if float(x[0, 0]) > 0 else self.other(x)


def test_wrong_input_is_named():
    model, x, y = made("mlp")
    with pytest.raises(DataError, match="empty"):
        contributions(model, None, (x[:0], y[:0]))
    with pytest.raises(UnsupportedLayerError, match="the model has no weight"):
        contributions(nn.Flatten(), None, (x, y))
    ones = torch.ones(4, 5)
    with pytest.raises(ModelError, match="calls other layers from batch to batch"):
        contributions(Fickle(), None, [(ones, y[:4]), (-ones, y[:4])])
