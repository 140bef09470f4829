"""Figures of fields, by their numbers."""

import numpy as np
import pytest
import torch
from torch import nn

import inscape
from inscape._errors import InputError
from inscape.geometry import Box, Plane
from inscape.gradients import field

SQUARE = Box(low=(-1, -1), high=(1, 1))


def chain():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)).double()


def images():
    torch.manual_seed(0)
    plane = Plane.random(np.zeros((1, 4, 4)), radius=1, rng=0)
    return nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(18, 3)).double(), plane


def test_the_boundary_of_a_linear_model_is_its_line():
    model = nn.Linear(2, 2, bias=False).double()
    model.weight.data[:] = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
    line = field(model, None, SQUARE, resolution=16).info().lines[0].points
    ends = line[np.isfinite(line[:, 0])]
    assert len(ends) > 20
    assert np.abs(ends @ [1.0, 2.0]).max() < 1e-12


def test_three_classes_meet_in_a_point():
    model = nn.Linear(2, 3, bias=False).double()
    angle = 2 * np.pi * np.arange(3) / 3 + 0.3
    model.weight.data[:] = torch.as_tensor(np.stack([np.cos(angle), np.sin(angle)], axis=1))
    line = field(model, None, SQUARE, resolution=31).info().lines[0].points.reshape(-1, 3, 2)[:, :2]
    spokes = np.linalg.norm(line, axis=2).min(1) < 0.05
    assert spokes.sum() >= 3
    scores = line.reshape(-1, 2) @ model.weight.detach().numpy().T
    ranked = np.sort(scores, axis=1)
    assert np.abs(ranked[:, 2] - ranked[:, 1]).max() < 0.06


def test_data_are_drawn_on_the_plane():
    model, plane = images()
    x = torch.randn(700, 1, 4, 4).double()
    y = torch.arange(700) % 3
    found = field(model, None, plane, resolution=4, data=(x, y))
    assert np.allclose(found.points, plane.project(x.numpy()))
    assert np.array_equal(found.labels, y.numpy())
    (markers,) = found.info().markers
    assert 0 < len(markers.points) <= 300
    assert (markers.points >= plane.low).all()
    targets = field(model, None, plane, resolution=4, data=[(x[:5], torch.rand(5)), (x[5:6], torch.rand(1))])
    assert len(targets.points) == 6
    assert targets.labels.shape == (0,)
    with pytest.raises(InputError, match=r"samples of shape \(1, 4, 4\)"):
        field(model, None, plane, resolution=4, data=(torch.zeros(3, 2), y[:3]))


@pytest.mark.parametrize("which", ["field", "misfit", "gate:tanh after 0", "gain:2", "input"])
def test_maps_are_decadic_logarithms(which):
    found = field(chain(), None, SQUARE, resolution=4)
    grid = found.values[0] if which == "field" else found.factors(0)[which]
    info = found.info(which)
    assert np.allclose(info.values, grid / np.log(10))
    assert info.vmin < info.vmax
    titles = {"field": "Layer 0", "misfit": "Misfit", "gain:2": "Gain of 2", "input": "Layer 0, input"}
    about = titles.get(which, "Gate of tanh after 0")
    assert info.title.startswith(f"{about}: a new sample of the predicted class")


def test_the_summary_has_a_row_for_every_layer():
    found = field(chain(), None, SQUARE, resolution=5)
    table = found.info("summary")
    assert table.columns["layer"] == ("0", "2", "4")
    assert "predicted" in table.caption
    facts = found.facts()
    assert facts["grid"] == "5 × 5 points"
    assert facts["new sample"] == "of the predicted class"
    with pytest.raises(InputError, match="one of field, summary, misfit"):
        found.info("gate:none")
    with pytest.raises(InputError, match="expected a layer among 0, 2, 4"):
        found.info("field", "9")


def test_constant_maps_can_be_drawn():
    model = nn.Linear(2, 2).double()
    found = field(model, lambda output, y: output.sum(1).mean(), SQUARE, label=0, resolution=3)
    for backend in ("matplotlib", "plotly"):
        assert inscape.plotting.render(found.info("misfit"), backend=backend) is not None


def test_a_network_without_gradient_can_be_drawn():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)).double()
    model[0].bias.data -= 100
    found = field(model, None, SQUARE, label=0, resolution=3)
    assert (found.still == 1).all()
    assert np.isnan(found.info().values).all()
    assert found.plot() is not None
