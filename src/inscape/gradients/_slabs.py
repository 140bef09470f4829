"""One row for each unit: how wide its transition is beside the spread of the data, and where the data lie in it."""

from time import perf_counter
from typing import Any

import numpy as np
from torch import nn

from inscape._progress import Meter
from inscape.gradients._moments import Moments
from inscape.gradients._sites import Key, Site, weight_rows
from inscape.gradients._slab_sums import SlabSums
from inscape.gradients._unit_slabs import UnitSlabs
from inscape.gradients._unit_walk import Walk, affine, walk
from inscape.gradients._watch import Mode
from inscape.network import model_fingerprint
from inscape.results import Provenance, Status, Verdict


def slabs(
    model: nn.Module,
    data: Any,
    *,
    delta: float = 0.5,
    mode: Mode = "eval",
    batch_size: int = 1024,
    progress: Meter | bool | None = None,
) -> UnitSlabs:
    r"""How each unit of a model lies in the data.

    A unit with pre-activation :math:`z = w · x + b` answers to its input in a slab of thickness :math:`2 z^* / ‖w‖`
    around its hyperplane, :math:`z^*` being half the width of the activation's transition. What counts is how thick
    that is beside the data:

    .. math:: κ = \frac{\operatorname{std}(z)}{z^*}

    With :math:`κ \gg 1` the unit is saturated on most samples, and few of them move its weights; with
    :math:`κ \ll 1` it is nearly linear on the data. Units are ranked by κ, because ‖w‖ says nothing by itself where a
    normalisation follows, or where a rectifier lets the scale move from layer to layer. A rectifier has a kink in
    place of a transition; for it the distance of the kink from the data and the shares on its two sides are given.

    The data are walked through once. Sums are in float64, derivatives as the model's own type gives them.

    Args:
        model: the module; comes out unchanged.
        data: a pair of tensors ``(x, y)``, or an iterable of such batches.
        delta: level of the derivative, 0 < δ ≤ 1, as a share of its largest value.
        mode: ``"eval"``; ``"train"``; or ``"auto"`` for training mode while batch normalisation has seen no batch.
            In training mode the status names what depends on the batches or is random.
        batch_size: samples per batch where the data are a pair.
        progress: see :mod:`inscape`; None shows a bar on a terminal.

    Returns:
        The rows, in the order of the calls.

    Raises:
        InputError: if δ is no share.
        DataError: if the data are empty or unfit.
        ModelError: if the model has no known activation.

    Example:
        >>> import torch
        >>> unit = nn.Sequential(nn.Linear(1, 1), nn.Tanh())
        >>> unit[0].weight.data[:], unit[0].bias.data[:] = 2.0, 0.0
        >>> x = torch.tensor([[-3.0], [-0.25], [0.25], [3.0]])  # tanh' ≥ ¼ for |2x| ≤ 1.317
        >>> found = slabs(unit, (x, torch.zeros(4, 1)), delta=0.25)
        >>> found.occupancy, found.low, found.high
        (array([0.5]), array([0.25]), array([0.25]))

    Source:
        van den Berg (2016), the parts on the region where a unit's gradient is supported.
    """
    started = perf_counter()
    found = walk(
        model,
        data,
        lambda site: SlabSums(site, delta),
        mode=mode,
        batch_size=batch_size,
        progress=progress,
        title="slabs of the units",
    )
    return UnitSlabs(
        layers=tuple(site.label for site in found.sites),
        activations=tuple(site.activation.name for site in found.sites),
        layer=np.repeat(np.arange(len(found.sites)), [site.units for site in found.sites]),
        unit=np.concatenate([np.arange(site.units) for site in found.sites]),
        samples=found.samples,
        delta=delta,
        status=Status(verdict=Verdict.MEASURED, detail=found.detail),
        provenance=Provenance(
            function="inscape.gradients.slabs",
            options={"delta": delta, "mode": found.mode, "batch_size": batch_size},
            model=model_fingerprint(model),
            data=found.digest,
            seconds=perf_counter() - started,
        ),
        **_joined(found),
    )


def _joined(found: Walk) -> dict[str, np.ndarray]:
    rows = [_rows(site, taker, found.layers) for site, taker in zip(found.sites, found.takers, strict=True)]
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def _rows(site: Site, sums: SlabSums, layers: dict[Key, Moments]) -> dict[str, np.ndarray]:
    columns = sums.columns()
    norm = _norms(site)
    slope, shift = _folded(site, columns, layers)
    steepness = norm * np.abs(slope)
    with np.errstate(divide="ignore", invalid="ignore"):
        return columns | {
            "norm": norm,
            "steepness": steepness,
            "offset": ((columns["centre"] - shift) / slope - _bias(site)) / norm,
            "thickness": 2 * columns["halfwidth"] / steepness,
            "spread": columns["deviation"] / steepness,
        }


def _norms(site: Site) -> np.ndarray:
    rows = None if site.layer is None else weight_rows(site.layer)
    if rows is None or len(rows) != site.units:
        return np.full(site.units, np.nan)
    return rows.double().norm(dim=1).cpu().numpy()


def _bias(site: Site) -> np.ndarray:
    layer = site.layer
    if layer is None or layer.operation == "matmul":  # x @ W, whose bias is added by another call
        return np.full(site.units, np.nan)
    if layer.bias is None or len(layer.bias) != site.units:
        return np.full(site.units, 0.0 if layer.bias is None else np.nan)
    return layer.bias.detach().double().cpu().numpy()


def _folded(site: Site, columns: dict[str, np.ndarray], layers: dict[Key, Moments]) -> tuple[np.ndarray, np.ndarray]:
    """Slope and shift of the map from a layer's output to the pre-activation; the shift is NaN where it is no map."""
    slope, shift = np.ones(site.units), np.zeros(site.units)
    if not affine(site):
        below = layers[site.layer_key].deviation if site.layer_key else np.zeros(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = columns["deviation"] / below if len(below) == site.units else np.full(site.units, np.nan)
        return slope, np.full(site.units, np.nan)
    for event in site.between:
        mean, variance = (event.arguments[name].double() for name in ("running_mean", "running_var"))
        scale = (variance + float(event.arguments.get("eps", 1e-5))).rsqrt()
        scale = scale if event.weight is None else scale * event.weight.detach().double()
        move = -mean * scale if event.bias is None else event.bias.detach().double() - mean * scale
        slope, shift = slope * scale.cpu().numpy(), shift * scale.cpu().numpy() + move.cpu().numpy()
    return slope, shift
