"""A copy of a model whose layers are scaled to the data, hyperplanes kept."""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inscape._progress import Meter, meter
from inscape.data import Batches, batches
from inscape.gradients._activations import transition
from inscape.gradients._moments import Moments
from inscape.gradients._scales import balanced_scale
from inscape.gradients._sites import Site, find_sites
from inscape.gradients._unit_walk import visiting
from inscape.gradients._watch import watched


@dataclass(frozen=True, kw_only=True, eq=False)
class Rescaled:
    """A rescaled copy, and what was done to it.

    Attributes:
        model: the copy; its gradients are cleared.
        factors: name of a layer → (units,) factors on the rows of its weight and on its bias.
        kept: name of a layer, or of an activation without one → why it was left as it was.
    """

    model: nn.Module
    factors: dict[str, np.ndarray]
    kept: dict[str, str]


def rescaled(
    model: nn.Module,
    data: Any,
    *,
    delta: float = 0.5,
    batch_size: int = 1024,
    progress: Meter | bool | None = None,
) -> Rescaled:
    r"""Scale the layers of a copy to the data, one after the other; each sees what the scaled ones before it give.

    Weight and bias of a unit are multiplied by the same factor, so that its hyperplane stays. Before an activation that
    saturates on both sides each unit gets its own, :math:`γ = z^* / (2 \operatorname{std} z)`, after which κ = ½ (see
    :func:`balanced_scale`). Before any other activation the layer gets one,
    :math:`γ = 1 / \sqrt{\operatorname{mean}_u \operatorname{var} z_u}`, as in layer-sequential unit-variance
    initialisation; its units keep their proportions.

    Left as they are: layers with a normalisation between them and their activation, which undoes every scale; frozen
    layers; weights that are used more than once or are no parameter of their own; the last layer, if no activation
    follows; and units that are constant on the data. The data are walked through once for each layer and once before.

    Args:
        model: the module; comes out unchanged.
        data: a pair of tensors ``(x, y)``, or a re-iterable of such batches; y is not used.
        delta: level that defines the half-width z*, 0 < δ < 1.
        batch_size: samples per batch where the data are a pair.
        progress: see :mod:`inscape`; None shows a bar on a terminal.

    Returns:
        The copy, the factors, and what was left as it was.

    Raises:
        InputError: if δ is no share, or 1, at which a transition has no width.
        DataError: if the data are empty, or an iterator that gives its batches once only.

    Example:
        >>> layer = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
        >>> layer[0].weight.data[:], layer[0].bias.data[:] = 0.5, 1.0
        >>> x = torch.tensor([[-2.0], [2.0]])  # std z = 1 / 2 · 2
        >>> rescaled(layer, (4 * x, x)).factors
        {'0': array([0.25])}

    Source:
        van den Berg (2016), the part on weights and the density of samples; Mishkin and Matas (2016), algorithm 1.
    """
    source = batches(data, batch_size=batch_size, passes=2)
    copy = deepcopy(model)
    for parameter in copy.parameters():
        parameter.grad = None
    factors: dict[str, np.ndarray] = {}
    with watched(copy, gradient=False) as watch:
        sites, run = find_sites(watch, *next(iter(source)))
        names = {id(leaf): name for name, leaf in watch.leaves.items()}
        uses = Counter(event.parameter for event in run.events)
        kept = _refused(sites, copy, names, uses)
    targets = [site for site in sites if site.label not in kept]
    with meter(progress, "rescaled layers", len(targets)) as shown:
        for site in targets:
            factors[site.label] = _factor(site, _moments(copy, site, source), delta)
            _apply(copy, site, names, factors[site.label])
            shown.advance(1)
    return Rescaled(model=copy, factors=factors, kept=kept)


def _refused(sites: list[Site], copy: nn.Module, names: dict[int, str], uses: Counter[str]) -> dict[str, str]:
    parameters = dict(copy.named_parameters())
    found: dict[str, str] = {}
    labels = Counter(site.label for site in sites)
    for site in sites:
        reason = _reason(site, uses, parameters, names)
        reason = reason or ("it feeds more than one activation" if labels[site.label] > 1 else "")
        if reason:
            found[site.label] = reason
    return found


def _reason(site: Site, uses: Counter[str], parameters: dict[str, nn.Parameter], names: dict[int, str]) -> str:
    layer = site.layer
    if layer is None:
        return "no single layer feeds the activation"
    if site.between or layer.kind not in {"linear", "convolution"}:
        return "a normalisation follows, which undoes any scale"
    if not layer.parameter or layer.operation == "matmul" or (layer.bias is not None and id(layer.bias) not in names):
        return "its weight or bias is no parameter of its own"
    if uses[layer.parameter] > 1:
        return "its weight is used more than once"
    if len(parameters[layer.parameter]) != site.units or layer.operation.startswith("conv_transpose"):
        return "its rows are not the units of the activation"
    if not parameters[layer.parameter].requires_grad:
        return "it is frozen"
    return ""


def _moments(copy: nn.Module, site: Site, source: Batches) -> Moments:
    found = Moments()

    class Only:
        def take(self, z: Tensor, _: Tensor) -> None:
            found.add(z.flatten(0, 1))

    with watched(copy, gradient=False) as watch:
        for x, y in source:
            watch.run(x, y, visiting([site], [Only()], len(x)))
    return found


def _factor(site: Site, moments: Moments, delta: float) -> np.ndarray:
    shape = transition(site.activation, delta)
    if site.activation.saturating:
        return np.nan_to_num(balanced_scale(moments.deviation, shape.halfwidth), nan=1.0)
    size = float(np.sqrt(np.mean(np.square(moments.deviation))))
    return np.full(site.units, 1 / size if size > 0 else 1.0)


def _apply(copy: nn.Module, site: Site, names: dict[int, str], factor: np.ndarray) -> None:
    layer, parameters = site.layer, dict(copy.named_parameters())
    assert layer is not None  # noqa: S101 (a site without a layer was refused)
    weight = parameters[layer.parameter]
    with torch.no_grad():
        scale = torch.from_numpy(factor).to(weight)
        weight.mul_(scale.reshape(-1, *[1] * (weight.ndim - 1)))
        if layer.bias is not None:
            parameters[names[id(layer.bias)]].mul_(scale)
