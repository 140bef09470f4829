"""Where samples and units lie: known places in models of every kind."""

import pytest
import torch
from torch import nn

from inscape.gradients._sites import find_sites, weight_rows
from inscape.gradients._watch import watched


def sites_of(model, x):
    with watched(model, gradient=False) as watch:
        return find_sites(watch, x, torch.zeros(len(x)))[0]


class Sum(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x):
        return self.second(torch.tanh(self.first(x) + x))


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        return torch.tanh(self.layer(torch.tanh(self.layer(x))))


class Folded(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.last = nn.Linear(4, 5), nn.Linear(5, 2)

    def forward(self, x):
        rows = torch.relu(self.layer(x.transpose(0, 1).reshape(-1, 4)))
        return self.last(rows).reshape(x.shape[1], len(x), 2).mean(0)


def test_convolutions_have_their_units_on_the_second_axis():
    (site,) = sites_of(nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU()), torch.randn(5, 1, 7, 7))
    assert (site.label, site.units, site.axis, site.layout) == ("0", 6, 1, "first")
    assert [event.name for event in site.between] == ["1"]


@pytest.mark.parametrize(("batch_first", "layout"), [(True, "first"), (False, "second")])
def test_sequences_are_told_apart_by_their_values(batch_first, layout):
    class Samples(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first)

        def forward(self, x):
            x = x if batch_first else x.transpose(0, 1)
            y = self.inner(x)
            return (y if batch_first else y.transpose(0, 1)).mean(1)

    (site,) = sites_of(Samples(), torch.randn(3, 3, 8))  # as many positions as samples
    assert (site.label, site.units, site.layout) == ("inner.linear1", 16, layout)


def test_rows_of_samples_and_positions_are_told_apart():
    x = torch.randn(4, 6, 4)
    model = Folded()
    (site,) = sites_of(model, x)
    assert (site.layout, site.units) == ("folded second", 5)
    rows = model.layer(x.transpose(0, 1).reshape(-1, 4))
    parts = torch.cat(list(site.parts(rows, 4)))
    assert torch.allclose(parts, model.layer(x))


def test_sums_of_branches_are_fed_by_no_layer():
    (site,) = sites_of(Sum(), torch.randn(3, 3))
    assert site.layer is None
    assert site.label == "tanh after first"


def test_a_layer_that_is_used_twice_is_numbered():
    assert [site.label for site in sites_of(Twice(), torch.randn(3, 3))] == ["layer", "layer (call 2)"]


def test_a_flat_output_is_one_unit():
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 1)

        def forward(self, x):
            return torch.sigmoid(self.layer(x).squeeze(1))

    (site,) = sites_of(Flat(), torch.randn(4, 3))
    (part,) = site.parts(torch.arange(4.0), 4)
    assert site.units == 1
    assert tuple(part.shape) == (4, 1, 1)


@pytest.mark.parametrize("groups", [1, 2])
def test_rows_of_transposed_convolutions_are_what_a_pulse_gives(groups):
    layer = nn.ConvTranspose2d(4, 6, 2, stride=2, groups=groups, bias=False)
    (site,) = sites_of(nn.Sequential(layer, nn.ReLU()), torch.randn(3, 4, 3, 3))
    pulses = torch.eye(4).reshape(4, 4, 1, 1)
    truth = layer(pulses).square().sum((0, 2, 3))  # (6,): all inputs, all places of the kernel
    assert torch.allclose(weight_rows(site.layer).square().sum(1), truth, rtol=1e-5)


def test_columns_of_a_product_are_its_rows():
    class Product(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(3, 2))

        def forward(self, x):
            return torch.tanh(x @ self.weight)

    model = Product()
    (site,) = sites_of(model, torch.randn(4, 3))
    assert torch.equal(weight_rows(site.layer), model.weight.detach().T)
