"""Slabs on a plane: straight ones against their closed form, curved ones against the network itself."""

from inspect import unwrap

import numpy as np
import pytest
import torch
from torch import nn

from inscape import load, maps
from inscape._errors import DomainError, InputError
from inscape.geometry import Box, Plane, Segment
from inscape.gradients import slab_map
from inscape.plotting import render

SQUARE = Box(low=(-1, -1.5), high=(1, 1))


def net(activation, inputs=2):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(inputs, 6), activation, nn.Linear(6, 6), activation, nn.Linear(6, 3)).double()


def moons(count=80):
    rng = np.random.default_rng(0)
    return torch.tensor(rng.uniform(-1, 1, (count, 2))), torch.arange(count) % 3


@pytest.mark.parametrize("activation", [nn.Sigmoid(), nn.Tanh()])
def test_straight_slabs_are_those_of_the_closed_form(activation):
    model = net(activation)
    model[0].weight.data *= 5
    truth = maps.slabs(model, SQUARE, delta=0.3)
    found = slab_map(model, SQUARE, units=range(6), delta=0.3, resolution=20)
    assert found.halfwidth == pytest.approx(maps.transition_halfwidth(found.activation, 0.3))
    met = 0
    for index in range(6):
        for line in found.lines(index):
            away = np.abs(line @ truth.normals[index] + truth.offsets[index])
            np.testing.assert_allclose(away, truth.thickness[index] / 2, atol=1e-12)
            met += 1
    borders = sum(len(part.points[~np.isnan(part.points[:, 0])]) // 2 for part in truth.polylines())
    assert met == borders


@pytest.mark.parametrize("activation", [nn.Tanh(), nn.ReLU(), nn.GELU()])
def test_curved_borders_lie_where_the_network_says(activation):
    model, plane = net(activation, inputs=5), Plane.random(np.zeros(5), radius=2.0, rng=0)
    model[2].weight.data *= 6
    found = slab_map(model, plane, layer="2", units=range(6), resolution=128)
    for index in range(6):
        for sign in (-1, 1) if found.halfwidth else (0,):
            level = found.centre + sign * found.halfwidth
            for line in found.level(index, level):
                z = model[:3](torch.tensor(plane.embed(line)))[:, index].detach().numpy()
                assert np.abs(z - level).max() < 0.02 * found.values[index].std()
    assert any(found.lines(index) for index in range(6))


def test_shares_and_columns_of_a_known_slab():
    model = net(nn.Tanh())
    model[0].weight.data[0], model[0].bias.data[0] = torch.tensor([2.0, 0.0]), 0.0
    found = slab_map(model, SQUARE, units=[0], resolution=200)
    half = np.arccosh(2**0.5) / 2  # |x₁| ≤ z* / 2 in a window of width 2
    assert found.shares()[0] == pytest.approx(half, abs=0.01)
    assert found.columns()["largest z"].tolist() == [2.0]


def test_of_a_convolution_the_middle_is_shown():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(50, 2)).double()
    samples = torch.randn(9, 1, 5, 5).double()
    plane = Plane.pca(samples)
    found = slab_map(model, plane, (samples, torch.arange(9) % 2), units=[0, 1], resolution=4)
    corner = model[0](torch.tensor(plane.embed(plane.low[None])))[0, :, 2, 2]
    np.testing.assert_allclose(found.values[:, 0, 0], corner.detach().numpy())
    np.testing.assert_allclose(found.points, plane.project(samples.numpy()))


def test_three_units_are_chosen_and_the_layer_is_named():
    model = net(nn.ReLU())
    model[2].bias.data[:4] += 50  # far from the window
    found = slab_map(model, SQUARE, layer="2", resolution=8)
    assert len(found.units) == 3
    assert {4, 5} < set(found.units.tolist())
    with pytest.raises(InputError, match="layer to be one of 0, 2, got '4'"):
        slab_map(model, SQUARE, layer="4")
    with pytest.raises(InputError, match="units between 0 and 5"):
        slab_map(model, SQUARE, units=[6])
    with pytest.raises(DomainError, match="got Segment"):
        unwrap(slab_map)(model, Segment((0, 0), (1, 1)))
    with pytest.raises(InputError, match="expected samples of shape"):
        slab_map(model, SQUARE, (torch.zeros(4, 3), torch.zeros(4).long()))
    with pytest.raises(InputError, match="no units to look at"):
        slab_map(model[:1], SQUARE)


def test_figures_show_regions_and_density():
    model = net(nn.Sigmoid())
    found = slab_map(model, SQUARE, moons(), resolution=32)
    seen = found.info("regions")
    np.testing.assert_array_equal(seen.values, maps.predict(model, SQUARE, resolution=32).label)
    assert seen.categorical
    assert len(seen.markers[0].points) == len(seen.markers[0].values)
    density = found.info("density")
    np.testing.assert_array_equal(density.values, found.density)
    for info in (seen, density):
        render(info)
        render(info, backend="plotly")
    targets = slab_map(model, SQUARE, (moons()[0], torch.zeros(80)), resolution=8)
    assert targets.info("regions").markers[0].values is None
    with pytest.raises(InputError, match="no data were given"):
        slab_map(model, SQUARE, resolution=8).info("density")
    with pytest.raises(InputError, match="expected which"):
        found.info("nothing")


def test_a_slab_outside_the_window_leaves_no_line():
    model = net(nn.ReLU())
    model[0].bias.data[:] = 100.0
    found = slab_map(model, SQUARE, units=[0], resolution=8)
    assert found.lines(0) == []
    assert found.info().lines == ()
    assert "0 of 1" in found.summary()


def test_it_can_be_saved(tmp_path):
    found = slab_map(net(nn.Tanh()), SQUARE, moons(), resolution=8)
    again = load(found.save(tmp_path / "map"))
    np.testing.assert_array_equal(again.values, found.values)
    assert again.layer == "0"
