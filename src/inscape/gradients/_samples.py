"""Norms of single samples' gradients, layer by layer, gathered while one backward pass runs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import get_gradient_edge

from inscape._errors import InputError
from inscape.gradients._layouts import Layout, by_sample, layouts
from inscape.gradients._mean_gradient import MeanGradient
from inscape.gradients._norms import Total, gives_sum, instrumented, squared_norms
from inscape.gradients._tape import Event, release
from inscape.gradients._watch import Run, Watched, mean_loss
from inscape.training._evaluate import scalar_loss
from inscape.training._recipe import Recipe

_PROBES = 3
"""Samples whose gradients are computed alone, to prove what the pass over a batch gives for them."""

_MIXED = "its output does not keep the samples apart, or the loss is not the mean of single losses"


@dataclass(kw_only=True)
class Places:
    """Which layers have norms of single samples, and where the samples lie in them.

    Attributes:
        found: index of an event → layout of its input and output.
        refused: name of a layer → why its norms are not known.
    """

    found: dict[int, Layout] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


class SampleNorms:
    """A visitor that hooks the outputs of layers and keeps the squared norms of single samples' gradients.

    Where ``means`` are given, the batch's gradients of these weights are added to them if they come as a by-product.
    Autograd need not make these; ask it for ``edges`` instead, so that the gradient still reaches the layer's output.

    Attributes:
        squares: index of an event → (n,) squared norms for the sum of the batch's losses over its size.
        edges: index of an event whose batch gradient is added to its mean → where its output is in the graph.
    """

    bare = True
    """It hooks no input and looks at no activation, which spares the tape views and copies."""

    def __init__(self, places: Places, samples: int, *, means: Mapping[int, MeanGradient] | None = None) -> None:
        self._places = places
        self._samples = samples
        self._means = means or {}
        self._inputs: dict[int, Tensor] = {}
        self.squares: dict[int, Tensor] = {}
        self.edges: dict[int, Any] = {}

    def __call__(self, event: Event, x: Tensor, output: Tensor) -> None:
        """Hook the output, if the layer is one of those that are looked at."""
        layout = self._places.found.get(event.index)
        if layout is None or not output.requires_grad:
            return
        self._inputs[event.index] = x.detach()
        event.hook(output, partial(self._arrived, event, layout))
        if event.index in self._means and gives_sum(event, self._rows(x, layout), self._rows(output, layout)):
            self.edges[event.index] = get_gradient_edge(output)

    def _rows(self, tensor: Tensor, layout: Layout) -> Tensor:
        return by_sample(tensor.detach(), self._samples, layout)

    def _arrived(self, event: Event, layout: Layout, gradient: Tensor) -> None:
        x = self._inputs.pop(event.index)  # lets its memory go while the pass runs on
        h, d = by_sample(x, self._samples, layout), by_sample(gradient, self._samples, layout)
        adds = event.index in self.edges
        total = Total(to=self._means[event.index].part(), times=float(self._samples)) if adds else None
        self.squares[event.index] = squared_norms(event, h, d, total=total)


def probe(watched: Watched, loss: Any, x: Tensor, y: Tensor, *, input_gradient: bool = False) -> Places:
    """Find where samples lie in each layer, and prove it on a few samples by themselves.

    The gradient of each of up to three samples, of different classes where there are labels, is computed alone, by
    plain backward passes. A layer whose norms in the joint pass do not agree for any layout is refused by name: it
    mixes samples, or the loss is no mean.

    Args:
        watched: the model.
        loss: the loss, mean-reduced.
        x: (n, *shape) samples.
        y: (n, ...) labels or targets.
        input_gradient: as in the passes that the places are for; calls before the first layer count only with it.

    Returns:
        What was found.
    """
    if not any(leaf.requires_grad for leaf in watched.leaves.values()):
        return Places()
    rows = _varied(y)
    x, y, count = x[rows.to(x.device)], y[rows], len(rows)
    seen: dict[int, tuple[Event, Tensor, Tensor]] = {}

    def keep(event: Event, h: Tensor, output: Tensor) -> None:
        if event.parameter and output.requires_grad:
            event.hook(output, lambda d: seen.__setitem__(event.index, (event, h.detach(), d)))

    run = watched.run(x, y, keep, input_gradient=input_gradient)
    weights = [leaf for leaf in watched.leaves.values() if leaf.requires_grad]
    torch.autograd.grad(mean_loss(loss, run.output, run.y), weights, allow_unused=True)
    truth = [_alone(watched, loss, x[i : i + 1], y[i : i + 1]) for i in range(count)]
    uses = Counter(event.parameter for event in run.events if event.parameter)
    places = Places()
    for event in run.events:
        if event.parameter:
            _place(event, seen.get(event.index), [single[event.parameter] for single in truth], uses, places)
    release(run.events)
    _unseen(watched, run.events, places)
    return places


def _varied(y: Tensor) -> Tensor:
    """Rows of the first samples, of different labels if possible; a lone sample is taken twice to tell axes apart."""
    first = list(range(min(_PROBES, len(y))))
    if y.ndim == 1 and not y.is_floating_point():
        labels = y.tolist()
        distinct = [labels.index(label) for label in dict.fromkeys(labels)][:_PROBES]
        first = (distinct + [row for row in range(len(y)) if row not in distinct])[: len(first)]
    return torch.tensor(first if len(first) > 1 else first * 2, device=y.device)


def check_mean(loss: Any, run: Run, gradient: Tensor | None = None) -> None:
    """Refuse a loss of a batch that is not the mean of its samples' losses, where this batch shows it.

    The sample with the largest gradient is put through the loss alone, and its gradient compared. The default losses
    are means.

    Args:
        loss: function of ``(output, y)``, or None for the default.
        run: the batch.
        gradient: (n, ...) the gradient of its loss at the output, if it is known.

    Raises:
        InputError: if the loss is no such mean.
    """
    if loss is None or run.samples == 1:
        return
    gradient = _at_output(loss, run.output, run.y) if gradient is None else gradient
    row = int(gradient.detach().flatten(1).abs().amax(1).argmax())
    rows = slice(row, row + 1)
    single, whole = _at_output(loss, run.output[rows], run.y[rows]), gradient[rows] * run.samples
    precise = 10 * torch.finfo(single.dtype).eps ** 0.5
    if not bool(torch.allclose(single, whole, rtol=precise, atol=precise * float(whole.abs().max()))):
        raise InputError(
            "expected a loss that is the mean of its samples' losses, but in a batch of "
            f"{run.samples} a sample counts {float(whole.norm() / single.norm()):.4g} times as much as alone; "
            "class weights, ignored labels and sums do so: give the plain mean"
        )


def _at_output(loss: Any, output: Tensor, y: Tensor) -> Tensor:
    """The gradient of a loss with respect to the output; NaN where the loss is."""
    at = output.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(scalar_loss(Recipe(loss=loss), at.view_as(at), y), at)
    return gradient


def _alone(watched: Watched, loss: Any, x: Tensor, y: Tensor) -> dict[str, float]:
    """Parameter → norm of the gradient of one sample's loss."""
    run = watched.run(x, y, lambda event, h, output: None)
    names = [name for name, leaf in watched.leaves.items() if leaf.requires_grad]
    found = torch.autograd.grad(
        mean_loss(loss, run.output, run.y), [watched.leaves[name] for name in names], allow_unused=True
    )
    return {name: 0.0 if g is None else float(g.double().norm()) for name, g in zip(names, found, strict=True)}


def _place(
    event: Event, seen: tuple[Event, Tensor, Tensor] | None, truth: Sequence[float], uses: Mapping[str, int], to: Places
) -> None:
    if uses[event.parameter] > 1:
        to.refused[event.name] = f"its weight is used {uses[event.parameter]} times in one pass"
    elif not instrumented(event):
        to.refused[event.name] = f"{event.operation} is not instrumented"
    elif seen is None:
        to.refused[event.name] = "no gradient reaches it"
    else:
        layout = _fitting(seen, truth)
        if layout is None:
            to.refused[event.name] = _MIXED
        else:
            to.found[event.index] = layout


def _fitting(seen: tuple[Event, Tensor, Tensor], truth: Sequence[float]) -> Layout | None:
    event, x, gradient = seen
    count = len(truth)
    wanted = torch.tensor(truth, dtype=torch.float64)
    precise = torch.finfo(gradient.dtype).eps ** 0.5
    size = float(torch.linalg.vector_norm(gradient, dtype=torch.float64)) or 1.0
    unit = (gradient.double() / size).to(gradient.dtype)  # squares of a tiny gradient would be zero
    for layout in layouts(tuple(gradient.shape), count):
        d, h = by_sample(unit, count, layout), by_sample(x, count, layout)
        found = squared_norms(event, h, d).double().sqrt().cpu() * (count * size)
        if bool(torch.allclose(found, wanted, rtol=10 * precise, atol=precise * float(wanted.max()))):
            return layout
    return None


def _unseen(watched: Watched, events: Sequence[Event], places: Places) -> None:
    """Weights that no call was seen of; scales and shifts without a matrix have nothing to be seen."""
    called = {event.parameter for event in events}
    for name, leaf in watched.leaves.items():
        path = name.rpartition(".")[0] or name
        if leaf.ndim >= 2 and name not in called and path not in places.refused:
            places.refused[path] = f"no instrumented call uses {name}"
