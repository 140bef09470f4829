"""Where a model's units are: the activations of a pass, the layers that feed them, and where samples lie in them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from inscape._errors import ModelError
from inscape.gradients._activations import Activation
from inscape.gradients._layouts import Layout, by_sample, layouts
from inscape.gradients._tape import Event
from inscape.gradients._units import channel_axis, layer_of
from inscape.gradients._watch import Run, Watched

Key = tuple[str, int]
"""Name of a call and how many calls of that name came before it in the pass."""

_PROBES = 3
"""Samples that are also run alone, to prove where samples lie."""

NUMBERS = 2**22
"""Most numbers that are looked at at once."""


class Names:
    """Hands out the keys of one pass's calls, in order, and keeps the calls for questions about their sources."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self.events: list[Event] = []

    def key(self, event: Event) -> Key:
        """The key of the call that comes next.

        Args:
            event: the call.

        Returns:
            Its key.
        """
        self.events += [event] * (event.index + 1 - len(self.events))  # calls that nobody is told of feed no layer
        self._counts[event.name] += 1
        return event.name, self._counts[event.name] - 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Site:
    """The units of one activation.

    Attributes:
        key: the activation's key.
        label: name of the layer that feeds it; of the activation itself where that is no layer.
        activation: the function.
        axis: axis of the units in the pre-activation.
        units: number of units.
        layout: where the samples are in the pre-activation, None where they are not kept apart.
        layer: the linear layer or convolution that feeds it, or a normalisation or embedding, or None.
        layer_key: the layer's key.
        between: normalisations between the layer and the activation, in order.
    """

    key: Key
    label: str
    activation: Activation
    axis: int
    units: int
    layout: Layout | None
    layer: Event | None
    layer_key: Key | None
    between: tuple[Event, ...]

    def parts(self, tensor: Tensor, samples: int) -> Iterator[Tensor]:
        """The values of a pre-activation, or of anything of its shape.

        Args:
            tensor: of the shape of the pre-activation.
            samples: samples in the batch.

        Yields:
            (n, p, units) values at p positions of n samples, a part of the batch at a time. Where samples are not kept
            apart, every row counts as a sample.
        """
        values = tensor.detach()
        if values.ndim == 1:
            values = values.unsqueeze(-1)
        axis = self.axis
        if self.layout in {"second", "folded first", "folded second"}:
            values, axis = by_sample(values, samples, self.layout), -1
        values = values.movedim(axis, -1)
        yield from _split(values.unsqueeze(1) if values.ndim == 2 else values)


def _split(values: Tensor) -> Iterator[Tensor]:
    each = max(1, values[0].numel())
    for part in values.split(max(1, NUMBERS // each)):
        yield part.flatten(1, -2)


def weight_rows(layer: Event) -> Tensor | None:
    """The weights of each unit of a layer.

    Args:
        layer: a linear layer or convolution.

    Returns:
        (units, n) rows, None for other layers.
    """
    weight = layer.weight
    if weight is None or layer.kind not in {"linear", "convolution"}:
        return None
    weight = weight.detach()
    if layer.operation == "matmul":
        return weight.T
    if layer.operation.startswith("conv_transpose"):
        groups = int(layer.arguments.get("groups", 1))
        return weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1).flatten(1)
    return weight.flatten(1)


def find_sites(watched: Watched, x: Tensor, y: Tensor) -> tuple[list[Site], Run]:
    """Find the units of a model, on a few samples.

    Args:
        watched: the model.
        x: (n, *shape) samples; the first three are used.
        y: (n, ...) labels or targets.

    Returns:
        The units of each activation in the order of the calls, and what the pass left.
    """
    count = min(_PROBES, len(x))
    seen, names, run = _seen(watched, x[:count], y[:count])
    alone = None if run.batch_statistics or run.random else _alone(watched, x[:count], y[:count])
    keys = {event.index: key for key, (event, _) in seen.items()}
    sites = [
        _site(key, event, names.events, keys, _layout(key, z, alone, count))
        for key, (event, z) in seen.items()
        if event.kind == "activation"
    ]
    return sites, run


def _seen(watched: Watched, x: Tensor, y: Tensor) -> tuple[dict[Key, tuple[Event, Tensor]], Names, Run]:
    """Key → call and its input, for activations and what may feed them."""
    names = Names()
    seen: dict[Key, tuple[Event, Tensor]] = {}

    def keep(event: Event, h: Tensor, _: Tensor) -> None:
        seen[names.key(event)] = (event, h.detach())

    return seen, names, watched.run(x, y, keep)


def _alone(watched: Watched, x: Tensor, y: Tensor) -> list[Mapping[Key, tuple[Event, Tensor]]] | None:
    try:
        return [_seen(watched, x[i : i + 1], y[i : i + 1])[0] for i in range(len(x))]
    except ModelError:  # a model that takes no single sample leaves only the shape to go by
        return None


def _layout(key: Key, z: Tensor, alone: list[Mapping[Key, tuple[Event, Tensor]]] | None, samples: int) -> Layout | None:
    """The layout in which the samples' values are those that they have alone; without these, the likeliest one."""
    fitting: list[Layout] = layouts(tuple(z.shape), samples)
    if alone is None:
        return fitting[0] if fitting else None
    precise = torch.finfo(z.dtype).eps ** 0.5
    for layout in fitting:
        together = by_sample(z, samples, layout)
        single = [by_sample(found[key][1], 1, layout) for found in alone if key in found]
        if len(single) == samples and all(part.shape[1:] == together.shape[1:] for part in single):
            truth = torch.cat(single)
            if bool(torch.allclose(together, truth, rtol=10 * precise, atol=precise * float(truth.abs().max()))):
                return layout
    return None


def _site(key: Key, event: Event, events: list[Event], keys: Mapping[int, Key], layout: Layout | None) -> Site:
    assert event.activation is not None  # noqa: S101 (an activation's call has one)
    layer = layer_of(event, events)
    layer_key = None if layer is None else keys[layer.index]
    name, number = key if layer_key is None else layer_key
    single = len(event.shape) == 1
    slopes = event.activation.slopes
    axis = 1 if single or (slopes is not None and slopes.numel() > 1) else channel_axis(event, events)
    return Site(
        key=key,
        label=name if number == 0 else f"{name} (call {number + 1})",
        activation=event.activation,
        axis=axis,
        units=1 if single else event.shape[axis],
        layout=layout,
        layer=layer,
        layer_key=layer_key,
        between=_between(event, layer, events),
    )


def _between(activation: Event, layer: Event | None, events: list[Event]) -> tuple[Event, ...]:
    found: list[Event] = []
    place = activation.source
    while layer is not None and place is not None and place != layer.index:
        if events[place].kind == "normalisation":
            found.append(events[place])
        place = events[place].source
    return tuple(reversed(found))
