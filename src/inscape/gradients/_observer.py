"""Looks on while a batch goes through a model and back, and gathers what a record is made of."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from inscape.gradients._layer_sums import LayerSums
from inscape.gradients._layouts import Layout, by_sample
from inscape.gradients._norms import squared_norms
from inscape.gradients._samples import Places
from inscape.gradients._tape import Event, release
from inscape.gradients._unit_sums import Rules, UnitSums, batch_sums, wide
from inscape.gradients._units import channel_axis


@dataclass(kw_only=True)
class Sums:
    """All sums of a record.

    Attributes:
        units: name of an activation → sums of its units.
        layers: name of a layer → sums of its gradients.
    """

    units: dict[str, UnitSums] = field(default_factory=dict)
    layers: dict[str, LayerSums] = field(default_factory=dict)

    def layer(self, name: str) -> LayerSums:
        """The sums of a layer, empty ones if it was not met yet.

        Args:
            name: its name.

        Returns:
            The sums.
        """
        return self.layers.setdefault(name, LayerSums())

    def state(self) -> dict[str, Any]:
        """Numbers and tensors, for a checkpoint.

        Returns:
            Name → value.
        """
        return {
            "units": {name: sums.state() for name, sums in self.units.items()},
            "layers": {name: sums.state() for name, sums in self.layers.items()},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "Sums":
        """Sums as :meth:`state` gave them.

        Args:
            state: what it gave.

        Returns:
            The sums.
        """
        return cls(
            units={name: UnitSums.from_state(sums) for name, sums in state["units"].items()},
            layers={name: LayerSums.from_state(sums) for name, sums in state["layers"].items()},
        )


class Observer:
    """A visitor of a tape. Nothing reaches the sums before :meth:`commit`, so that a broken pass leaves nothing.

    Attributes:
        sums: where the batch goes in the end.
        rules: transitions of activations.
        events: calls by their index.
        refused: name of a layer → why norms of single samples are not known.
    """

    def __init__(self, sums: Sums, rules: Rules) -> None:
        self.sums = sums
        self.rules = rules
        self.events: list[Event] = []
        self.refused: dict[str, str] = {}
        self.samples = 0
        self._staged: list[Callable[[], object]] = []
        self._new_units: dict[str, UnitSums] = {}
        self._met: Counter[str] = Counter()

    def __call__(self, event: Event, x: Tensor, output: Tensor) -> None:
        """Gather from the forward pass, and hook the output for the backward pass."""
        self._note(event)
        if event.kind == "activation":
            self._units(event, x.detach(), output.detach())
        elif event.parameter and output.requires_grad:
            self._layer(event, x.detach(), output)

    def _note(self, event: Event) -> None:
        """Keep the call at its index; calls that no visitor is told of leave gaps, which nothing refers to."""
        self.events.extend([event] * (event.index + 1 - len(self.events)))

    def stage(self, put: Callable[[], object]) -> None:
        """Put something aside until :meth:`commit`.

        Args:
            put: brings it into the sums.
        """
        self._staged.append(put)

    def commit(self) -> None:
        """Bring what was gathered into the sums."""
        for name, units in self._new_units.items():
            self.sums.units.setdefault(name, units)
        for put in self._staged:
            put()
        self._staged = []

    def release(self) -> None:
        """Let go of the pass and its graph."""
        release(self.events)
        self.events.clear()

    def _units(self, event: Event, z: Tensor, output: Tensor) -> None:
        if not z.numel() or not z.is_floating_point():
            return
        name = self._name(event)
        activation = event.activation
        assert activation is not None  # noqa: S101 (an activation has one)
        transition = self.rules.of(activation)
        units = self.sums.units.get(name) or self._new_units.get(name)
        if units is None:
            units = UnitSums(halfwidth=transition.halfwidth, axis=channel_axis(event, self.events))
            self._new_units[name] = units
        level = self.rules.delta * transition.largest
        self.stage(partial(units.add, batch_sums(z, output, activation, units.axis, level=level)))

    def _name(self, event: Event) -> str:
        """The event's name, with a number where it occurs again in one pass."""
        self._met[event.name] += 1
        count = self._met[event.name]
        return event.name if count == 1 else f"{event.name} ({count})"

    def _layer(self, event: Event, x: Tensor, output: Tensor) -> None:
        self.stage(partial(self.sums.layer, layer_name(event)))  # so that layers stand in the order of the forward pass
        layout = self._layout(event, output)
        if layout is None:
            hook = partial(self._arrived_alone, event, self.samples)
        else:
            hook = partial(self._arrived, event, x, layout, self.samples)
        event.hook(output, hook)

    def _layout(self, event: Event, output: Tensor) -> Layout | None:
        raise NotImplementedError

    def _trusted(self, event: Event) -> bool:
        """Whether the samples are still apart, now that the whole forward pass is known."""
        return event is not None

    def _arrived_alone(self, event: Event, samples: int, gradient: Tensor) -> None:
        norm = torch.linalg.vector_norm(wide(gradient.detach()))
        self.stage(partial(self._put, event, samples, norm, None))

    def _arrived(self, event: Event, x: Tensor, layout: Layout, samples: int, gradient: Tensor) -> None:
        if not self._trusted(event):
            self._arrived_alone(event, samples, gradient)
            return
        d, h = wide(gradient.detach()), x
        if event.kind == "linear" and d.ndim == 2 and layout == "first":
            rows = torch.linalg.vector_norm(d, dim=1)
            self.stage(partial(self._put, event, samples, rows, (rows, torch.linalg.vector_norm(wide(h), dim=1))))
            return
        with _precise(gradient.device.type):
            d, h = by_sample(d, samples, layout), by_sample(x, samples, layout)
            singles = squared_norms(event, h.to(d.dtype) if h.is_floating_point() else h, d).sqrt()
        self.stage(partial(self._put, event, samples, torch.linalg.vector_norm(d), (singles,)))

    def _put(self, event: Event, samples: int, rows: Tensor, singles: tuple[Tensor, ...] | None) -> None:
        layer = self.sums.layer(layer_name(event))
        layer.add_delta(rows, samples)
        if singles is not None:
            layer.add_singles(singles)


class ProvenObserver(Observer):
    """Takes the places of samples from a probe, which has proven them."""

    def __init__(self, sums: Sums, rules: Rules, places: Places, samples: int) -> None:
        super().__init__(sums, rules)
        self.samples = samples
        self.refused = places.refused
        self._places = places

    def _layout(self, event: Event, output: Tensor) -> Layout | None:
        return self._places.found.get(event.index)


def layer_name(event: Event) -> str:
    """Name of a layer: the path of its module, or of the parameter if that has another name than ``weight``.

    Args:
        event: the layer's call.

    Returns:
        The name.
    """
    return event.name if event.parameter.endswith(".weight") else event.parameter


def _precise(device: str) -> AbstractContextManager[Any]:
    """Products in the type of the values, also where the user's backward pass runs under autocast."""
    return torch.autocast(device, enabled=False) if torch.is_autocast_enabled(device) else nullcontext()
