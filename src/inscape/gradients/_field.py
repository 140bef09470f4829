"""Where on a plane of input space a new sample would move a layer, and by which factors."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inscape._errors import DomainError, InputError, UnsupportedLayerError
from inscape._progress import Meter, meter
from inscape.data import batches
from inscape.geometry import Box, Plane
from inscape.gradients._budget import steps_of
from inscape.gradients._cuts import cuts
from inscape.gradients._field_labels import Label, labelled, predictions, words
from inscape.gradients._field_result import Field
from inscape.gradients._flow import Flow, Station
from inscape.gradients._layouts import Layout
from inscape.gradients._rows import Rows, backward, proven, row_norms
from inscape.gradients._samples import probe
from inscape.gradients._tape import Event, leaf_node, release
from inscape.gradients._watch import Mode, Run, Watched, watched
from inscape.maps._predict import _grid
from inscape.network import model_fingerprint
from inscape.results import Provenance, Status, Verdict

_TRIED, _PROBES = 64, 3
_NUMBERS = 2**23
"""Most numbers in the tensors of one batch."""


def field(
    model: nn.Module,
    loss: Any,
    plane: Plane | Box,
    *,
    label: Label | np.generic | Tensor = "predicted",
    resolution: int = 200,
    mode: Mode = "eval",
    data: Any = None,
    progress: Meter | bool | None = None,
) -> Field:
    r"""Map, for every layer, how far one new sample at each point of a plane would move it.

    At the point :math:`x` the map of layer k holds the norm of the gradient of that one sample's loss,

    .. math::

        \lVert \nabla_{W_k} L(x, y) \rVert = \lVert δ_N \rVert \cdot \prod_{\text{cuts}}
            \frac{\lVert δ_{\text{below}} \rVert}{\lVert δ_{\text{above}} \rVert} \cdot \text{branch} \cdot
            \lVert x_{k-1} \rVert \cdot \text{alignment}

    and each factor is a map of its own: the misfit :math:`\lVert δ_N \rVert` at the output, the gain of every weight
    and the gate of every activation that the error passes on its way, the input of the layer, and for weights that are
    shared by positions what these lose by pulling in different directions. The factors are those of
    :func:`inscape.gradients.budget`, for one sample in place of many; their product is the map.

    Args:
        model: the module; comes out unchanged.
        loss: function of ``(output, y)`` that returns the mean over the samples; None for cross-entropy of
            whole-number labels and the mean squared error of float targets.
        plane: the window; a box must be two-dimensional.
        label: what the new sample is: ``"predicted"``, the class that the model sees there (how far a sample that
            *confirms* the model would still move it: nothing but the neighbourhood of the boundary is left);
            ``"runner-up"``, the second class (a sample that contradicts it); a whole number, the class of all
            samples; a float, the target of all of them. A single output stands for the classes below and above zero.
        resolution: grid points on the longer side, ≥ 2.
        mode: ``"eval"``, ``"train"`` or ``"auto"``. Samples must not depend on one another or on chance, so that
            dropout at work and statistics of the batch are refused.
        data: None, or a pair of tensors ``(x, y)`` or batches of such; drawn on top, projected onto the plane.
        progress: None, True, False or a meter.

    Returns:
        The maps.

    Raises:
        DomainError: if the domain is not two-dimensional.
        InputError: if the resolution or the label does not fit.
        UnsupportedLayerError: if dropout or batch statistics are at work, or no layer has a gradient of single
            samples.

    Example:
        >>> model = nn.Linear(2, 1, bias=False).double()
        >>> _ = model.weight.data.fill_(1.0)
        >>> window = Box(low=(0, 0), high=(4, 4))
        >>> found = field(model, None, window, label=0.0, resolution=2)  # L = (x₁ + x₂)²
        >>> float(np.exp(found.values[0, 1, 1]).round(9))  # at (3, 3): 2 · 6 · √18
        50.911688245

    Source:
        van den Berg (2016), the part on the regions through which the error propagates back.
    """
    started = perf_counter()
    asked_label: Any = label.item() if isinstance(label, np.generic | Tensor) else label
    if not isinstance(plane, Plane | Box) or plane.dimension != 2:
        raise DomainError(f"expected a Plane or a two-dimensional Box, got {type(plane).__name__}")
    if resolution < 2:
        raise InputError(f"expected resolution ≥ 2, got {resolution}")
    t, shape = _grid(plane, resolution)
    with watched(model, mode=mode) as seen:
        asked = _Asked(loss=loss, plane=plane, label=asked_label)
        prepared = _prepared(seen, asked)
        numbers = _walked(seen, asked, prepared, t, progress)
        chosen = seen.mode
    points, labels = _drawn(plane, data)
    return Field(
        domain=plane,
        **_maps(prepared, {key: value.reshape(shape) for key, value in numbers.items()}),
        label=words(asked_label),
        refused=tuple(prepared.refused.items()),
        points=points,
        labels=labels,
        mode=chosen,
        status=Status(verdict=Verdict.MEASURED, detail=f"sampled on a grid of {shape[1]} × {shape[0]} points"),
        provenance=Provenance(
            function="inscape.gradients.field",
            options={"label": asked_label, "resolution": resolution, "mode": chosen},
            model=model_fingerprint(model),
            seconds=perf_counter() - started,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What the caller wants to know."""

    loss: Any
    plane: Plane | Box
    label: Label


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """What the probes told: names of the factors, and where samples lie in each call's output."""

    events: list[Event]
    layers: list[Event]
    cuts: list[int]
    steps: list[dict[str, Any]]
    where: Mapping[int, Layout]
    refused: dict[str, str]
    batch: int


def _embedded(plane: Plane | Box, t: np.ndarray) -> Tensor:
    return torch.as_tensor((plane.origin + t @ plane.basis).reshape(-1, *plane.shape))


def _prepared(seen: Watched, asked: _Asked) -> _Prepared:
    x, y = _probes(seen, asked)
    run, where, sizes = proven(seen, asked.loss, x, y)
    places = probe(seen, asked.loss, x, y, input_gradient=True)
    found: dict[int, Layout] = {**where, **places.found}
    layers = [event for event in run.events if event.index in places.found and event.index in sizes]
    if not layers:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in places.refused.items())
        raise UnsupportedLayerError(
            f"no layer has a gradient of single samples ({reasons or 'no layer was seen'}); "
            "fields know Linear, Conv1d, Conv2d and normalisation, called through torch's own functions"
        )
    source = leaf_node(run.x)
    kept = [i for i in cuts(run.output.grad_fn, run.events, source) if i in found]
    release(run.events)
    stations = [Station(event=e, arriving=sizes.get(e.index, 0.0)) for e in run.events]
    flow = Flow(stations=stations, cuts=kept, count=1)
    numbers = x[0].numel() + sum(int(np.prod(event.shape)) for event in run.events) // len(x)
    return _Prepared(
        events=run.events,
        layers=layers,
        cuts=kept,
        steps=steps_of(flow),
        where={index: found[index] for index in {*kept, *(event.index for event in layers)}},
        refused=places.refused,
        batch=max(_PROBES, min(4096, _NUMBERS // numbers)),
    )


def _probes(seen: Watched, asked: _Asked) -> tuple[Tensor, Tensor]:
    """A few points where much of a gradient arrives, so that layouts are proven by numbers other than zero."""
    t = asked.plane.low + np.random.default_rng(0).random((_TRIED, 2)) * (asked.plane.high - asked.plane.low)
    x = _embedded(asked.plane, t)
    run = seen.run(x, torch.zeros(len(x)), lambda event, h, output: None, input_gradient=True)
    _check(run)
    y = labelled(run.output.detach(), asked.label, asked.loss)
    gradient = backward(seen, run, asked.loss, y, frozenset())
    size = torch.zeros(len(x)) if gradient is None else row_norms(gradient).cpu()
    best = size.argsort(descending=True, stable=True)[:_PROBES]
    return x[best], y[best.to(y.device)]


def _check(run: Run) -> None:
    if run.random:
        raise UnsupportedLayerError(
            f"dropout is at work ({', '.join(dict.fromkeys(run.random))}), so that a sample's gradient is random; "
            "use mode='eval', or set p = 0"
        )
    if run.batch_statistics:
        raise UnsupportedLayerError(
            f"statistics of the batch are at work ({', '.join(dict.fromkeys(run.batch_statistics))}), so that a sample "
            "has no gradient of its own; use mode='eval', after training or with running statistics"
        )


def _walked(
    seen: Watched, asked: _Asked, prepared: _Prepared, t: np.ndarray, progress: Meter | bool | None
) -> dict[str, np.ndarray]:
    """Name → one number for each grid point."""
    made: list[dict[str, np.ndarray]] = []
    with meter(progress, "field", len(t)) as shown:
        for start in range(0, len(t), prepared.batch):
            part = t[start : start + prepared.batch]
            made.append(_batch(seen, asked, prepared, _embedded(asked.plane, part)))
            shown.advance(len(part))
    return {name: np.concatenate([part[name] for part in made]) for name in made[0]}


def _batch(seen: Watched, asked: _Asked, prepared: _Prepared, x: Tensor) -> dict[str, np.ndarray]:
    layers = frozenset(event.index for event in prepared.layers)
    rows = Rows(prepared.where, layers, len(x))
    run = seen.run(x, torch.zeros(len(x)), rows, input_gradient=True)
    names = [event.name for event in run.events]
    if names != [event.name for event in prepared.events]:
        raise UnsupportedLayerError("the model calls other layers from point to point; a field needs one path")
    arrived: list[Tensor] = []
    run.output.register_hook(arrived.append)
    y = labelled(run.output.detach(), asked.label, asked.loss)
    backward(seen, run, asked.loss, y, frozenset(prepared.where))
    zero = torch.zeros(len(x), dtype=torch.float64)
    predicted, margin = predictions(run.output.detach(), asked.label, asked.loss)
    found = {"predicted": predicted, "margin": margin, "misfit": row_norms(arrived[0]) * len(x) if arrived else zero}
    found |= {f"arriving {i}": rows.arriving.get(i, zero) for i in prepared.where}
    for i in layers:
        found |= {f"input {i}": rows.inputs[i], f"aligned {i}": rows.aligned.get(i, zero)}
    release(run.events)
    return {name: value.detach().cpu().numpy() for name, value in found.items()}


def _log(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(values)


def _less(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The difference, where a gradient that was lost before has no further change."""
    return np.where(np.isneginf(high), np.nan, low - np.where(np.isneginf(high), 0.0, high))


def _maps(prepared: _Prepared, grids: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The factors' logarithms, from output to input, and the field of every layer as their sum."""
    misfit = _log(grids["misfit"])
    sizes = [misfit, *(_log(grids[f"arriving {i}"]) for i in reversed(prepared.cuts))]
    steps = [_less(low, high) for high, low in pairwise(sizes)]
    kept = [j for j, step in enumerate(steps) if (step != 0).any()]
    above = dict(zip(reversed(prepared.cuts), sizes[1:], strict=True))
    made: dict[str, list[np.ndarray]] = {name: [] for name in ("values", "branch", "inputs", "alignment")}
    depths = []
    for event in prepared.layers:
        at = _log(grids[f"arriving {event.index}"])
        cut = min((i for i in prepared.cuts if i >= event.index), default=None)
        inputs, aligned = _log(grids[f"input {event.index}"]), _log(grids[f"aligned {event.index}"])
        made["branch"].append(
            np.zeros_like(at) if cut == event.index else _less(at, misfit if cut is None else above[cut])
        )
        made["inputs"].append(inputs)
        made["alignment"].append(np.where(np.isneginf(at + inputs), np.nan, aligned))
        made["values"].append(np.where(np.isneginf(at + inputs), -np.inf, at + inputs + aligned))
        passed = 0 if cut is None else len(prepared.cuts) - prepared.cuts.index(cut)
        depths.append(sum(j < passed for j in kept))
    return {name: np.stack(parts) for name, parts in made.items()} | {
        "layers": tuple(event.name for event in prepared.layers),
        "operations": tuple(event.operation for event in prepared.layers),
        "depths": np.array(depths, dtype=np.int64),
        "names": tuple(str(prepared.steps[j]["name"]) for j in kept),
        "categories": tuple(str(prepared.steps[j]["category"]) for j in kept),
        "misfit": misfit,
        "steps": np.stack([steps[j] for j in kept]) if kept else np.zeros((0, *misfit.shape)),
        "predicted": grids["predicted"].astype(np.int64),
        "margin": grids["margin"],
    }


def _drawn(plane: Plane | Box, data: Any) -> tuple[np.ndarray, np.ndarray]:
    """Chart coordinates of the data and their classes; no classes for float targets."""
    points, labels = [np.zeros((0, 2))], [np.zeros(0, dtype=np.int64)]
    for x, y in batches(data) if data is not None else ():
        if tuple(x.shape[1:]) != tuple(plane.shape):
            raise InputError(f"expected data with samples of shape {plane.shape}, as on the plane, got {x.shape[1:]}")
        flat = x.detach().cpu().double().numpy()
        points.append(flat if isinstance(plane, Box) else plane.project(flat))
        if not y.is_floating_point() and y.ndim == 1:
            labels.append(y.detach().cpu().numpy().astype(np.int64))
    found = np.concatenate(labels)
    return np.concatenate(points), found if len(found) and found.min() >= 0 else labels[0]
