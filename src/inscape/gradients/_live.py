"""Looks on at a step of somebody else's training loop: live parameters, its own backward pass, nothing left behind."""

from collections import Counter
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from inscape.gradients._layouts import Layout, layouts
from inscape.gradients._norms import instrumented
from inscape.gradients._observer import Observer, Sums, layer_name
from inscape.gradients._tape import Event, leaf_node
from inscape.gradients._unit_sums import Rules, wide
from inscape.gradients._watch import _uses_batch

_FIRST = frozenset({"conv1d", "conv2d", "batch_norm", "group_norm", "instance_norm", "embedding"})
"""Operations whose first axis is that of the samples."""


class LiveObserver(Observer):
    """A visitor for the time of one step; calls without gradients are evaluations and are not looked at.

    Attributes:
        used: names of the parameters that were seen at work.
    """

    def __init__(
        self, sums: Sums, rules: Rules, *, samples: int | None = None, unknown: str = "", weights: bool = True
    ) -> None:
        super().__init__(sums, rules)
        self.used: set[str] = set()
        self._given = samples
        self._weights = weights
        self._unknown = unknown if samples is None else ""
        self._first: tuple[str, str] | None = None
        self._uses: Counter[str] = Counter()
        self._arrivals: Counter[str] = Counter()
        self._mixing = ""
        self._handles: dict[str, Any] = {}

    def __call__(self, event: Event, x: Tensor, output: Tensor) -> None:
        """Gather from the forward pass, and hook the output and the weight's gradient for the backward pass."""
        self._note(event)
        if not torch.is_grad_enabled():
            return
        self._begin(event, x)
        if event.parameter:
            self.used.add(event.parameter)
        if _uses_batch(event):
            self._mixing = event.name
        super().__call__(event, x, output)

    def release(self) -> None:
        """Take all hooks away, those on gradients of weights too."""
        super().release()
        for name in list(self._handles):
            self._unhook(name)

    def _unhook(self, parameter: str) -> None:
        handle = self._handles.pop(parameter, None)
        if handle is not None:
            handle.remove()

    def _begin(self, event: Event, x: Tensor) -> None:
        """A pass begins where the first call is made again on an input of its own."""
        key = (event.operation, event.parameter)
        if event.kind != "other" and event.source is None and self._first in (None, key):
            self._first = key
            self._met.clear()
            self.samples = self._given or (len(x) if x.ndim else 1)

    def _layer(self, event: Event, x: Tensor, output: Tensor) -> None:
        weight = event.weight
        if weight is not None and weight.requires_grad:
            self._uses[event.parameter] += 1
        if weight is not None and weight.requires_grad and self._weights:
            self._unhook(event.parameter)
            self._handles[event.parameter] = leaf_node(weight).register_prehook(
                partial(self._weight_arrived, event, self.samples)
            )
        super()._layer(event, x, output)

    def _layout(self, event: Event, output: Tensor) -> Layout | None:
        weight = event.weight
        if weight is None or not weight.requires_grad:
            return self._refuse(event, "it is frozen")
        if not instrumented(event):
            return self._refuse(event, f"{event.operation} is not instrumented")
        if self._unknown:
            return self._refuse(event, self._unknown)
        found = layouts(tuple(output.shape), self.samples)
        if event.operation in _FIRST and "first" in found:
            return "first"
        if len(found) == 1:
            return found[0]
        why = "could lie along several axes of" if found else "are no axis of"
        return self._refuse(event, f"the {self.samples} samples {why} its output of shape {tuple(output.shape)}")

    def _refuse(self, event: Event, reason: str) -> None:
        self.refused[layer_name(event)] = reason

    def _trusted(self, event: Event) -> bool:
        uses = self._uses[event.parameter]
        self._arrivals[event.parameter] += 1
        if self._arrivals[event.parameter] == uses:  # the next use is another pass
            self._uses[event.parameter] = self._arrivals[event.parameter] = 0
        if self._mixing:
            self._refuse(event, f"{self._mixing} uses the statistics of the batch, which mix the samples")
        elif uses > 1:
            self._refuse(event, f"its weight is used {uses} times in one pass")
        return not self._mixing and uses <= 1

    def _weight_arrived(self, event: Event, samples: int, gradients: tuple[Tensor | None, ...]) -> None:
        self._unhook(event.parameter)
        gradient = gradients[0]
        if gradient is not None:
            dense = gradient.coalesce().values() if gradient.is_sparse else gradient
            norm = torch.linalg.vector_norm(wide(dense.detach()))
            self.stage(partial(self._layer_gradient, event, norm, samples))

    def _layer_gradient(self, event: Event, norm: Tensor, samples: int) -> None:
        self.sums.layer(layer_name(event)).add_gradient(norm, samples)


def positions_first(model: nn.Module) -> str:
    """Why the first axis of a model's input need not be that of the samples.

    Args:
        model: the module.

    Returns:
        The reason; empty if the first axis is that of the samples.
    """
    for name, module in model.named_modules():
        if getattr(module, "batch_first", True) is False:
            return f"{name or 'the model'} takes positions before samples; say watch(model, samples=...)"
    return ""
