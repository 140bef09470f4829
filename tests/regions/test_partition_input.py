"""What cannot be cut is refused in words, and the model stays as it was."""

import inspect
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from inscape import InscapeError
from inscape._errors import BudgetError
from inscape.geometry import Box, Plane, Segment
from inscape.regions import Everywhere, boundary, lipschitz, partition, predict_cells
from inscape.testing import random_net, unchanged

SQUARE = Box(low=(-1.0, -1.0), high=(1.0, 1.0))
VERBS = {"partition": partition, "boundary": boundary, "lipschitz": lipschitz, "predict_cells": predict_cells}


@pytest.fixture(params=VERBS)
def verb(request):
    """A verb as a user calls it, without the type checks of the test run."""
    return inspect.unwrap(VERBS[request.param])


def spoilt(value, where):
    model = random_net([2, 6, 3], rng=0)
    with torch.no_grad():
        model[where].weight[1, 1] = value
    return model


def smooth_inside():
    return nn.Sequential(nn.Linear(2, 6), nn.Sequential(nn.Linear(6, 6), nn.Tanh()), nn.Linear(6, 2))


def refusal(call, *arguments, **options):
    """The text of the error; it must be one of the library's own."""
    with pytest.raises(InscapeError) as caught:
        call(*arguments, **options)
    return str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("where", [0, 2])
def test_weights_that_are_not_finite(verb, value, where):
    model = spoilt(value, where)
    assert "finite" in refusal(verb, model, SQUARE)


@pytest.mark.parametrize(
    "domain",
    [
        Box(low=(0, 0, 0), high=(1, 1, 1)),
        Box(low=(0,), high=(1,)),
        Segment(np.zeros(3), np.ones(3)),
        Plane.random(np.zeros(5), rng=0),
        Plane.random(np.zeros((2, 1)), rng=0),
    ],
    ids=["box 3", "box 1", "segment", "plane", "columns"],
)
def test_domain_in_another_space(verb, domain):
    text = refusal(verb, random_net([2, 6, 3], rng=0), domain)
    assert "'linear' in module '0'" in text
    assert str(domain.shape) in text


@pytest.mark.parametrize("cut", [partition, boundary, lipschitz])
def test_box_of_dimension_seven(cut):
    text = refusal(cut, random_net([7, 6, 3], rng=0), Box(low=np.zeros(7), high=np.ones(7)))
    assert "dimension 1 to 6" in text
    assert "explore" in text


def test_smooth_layer_inside_names_operation_and_module(verb):
    model = smooth_inside()
    with unchanged(model):
        text = refusal(verb, model, SQUARE)
    assert "Tanh" in text
    assert "'1.1'" in text
    assert "supported" in text


def test_smooth_layer_through_export_names_the_module(verb):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(2, 4), nn.Linear(4, 2)

        def forward(self, x):
            return self.second(nn.functional.gelu(self.first(x)) + 1)

    assert "GELU" in refusal(verb, Net(), SQUARE)


def test_batch_statistics_of_training(verb):
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4, track_running_stats=False), nn.ReLU(), nn.Linear(4, 2))
    text = refusal(verb, model, SQUARE)
    assert "batch normalisation in module '1'" in text
    assert "track_running_stats" in text


def test_mode_of_the_model_is_kept_and_does_not_matter():
    model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
    counts = []
    for mode in (True, False):
        model.train(mode)
        with unchanged(model):
            counts.append(partition(model, SQUARE).cell_count)
        assert model.training is mode
    assert counts[0] == counts[1] > 1


@pytest.mark.parametrize("limit", [0, -1])
@pytest.mark.parametrize("call", [partition, boundary])
def test_no_cells_at_all(call, limit):
    text = refusal(call, random_net([2, 3, 1], rng=0), SQUARE, max_cells=limit)
    assert f"expected max_cells ≥ 1, a whole number, got {limit}" in text


WRONG = """
import numpy as np
from inscape import InscapeError
from inscape.geometry import Box
from inscape.regions import boundary, lipschitz, partition
from inscape.testing import random_net
net, square = random_net([2, 6, 3], rng=0), Box(low=(-1, -1), high=(1, 1))
calls = {
    "got tuple": lambda: partition(net, (-1, 1)), "got ndarray": lambda: partition(net, np.zeros((2, 2))),
    "got NoneType": lambda: boundary(net, None), "Module, got str": lambda: partition("net", square),
    "Module, got NoneType": lambda: lipschitz(None, square), "got 2.5": lambda: partition(net, square, max_cells=2.5),
    "got '5'": lambda: partition(net, square, max_cells="5"),
    "such as (0, 1), got 5": lambda: boundary(net, square, between=5),
    "1, 2 or inf, got 'two'": lambda: lipschitz(net, square, "two"),
}
for text, call in calls.items():
    try:
        call()
    except InscapeError as error:
        assert text in str(error), error
    else:
        raise SystemExit(text)
"""


def test_wrong_types_are_named_without_any_type_checker():
    """In a process of its own, where nothing but the library looks at the types."""
    done = subprocess.run([sys.executable, "-c", WRONG], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_numbers_out_of_range():
    model = random_net([2, 6, 3], rng=0)
    assert "finite level" in refusal(boundary, model, SQUARE, level=float("nan"))
    assert "got lines=0" in refusal(predict_cells, model, SQUARE, lines=0)
    assert "start > 0" in refusal(Everywhere, start=-1.0)
    assert "doublings ≥ 1" in refusal(Everywhere, doublings=0)


def test_boxes_and_planes_that_are_none():
    assert "low < high" in refusal(Box, low=(0, 1), high=(1, 1))
    assert "low < high" in refusal(Box, low=(0, 2), high=(1, 1))
    assert "collinear" in refusal(Plane.through, (0, 0, 0), (1, 1, 1), (2, 2, 2))
    assert "different points" in refusal(Segment, (1, 1), (1, 1))
    assert "finite" in refusal(Box, low=(0, float("nan")), high=(1, 1))


def test_example_that_does_not_fit():
    text = refusal(partition, random_net([2, 3, 1], rng=0), SQUARE, example=np.zeros((1, 3)))
    assert "3" in text


def test_refusals_leave_the_model_untouched(verb):
    model = random_net([2, 6, 3], rng=0)
    with unchanged(model):
        refusal(verb, model, Box(low=(0,), high=(1,)))


def test_a_layer_that_cannot_fit_is_refused_before_memory_is_asked_for():
    layer = nn.Linear(2, 700)
    angle = torch.linspace(0, 3.1, 700)
    with torch.no_grad():
        layer.weight.copy_(torch.stack([angle.cos(), angle.sin()], dim=1))
        layer.bias.copy_(0.1 * torch.sin(40 * angle))
    model = nn.Sequential(layer, nn.ReLU(), nn.Linear(700, 1))
    with pytest.raises(BudgetError, match=r"the layer '1' alone could cut this domain into up to 2\d\d,\d\d\d cells"):
        partition(model, Box(low=(-1, -1), high=(1, 1)), max_cells=10)
    assert partition(model, Box(low=(-1, -1), high=(1, 1)), max_cells=300_000).cell_count > 50_000
