"""How large the gradient is at every call, and what each call makes of it: sums over all samples in float64."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from inscape._errors import ModelError
from inscape._progress import Meter, meter
from inscape.data import batches
from inscape.gradients._cuts import cuts
from inscape.gradients._layouts import by_sample
from inscape.gradients._norms import normalised, squared_norms
from inscape.gradients._samples import Places, probe
from inscape.gradients._tape import Event, leaf_node, release
from inscape.gradients._units import by_channel, channel_axis
from inscape.gradients._watch import Mode, Run, Watched, mean_loss, watched
from inscape.training._evaluate import scalar_loss
from inscape.training._recipe import Recipe


@dataclass(kw_only=True, eq=False)
class Station:
    """What was measured at one call. Gradients are those of single samples' losses; sums run over all samples.

    Attributes:
        event: the call; its tensors are of the last batch.
        arriving: sum of the squares of the gradient at the output.
        passed: sum of the squares of what the call sends on to its input; None where that is not known.
        shares: index of a call that is fed from here → sum of the products of what it sends back with the whole.
        zeros: entries of the derivative that are zero.
        entries: entries of the derivative.
        low: (units,) least output of an activation.
        high: (units,) largest output of an activation.
        inputs: sum of the squares of the layer's inputs.
        nonzero: how many of the inputs are not zero.
        samples: sum of the squares of single samples' gradients of the weight, None where they are not known.
        products: sum of the products of squared gradient and squared input norms of single samples.
        mean: mean gradient of the weight.
    """

    event: Event
    arriving: float = 0.0
    passed: float | None = None
    shares: dict[int, float] = field(default_factory=dict)
    zeros: int = 0
    entries: int = 0
    low: Tensor | None = None
    high: Tensor | None = None
    inputs: float = 0.0
    nonzero: int = 0
    samples: float | None = None
    products: float | None = None
    mean: Tensor | None = None


@dataclass(kw_only=True, eq=False)
class Flow:
    """The gradient's way through a model.

    Attributes:
        stations: one for every call, in order.
        cuts: indices of the calls that every path passes, in the order of the calls.
        places: layers with norms of single samples, and why others have none.
        output: sum of the squares of the gradient at the model's output.
        shuffled: the same with the labels of each batch in another order.
        loss: mean loss.
        silent: mean loss if all outputs were zero.
        count: number of samples.
        mode: ``"eval"`` or ``"train"``.
        batch_statistics: names of layers that used the batch's own statistics.
        whole: whether the gradient reaches the input, or the embeddings.
    """

    stations: list[Station] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    places: Places = field(default_factory=Places)
    output: float = 0.0
    shuffled: float = 0.0
    loss: float = 0.0
    silent: float = 0.0
    count: int = 0
    mode: str = "eval"
    batch_statistics: list[str] = field(default_factory=list)
    whole: bool = True


def squares(tensor: Tensor) -> float:
    """Sum of squares in float64, without a copy in float64 of the whole.

    Args:
        tensor: any tensor.

    Returns:
        The sum.
    """
    return float(torch.linalg.vector_norm(tensor.detach(), dtype=torch.float64)) ** 2


class _Visitor:
    """Hooks one batch's tensors and adds what arrives to the stations."""

    def __init__(self, flow: Flow, samples: int) -> None:
        self._flow = flow
        self._samples = samples
        self._parts: dict[int, list[tuple[int, Tensor]]] = {}

    def __call__(self, event: Event, x: Tensor, output: Tensor) -> None:
        station = self._station(event)
        if event.kind == "activation":
            self._gate(station, x, output)
        if event.parameter:
            station.inputs += float(x.numel()) if event.kind == "embedding" else squares(x)
            station.nonzero += x.numel() if event.kind == "embedding" else int(torch.count_nonzero(x))
        if not output.requires_grad:
            return
        event.hook(output, partial(self._arrived, station, x.detach()))
        if event.kind != "other" and x.requires_grad and event.arguments.get("in_place") is None:
            station.passed = station.passed or 0.0
            event.hook(x, partial(self._sent, station, x.grad_fn))

    def _station(self, event: Event) -> Station:
        place = event.index
        if self._flow.count == 0:
            self._flow.stations.append(Station(event=event))
        elif place >= len(self._flow.stations) or self._flow.stations[place].event.name != event.name:
            raise ModelError(
                f"the model calls other layers from batch to batch ({event.name}); give batches that take one path"
            )
        station = self._flow.stations[place]
        station.event = event
        return station

    def _gate(self, station: Station, x: Tensor, output: Tensor) -> None:
        event = station.event
        slope = event.activation.derivative(x.detach())  # type: ignore[union-attr]
        station.zeros += int((slope == 0).sum())
        station.entries += slope.numel()
        events = [s.event for s in self._flow.stations]
        units = by_channel(output.detach(), channel_axis(event, events))
        low, high = units.amin(0), units.amax(0)
        if station.low is not None and station.high is not None:
            low, high = torch.minimum(low, station.low), torch.maximum(high, station.high)
        station.low, station.high = low, high

    def _sent(self, station: Station, view: Any, gradient: Tensor) -> None:
        station.passed = (station.passed or 0.0) + squares(gradient) * self._samples**2
        source = station.event.source
        if source is not None:
            part = _carried(gradient, view, self._flow.stations[source].event.node)
            if part is not None:
                self._parts.setdefault(source, []).append((station.event.index, part))

    def _arrived(self, station: Station, x: Tensor, gradient: Tensor) -> None:
        event, scale = station.event, float(self._samples) ** 2
        station.arriving += squares(gradient) * scale
        for index, part in self._parts.pop(event.index, ()):
            if part.shape == gradient.shape:
                product = float(part.flatten().double() @ gradient.flatten().double()) * scale
                station.shares[index] = station.shares.get(index, 0.0) + product
        layout = self._flow.places.found.get(event.index)
        if layout is not None:
            d, h = by_sample(gradient, self._samples, layout), by_sample(x, self._samples, layout)
            self._single(station, h, d, scale)

    @staticmethod
    def _single(station: Station, h: Tensor, d: Tensor, scale: float) -> None:
        event = station.event
        own = squared_norms(event, h, d).double()
        if event.kind == "linear" and d.ndim == 2:
            products = own  # a single position: ‖∇W‖ = ‖d‖ ‖h‖
        else:
            products = d.flatten(1).double().square().sum(1) * _fed(event, h)
        station.samples = (station.samples or 0.0) + float(own.sum()) * scale
        station.products = (station.products or 0.0) + float(products.sum()) * scale


def _fed(event: Event, h: Tensor) -> Tensor:
    """(n,) squared norms of what the weight is multiplied by."""
    if event.kind == "embedding":
        return torch.full((len(h),), float(h[0].numel()), dtype=torch.float64, device=h.device)
    return (normalised(event, h) if event.kind == "normalisation" else h).flatten(1).double().square().sum(1)


def _carried(gradient: Tensor, node: Any, end: Any) -> Tensor | None:
    """A gradient behind functions that only keep values, carried through them; None if they are no single path."""
    while node is not end:
        under = [child for child, _ in node.next_functions if child is not None]
        if len(under) != 1 or len(node.next_functions) != 1:
            return None
        gradient = node(gradient)
        node = under[0]
    return gradient


def measure(
    model: nn.Module, loss: Any, data: Any, *, mode: Mode, batch_size: int, progress: Meter | bool | None
) -> Flow:
    """Send the gradient of every sample's loss through a model and measure it everywhere.

    Args:
        model: the module; comes out unchanged.
        loss: function of ``(output, y)``, mean-reduced, or None for the default.
        data: a pair of tensors, or an iterable of batches.
        mode: how the model is run.
        batch_size: samples per batch where the data are a pair.
        progress: None, True, False or a meter.

    Returns:
        The sums.

    Raises:
        ModelError: if dropout is at work, so that the gradient is random.
    """
    flow = Flow()
    walked = batches(data, batch_size=batch_size)
    total = None if walked.pair is None else -(-len(walked.pair[0]) // batch_size)
    with watched(model, mode=mode) as seen, meter(progress, "gradients", total) as shown:
        flow.mode = seen.mode
        for x, y in walked:
            _batch(flow, seen, loss, x, y)
            shown.advance(1)
    for station in flow.stations:
        if station.mean is not None:
            station.mean /= flow.count
    return flow


def _batch(flow: Flow, seen: Watched, loss: Any, x: Tensor, y: Tensor) -> None:
    if flow.count == 0:
        _check(flow, seen, loss, x, y)
    run = seen.run(x, y, _Visitor(flow, len(x)), input_gradient=True)
    try:
        _backward(flow, seen, loss, run)
    finally:
        release(run.events)
    flow.count += len(x)


def _backward(flow: Flow, seen: Watched, loss: Any, run: Run) -> None:
    """One backward pass: the hooks measure, and what autograd gives for the weights is added up."""
    value = mean_loss(loss, run.output, run.y)
    weights = {e.parameter: e for e in run.events if e.parameter and seen.leaves[e.parameter].requires_grad}
    leaves = [seen.leaves[name] for name in weights]
    ends = [run.output, run.x] if run.x.requires_grad else [run.output]
    found = torch.autograd.grad(value, [*leaves, *ends], allow_unused=True)
    flow.output += squares(found[len(leaves)]) * run.samples**2
    flow.shuffled += _swapped(loss, run)
    for name, gradient in zip(weights, found[: len(leaves)], strict=True):
        _add_mean(flow, name, gradient, run.samples)
    silent = scalar_loss(Recipe(loss=loss), torch.zeros_like(run.output), run.y)
    share = run.samples / (flow.count + run.samples)
    flow.loss += (float(value.detach()) - flow.loss) * share
    flow.silent += (float(silent) - flow.silent) * share
    if flow.count == 0:
        source = leaf_node(run.x)
        flow.cuts = cuts(run.output.grad_fn, run.events, source)
        flow.whole = _reached(run, source)


def _swapped(loss: Any, run: Run) -> float:
    """Squared gradient at the output, times the squared size of the batch, with another sample's label for each."""
    if run.samples < 2:
        return 0.0
    at = run.output.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(mean_loss(loss, at * 1.0, run.y.roll(run.samples // 2, 0)), at)
    return squares(gradient) * run.samples**2


def _reached(run: Run, source: Any) -> bool:
    from inscape.gradients._cuts import cut_nodes

    ends = [source] if source is not None else [e.node for e in run.events if e.kind == "embedding"]
    return bool(cut_nodes(run.output.grad_fn, [end for end in ends if end is not None]))


def _add_mean(flow: Flow, name: str, gradient: Tensor | None, samples: int) -> None:
    if gradient is None:
        return
    first = next(s for s in flow.stations if s.event.parameter == name)
    part = gradient.double() * samples
    first.mean = part if first.mean is None else first.mean + part


def _check(flow: Flow, seen: Watched, loss: Any, x: Tensor, y: Tensor) -> None:
    """Refuse random models, and find what is known of single samples."""
    count = min(len(x), 4) if seen.mode == "eval" else len(x)
    run = seen.run(x[:count], y[:count], lambda event, h, output: None)
    if run.random:
        raise ModelError(
            f"dropout is at work ({', '.join(dict.fromkeys(run.random))}), so that the gradient is random; "
            "use mode='eval', or set p = 0"
        )
    flow.batch_statistics = list(dict.fromkeys(run.batch_statistics))
    if flow.batch_statistics:
        reason = "batch statistics tie the samples together"
        flow.places = Places(refused={e.name: reason for e in run.events if e.parameter})
    else:
        flow.places = probe(seen, loss, x, y, input_gradient=True)
