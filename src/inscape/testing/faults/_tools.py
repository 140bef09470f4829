"""Tools that the suite can score: what a tool is, Inscape's own, and a rule of thumb to compare with."""

import copy
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from inscape.gradients import Cause
from inscape.training._evaluate import cuda_devices

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
Finding: TypeAlias = tuple[Cause, str | None]
Tool: TypeAlias = Callable[[nn.Module, Loss, tuple[Tensor, Tensor]], Finding]
"""From model, loss and a pair of tensors to a cause and the path of the sick module, None if it is no single one."""

VANISHED, EXPLODED, DEAD_SHARE, FITTED_LOSS = 1e-5, 10.0, 0.9, 1e-3
"""Thresholds of :func:`gradient_norm_tool`, as they are found in tutorials."""


def inscape_tool(model: nn.Module, loss: Loss, data: tuple[Tensor, Tensor]) -> Finding:
    """What ``inscape.gradients.diagnose`` says.

    Args:
        model: the network.
        loss: mean loss of (output, labels).
        data: samples and labels.

    Returns:
        The cause and the path of the sick module, None if it is no single one.
    """
    verdict: Any = import_module("inscape.gradients").diagnose(model, loss, data).verdict
    return verdict.cause, verdict.layer


def gradient_norm_tool(model: nn.Module, loss: Loss, data: tuple[Tensor, Tensor]) -> Finding:
    r"""The rule of thumb of many tutorials: look at the gradient norm of each layer and at dead rectifiers.

    In this order: a layer without gradient is detached (the last one in forward order is named); more than 90 % zeros
    behind a ReLU means dead units in the layer before; a loss below 0.001 means fitted; a weight's gradient norm above
    10 means large weights there, the largest one being named; one below :math:`10^{-5}` means small weights there, the
    smallest one being named; else nothing is wrong. It is a baseline to beat, no advice.

    Args:
        model: the network; a copy of it is run.
        loss: mean loss of (output, labels).
        data: samples and labels.

    Returns:
        The cause and the path of a layer.

    Example:
        >>> gradient_norm_tool(nn.Linear(2, 2), nn.functional.mse_loss, (torch.ones(1, 2), torch.full((1, 2), 1e4)))
        (<Cause.LARGE_WEIGHTS: ...>, '')
    """
    model = copy.deepcopy(model).requires_grad_(True)  # also layers that are frozen
    zeros: dict[str, float] = {}
    layers = _listen(model, zeros)
    with torch.random.fork_rng(devices=cuda_devices(model)):
        value = loss(model(data[0]), data[1])
    weights = [layer.weight for layer in layers.values()]
    found = torch.autograd.grad(value, weights, allow_unused=True)
    norms = {path: None if g is None else float(g.norm()) for path, g in zip(layers, found, strict=True)}
    known = {path: norm for path, norm in norms.items() if norm is not None}
    if len(known) < len(norms):
        return Cause.DETACHED, [path for path, norm in norms.items() if norm is None][-1]
    if dead := [path for path, share in zeros.items() if share > DEAD_SHARE]:
        return Cause.DEAD_UNITS, dead[0]
    if value.item() < FITTED_LOSS:
        return Cause.FITTED, None
    largest, smallest = max(known, key=known.__getitem__), min(known, key=known.__getitem__)
    if known[largest] > EXPLODED:
        return Cause.LARGE_WEIGHTS, largest
    return (Cause.SMALL_WEIGHTS, smallest) if known[smallest] < VANISHED else (Cause.NONE, None)


def _listen(model: nn.Module, zeros: dict[str, float]) -> dict[str, nn.Linear | nn.Conv2d]:
    """Layers by path; the share of zeros behind the ReLU that follows a layer is noted under the layer's path."""
    layers: dict[str, nn.Linear | nn.Conv2d] = {}
    for path, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            layers[path] = module
        elif isinstance(module, nn.ReLU) and layers:
            module.register_forward_hook(_noting(zeros, [*layers][-1]))
    return layers


def _noting(zeros: dict[str, float], path: str) -> Callable[[nn.Module, Any, Tensor], None]:
    def note(_module: nn.Module, _given: Any, output: Tensor) -> None:
        zeros[path] = float((output == 0).double().mean())

    return note
