"""Small networks to start with, initialised without touching the global random state."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod, sqrt
from typing import Any

import torch
from torch import nn
from torch.nn.utils import skip_init

from inscape._errors import InputError
from inscape._rng import RandomState, generator

_ACTIVATIONS: dict[str, Any] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "relu6": nn.ReLU6,
    "hardtanh": nn.Hardtanh,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}


def _initialise(model: nn.Module, rng: RandomState) -> None:
    """He's normal weights; biases uniform within one over the root of the fan-in."""
    source = generator(rng)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d):
                fan_in = prod(layer.weight.shape[1:])
                layer.weight.copy_(torch.from_numpy(source.standard_normal(layer.weight.shape) * sqrt(2 / fan_in)))
                if layer.bias is not None:
                    reach = 1 / sqrt(fan_in)
                    layer.bias.copy_(torch.from_numpy(source.uniform(-reach, reach, layer.bias.shape)))


def mlp(sizes: Sequence[int], *, activation: str = "relu", rng: RandomState = 0) -> nn.Sequential:
    """A multilayer perceptron: linear layers with an activation between them.

    Args:
        sizes: widths from the input to the output, two or more.
        activation: ``relu``, ``leaky_relu``, ``relu6``, ``hardtanh``, ``tanh``, ``sigmoid``, ``gelu`` or ``silu``.
        rng: seed or generator of the initial parameters.

    Returns:
        The module, float32, in training mode.

    Raises:
        InputError: if there are fewer than two widths, one is not positive, or the activation is unknown.

    Example:
        >>> sum(p.numel() for p in mlp([2, 8, 3]).parameters())
        51
    """
    widths = [int(size) for size in sizes]
    if len(widths) < 2 or min(widths) < 1:
        raise InputError(f"expected two or more widths ≥ 1, got {tuple(sizes)}")
    if activation not in _ACTIVATIONS:
        raise InputError(f"expected activation as one of {', '.join(_ACTIVATIONS)}, got {activation!r}")
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [skip_init(nn.Linear, before, after), _ACTIVATIONS[activation]()]
    model = nn.Sequential(*layers[:-1])
    _initialise(model, rng)
    return model


def small_convnet(*, classes: int = 10, rng: RandomState = 0) -> nn.Sequential:
    """A small convolutional classifier of 28×28 grey images: two strided convolutions and two linear layers.

    It has 512 + 216 + 32 = 760 ReLU units, few enough for exact geometry on planes.

    Args:
        classes: number of classes, two or more.
        rng: seed or generator of the initial parameters.

    Returns:
        The module, float32, in training mode; input (n, 1, 28, 28), output (n, classes).

    Raises:
        InputError: if there are fewer than two classes.

    Example:
        >>> tuple(small_convnet()(torch.zeros(2, 1, 28, 28)).shape)
        (2, 10)
    """
    if classes < 2:
        raise InputError(f"expected classes ≥ 2, got {classes}")
    model = nn.Sequential(
        skip_init(nn.Conv2d, 1, 8, 6, stride=3),
        nn.ReLU(),
        skip_init(nn.Conv2d, 8, 24, 4, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        skip_init(nn.Linear, 24 * 3 * 3, 32),
        nn.ReLU(),
        skip_init(nn.Linear, 32, classes),
    )
    _initialise(model, rng)
    return model
