"""A case: its name, its label, its data and its healthy twin."""

from dataclasses import FrozenInstanceError

import pytest
import torch
from torch import nn

from inscape._errors import InputError
from inscape.gradients import Cause
from inscape.testing import unchanged
from inscape.testing.faults import KINDS, FaultCase, Net

RELU = Net(activation="relu", init="he", depth=4, width=16)


def test_names_and_labels():
    case = FaultCase(kind="dead_units", net=RELU, place=2, seed=3, split="held-out")
    assert case.key == "dead_units@2/mlp-digits-relu-4x16/3"
    assert (case.cause, case.layer) == (Cause.DEAD_UNITS, "4")
    assert (case.family, case.dataset, case.activation, case.depth, case.width) == ("mlp", "digits", "relu", 4, 16)
    assert isinstance(case.build().get_submodule(case.layer), nn.Linear)


def test_a_sick_normalisation_is_named_itself():
    case = FaultCase(kind="small_norm", net=Net(depth=3, width=8, norm="layer"), place=1)
    assert case.layer == "4"
    assert isinstance(case.build().get_submodule("4"), nn.LayerNorm)


def test_network_wide_causes_have_no_layer():
    assert FaultCase(kind="small_init", net=RELU).layer is None
    assert FaultCase(kind="healthy", net=RELU).cause is Cause.NONE


@pytest.mark.parametrize("kind", KINDS)
def test_data_fit_the_network_and_leave_random_states_alone(kind):
    net = Net(depth=4, width=16, norm="batch" if kind == "small_norm" else "")
    case = FaultCase(kind=kind, net=net, place=0 if KINDS[kind].where else None)
    with unchanged():
        (x, y), (again, _) = case.data(), case.data()
    assert len(x) == len(y) == {"fitted": 64, "cancelling": 510}.get(kind, 512)
    assert torch.equal(x, again)
    assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
    assert float(x.max()) == pytest.approx({"tiny_inputs": 1e-3, "large_inputs": 255.0}.get(kind, 1.0))


def test_twins_differ_in_the_fault_alone():
    sick = FaultCase(kind="sigmoid", net=Net(activation="sigmoid"), seed=4)
    assert sick.twin().net == Net(activation="tanh")
    assert (sick.twin().kind, sick.twin().seed) == ("healthy", 4)
    default = FaultCase(kind="default", net=Net(activation="relu", init="default"))
    assert default.twin().net == Net(activation="relu", init="he")
    assert FaultCase(kind="healthy", net=RELU).twin() == FaultCase(kind="healthy", net=RELU)


def test_loss_is_the_mean_cross_entropy():
    loss = FaultCase(kind="healthy", net=RELU).loss()
    assert float(loss(torch.zeros(3, 10), torch.tensor([0, 1, 2]))) == pytest.approx(2.302585)


def test_the_recipe_is_plain_gradient_descent():
    weight = torch.ones(1, requires_grad=True)
    recipe = FaultCase(kind="healthy", net=RELU).recipe
    optimizer = recipe.optimizer([weight])
    for _ in range(2):
        weight.grad = torch.ones(1)
        optimizer.step()
    assert weight.item() == pytest.approx(1 - 2 * 0.03)
    assert recipe.describe()["learning_rate"] == 0.03


def test_cases_are_frozen():
    with pytest.raises(FrozenInstanceError):
        FaultCase(kind="healthy", net=RELU).seed = 1


@pytest.mark.parametrize(
    ("kind", "place", "message"),
    [
        ("tired", None, "expected kind as one of healthy, .*, got 'tired'"),
        ("dead_units", None, "the kind dead_units needs a layer as place, got place=None"),
        ("small_init", 2, "the kind small_init needs no place, got place=2"),
        ("dead_units", 4, "expected a place in 0 … 3 in mlp-digits-relu-4x16 for dead_units, got 4"),
        ("large_weights", 5, "expected a place in 0 … 4 .* got 5"),
        ("small_norm", 0, "got 0"),
    ],
)
def test_misfits_are_named(kind, place, message):
    with pytest.raises(InputError, match=message):
        FaultCase(kind=kind, net=RELU, place=place)
