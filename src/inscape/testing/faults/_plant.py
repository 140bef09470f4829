"""How each fault is planted into a healthy network."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from inscape.testing.faults._net import CLASSES, Net, layer_paths, norm_paths

_EVERY_WEIGHT = {"sigmoid_large": 6.0, "tanh_large": 8.0, "small_init": 0.2, "large_init": 4.0}
_ONE_WEIGHT = {"large_weights": 30.0, "small_weights": 0.01, "zero_weights": 0.0}
_ONE_BIAS = {"saturated_units": 5.0, "dead_units": -3.0}
FITTED_LOSS = 1e-4
"""Loss at which a network counts as fitted."""


def plant(model: nn.Module, net: Net, kind: str, *, place: int | None) -> None:
    """Change the parameters of a network as its kind says; kinds that change the data or train do nothing here.

    Args:
        model: the network, changed in place.
        net: what it looks like.
        kind: a key of ``KINDS``.
        place: number of the hidden layer, counted from 0; the output layer has the number ``net.depth``.
    """
    with torch.no_grad():
        if kind in _EVERY_WEIGHT:
            for path in layer_paths(net):
                _part(model, path).weight.mul_(_EVERY_WEIGHT[kind])
        if place is None:
            return
        if kind in _ONE_WEIGHT:
            _part(model, layer_paths(net)[place]).weight.mul_(_ONE_WEIGHT[kind])
        elif kind in _ONE_BIAS:
            _part(model, layer_paths(net)[place]).bias.add_(_ONE_BIAS[kind])
        elif kind == "small_norm":
            _part(model, norm_paths(net)[place]).weight.mul_(0.01)


def _part(model: nn.Module, path: str) -> Any:
    return model.get_submodule(path)


def train_until_fitted(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """Train on all samples at once until the loss is 1e-4.

    Args:
        model: the network, trained in place.
        x: (n, *shape) samples.
        y: (n,) labels.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(3000):
        if _step(model, optimizer, lambda output: nn.functional.cross_entropy(output, y), x) <= FITTED_LOSS:
            break


def train_to_rest(model: nn.Module, x: Tensor) -> None:
    """Train on samples that have each class equally often, until nothing is left to gain.

    The mean over the ten labels of a sample is the cross-entropy against equal shares, so that each sample is needed
    once.

    Args:
        model: the network, trained in place.
        x: (n, *shape) samples.
    """
    target = torch.full((len(x), CLASSES), 1.0 / CLASSES)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=400)
    for _ in range(400):
        _step(model, optimizer, lambda output: nn.functional.cross_entropy(output, target), x)
        schedule.step()


def _step(model: nn.Module, optimizer: torch.optim.Optimizer, loss: Callable[[Tensor], Tensor], x: Tensor) -> float:
    optimizer.zero_grad(set_to_none=True)
    with torch.enable_grad():
        value = loss(model(x))
        value.backward()
    optimizer.step()
    model.zero_grad(set_to_none=True)
    return float(value.detach())
