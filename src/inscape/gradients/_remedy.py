"""What to do about a cause: the advice in words, and a changed copy on which the budget is taken again."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, isfinite
from typing import Any

import torch
from torch import Tensor, nn

from inscape.data import batches
from inscape.gradients._activations import transition
from inscape.gradients._budget_result import Budget
from inscape.gradients._causes import Cause
from inscape.gradients._rule import Finding
from inscape.gradients._tape import Event
from inscape.gradients._units import by_channel, channel_axis, layer_of
from inscape.gradients._watch import Mode, watched


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """A change that should help.

    Attributes:
        suggestion: what to do, in words.
        model: a changed copy of the model, or None if no change of the model's numbers helps.
        input_factor: what the inputs are multiplied by.
    """

    suggestion: str
    model: nn.Module | None = None
    input_factor: float = 1.0


class Scaled:
    """Batches whose inputs are multiplied by a factor."""

    def __init__(self, data: Any, factor: float, batch_size: int) -> None:
        self._data, self._factor = batches(data, batch_size=batch_size), factor

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for x, y in self._data:
            yield (x * self._factor if x.is_floating_point() else x), y


def remedy(model: nn.Module, data: Any, budget: Budget, found: Finding, *, mode: Mode, batch_size: int) -> Remedy:
    """Choose what to do.

    Args:
        model: the module; comes out unchanged.
        data: as in :func:`inscape.gradients.budget`.
        budget: the model's budget.
        found: what the rule has found.
        mode: how the model is run.
        batch_size: samples per batch where the data are a pair.

    Returns:
        Advice, and a changed copy where the change is one of numbers.
    """
    layer = found.layer or "the network"
    if found.cause in {Cause.LARGE_WEIGHTS, Cause.SMALL_WEIGHTS}:
        factor = exp(-found.nats)
        text = f"multiply the weight of {layer} by {factor:.3g}, or initialise the layer as its peers are"
        return Remedy(suggestion=text, model=_scaled(model, {_weight(budget, layer): factor}))
    if found.cause is Cause.ZERO_WEIGHTS:
        text = f"initialise the weight of {layer} with random numbers, such as torch.nn.init.kaiming_normal_"
        return Remedy(suggestion=text, model=_drawn(model, _weight(budget, layer)))
    if found.cause in {Cause.DEAD_UNITS, Cause.SATURATED_UNITS}:
        text = (
            f"shift the bias of {layer}, or of the normalisation behind it, so that the mean of the pre-activations is "
            "the middle of the activation"
        )
        return Remedy(suggestion=text, model=_centred(model, data, layer, mode, batch_size))
    if found.cause in {Cause.SMALL_INITIALISATION, Cause.LARGE_INITIALISATION}:
        text = (
            "initialise all layers by the rule of their activation (He for rectifiers, Xavier for tanh), or put a "
            "normalisation behind each"
        )
        return Remedy(suggestion=text, model=_balanced(model, budget))
    if found.cause in {Cause.TINY_INPUTS, Cause.LARGE_INPUTS}:
        factor = exp(-found.nats)
        return Remedy(
            suggestion=f"scale the inputs to mean 0 and variance 1; here by about {factor:.3g}",
            model=model,
            input_factor=factor,
        )
    return Remedy(suggestion=_WORDS[found.cause].format(layer=layer))


_WORDS = {
    Cause.NONE: "nothing to change here; if training is slow all the same, look at the learning rate and the data",
    Cause.DETACHED: "look for .detach(), torch.no_grad(), .item() or .data between {layer} and the loss",
    Cause.SATURATING_ACTIVATION: "use ReLU, GELU or tanh in place of the activation, or put a normalisation before it",
    Cause.FITTED: "stop, or look at held-out data: what is left of the error on these data is too small to learn from",
    Cause.CANCELLING_SAMPLES: (
        "look for contradictory labels and duplicates; if there are none, this is a point of rest: a larger network or "
        "other inputs are needed to go lower"
    ),
}


def _weight(budget: Budget, layer: str) -> str:
    return budget.parameters[budget.layers.index(layer)] if layer in budget.layers else ""


def _scaled(model: nn.Module, factors: dict[str, float]) -> nn.Module | None:
    made = _copied(model)
    if made is None:
        return None
    named = dict(made.named_parameters())
    with torch.no_grad():
        for name, factor in factors.items():
            if name in named:
                named[name].mul_(factor)
    return made


def _copied(model: nn.Module) -> nn.Module | None:
    try:
        return copy.deepcopy(model)
    except (RuntimeError, TypeError, NotImplementedError):
        return None


def _drawn(model: nn.Module, name: str) -> nn.Module | None:
    made = _copied(model)
    weight = None if made is None else dict(made.named_parameters()).get(name)
    if weight is None or weight.ndim < 2:
        return None
    source = torch.Generator().manual_seed(0)
    drawn = torch.randn(weight.shape, generator=source) * (2.0 / weight[0].numel()) ** 0.5
    with torch.no_grad():
        weight.copy_(drawn)
    return made


def _balanced(model: nn.Module, budget: Budget) -> nn.Module | None:
    """Every layer's gain brought to the reference that makes up for the gate behind it."""
    factors = {}
    for i, kind in enumerate(budget.call_kinds):
        gain = float(budget.call_gains[i])
        if kind in {"linear", "convolution"} and isfinite(gain):
            behind = _gate_behind(budget, i)
            factors[_weight(budget, budget.call_layers[i])] = exp(-gain - (behind if behind > -1 else 0.0))
    return _scaled(model, factors)


def _gate_behind(budget: Budget, call: int) -> float:
    """Reference of the next activation's gate; 0 without one."""
    following = zip(budget.call_kinds[call:], budget.call_references[call:].tolist(), strict=True)
    return next((reference for kind, reference in following if kind == "activation"), 0.0)


def _centred(model: nn.Module, data: Any, layer: str, mode: Mode, batch_size: int) -> nn.Module | None:
    """The bias shifted by the mean distance of the pre-activations from the middle of the activation."""
    made = _copied(model)
    bias = None if made is None else dict(made.named_parameters()).get(f"{layer}.bias")
    if made is None or bias is None:
        return None
    total, count = torch.zeros((), dtype=torch.float64), 0
    events: list[Event] = []

    def visit(event: Event, x: Tensor, output: Tensor) -> None:
        nonlocal total, count
        events.append(event)
        if event.kind != "activation" or event.activation is None:
            return
        owner = layer_of(event, events)
        if owner is not None and owner.name == layer:
            z = by_channel(x.detach(), channel_axis(event, events)).double()
            total = total.to(z.device) + (z - transition(event.activation).centre).sum(0)
            count += len(z)

    with watched(model, mode=mode, gradient=False) as seen:
        for x, y in batches(data, batch_size=batch_size):
            events.clear()
            seen.run(x, y, visit)
    if not count or total.shape != bias.shape:
        return None
    with torch.no_grad():
        bias -= (total / count).to(bias)
    return made
