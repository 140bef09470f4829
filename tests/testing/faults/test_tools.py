"""The rule of thumb says what it promises, and Inscape's own tool hands on the verdict."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from inscape import gradients
from inscape.gradients import Cause
from inscape.testing import unchanged
from inscape.testing.faults import FaultCase, Net, gradient_norm_tool, inscape_tool

RELU = Net(depth=4, width=16, activation="relu", init="he")


def said(case):
    return gradient_norm_tool(case.build(), case.loss(), case.data())


@pytest.mark.parametrize(
    ("case", "answer"),
    [
        (FaultCase(kind="healthy", net=RELU), (Cause.NONE, None)),
        (FaultCase(kind="detached", net=RELU, place=1), (Cause.DETACHED, "2")),
        (FaultCase(kind="dead_units", net=RELU, place=2), (Cause.DEAD_UNITS, "4")),
        (FaultCase(kind="fitted", net=Net(depth=2, width=32)), (Cause.FITTED, None)),
        (FaultCase(kind="large_init", net=RELU), (Cause.LARGE_WEIGHTS, "0")),
        (FaultCase(kind="small_init", net=Net(depth=7, width=16)), (Cause.SMALL_WEIGHTS, "0")),
    ],
)
def test_rule_of_thumb(case, answer):
    cause, layer = said(case)
    assert cause is answer[0]
    assert layer == answer[1] or cause in {Cause.LARGE_WEIGHTS, Cause.SMALL_WEIGHTS}


@pytest.mark.parametrize("norm", ["", "batch"])
def test_the_model_is_not_touched(norm):
    case = FaultCase(kind="healthy", net=Net(depth=3, width=8, activation="relu", init="he", norm=norm))
    model = case.build()
    with unchanged(model):
        gradient_norm_tool(model, case.loss(), case.data())


def test_norms_are_those_of_autograd():
    """One weight of gradient 20 is above the threshold, one of gradient 2 is not."""
    model = nn.Linear(1, 1, bias=False)
    for target, cause in ((-10.0, Cause.LARGE_WEIGHTS), (-1.0, Cause.NONE)):
        with torch.no_grad():
            model.weight.zero_()
        assert (
            gradient_norm_tool(model, nn.functional.mse_loss, (torch.ones(1, 1), torch.full((1, 1), target)))[0]
            is cause
        )


def test_inscapes_verdict_is_handed_on(monkeypatch):
    def diagnose(model, loss, data):
        return SimpleNamespace(verdict=SimpleNamespace(cause=Cause.DEAD_UNITS, layer="3"))

    monkeypatch.setattr(gradients, "diagnose", diagnose, raising=False)
    case = FaultCase(kind="healthy", net=RELU)
    assert inscape_tool(case.build(), case.loss(), case.data()) == (Cause.DEAD_UNITS, "3")
