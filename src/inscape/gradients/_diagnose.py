"""Which layer is sick, and why."""

import time
from dataclasses import replace
from typing import Any

from torch import nn

from inscape._errors import DataError, InscapeError
from inscape._progress import Meter
from inscape.data import batches
from inscape.gradients._budget import assembled
from inscape.gradients._budget_result import Budget
from inscape.gradients._diagnosis import Diagnosis, GradientVerdict
from inscape.gradients._flow import measure
from inscape.gradients._remedy import Remedy, Scaled, remedy
from inscape.gradients._rule import Finding, find
from inscape.gradients._watch import Mode, mode_of
from inscape.network import model_fingerprint
from inscape.results import Provenance


def diagnose(
    model: nn.Module,
    loss: Any,
    data: Any,
    *,
    mode: Mode = "auto",
    batch_size: int = 256,
    progress: Meter | bool | None = None,
) -> Diagnosis:
    """Name the layer that keeps a network from training, the cause, and what to do about it.

    The log-budget of the gradient is taken (:func:`inscape.gradients.budget`), and rules are tried in this order; the
    first that applies decides:

    1. a layer without any path to the loss, or one that lets nothing through: the first of the forward pass, because
       what follows it is fed by nothing;
    2. a rectifier that is open on fewer than a sixteenth of the entries;
    3. a layer, normalisation scale or gate that changes the gradient by more than a factor of 8 against its peers
       *and* against its activation's reference;
    4. the whole network, if the gradient changes by more than a factor of 100 between the last and the first cut, or
       if it knows nothing yet, its loss is larger by a factor of 1.65 than with outputs of zero, and the gains of its
       layers are twice their reference;
    5. data that are fitted already: the error at the output is less than a hundredth of what exchanged labels give;
    6. samples that cancel: the mean gradient is less than a tenth of what random directions would leave;
    7. inputs away from the unit scale by a factor of 20;
    8. else nothing stands out.

    There is no threshold on the size of a gradient. Where the remedy is a change of numbers, it is tried on a copy, and
    the budget that it gives is a part of the answer.

    Args:
        model: the module; comes out unchanged.
        loss: function of ``(output, y)`` that returns the mean over the samples; None for the default.
        data: a pair of tensors ``(x, y)`` or a re-iterable of such batches; a few hundred samples are enough.
        mode: ``"auto"``: as in training until batch normalisation has seen a batch, else as in evaluation.
        batch_size: samples per batch where the data are a pair.
        progress: None, True, False or a meter.

    Returns:
        The diagnosis; its ``verdict`` names cause and layer.

    Raises:
        DataError: if there are no data.

    Example:
        >>> import torch
        >>> from inscape import data
        >>> from inscape.training import mlp
        >>> model = mlp([64, 32, 32, 32, 32, 10])
        >>> _ = model[4].weight.data.mul_(0.01)
        >>> x, y = data.load("digits")
        >>> found = diagnose(model, None, (x[:200], y[:200])).verdict
        >>> found.cause.name, found.layer
        ('SMALL_WEIGHTS', '4')

    Source:
        van den Berg (2016), the parts on the backpropagation of the error and the vanishing gradient; the rule is ours
        and is scored on :mod:`inscape.testing.faults`.
    """
    begin = time.perf_counter()
    batches(data, batch_size=batch_size, passes=2)
    chosen: Mode = mode_of(model, mode)  # type: ignore[assignment]
    options = {"mode": chosen, "batch_size": batch_size}
    flow = measure(model, loss, data, mode=chosen, batch_size=batch_size, progress=progress)
    if not flow.count:
        raise DataError("the data have no sample; give at least one")
    origin = Provenance(function="inscape.gradients.budget", options=options, model=model_fingerprint(model))
    found_budget = assembled(flow, origin)
    found = find(found_budget)
    change = remedy(model, data, found_budget, found, mode=chosen, batch_size=batch_size)
    after = _after(change, loss, data, mode=chosen, batch_size=batch_size)
    return Diagnosis(
        verdict=_verdict(found, change, found_budget, after),
        budget=found_budget,
        predicted=after,
        status=found_budget.status,
        provenance=replace(origin, function="inscape.gradients.diagnose", seconds=time.perf_counter() - begin),
    )


def _after(change: Remedy, loss: Any, data: Any, *, mode: Mode, batch_size: int) -> Budget | None:
    """The budget of the changed copy, if there is one and it can be run."""
    if change.model is None:
        return None
    changed = data if change.input_factor == 1.0 else Scaled(data, change.input_factor, batch_size)
    try:
        flow = measure(change.model, loss, changed, mode=mode, batch_size=batch_size, progress=False)
        return assembled(flow, Provenance(function="inscape.gradients.budget", model=model_fingerprint(change.model)))
    except InscapeError:
        return None


def _verdict(found: Finding, change: Remedy, before: Budget, after: Budget | None) -> GradientVerdict:
    meaning = found.cause.value.replace("this layer", f"layer {found.layer}")
    sentence = f"{meaning[0].upper()}{meaning[1:]}: {found.detail}."
    return GradientVerdict(
        cause=found.cause,
        layer=found.layer,
        sentence=sentence,
        suggestion=f"{change.suggestion[0].upper()}{change.suggestion[1:]}.",
        nats=found.nats,
        before=before.change,
        after=None if after is None else after.change,
    )
