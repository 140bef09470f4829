"""A network before its first step: are its units in the data, and does its gradient arrive."""

from time import perf_counter
from typing import Any

import numpy as np
from torch import nn

from inscape._progress import Meter
from inscape.data import batches
from inscape.gradients._audit_result import InitialAudit
from inscape.gradients._budget import budget
from inscape.gradients._rescaled import rescaled
from inscape.gradients._rule import find
from inscape.gradients._slabs import slabs
from inscape.gradients._watch import Mode, mode_of
from inscape.network import model_fingerprint
from inscape.results import Provenance


def audit(
    model: nn.Module,
    data: Any,
    *,
    loss: Any = None,
    rescale: bool = False,
    delta: float = 0.5,
    mode: Mode = "auto",
    batch_size: int = 256,
    progress: Meter | bool | None = None,
) -> InitialAudit:
    r"""Look at an initialisation: occupancy and κ of its units, hyperplanes outside the data, and the budget at step 0.

    A hyperplane is outside the data if all samples lie on one side of it: a rectifier is then dead or linear, and its
    unit adds nothing to the regions. With ``rescale=True`` the same is told of a copy whose layers are scaled to the
    data (:func:`inscape.gradients.rescaled`): with :math:`γ = z^* / (2 \operatorname{std} z)` before saturating
    activations, to unit variance before others. The copy itself is what that function returns.

    Args:
        model: the module; comes out unchanged.
        data: a pair of tensors ``(x, y)`` or a re-iterable of such batches.
        loss: function of ``(output, y)`` that returns the mean over the samples; None for the default.
        rescale: whether to look at a rescaled copy as well.
        delta: level of the derivative that counts as answering, 0 < δ ≤ 1.
        mode: ``"auto"``: with batch statistics until batch normalisation has seen a batch, else as in evaluation.
        batch_size: samples per batch where the data are a pair.
        progress: None, True, False or a meter.

    Returns:
        One row for each layer that feeds an activation, the verdict on the budget, and the same after rescaling.

    Raises:
        ModelError: if the model has no known activation, or no layer with a weight.

    Example:
        >>> import torch
        >>> from inscape.training import mlp
        >>> model = mlp([2, 8, 2], activation="tanh", rng=0)
        >>> x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
        >>> found = audit(model, (x, torch.zeros(64).long()), rescale=True)
        >>> float(found.after.kappa[0].round(3))  # z*/(2 std) makes κ one half
        0.5

    Source:
        van den Berg (2016), the part on weights and biases against the data; the scaling of other activations follows
        Mishkin and Matas (2016).
    """
    begin = perf_counter()
    batches(data, batch_size=batch_size, passes=3)
    found = _looked(model, data, loss, delta=delta, mode=mode, batch_size=batch_size, progress=progress)
    after = None
    if rescale:
        copy = rescaled(model, data, batch_size=batch_size, progress=progress).model
        after = InitialAudit(
            **_looked(copy, data, loss, delta=delta, mode=mode, batch_size=batch_size, progress=progress),
            after=None,
            provenance=Provenance(function="inscape.gradients.audit", model=model_fingerprint(copy)),
        )
    return InitialAudit(
        **found,
        after=after,
        provenance=Provenance(
            function="inscape.gradients.audit",
            options={"delta": delta, "mode": mode_of(model, mode), "batch_size": batch_size, "rescale": rescale},
            model=model_fingerprint(model),
            seconds=perf_counter() - begin,
        ),
    )


def _looked(
    model: nn.Module, data: Any, loss: Any, *, delta: float, mode: Mode, batch_size: int, progress: Meter | bool | None
) -> dict[str, Any]:
    units = slabs(model, data, delta=delta, mode=mode, batch_size=batch_size, progress=progress)
    taken = budget(model, loss, data, mode=mode, batch_size=batch_size, progress=progress)
    verdict = find(taken)
    count = len(units.layers)

    def middle(values: np.ndarray) -> np.ndarray:
        rows = [values[(units.layer == i) & np.isfinite(values)] for i in range(count)]
        return np.array([np.median(row) if len(row) else np.nan for row in rows])

    def share(flags: np.ndarray) -> np.ndarray:
        return np.array([flags[units.layer == i].mean() for i in range(count)])

    return {
        "layers": units.layers,
        "activations": units.activations,
        "units": np.bincount(units.layer, minlength=count),
        "kappa": middle(units.kappa),
        "deviation": middle(units.deviation),
        "occupancy": middle(units.occupancy),
        "outside": share(units.smaller_side == 0),
        "dead": share(units.dead),
        "budget": taken,
        "cause": verdict.cause,
        "where": verdict.layer,
        "detail": verdict.detail,
        "status": taken.status,
    }
