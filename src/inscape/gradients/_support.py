"""How many samples support each hyperplane, and how far its weights may grow until too few do."""

from time import perf_counter
from typing import Any

import numpy as np
from torch import nn

from inscape._errors import InputError
from inscape._progress import Meter
from inscape._rng import RandomState, draw_seed, generator
from inscape.gradients._support_result import Support
from inscape.gradients._support_sums import SupportSums, Wanted
from inscape.gradients._unit_walk import Walk, walk
from inscape.gradients._watch import Mode
from inscape.network import model_fingerprint
from inscape.results import Provenance, Status, Verdict


def support(  # noqa: PLR0913
    model: nn.Module,
    data: Any,
    *,
    needed: int = 30,
    delta: float = 0.5,
    most: int = 4096,
    mode: Mode = "eval",
    batch_size: int = 1024,
    rng: RandomState = 0,
    progress: Meter | bool | None = None,
) -> Support:
    r"""How many samples hold each unit's hyperplane in place.

    The gradient of a unit's weights is a sum over samples of products with the factor :math:`ν'(z_i)`. Samples in the
    saturated part count nothing. How many count is Kish's effective sample size

    .. math:: N_\text{eff} = \frac{(\sum_i |ν'(z_i)|)^2}{\sum_i ν'(z_i)^2}
        \;\to\; \frac{(\int ν')^2}{\int ν'^2} \, N \, p_z(0) \quad (κ \to \infty)

    with the constant 6 for the sigmoid and 3 for tanh. When the weights grow and the hyperplane stays,
    :math:`z \to γ z`, the number falls. The *critical scale* :math:`γ_c` is where it reaches ``needed``; below 1 the
    hyperplane has too few samples already. For :math:`κ \gg 1` it is about :math:`N_\text{eff} / m`.

    The data are walked through once. N_eff, participants and occupancy are of all data, with derivatives computed as
    logarithms in float64, which do not vanish far into saturation. The density (Gaussian kernels, Silverman's
    bandwidth) and γ_c use at most ``most`` values of a unit, drawn at random if there are more. Where that sample is
    too thin to reach ``needed`` of all values, γ_c of a saturating unit is followed down to ``needed`` values of the
    sample and then continued by its asymptote, :math:`N_\text{eff} ∝ 1 / γ`.

    Args:
        model: the module; comes out unchanged.
        data: a pair of tensors ``(x, y)``, or an iterable of such batches.
        needed: values m that a hyperplane needs, ≥ 1.
        delta: level of the derivative at which a sample takes part, 0 < δ ≤ 1.
        most: most values of a unit for density and γ_c, ≥ 10 m.
        mode: ``"eval"``; ``"train"``; or ``"auto"`` for training mode while batch normalisation has seen no batch.
        batch_size: samples per batch where the data are a pair.
        rng: seed or generator that draws the values that are kept.
        progress: see :mod:`inscape`; None shows a bar on a terminal.

    Returns:
        One row for each unit, in the order of the calls.

    Raises:
        InputError: if ``needed`` or ``most`` is too small, or δ is no share.
        DataError: if the data are empty or unfit.
        ModelError: if the model has no known activation.

    Example:
        >>> import torch
        >>> unit = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
        >>> unit[0].weight.data[:], unit[0].bias.data[:] = 1.0, -2.5
        >>> x = torch.arange(6.0).reshape(6, 1)  # on for 3, 4 and 5
        >>> found = support(unit, (x, torch.zeros(6, 1)), needed=3)
        >>> round(float(found.effective[0]), 6), found.unsupported.any(), found.critical
        (3.0, np.False_, array([inf]))

    Source:
        van den Berg (2016), the parts on the density of samples in a unit's region; Kish (1965), section 11.7.
    """
    started = perf_counter()
    if needed < 1 or most < 10 * needed:
        raise InputError(f"expected needed ≥ 1 and most ≥ 10 · needed, got needed={needed}, most={most}")
    seed = draw_seed(rng)
    drawn, wanted = generator(seed), Wanted(needed=needed, delta=delta, most=most)
    found = walk(
        model,
        data,
        lambda site: SupportSums(site, wanted, drawn),
        mode=mode,
        batch_size=batch_size,
        progress=progress,
        title="support of the units",
    )
    rows = [taker.columns() for taker in found.takers]
    return Support(
        layers=tuple(site.label for site in found.sites),
        activations=tuple(site.activation.name for site in found.sites),
        layer=np.repeat(np.arange(len(found.sites)), [site.units for site in found.sites]),
        unit=np.concatenate([np.arange(site.units) for site in found.sites]),
        samples=found.samples,
        needed=needed,
        delta=delta,
        status=Status(verdict=Verdict.MEASURED, detail=_detail(found, most)),
        provenance=Provenance(
            function="inscape.gradients.support",
            options={"needed": needed, "delta": delta, "most": most, "mode": found.mode, "batch_size": batch_size},
            model=model_fingerprint(model),
            data=found.digest,
            seed=seed,
            seconds=perf_counter() - started,
        ),
        **{name: np.concatenate([row[name] for row in rows]) for name in rows[0]},
    )


def _detail(found: Walk, most: int) -> str:
    thinned = sum(taker.thinned for taker in found.takers)
    said = f"density and γ_c from {most} values of each unit behind {thinned} of {len(found.takers)} activations"
    return "; ".join(part for part in (found.detail, said if thinned else "") if part)
