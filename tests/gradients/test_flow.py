"""What is measured at every call, against retained gradients; shares of branches; what is refused."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from inscape._errors import ModelError
from inscape.gradients import budget
from inscape.gradients._flow import measure, squares
from inscape.testing import unchanged


def flow_of(model, data, *, loss=None, mode="eval", batch_size=4):
    with unchanged(model):
        return measure(model, loss, data, mode=mode, batch_size=batch_size, progress=None)


class Kept(nn.Module):
    """A network that keeps what is inside it, for gradients to be looked at."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Conv1d(2, 4, 2), nn.LayerNorm(3), nn.Linear(12, 3)
        self.kept = None

    def forward(self, x):
        a = self.first(x)
        b = self.norm(a)
        c = torch.sigmoid(b)
        d = self.last(c.flatten(1))
        self.kept = [a, b, c, d]
        return d


def test_sums_are_those_of_retained_gradients():
    torch.manual_seed(0)
    model = Kept().double()
    x, y = torch.randn(10, 2, 4).double(), torch.arange(10) % 3
    flow = flow_of(model, (x, y))
    loss = F.cross_entropy(model(x), y, reduction="sum")
    a, b, c, d = model.kept
    at = dict(
        zip(("first", "norm", "sigmoid after norm", "last"), torch.autograd.grad(loss, [a, b, c, d]), strict=True)
    )
    stations = {station.event.name: station for station in flow.stations}
    assert list(stations) == list(at)
    for name, gradient in at.items():
        assert stations[name].arriving == pytest.approx(squares(gradient), rel=1e-12)
    assert flow.output == pytest.approx(squares(at["last"]), rel=1e-12)
    assert stations["last"].passed == pytest.approx(squares(at["sigmoid after norm"]), rel=1e-12)
    assert stations["norm"].passed == pytest.approx(squares(at["first"]), rel=1e-12)
    assert stations["first"].inputs == pytest.approx(squares(x), rel=1e-12)
    assert stations["first"].nonzero == x.numel()
    assert flow.count == 10
    assert flow.whole
    assert [station.event.name for station in flow.stations if station.event.parameter] == ["first", "norm", "last"]
    model.kept = None


def test_means_do_not_depend_on_the_batches():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).double()
    x, y = torch.randn(11, 3).double(), torch.arange(11) % 2
    whole, parts = flow_of(model, (x, y), batch_size=11), flow_of(model, (x, y), batch_size=3)
    for one, other in zip(whole.stations, parts.stations, strict=True):
        assert one.arriving == pytest.approx(other.arriving, rel=1e-12)
        assert (one.zeros, one.entries) == (other.zeros, other.entries)
        if one.mean is not None:
            assert torch.allclose(one.mean, other.mean, rtol=1e-12, atol=0)
            assert one.samples == pytest.approx(other.samples, rel=1e-12)
    assert whole.loss == pytest.approx(parts.loss, rel=1e-12)


def test_closed_and_constant_units_are_counted():
    model = nn.Sequential(nn.Linear(1, 3), nn.ReLU(), nn.Linear(3, 2)).double()
    model[0].weight.data[:] = torch.tensor([[1.0], [-1.0], [1.0]])
    model[0].bias.data[:] = torch.tensor([0.0, 0.0, -9.0])
    x = torch.tensor([[-2.0], [1.0], [3.0], [4.0]]).double()
    found = budget(model, None, (x, torch.tensor([0, 1, 0, 1])), batch_size=2)
    place = found.calls.index("relu after 0")
    assert found.zero_share[place] == pytest.approx((1 + 3 + 4) / 12)
    assert found.constant_share[place] == pytest.approx(1 / 3)
    assert np.isnan(found.zero_share[found.calls.index("0")])


def test_a_model_that_changes_its_path_is_refused():
    class Fickle(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.last = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2)

        def forward(self, x):
            return self.last(torch.tanh((self.one if x[0, 0] > 0 else self.two)(x)))

    x = torch.ones(8, 3)
    x[4:] = -1
    with pytest.raises(ModelError, match="calls other layers from batch to batch"):
        flow_of(Fickle(), (x, torch.arange(8) % 2))


def test_layers_that_mix_samples_are_named():
    class Mixing(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(3, 3), nn.Linear(3, 2)

        def forward(self, x):
            x = self.first(x)
            return self.last(torch.tanh(x - x.mean(0)))

    torch.manual_seed(0)
    flow = flow_of(Mixing().double(), (torch.randn(8, 3).double(), torch.arange(8) % 2), batch_size=8)
    assert set(flow.places.refused) == {"first", "last"}
    stations = {station.event.name: station for station in flow.stations}
    assert stations["first"].samples is None
    assert stations["first"].mean is not None


def test_dropout_at_work_is_refused():
    model = nn.Sequential(nn.Linear(4, 5), nn.Dropout(0.5), nn.Linear(5, 3))
    data = torch.randn(6, 4), torch.arange(6) % 3
    with pytest.raises(ModelError, match="dropout after 0"):
        budget(model, None, data, mode="train")
    model[1].p = 0.0
    assert np.isfinite(budget(model, None, data, mode="train").log_gradient).all()
    assert np.isfinite(budget(model, None, data).log_gradient).all()


class Sum(nn.Module):
    """y = c (A x + B tanh(x) + x) behind a first layer."""

    def __init__(self):
        super().__init__()
        self.first, self.left, self.right, self.last = (nn.Linear(3, 3) for _ in range(4))

    def forward(self, x):
        x = self.first(x)
        return self.last(self.left(x) + self.right(torch.tanh(x)) + x)


def test_shares_of_a_block_are_those_of_its_branches():
    torch.manual_seed(0)
    model = Sum().double()
    x, y = torch.randn(8, 3).double(), torch.arange(8) % 3
    found = budget(model, None, (x, y), batch_size=3)
    with torch.no_grad():
        z = model.first(x)
        behind = (model(x).softmax(1) - F.one_hot(y, 3)) @ model.last.weight
        left = behind @ model.left.weight
        right = (1 - torch.tanh(z) ** 2) * (behind @ model.right.weight)
        whole = left + right + behind
    total = float((whole**2).sum())
    expected = {
        "left": float((left * whole).sum()) / total,
        "tanh after first": float((right * whole).sum()) / total,
        "skip connection, and what is not instrumented": float((behind * whole).sum()) / total,
    }
    (block,) = {name for name, _, _ in found.blocks}
    shares = {branch: share for _, branch, share in found.blocks}
    assert shares == pytest.approx(expected, rel=1e-12)
    assert block in found.names
    assert np.allclose(found.branch, 0)  # what leads to the sum leaves the gradient as it is


class Swapped(nn.Module):
    """Two branches, one of which works on the transposed tensor; samples and positions are of one number."""

    def __init__(self):
        super().__init__()
        self.first, self.plain, self.turned = (nn.Linear(3, 3) for _ in range(3))

    def forward(self, x):
        x = self.first(x)
        return (self.plain(x) + self.turned(x.transpose(0, 1)).transpose(0, 1)).sum(1)


def test_a_branch_that_turns_its_input_has_its_own_share():
    torch.manual_seed(0)
    model = Swapped().double()
    x, y = torch.randn(4, 4, 3).double(), torch.arange(4) % 3
    found = budget(model, None, (x, y))
    behind = (model(x).softmax(1) - F.one_hot(y, 3)).detach()
    plain, turned = behind @ model.plain.weight.detach(), behind @ model.turned.weight.detach()
    whole = plain + turned
    shares = {branch: share for _, branch, share in found.blocks}
    total = float((whole**2).sum())
    expected = {"plain": float((plain * whole).sum()) / total, "turned": float((turned * whole).sum()) / total}
    assert shares == pytest.approx(expected)
