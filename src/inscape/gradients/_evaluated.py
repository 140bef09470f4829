"""The same sums as from a training step, of a fixed set of data and a model that is only looked at."""

import torch
from torch import Tensor, nn

from inscape.data import Batches
from inscape.gradients._observer import ProvenObserver, Sums, layer_name
from inscape.gradients._samples import Places, probe
from inscape.gradients._tape import Event
from inscape.gradients._unit_sums import Rules
from inscape.gradients._watch import Mode, Watched, mean_loss, watched


def evaluate(model: nn.Module, data: Batches, rules: Rules, *, loss: object, mode: Mode) -> tuple[Sums, dict[str, str]]:
    """Gather the sums of a record on fixed data.

    Args:
        model: the module; it comes out as it went in.
        data: the batches, walked through once.
        rules: transitions of activations.
        loss: mean-reduced loss, or None for the usual one.
        mode: mode in which the model is looked at.

    Returns:
        The sums, and the layers whose norms of single samples are not known, with the reason.
    """
    sums, places, seen = Sums(), None, 0
    totals: dict[str, tuple[Event, Tensor]] = {}
    with watched(model, mode=mode) as looked:
        for x, y in data:
            if places is None:
                places = _places(looked, loss, x, y)
            observer = ProvenObserver(sums, rules, places, len(x))
            try:
                _pass(looked, observer, totals, (x, y), loss)
            finally:
                observer.release()
            seen += len(x)
    for event, total in totals.values():
        sums.layer(layer_name(event)).add_gradient(torch.linalg.vector_norm(total) / seen, seen)
    return sums, {} if places is None else places.refused


def _pass(
    looked: Watched,
    observer: ProvenObserver,
    totals: dict[str, tuple[Event, Tensor]],
    batch: tuple[Tensor, Tensor],
    loss: object,
) -> None:
    run = looked.run(batch[0], batch[1], observer)
    weights = {event.parameter: event for event in run.events if event.parameter}
    value = mean_loss(loss, run.output, run.y)
    found = torch.autograd.grad(value, [looked.leaves[name] for name in weights], allow_unused=True)
    for (name, event), gradient in zip(weights.items(), found, strict=True):
        if gradient is not None:
            _add(totals, name, event, gradient.double() * run.samples)
    observer.commit()


def _add(totals: dict[str, tuple[Event, Tensor]], name: str, event: Event, gradient: Tensor) -> None:
    before = totals.get(name)
    totals[name] = (event, gradient if before is None else before[1].add_(gradient))


def _places(looked: Watched, loss: object, x: Tensor, y: Tensor) -> Places:
    """Where samples lie; nowhere if batch statistics or random draws are at work."""
    run = looked.run(x, y, lambda event, h, output: None)
    mixing = [f"{name} uses the statistics of the batch" for name in run.batch_statistics]
    mixing += [f"{name} draws at random" for name in run.random]
    if not mixing:
        return probe(looked, loss, x, y)
    return Places(refused={layer_name(event): mixing[0] for event in run.events if event.parameter})
