"""Elementwise activations: which functions they are, their derivatives, and where these change."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import log
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from inscape._errors import InputError
from inscape.maps import transition_halfwidth

_FUNCTIONS: dict[str, tuple[Callable[..., Any], ...]] = {
    "relu": (F.relu, torch.relu, Tensor.relu, Tensor.relu_, F.relu_, torch.relu_),
    "sigmoid": (F.sigmoid, torch.sigmoid, Tensor.sigmoid, Tensor.sigmoid_, torch.sigmoid_, torch.special.expit),
    "tanh": (F.tanh, torch.tanh, Tensor.tanh, Tensor.tanh_, torch.tanh_),
    "leaky_relu": (F.leaky_relu, F.leaky_relu_),
    "relu6": (F.relu6,),
    "elu": (F.elu, F.elu_),
    "selu": (F.selu, F.selu_, torch.selu, torch.selu_),
    "celu": (F.celu, F.celu_, torch.celu, torch.celu_),
    "gelu": (F.gelu,),
    "silu": (F.silu,),
    "mish": (F.mish,),
    "softplus": (F.softplus,),
    "softsign": (F.softsign,),
    "logsigmoid": (F.logsigmoid,),
    "hardsigmoid": (F.hardsigmoid,),
    "hardtanh": (F.hardtanh, F.hardtanh_),
    "hardswish": (F.hardswish,),
    "hardshrink": (F.hardshrink, torch.hardshrink, Tensor.hardshrink),
    "softshrink": (F.softshrink,),
    "tanhshrink": (F.tanhshrink,),
    "threshold": (F.threshold, torch.threshold, torch.threshold_),
    "prelu": (F.prelu, torch.prelu, Tensor.prelu),
}

OPERATIONS: dict[Callable[..., Any], str] = {
    function: name for name, functions in _FUNCTIONS.items() for function in functions
}
"""Every function that counts as an elementwise activation → its name."""

SATURATING = frozenset({"sigmoid", "tanh", "softsign", "hardsigmoid", "hardtanh", "relu6"})
"""Activations whose derivative vanishes on both sides."""

KINKED = frozenset({"relu", "leaky_relu", "prelu", "threshold"})
"""Activations with a single kink at one point and constant slopes beside it; they have no transition width."""


@dataclass(frozen=True, kw_only=True)
class Activation:
    """An elementwise activation with the options that it was called with.

    Attributes:
        name: its name, such as ``"relu"``.
        function: from a tensor to a tensor of the same shape, never in place.
        options: what tells this activation from others of its name.
        slopes: (1,) or (channels,) slopes below zero of a PReLU, which are a parameter; None for all others.
    """

    name: str
    function: Callable[[Tensor], Tensor]
    options: tuple[tuple[str, float | str], ...] = ()
    slopes: Tensor | None = field(default=None, compare=False)

    def derivative(self, z: Tensor) -> Tensor:
        """The derivative at every value; at a kink it is torch's choice.

        Args:
            z: pre-activations.

        Returns:
            A tensor of the same shape.
        """
        if self.name == "relu":
            return (z > 0).to(z.dtype)
        if self.name == "tanh":
            return 1 - torch.tanh(z).square()
        if self.name == "sigmoid":
            value = torch.sigmoid(z)
            return value * (1 - value)
        with torch.enable_grad():
            at = z.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.function(at).sum(), at)
        return slope

    @property
    def saturating(self) -> bool:
        """Whether the derivative vanishes on both sides."""
        return self.name in SATURATING

    @property
    def kinked(self) -> bool:
        """Whether there is a kink in place of a transition."""
        return self.name in KINKED


@dataclass(frozen=True, kw_only=True)
class Transition:
    r"""Where an activation changes between its two sides.

    Attributes:
        centre: middle of the transition, in units of the pre-activation.
        halfwidth: half its width, :math:`z^*`; 0 for a kink.
        largest: largest value of \|ν'\|.
        reference_gate: logarithm of the factor that the derivative has on a gradient where nothing is wrong: that of
            the largest derivative for saturating activations, of a half-open rectifier for the others.
    """

    centre: float
    halfwidth: float
    largest: float
    reference_gate: float


_GRID = np.linspace(-30.0, 30.0, 120_001)
_STEP = 0.0005
_HALVINGS = 30


def _closed_form(name: str, delta: float) -> Transition | None:
    if name == "sigmoid":
        halfwidth = transition_halfwidth("sigmoid", delta)
        return Transition(centre=0.0, halfwidth=halfwidth, largest=0.25, reference_gate=log(0.25))
    if name == "tanh":
        halfwidth = transition_halfwidth("tanh", delta)
        return Transition(centre=0.0, halfwidth=halfwidth, largest=1.0, reference_gate=0.0)
    if name == "relu":
        return Transition(centre=0.0, halfwidth=0.0, largest=1.0, reference_gate=0.5 * log(0.5))
    return None


def _parametric(slopes: Tensor) -> Transition:
    """The kink of a PReLU, whose slopes below zero, one for a channel, are a parameter."""
    sizes = slopes.detach().double().abs()
    gate = 0.5 * log(0.5 * (1 + float(sizes.square().mean())))
    return Transition(centre=0.0, halfwidth=0.0, largest=max(1.0, float(sizes.max())), reference_gate=gate)


def transition(activation: Activation, delta: float = 0.5) -> Transition:
    r"""Where an activation changes.

    An activation that saturates on both sides changes where :math:`|ν'(z)| ≥ δ \max |ν'|`. One that goes over from a
    slope to another (ELU, GELU, softplus, ...) changes where :math:`|ν''(z)| ≥ δ \max |ν''|`. Sigmoid, tanh and ReLU
    have closed forms; others are looked up on a grid of step 0.0005 between -30 and 30, and the borders of saturating
    ones are refined from there.

    Args:
        activation: the activation.
        delta: level, 0 < δ ≤ 1.

    Returns:
        The transition.

    Raises:
        InputError: if δ is no share.

    Example:
        >>> tanh = Activation(name="tanh", function=torch.tanh)
        >>> round(transition(tanh, 0.25).halfwidth, 4)  # cosh² z = 4
        1.317
    """
    if not 0.0 < delta <= 1.0:
        raise InputError(f"expected 0 < delta ≤ 1, a share of the largest derivative, got {delta}")
    if activation.slopes is not None:
        return _parametric(activation.slopes)
    return _closed_form(activation.name, delta) or _numeric(activation, delta)


def _edge(activation: Activation, inside: float, step: float, level: float) -> float:
    """The border of |ν'| ≥ level between a point of the grid and its neighbour outside, by bisection."""
    outside = inside + step
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        steep = float(activation.derivative(torch.tensor([middle], dtype=torch.float64)).abs()) >= level
        inside, outside = (middle, outside) if steep else (inside, middle)
    return inside


def _numeric(activation: Activation, delta: float) -> Transition:
    slope = activation.derivative(torch.from_numpy(_GRID)).numpy()
    size = np.abs(slope)
    largest = float(size.max())
    gate = log(largest) if activation.saturating else 0.5 * log(float(0.5 * (slope[0] ** 2 + slope[-1] ** 2)))
    changing = size if activation.saturating else np.abs(np.gradient(slope, _GRID))
    if activation.kinked:
        kink = float(_GRID[int(np.argmax(np.abs(np.gradient(slope, _GRID))))])
        return Transition(centre=round(kink, 3), halfwidth=0.0, largest=largest, reference_gate=gate)
    inside = _GRID[changing >= delta * changing.max()]
    low, high = float(inside[0]), float(inside[-1])
    if activation.saturating:
        low, high = _edge(activation, low, -_STEP, delta * largest), _edge(activation, high, _STEP, delta * largest)
    return Transition(centre=(low + high) / 2, halfwidth=(high - low) / 2, largest=largest, reference_gate=gate)
