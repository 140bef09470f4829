"""Fields against plain autograd, sample by sample, and against closed forms."""

import inspect

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import inscape
from inscape._errors import DomainError, InputError, ModelError, UnsupportedLayerError
from inscape.geometry import Box, Plane, Segment
from inscape.gradients import field
from inscape.results import Verdict
from inscape.testing import unchanged

SQUARE = Box(low=(-1, -1), high=(1, 1))


def points_of(found):
    columns = found.columns()
    return np.stack([columns["x"], columns["y"]], axis=1)


def embedded(found):
    return torch.as_tensor(
        (found.domain.origin + points_of(found) @ found.domain.basis).reshape(-1, *found.domain.shape)
    )


class Images(nn.Module):
    """Convolutions with grouped and strided kernels, normalisation, a skip connection and pooling."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.inner, self.group = nn.Conv2d(4, 4, 3, padding=1, groups=2), nn.GroupNorm(2, 4)
        self.last = nn.Linear(16, 3)

    def forward(self, x):
        x = F.relu(self.norm(self.first(x)), inplace=True)
        x = torch.tanh(x + self.group(self.inner(x)))
        return self.last(F.avg_pool2d(x, 2).flatten(1))


class Sequences(nn.Module):
    """A transformer encoder over four tokens of three numbers."""

    def __init__(self, batch_first, norm_first):
        super().__init__()
        self.batch_first = batch_first
        self.embed = nn.Linear(3, 8)
        self.encoder = nn.TransformerEncoderLayer(
            8, 2, 12, dropout=0.0, batch_first=batch_first, norm_first=norm_first, activation="gelu"
        )
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        x = self.embed(x if self.batch_first else x.transpose(0, 1))
        return self.last(self.encoder(x).mean(1 if self.batch_first else 0))


class Cut(nn.Module):
    """The path to the input is cut, and a branch does not depend on the input."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(2, 4), nn.Linear(4, 4), nn.Linear(4, 3)
        self.free = nn.Parameter(torch.randn(4))

    def forward(self, x):
        return self.last(torch.sigmoid(self.second(self.first(x).detach()) + torch.tanh(self.free)))


class Prepared(nn.Module):
    """Works on the input before the first layer."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(2, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.last(torch.tanh(self.first((x - 0.5) * torch.tensor([2.0, 3.0]).double())))


def chain(activation):
    return nn.Sequential(nn.Linear(2, 5), activation, nn.Linear(5, 4), activation, nn.Linear(4, 3))


CASES = {
    "tanh": (lambda: chain(nn.Tanh()), (2,)),
    "relu": (lambda: chain(nn.ReLU(inplace=True)), (2,)),
    "gelu": (lambda: chain(nn.GELU()), (2,)),
    "prepared": (Prepared, (2,)),
    "images": (Images, (1, 4, 4)),
    "signals": (
        lambda: nn.Sequential(nn.Conv1d(2, 3, 2), nn.SiLU(), nn.Flatten(), nn.LayerNorm(9), nn.Linear(9, 3)),
        (2, 4),
    ),
    "batch first": (lambda: Sequences(True, False), (4, 3)),
    "batch second": (lambda: Sequences(False, True), (4, 3)),
    "cut": (Cut, (2,)),
}


def build(name, dtype=torch.float64):
    torch.manual_seed(0)
    make, shape = CASES[name]
    model = make().to(dtype).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    plane = SQUARE if shape == (2,) else Plane.random(np.zeros(shape), radius=1, rng=0)
    return model, plane


def truth(model, loss, x, y, parameter):
    """Norm of each sample's gradient by itself."""
    found = []
    for i in range(len(x)):
        value = loss(model(x[i : i + 1]), y[i : i + 1])
        found.append(float(torch.autograd.grad(value, parameter)[0].norm()))
    return np.array(found)


@pytest.mark.parametrize("name", CASES)
def test_fields_equal_plain_autograd_and_the_product_of_their_factors(name):
    model, plane = build(name)
    with unchanged(model):
        found = field(model, None, plane, label="predicted", resolution=6)
    x = embedded(found)
    y = model(x).argmax(1).detach()
    assert np.array_equal(found.predicted.ravel(), y.numpy())
    assert found.status.verdict is Verdict.MEASURED
    parameters = dict(model.named_parameters())
    for place, layer in enumerate(found.layers):
        weight = f"{layer}.weight" if f"{layer}.weight" in parameters else f"{layer}.in_proj_weight"
        expected = truth(model, F.cross_entropy, x, y, parameters[weight])
        assert np.allclose(np.exp(found.values[place]).ravel(), expected, rtol=1e-9, atol=1e-14), layer
        total = sum(np.nan_to_num(grid, neginf=-np.inf) for grid in found.factors(layer).values())
        assert np.array_equal(np.isneginf(total), np.isneginf(found.values[place]))
        finite = np.isfinite(total)
        assert np.abs(total[finite] - found.values[place][finite]).max(initial=0) <= 1e-10, layer
    misfit = (model(x).softmax(1) - F.one_hot(y, 3)).norm(dim=1).detach().numpy()
    assert np.allclose(np.exp(found.misfit).ravel(), misfit, rtol=1e-9)


def test_every_layer_with_a_weight_has_a_map():
    assert field(*_asked("images"), resolution=3).layers == ("first", "norm", "inner", "group", "last")
    found = field(*_asked("batch second"), resolution=3)
    inner = ("norm1", "self_attn", "self_attn.out_proj", "norm2", "linear1", "linear2")
    assert found.layers == ("embed", *(f"encoder.{part}" for part in inner), "last")
    found = field(*_asked("cut"), resolution=3)
    assert found.layers == ("second", "last")
    assert dict(found.refused) == {"first": "no gradient reaches it"}
    with pytest.raises(InputError, match="layer first has no map: no gradient reaches it"):
        found.info("field", "first")


def _asked(name):
    model, plane = build(name)
    return model, None, plane


def test_gates_and_gains_of_a_chain_are_those_of_explicit_matrices():
    model, plane = build("tanh")
    found = field(model, None, plane, label=1, resolution=7)
    x = embedded(found)
    first, second, last = (model[i] for i in (0, 2, 4))
    with torch.no_grad():
        z1 = first(x)
        z2 = second(torch.tanh(z1))
        p = last(torch.tanh(z2)).softmax(1)
        delta = p - F.one_hot(torch.ones(len(x), dtype=torch.int64), 3)
        behind = delta @ last.weight
        delta2 = (1 - torch.tanh(z2) ** 2) * behind
        behind1 = delta2 @ second.weight
        delta1 = (1 - torch.tanh(z1) ** 2) * behind1
    expected = {
        "misfit": delta.norm(dim=1),
        "gain:4": behind.norm(dim=1) / delta.norm(dim=1),
        "gate:tanh after 2": delta2.norm(dim=1) / behind.norm(dim=1),
        "gain:2": behind1.norm(dim=1) / delta2.norm(dim=1),
        "gate:tanh after 0": delta1.norm(dim=1) / behind1.norm(dim=1),
        "input": x.norm(dim=1),
    }
    factors = found.factors("0")
    assert list(factors) == list(expected)
    for name, values in expected.items():
        assert np.allclose(np.exp(factors[name]).ravel(), values.numpy(), rtol=1e-12), name
    assert list(found.factors("4")) == ["misfit", "input"]


@pytest.mark.parametrize(("label", "pick"), [("predicted", 0), ("runner-up", 1)])
def test_labels_that_the_model_chooses(label, pick):
    model, plane = build("gelu")
    found = field(model, None, plane, label=label, resolution=4)
    x = embedded(found)
    y = model(x).topk(2, dim=1).indices[:, pick]
    assert np.allclose(np.exp(found.values[0]).ravel(), truth(model, F.cross_entropy, x, y, model[0].weight))


def test_a_regression_has_a_closed_form():
    model = nn.Linear(2, 1).double()
    for target in (0.0, -2.5):
        found = field(model, None, SQUARE, label=target, resolution=5)
        x = embedded(found)
        misfit = 2 * (model(x).squeeze(1) - target).abs().detach()
        assert np.allclose(np.exp(found.values[0]).ravel(), (misfit * x.norm(dim=1)).numpy())
        assert (found.predicted == -1).all()
        assert found.info().lines == ()


@pytest.mark.parametrize("shape", [(-1, 1), (-1,)])
def test_a_single_output_may_stand_for_two_classes(shape):
    model = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0) if shape == (-1,) else nn.Identity()).double()
    loss = nn.functional.binary_cross_entropy_with_logits
    x = None
    for label, sign in (("predicted", 1), ("runner-up", -1), (1, None), (0, None)):
        found = field(model, loss, SQUARE, label=label, resolution=5)
        x = embedded(found)
        value = model(x).reshape(-1).detach()
        y = (value * sign > 0).double() if sign else torch.full_like(value, label)
        expected = (torch.sigmoid(value) - y).abs() * x.norm(dim=1)
        assert np.allclose(np.exp(found.values[0]).ravel(), expected.numpy())
        assert np.array_equal(found.predicted.ravel() > 0, value.numpy() > 0)


def test_closed_gates_leave_no_gradient_and_are_counted():
    model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.ReLU(), nn.Linear(1, 2)).double()
    model[0].weight.data[:] = torch.tensor([[1.0, 0.0]])
    found = field(model, None, SQUARE, label=0, resolution=8)
    left = points_of(found)[:, 0].reshape(8, 8) < 0
    assert np.array_equal(np.isneginf(found.values), np.stack([left, left]))
    assert np.array_equal(found.still, [0.5, 0.5])
    assert np.array_equal(np.isneginf(found.factors(0)["gate:relu after 0"]), left)
    assert np.isfinite(found.factors(0)["gain:2"]).all()
    info = found.info()
    assert np.array_equal(np.isnan(info.values), left)
    assert "grey: no gradient (50.0% of the window)" in info.title


def test_the_effective_share_is_a_participation_ratio():
    model = nn.Linear(2, 1, bias=False).double()
    model.weight.data.zero_()
    found = field(model, None, SQUARE, label=1.0, resolution=40)  # the field is 2 |x|
    size = np.linalg.norm(points_of(found), axis=1)
    assert np.allclose(found.effective_share, size.mean() ** 2 / (size**2).mean())
    assert found.effective_area[0] == pytest.approx(4 * found.effective_share[0])
    assert found.effective_share[0] == pytest.approx(((2**0.5 + np.arcsinh(1)) / 3) ** 2 / (2 / 3), abs=1e-3)
    assert field(model, None, SQUARE, label=0.0, resolution=4).effective_share[0] == 0.0


def test_tiny_gradients_are_not_lost_in_single_precision():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))
    model[2].weight.data *= 0
    model[2].bias.data[:] = torch.tensor([60.0, 0.0])
    model[2].weight.data[1, 0] = 1e-3
    found = field(model, None, SQUARE, resolution=4)
    assert found.layers == ("0", "2")
    assert (found.still == 0).all()
    assert found.values[0].max() < -60


def test_single_precision_agrees_with_double():
    model, plane = build("images")
    precise = field(model, None, plane, label=2, resolution=4)
    rough = field(model.float(), None, plane, label=2, resolution=4)
    assert np.abs(rough.values - precise.values).max() < 1e-4


def test_batches_do_not_matter(monkeypatch):
    import inscape.gradients._field as module

    model, plane = build("images")
    whole = field(model, None, plane, label=0, resolution=6)
    monkeypatch.setattr(module, "_NUMBERS", 1)
    parts = field(model, None, plane, label=0, resolution=6)
    assert np.allclose(whole.values, parts.values, rtol=1e-12)
    assert np.array_equal(whole.predicted, parts.predicted)


def test_files_keep_everything(tmp_path):
    model, plane = build("images")
    found = field(model, None, plane, label="runner-up", resolution=5, data=(torch.zeros(2, 1, 4, 4), torch.arange(2)))
    again = inscape.load(found.save(tmp_path / "field"))
    assert again.summary() == found.summary()
    assert again.cite() == found.cite()
    for name in ("values", "misfit", "steps", "branch", "inputs", "alignment", "predicted", "margin", "points"):
        assert np.array_equal(getattr(again, name), getattr(found, name), equal_nan=True), name


@pytest.mark.parametrize("mode", ["train", "auto"])
def test_statistics_of_the_batch_are_refused(mode):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    with pytest.raises(UnsupportedLayerError, match=r"statistics of the batch are at work \(1\)"):
        field(model, None, SQUARE, mode=mode)


def test_dropout_at_work_is_refused():
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.Linear(3, 2))
    with pytest.raises(UnsupportedLayerError, match="dropout after 0"):
        field(model, None, SQUARE, mode="train")
    assert field(model, None, SQUARE, resolution=3).layers == ("0", "2")


def test_mixed_samples_are_refused():
    class Mixing(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(2, 2)

        def forward(self, x):
            x = self.first(x)
            return x - x.mean(0)

    with pytest.raises(UnsupportedLayerError, match="first: its output does not keep the samples apart"):
        field(Mixing(), None, SQUARE)


def test_a_weight_that_is_used_twice_has_no_map():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.twice, self.last = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.last(torch.tanh(self.twice(torch.tanh(self.twice(x)))))

    found = field(Twice().double(), None, SQUARE, resolution=3)
    assert found.layers == ("last",)
    assert dict(found.refused) == {"twice": "its weight is used 2 times in one pass"}
    assert "twice" in str(found.facts()["layers without a map"])


def test_frozen_layers_have_maps():
    model, plane = build("tanh")
    free = field(model, None, plane, label=0, resolution=4)
    model[0].requires_grad_(False)
    assert np.array_equal(field(model, None, plane, label=0, resolution=4).values, free.values)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"plane": Segment((0, 0), (1, 1))}, DomainError, "two-dimensional Box, got Segment"),
        ({"plane": Box(low=(0, 0, 0), high=(1, 1, 1))}, DomainError, "got Box"),
        ({"resolution": 1}, InputError, "expected resolution ≥ 2, got 1"),
        ({"label": 3}, InputError, "a class from 0 to 2, got label=3"),
        ({"label": "wrong"}, InputError, "got 'wrong'"),
        ({"model": nn.Sequential(nn.Linear(2, 1))}, InputError, "give the target as a float"),
        ({"model": nn.Linear(5, 3)}, ModelError, "cannot process"),
    ],
)
def test_what_does_not_fit_is_named(arguments, error, message):
    given = {"model": nn.Linear(2, 3), "plane": SQUARE} | arguments
    with pytest.raises(error, match=message):
        inspect.unwrap(field)(given.pop("model"), None, given.pop("plane"), **given)


def test_numbers_of_numpy_and_torch_are_labels():
    model, plane = build("tanh")
    plain = field(model, None, plane, label=1, resolution=3)
    for label in (np.int64(1), torch.tensor(1)):
        assert np.array_equal(field(model, None, plane, label=label, resolution=3).values, plain.values)
