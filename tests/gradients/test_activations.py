"""Activations: derivatives against autograd, transitions against closed forms."""

from math import acosh, log, sqrt

import pytest
import torch
import torch.nn.functional as F

from inscape._errors import InputError
from inscape.gradients._activations import KINKED, OPERATIONS, SATURATING, Activation, transition

NAMES = sorted(set(OPERATIONS.values()))
PLAIN = [name for name in NAMES if name not in {"prelu", "threshold"}]


def activation(name):
    return Activation(name=name, function=getattr(F, name))


@pytest.mark.parametrize("name", PLAIN)
def test_derivative_is_that_of_autograd(name):
    z = torch.linspace(-3.7, 3.7, 41, dtype=torch.float64)
    at = z.clone().requires_grad_()
    (expected,) = torch.autograd.grad(getattr(F, name)(at).sum(), at)
    with torch.no_grad():
        torch.testing.assert_close(activation(name).derivative(z), expected, rtol=1e-12, atol=1e-14)
    assert not z.requires_grad


def test_kinds():
    assert set(NAMES) >= SATURATING | KINKED
    assert activation("tanh").saturating
    assert not activation("tanh").kinked
    assert activation("relu").kinked


@pytest.mark.parametrize("delta", [0.1, 0.5, 0.9])
def test_closed_forms(delta):
    sigmoid, tanh, relu = (transition(activation(name), delta) for name in ("sigmoid", "tanh", "relu"))
    assert sigmoid.halfwidth == pytest.approx(2 * acosh(1 / sqrt(delta)))
    assert tanh.halfwidth == pytest.approx(acosh(1 / sqrt(delta)))
    assert (relu.halfwidth, relu.reference_gate) == (0.0, 0.5 * log(0.5))
    assert sigmoid.reference_gate == log(0.25)
    for name, found in (("sigmoid", sigmoid), ("tanh", tanh)):
        ends = torch.tensor([found.halfwidth, -found.halfwidth], dtype=torch.float64)
        assert activation(name).derivative(ends).tolist() == pytest.approx([delta * found.largest] * 2)


@pytest.mark.parametrize(
    ("name", "delta", "centre", "halfwidth", "largest"),
    [
        # ν'(z) = 1/(1 + |z|)², which is δ at 1/√δ - 1
        ("softsign", 0.25, 0.0, 1.0, 1.0),
        ("hardtanh", 0.5, 0.0, 1.0, 1.0),
        ("relu6", 0.5, 3.0, 3.0, 1.0),
        ("hardsigmoid", 0.5, 0.0, 3.0, 1 / 6),
        # the second derivative of softplus is the first of the sigmoid
        ("softplus", 0.5, 0.0, 2 * acosh(sqrt(2)), 1.0),
    ],
)
def test_looked_up_transitions_meet_closed_forms(name, delta, centre, halfwidth, largest):
    found = transition(activation(name), delta)
    assert found.centre == pytest.approx(centre, abs=2e-3)
    assert found.halfwidth == pytest.approx(halfwidth, abs=2e-3)
    assert found.largest == pytest.approx(largest, rel=1e-6)


def test_a_leaky_kink_has_no_width():
    leaky = Activation(name="leaky_relu", function=lambda z: F.leaky_relu(z, 0.1))
    found = transition(leaky)
    assert (found.centre, found.halfwidth, found.largest) == (0.0, 0.0, 1.0)
    assert found.reference_gate == pytest.approx(0.5 * log(0.5 * (1 + 0.01)))


@pytest.mark.parametrize("delta", [0.0, -1.0, 1.5])
def test_a_level_is_a_share(delta):
    with pytest.raises(InputError, match="expected 0 < delta ≤ 1"):
        transition(activation("tanh"), delta)
