"""Sizes of single samples' gradients at every call of a pass: one number a row of the batch, sample and call."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from inscape.gradients._cuts import reaching
from inscape.gradients._layouts import Layout, by_sample, layouts
from inscape.gradients._norms import normalised, squared_norms
from inscape.gradients._tape import Event, leaf_node, release
from inscape.gradients._watch import Run, Watched, mean_loss


class Rows:
    """A visitor that hooks outputs and keeps norms of single samples, for the losses of the samples by themselves.

    Attributes:
        arriving: index of a call → (n,) norm of the gradient at its output.
        inputs: index of a layer → (n,) norm of what it is fed.
        aligned: index of a layer → (n,) norm of the gradient of its weight over the product of the other two; 0 where
            nothing arrives.
    """

    def __init__(self, where: Mapping[int, Layout], layers: frozenset[int], samples: int) -> None:
        self._where = where
        self._layers = layers
        self._samples = samples
        self.arriving: dict[int, Tensor] = {}
        self.inputs: dict[int, Tensor] = {}
        self.aligned: dict[int, Tensor] = {}

    def __call__(self, event: Event, x: Tensor, output: Tensor) -> None:
        """Hook the output, if the call is one of those that are looked at."""
        layout = self._where.get(event.index)
        if layout is None:
            return
        h = by_sample(x.detach(), self._samples, layout) if event.index in self._layers else None
        if h is not None:
            self.inputs[event.index] = _fed(event, h)
        if output.requires_grad:
            event.hook(output, partial(self._arrived, event, h, layout))

    def _arrived(self, event: Event, h: Tensor | None, layout: Layout, gradient: Tensor) -> None:
        d = by_sample(gradient, self._samples, layout)
        norms = row_norms(d)
        self.arriving[event.index] = norms * self._samples
        if h is None:
            return
        if event.kind == "linear" and h.ndim == 2:  # one position: nothing to align
            self.aligned[event.index] = torch.ones_like(norms)
            return
        size = norms * self.inputs[event.index]
        scale = torch.where(norms > 0, norms, 1.0).reshape(-1, *[1] * (d.ndim - 1))
        unit = (d.double() / scale).to(d.dtype)  # a square of a tiny gradient would be zero in single precision
        own = squared_norms(event, h, unit).double().sqrt() * norms
        self.aligned[event.index] = torch.where(size > 0, own / torch.where(size > 0, size, 1.0), 0.0)


def row_norms(tensor: Tensor) -> Tensor:
    """Norm of every row, summed up in float64.

    Args:
        tensor: (n, ...) any values.

    Returns:
        (n,) norms in float64.
    """
    return torch.linalg.vector_norm(tensor.detach().reshape(len(tensor), -1), dim=1, dtype=torch.float64)


def _fed(event: Event, h: Tensor) -> Tensor:
    if event.kind == "embedding":
        return torch.full((len(h),), float(h[0].numel()), dtype=torch.float64, device=h.device).sqrt()
    return row_norms(normalised(event, h) if event.kind == "normalisation" else h)


def backward(seen: Watched, run: Run, loss: Any, y: Tensor, calls: frozenset[int]) -> Tensor | None:
    """Send the gradient from the loss back through the calls that are asked for; hooks see it on its way.

    Args:
        seen: the model.
        run: the pass.
        loss: the loss, mean-reduced.
        y: (n, ...) labels or targets.
        calls: indices of the calls that it must reach.

    Returns:
        The gradient at the input, None where it does not get there.
    """
    value = mean_loss(loss, run.output, y)
    source = leaf_node(run.x)
    passed = reaching(run.output.grad_fn, {source})
    wanted = [run.events[i] for i in calls if run.events[i].node is not None and run.events[i].node not in passed]
    leaves = [seen.leaves[e.parameter] for e in _upstream(run, wanted) if e.parameter]
    if not passed and not leaves:
        return None
    return torch.autograd.grad(value, [run.x, *dict.fromkeys(leaves)], allow_unused=True)[0]


def _upstream(run: Run, wanted: list[Event]) -> list[Event]:
    """The calls themselves, and what feeds them, so that a weight below each of them asks for a gradient."""
    found: dict[int, Event] = {}
    for event in wanted:
        at: Event | None = event
        while at is not None and at.index not in found:
            found[at.index] = at
            at = run.events[at.source] if at.source is not None else None
    return list(found.values())


def proven(seen: Watched, loss: Any, x: Tensor, y: Tensor) -> tuple[Run, dict[int, Layout], dict[int, float]]:
    """Find where the samples lie in the outputs of all calls, and prove it by a pass for each sample alone.

    Args:
        seen: the model.
        loss: the loss, mean-reduced.
        x: (n, *shape) a few samples.
        y: (n, ...) their labels or targets.

    Returns:
        The pass over all of them; index of a call → layout, for the calls where one fits; index of a call → norm of
        the gradient that arrives there.
    """
    run, joint = _gradients(seen, loss, x, y)
    alone = []
    for i in range(len(x)):
        single, found = _gradients(seen, loss, x[i : i + 1], y[i : i + 1])
        release(single.events)
        alone.append(found)
    where: dict[int, Layout] = {}
    for index, gradient in joint.items():
        if all(index in single for single in alone):
            truth = torch.stack([row_norms(single[index].reshape(1, -1))[0] for single in alone])
            layout = _fitting(gradient * len(x), truth)
            if layout is not None:
                where[index] = layout
    return run, where, {index: float(row_norms(d.reshape(1, -1))[0]) for index, d in joint.items()}


def _gradients(seen: Watched, loss: Any, x: Tensor, y: Tensor) -> tuple[Run, dict[int, Tensor]]:
    found: dict[int, Tensor] = {}

    def keep(event: Event, _: Tensor, output: Tensor) -> None:
        if output.requires_grad:
            event.hook(output, lambda d: found.__setitem__(event.index, d))

    run = seen.run(x, y, keep, input_gradient=True)
    backward(seen, run, loss, run.y, frozenset(range(len(run.events))))
    return run, found


def _fitting(gradient: Tensor, truth: Tensor) -> Layout | None:
    precise = torch.finfo(gradient.dtype).eps ** 0.5
    for layout in layouts(tuple(gradient.shape), len(truth)):
        found = row_norms(by_sample(gradient, len(truth), layout))
        if bool(torch.allclose(found, truth, rtol=10 * precise, atol=precise * float(truth.max()))):
            return layout
    return None
