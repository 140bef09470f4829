"""The probe finds where samples lie and refuses what has no norms; the visitor keeps the norms of a batch."""

import gc
import weakref

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from inscape._errors import InputError
from inscape.gradients._mean_gradient import MeanGradient
from inscape.gradients._samples import Places, SampleNorms, check_mean, probe
from inscape.gradients._watch import mean_loss, watched

Y = torch.arange(8) % 4


class Turned(nn.Module):
    """Samples on the second axis inside, folded into rows for the last layer."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = nn.Linear(5, 6), nn.LayerNorm(6), nn.Linear(6, 4)

    def forward(self, x):
        hidden = self.two(torch.tanh(self.one(x.transpose(0, 1))))
        return self.three(hidden.reshape(-1, 6)).reshape(len(hidden), len(x), 4).mean(0)


class Pair(nn.Module):
    """The second layer sees the mean of all samples, and so does the loss of each."""

    def __init__(self):
        super().__init__()
        self.apart, self.mixed = nn.Linear(5, 4), nn.Linear(5, 4)

    def forward(self, x):
        return self.apart(x) + self.mixed(x.mean(0, keepdim=True))


def found(model, x, loss=None, y=Y):
    with watched(model) as seen:
        return probe(seen, loss, x, y)


def test_layouts_are_found_by_proof():
    places = found(Turned().double(), torch.randn(8, 7, 5, dtype=torch.float64))
    assert list(places.found.values()) == ["second", "second", "folded second"]
    assert places.refused == {}


def test_a_sequence_as_long_as_the_probe_is_told_from_the_samples():
    places = found(Turned().double(), torch.randn(8, 3, 5, dtype=torch.float64))
    assert list(places.found.values()) == ["second", "second", "folded second"]


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_few_samples_do(samples):
    places = found(Turned().double(), torch.randn(samples, 7, 5, dtype=torch.float64), y=Y[:samples])
    assert list(places.found.values()) == ["second", "second", "folded second"]


def test_mixing_is_refused():
    places = found(Pair().double(), torch.randn(8, 5, dtype=torch.float64))
    assert places.found == {}
    assert places.refused["apart"].startswith("its output does not keep the samples apart")
    assert "apart" in places.refused["mixed"]


def test_a_layer_without_a_gradient_is_named():
    class Cut(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(5, 4), nn.Linear(4, 4)

        def forward(self, x):
            return self.second(self.first(x).detach())

    places = found(Cut().double(), torch.randn(8, 5, dtype=torch.float64))
    assert places.refused == {"first": "no gradient reaches it"}


@pytest.mark.parametrize(
    "loss",
    [
        lambda out, y: F.cross_entropy(out, y, weight=torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=out.dtype)),
        lambda out, y: F.cross_entropy(out, y, reduction="sum"),
        lambda out, y: F.cross_entropy(out, y).square(),
    ],
    ids=["weighted", "sum", "square"],
)
def test_losses_that_are_no_mean_are_refused_even_if_labels_are_sorted(loss):
    places = found(nn.Linear(5, 4).double(), torch.randn(8, 5, dtype=torch.float64), loss, Y.sort().values)
    assert places.found == {}
    assert "the loss is not the mean" in places.refused[""] if "" in places.refused else places.refused["weight"]


def batch(loss, y):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 4)).double()
    with watched(model) as seen:
        run = seen.run(torch.randn(len(y), 5), y, lambda event, h, output: None)
        check_mean(loss, run)


def test_one_sample_tells_whether_the_loss_is_a_mean():
    with torch.random.fork_rng():
        batch(None, Y)
        batch(lambda out, y: F.cross_entropy(out, y, label_smoothing=0.1), Y)
        batch(lambda out, y: F.cross_entropy(out, y, reduction="sum"), Y[:1])
        with pytest.raises(InputError, match="in a batch of 8 a sample counts 2 times as much as alone"):
            batch(lambda out, y: F.cross_entropy(out, y, ignore_index=9), torch.tensor([0, 1, 2, 3, 9, 9, 9, 9]))
        with pytest.raises(InputError, match=r"counts 1\.333 times"):
            batch(lambda out, y: F.cross_entropy(out, y, ignore_index=0), Y)
        with pytest.raises(InputError, match="counts 8 times as much"):
            batch(lambda out, y: F.cross_entropy(out, y, reduction="sum"), Y)


def test_norms_and_means_of_a_batch():
    model = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.LayerNorm(6), nn.Linear(6, 4, bias=False)).double()
    x = torch.randn(8, 5, dtype=torch.float64)
    with watched(model) as seen:
        places = probe(seen, None, x, Y)
        weights = {0: seen.leaves["0.weight"], 2: seen.leaves["2.weight"], 3: seen.leaves["3.weight"]}
        means = {index: MeanGradient(weight) for index, weight in weights.items()}
        visitor = SampleNorms(places, 8, means=means)
        run = seen.run(x, Y, visitor)
        assert sorted(visitor.edges) == [0, 3]
        ends = [weights[2], *visitor.edges.values()]
        (scale, *_) = torch.autograd.grad(mean_loss(None, run.output, run.y), ends)
    value = F.cross_entropy(model(x), Y)
    whole = torch.autograd.grad(value, [model[0].weight, model[2].weight, model[3].weight])
    torch.testing.assert_close(scale, whole[1])
    assert means[0].norm(8) == pytest.approx(float(whole[0].norm()), rel=1e-12)
    assert means[3].norm(8) == pytest.approx(float(whole[2].norm()), rel=1e-12)
    for i in range(8):
        single = torch.autograd.grad(F.cross_entropy(model(x[i : i + 1]), Y[i : i + 1]), [model[0].weight])
        assert float(visitor.squares[0][i]) * 64 == pytest.approx(float(single[0].square().sum()), rel=1e-10)


def test_places_that_are_not_looked_at_have_no_hook():
    model = nn.Linear(5, 4).double()
    with watched(model) as seen:
        visitor = SampleNorms(Places(), 8)
        run = seen.run(torch.randn(8, 5), Y, visitor)
        mean_loss(None, run.output, run.y).backward()
    assert visitor.squares == {}


def test_the_probe_lets_its_graphs_go():
    alive = []

    def loss(output, y):
        alive.append(weakref.ref(output))
        return F.cross_entropy(output, y)

    gc.collect()
    gc.disable()
    try:
        found(nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4)), torch.randn(8, 5), loss)
        assert [ref() for ref in alive if ref() is not None] == []
    finally:
        gc.enable()
