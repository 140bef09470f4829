"""Slabs of chosen units on a plane: level sets of their pre-activations over the data and the decision regions."""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inscape._errors import DomainError, InputError
from inscape._progress import Meter, meter
from inscape.data import batches
from inscape.geometry import Box, Plane
from inscape.gradients._activations import transition
from inscape.gradients._plane_density import plane_density
from inscape.gradients._sites import Names, Site, find_sites
from inscape.gradients._slab_map_result import SlabMap
from inscape.gradients._tape import Event
from inscape.gradients._watch import watched
from inscape.maps import predict
from inscape.network import model_fingerprint
from inscape.results import Provenance, Status, Verdict

_NUMBERS = 2**20
"""Most numbers in the inputs of one batch."""

_UNITS = 3
"""Units that are drawn where none are named."""


def slab_map(
    model: nn.Module,
    plane: Plane | Box,
    data: Any = None,
    *,
    layer: str | None = None,
    units: Sequence[int] | None = None,
    delta: float = 0.5,
    resolution: int = 192,
    progress: Meter | bool | None = None,
) -> SlabMap:
    r"""Where units of a layer change on a plane, over the density of the data and the decision regions.

    A unit of the first layer has a straight slab; deeper ones have curved ones, the sets
    :math:`\{t : |z(t) - \text{centre}| ≤ z^*\}`. Their borders are level sets of z, found on a grid by linear
    interpolation; a rectifier has its kink alone. Of a convolution's channel the middle position is shown.

    The data are projected onto the plane; they need not lie on it. Their density is a sum of Gaussian kernels, one for
    each sample, of Scott's bandwidth on each axis.

    Args:
        model: the module; comes out unchanged. It runs in evaluation mode.
        plane: the window; a box must be two-dimensional.
        data: a pair of tensors ``(x, y)``, or an iterable of such batches, or None for no data.
        layer: name of the layer, as :func:`slabs` names it; None for the first.
        units: which units; None for the three whose middle is nearest the middle of the window.
        delta: level of the derivative, 0 < δ ≤ 1.
        resolution: grid points on the longer side, ≥ 2.
        progress: see :mod:`inscape`; None shows a bar on a terminal.

    Returns:
        The grids, with the borders as lines.

    Raises:
        DomainError: if the domain is not two-dimensional.
        InputError: if there is no such layer or unit.
        ModelError: if the model does not take the plane's points, or is no classifier with one row a sample.

    Example:
        >>> net = nn.Sequential(nn.Linear(2, 1), nn.ReLU(), nn.Linear(1, 2))
        >>> net[0].weight.data[:], net[0].bias.data[:] = torch.tensor([1.0, 0.0]), -0.5
        >>> (line,) = slab_map(net, Box(low=(-1, -1), high=(1, 1)), resolution=8).lines(0)
        >>> bool(np.allclose(line[:, 0], 0.5))  # the kink x₁ = ½
        True

    Source:
        van den Berg (2016), the part on the confidence of a unit's region.
    """
    started = perf_counter()
    if not isinstance(plane, Plane | Box) or plane.dimension != 2:
        raise DomainError(f"expected a Plane or a two-dimensional Box, got {type(plane).__name__}")
    labels = predict(model, plane, resolution=resolution, rivals=1, progress=False)
    height, width = labels.label.shape
    t = _nodes(plane, (height, width))
    site, values = _values(model, plane, t, layer, progress)
    shape = transition(site.activation, delta)
    values = values.reshape(height + 1, width + 1, -1).transpose(2, 0, 1)
    chosen = _chosen(values - shape.centre, units, site.label)
    points, classes = _projected(plane, data)
    return SlabMap(
        domain=plane,
        layer=site.label,
        activation=site.activation.name,
        units=chosen,
        delta=delta,
        centre=shape.centre,
        halfwidth=shape.halfwidth,
        values=values[chosen],
        label=labels.label,
        names=labels.names,
        density=plane_density(points, plane, (height, width)),
        points=points,
        classes=classes,
        status=Status(verdict=Verdict.MEASURED, detail=f"on a grid of {width} × {height} points"),
        provenance=Provenance(
            function="inscape.gradients.slab_map",
            options={"layer": site.label, "units": chosen.tolist(), "delta": delta, "resolution": resolution},
            model=model_fingerprint(model),
            seconds=perf_counter() - started,
        ),
    )


def _nodes(plane: Plane | Box, shape: tuple[int, int]) -> np.ndarray:
    """(n, 2) corners of the grid's rectangles, so that level sets reach the border of the window."""
    x, y = (np.linspace(plane.low[i], plane.high[i], count + 1) for i, count in ((0, shape[1]), (1, shape[0])))
    return np.stack([np.tile(x, len(y)), np.repeat(y, len(x))], axis=1)


def _values(
    model: nn.Module, plane: Plane | Box, t: np.ndarray, layer: str | None, progress: Meter | bool | None
) -> tuple[Site, np.ndarray]:
    """The chosen layer's units, and their (n, units) pre-activations."""
    points = torch.from_numpy((plane.origin.reshape(1, -1) + t @ plane.basis).reshape(-1, *plane.shape))
    size = max(1, min(4096, _NUMBERS // max(1, points[0].numel())))
    found: list[np.ndarray] = []
    with watched(model, gradient=False) as watch, meter(progress, "slabs on the plane", len(points)) as shown:
        spread = torch.linspace(0, len(points) - 1, 3).long()
        sites, _ = find_sites(watch, points[spread], torch.zeros(3))
        site = _named(sites, layer)
        for part in points.split(size):
            watch.run(part, torch.zeros(len(part)), _Grab(site, len(part), found))
            shown.advance(len(part))
    return site, np.concatenate(found)


class _Grab:
    """Keeps the pre-activations of one activation, of the middle position."""

    def __init__(self, site: Site, samples: int, found: list[np.ndarray]) -> None:
        self._site, self._samples, self._found, self._names = site, samples, found, Names()

    def __call__(self, event: Event, x: Tensor, _: Tensor) -> None:
        if self._names.key(event) == self._site.key:
            middle = _middle(self._site, tuple(x.shape))
            self._found += [part[:, middle].double().cpu().numpy() for part in self._site.parts(x, self._samples)]


def _middle(site: Site, shape: tuple[int, ...]) -> int:
    """Number of the middle position."""
    if site.layout == "second":
        return shape[0] // 2
    places = shape[2:] if site.axis == 1 else shape[1:-1]
    number = 0
    for count in places:
        number = number * count + count // 2
    return number


def _named(sites: list[Site], layer: str | None) -> Site:
    if not sites:
        raise InputError("the model calls no elementwise activation that is known; it has no units to look at")
    found = [site for site in sites if layer is None or site.label == layer]
    if not found:
        raise InputError(f"expected layer to be one of {', '.join(site.label for site in sites)}, got {layer!r}")
    return found[0]


def _chosen(values: np.ndarray, units: Sequence[int] | None, label: str) -> np.ndarray:
    count = len(values)
    if units is None:
        flat = values.reshape(count, -1)
        spread = flat.std(1)
        centred = np.abs(np.median(flat, axis=1)) / np.where(spread > 0, spread, 1e-300)
        return np.sort(np.argsort(centred, kind="stable")[:_UNITS])
    chosen = np.asarray(units, dtype=np.int64).reshape(-1)
    if not len(chosen) or chosen.min() < 0 or chosen.max() >= count:
        raise InputError(f"expected units between 0 and {count - 1}, those of layer {label!r}, got {list(units)}")
    return chosen


def _projected(plane: Plane | Box, data: Any) -> tuple[np.ndarray, np.ndarray]:
    """(m, 2) chart coordinates of the samples, and their (m,) classes, empty where y holds no classes."""
    if data is None:
        return np.zeros((0, 2)), np.zeros(0, dtype=np.int64)
    places, labels = [], []
    for x, y in batches(data, batch_size=1024):
        flat = x.detach().cpu().double().flatten(1).numpy()
        if flat.shape[1] != plane.origin.size:
            raise InputError(f"expected samples of shape {plane.shape}, the plane's, got {tuple(x.shape[1:])}")
        places.append((flat - plane.origin.reshape(-1)) @ np.linalg.pinv(plane.basis))
        labels.append(y.detach().cpu())
    classes = torch.cat(labels)
    whole = classes.ndim == 1 and not classes.is_floating_point() and int(classes.min()) >= 0
    return np.concatenate(places), classes.long().numpy() if whole else np.zeros(0, dtype=np.int64)
