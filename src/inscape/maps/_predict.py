"""Label, confidence, margin and boundary distance of a model on a grid of a plane."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inscape._errors import DomainError, InputError
from inscape._progress import Meter, meter
from inscape.geometry import Box, Plane
from inscape.maps._evaluate import detached_copy, first_order_distances, head_of, home_of, logits_of, outputs_of
from inscape.maps._map import PredictionMap
from inscape.plotting import grid_shape
from inscape.results import Provenance, Status, Verdict, fingerprint

_NUMBERS = 2**20
"""Most numbers in the inputs of one batch: small batches stay in the processor's cache."""


def predict(
    model: nn.Module,
    plane: Plane | Box,
    *,
    resolution: int = 256,
    rivals: int | None = None,
    batch: int = 4096,
    names: Sequence[str] = (),
    progress: Meter | bool | None = None,
) -> PredictionMap:
    r"""Evaluate a model on a grid of a plane.

    With outputs :math:`f_1, …, f_k` before a smooth head and the predicted class :math:`i`:

    .. math::

        \text{confidence} = \max_j \operatorname{softmax}(f)_j, \quad
        \text{margin} = f_i - \max_{j ≠ i} f_j, \quad
        \text{distance} = \min_{j ≠ i} \frac{f_i - f_j}{\lVert \nabla_x (f_i - f_j) \rVert_2}

    A single output :math:`f` stands for two classes with the boundary :math:`f = 0` and the probability
    :math:`σ(f)`. The distance is the first step of Newton's method towards the boundary: exact for an affine model,
    elsewhere a guess from the slope and no certificate. A Softmax, LogSoftmax or Sigmoid that ends the model is
    found by reading the model, is undone for margin and distance, and is not applied twice. Where the model cannot
    be read, outputs that are never negative and sum to one count as those of a softmax. Models with several outputs
    and a Sigmoid have the largest of its values as their confidence.

    The model runs in evaluation mode, on its own device and in its own type (in float64 if it ends in a head), and
    is not changed.

    Args:
        model: maps (n, *shape) samples to (n, k) or (n,) outputs.
        plane: the window; a box must be two-dimensional.
        resolution: grid points on the longer side, ≥ 2.
        rivals: how many of the next best classes the distances look at, ≥ 1, None for all; each costs a backward
            pass, which is most of the work for convolutions.
        batch: most samples that are evaluated at once, ≥ 1; less for large inputs.
        names: names of the classes; for a single output of the classes below and above zero.
        progress: see :mod:`inscape`; None shows a bar on a terminal.

    Returns:
        The grids.

    Raises:
        DomainError: if the domain is not two-dimensional.
        InputError: if the resolution, the batch, the rivals or the number of names does not fit.

    Example:
        >>> linear = nn.Linear(2, 1, bias=False)
        >>> linear.weight.data[:] = torch.tensor([[3.0, 4.0]])
        >>> seen = predict(linear, Box(low=(-1, -1), high=(1, 1)), resolution=2)
        >>> seen.distance[1, 1]  # at (0.5, 0.5): 3.5 / 5
        np.float64(0.7)
    """
    started = perf_counter()
    if not isinstance(plane, Plane | Box) or plane.dimension != 2:
        raise DomainError(f"expected a Plane or a two-dimensional Box, got {_described(plane)}")
    if resolution < 2 or batch < 1 or (rivals is not None and rivals < 1):
        raise InputError(
            "expected resolution ≥ 2, batch ≥ 1 and rivals ≥ 1 or None, "
            f"got resolution={resolution}, batch={batch}, rivals={rivals}"
        )
    points, shape = _grid(plane, resolution)
    with torch.random.fork_rng(devices=[]):
        view = _view(model, plane, rivals)
        rows = _rows(view, points, batch, progress)
    limited = "" if rivals is None or rivals >= view.outputs - 1 else f"; distances to the {rivals} next best classes"
    label, confidence, margin, distance, within = (row.reshape(shape) for row in rows)
    return PredictionMap(
        domain=plane,
        names=_names(names, view.outputs),
        label=label.astype(np.int64),
        confidence=confidence,
        margin=margin,
        distance=distance,
        plane_distance=within,
        head=view.head,
        status=Status(verdict=Verdict.MEASURED, detail=f"sampled on a grid of {shape[1]} × {shape[0]} points{limited}"),
        provenance=Provenance(
            function="inscape.maps.predict",
            options={"resolution": resolution, "rivals": rivals, "batch": batch},
            model=fingerprint(*(t.detach().cpu().double().numpy() for t in model.state_dict().values())),
            seconds=perf_counter() - started,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _View:
    """A model as a function on the plane."""

    evaluate: Callable[[Tensor], Any]
    embed: Callable[[np.ndarray], Tensor]
    axes: Tensor
    head: str
    outputs: int
    rivals: int | None


def _described(domain: object) -> str:
    dimension = getattr(domain, "dimension", None)
    return type(domain).__name__ + ("" if dimension is None else f" of dimension {dimension}")


def _names(names: Sequence[str], outputs: int) -> tuple[str, ...]:
    count = 2 if outputs == 1 else outputs
    if not names:
        return ("output ≤ 0", "output > 0") if outputs == 1 else tuple(str(index) for index in range(outputs))
    if len(names) != count:
        raise InputError(f"expected {count} names of classes, got {len(names)}")
    return tuple(map(str, names))


def _grid(plane: Plane | Box, resolution: int) -> tuple[np.ndarray, tuple[int, int]]:
    rows, columns = grid_shape(plane.low, plane.high, resolution)
    x = plane.low[0] + (np.arange(columns) + 0.5) * (plane.high[0] - plane.low[0]) / columns
    y = plane.low[1] + (np.arange(rows) + 0.5) * (plane.high[1] - plane.low[1]) / rows
    return np.stack([np.tile(x, rows), np.repeat(y, columns)], axis=1), (rows, columns)


def _view(model: nn.Module, plane: Plane | Box, rivals: int | None) -> _View:
    dtype, device = home_of(model)
    origin, basis = plane.origin.reshape(1, -1), plane.basis

    def points_of(t: np.ndarray, kind: torch.dtype) -> Tensor:
        return torch.as_tensor((origin + t @ basis).reshape(-1, *plane.shape), dtype=kind, device=device)

    centre = (plane.low + plane.high)[None] / 2
    probe = plane.low + np.random.default_rng(0).random((64, 2)) * (plane.high - plane.low)
    evaluate = detached_copy(model)
    with torch.no_grad():
        outputs = outputs_of(evaluate, points_of(probe, dtype))
    head = head_of(model, points_of(centre, dtype).cpu().numpy(), outputs)
    kind = torch.float64 if head else dtype
    if head:
        evaluate = detached_copy(model, torch.float64)
    return _View(
        evaluate=evaluate,
        embed=lambda t: points_of(t, kind),
        axes=torch.as_tensor(np.linalg.qr(basis.T)[0], dtype=torch.float64, device=device),
        head=head,
        outputs=outputs.shape[1],
        rivals=rivals,
    )


def _rows(view: _View, points: np.ndarray, batch: int, progress: Meter | bool | None) -> np.ndarray:
    """(5, n) label, confidence, margin and the two distances."""
    inputs = len(view.axes)
    size = max(1, min(batch, _NUMBERS // inputs))
    found = []
    with meter(progress, "map of predictions", len(points)) as shown:
        for start in range(0, len(points), size):
            part = points[start : start + size]
            found.append(_batch(view, part).cpu().numpy())
            shown.advance(len(part))
    return np.concatenate(found, axis=1)


def _batch(view: _View, points: np.ndarray) -> Tensor:
    with torch.enable_grad():
        x = view.embed(points).requires_grad_()
        outputs = outputs_of(view.evaluate, x)
        logits = logits_of(outputs, view.head)
        if view.outputs == 1:
            logits = torch.cat([-logits / 2, logits / 2], dim=1)
        distance, within = first_order_distances(logits, x, view.axes.to(x.dtype), rivals=view.rivals)
    logits, outputs = logits.detach().double(), outputs.detach().double()
    several = view.head == "Sigmoid" and view.outputs > 1
    confidence = outputs.amax(1) if several else logits.softmax(1).amax(1)
    best = logits.topk(2, dim=1).values
    return torch.stack([logits.argmax(1).double(), confidence, best[:, 0] - best[:, 1], distance, within])
