"""The rule that names a cause: comparisons of a budget's terms with each other, in a fixed order.

Every comparison is between terms of the same network, or with what its activation or loss would give by itself. There
is no threshold on the size of a gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, inf, isfinite, log

import numpy as np

from inscape.gradients._activations import SATURATING
from inscape.gradients._budget_result import Budget
from inscape.gradients._causes import Cause

OUTLIER = log(8)
"""A layer stands out if it changes the gradient by this factor more than its peers and than its reference."""

OPEN = 8
"""A rectifier is closed if it is open on fewer entries by this factor than the half that is its reference."""

WIDE = log(100)
"""The gradient vanishes or explodes if it changes by this factor between the last and the first cut."""

INPUTS = log(20)
"""Inputs are tiny or large if they are away by this factor from the unit scale that initialisations assume."""

LOUD = exp(0.5)
"""Outputs are too large if the loss is larger by this factor than with outputs of zero,"""

GAIN = 2.0
"""and the usual layer has a gain that is larger by this factor than its reference,"""

KNOWS = 1.25
"""unless the error at the output is smaller by this factor than with exchanged labels: then something is learnt."""

REST = log(10)
"""Samples cancel if their mean gradient is smaller by this factor than that of as many random directions."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a rule has found.

    Attributes:
        cause: the cause.
        layer: module path, or None for the whole network.
        nats: by how many nats the decisive term is away from where it should be.
        detail: the numbers in words.
    """

    cause: Cause
    layer: str | None
    nats: float
    detail: str


def find(budget: Budget) -> Finding:
    """Name what is wrong with a network's gradients.

    Args:
        budget: the budget.

    Returns:
        What the first rule that applies has found.
    """
    for rule in RULES:
        found = rule(budget)
        if found is not None:
            return found
    return Finding(
        cause=Cause.NONE,
        layer=None,
        nats=0.0,
        detail=f"the gradient changes by {budget.change:+.1f} nats on its way to the first layer",
    )


def _detached(budget: Budget) -> Finding | None:
    """Layers before the last one that has no gradient at all, while a later one has."""
    lost = [i for i in range(len(budget.layers)) if budget.unreached[i]]
    if not lost or len(lost) == len(budget.layers):
        return None
    last = max(lost)
    if last > max(i for i in range(len(budget.layers)) if not budget.unreached[i]):
        return None
    detail = f"{len(lost)} of {len(budget.layers)} layers are not connected to the loss"
    return Finding(cause=Cause.DETACHED, layer=budget.layers[last], nats=inf, detail=detail)


def _blocked(budget: Budget) -> Finding | None:
    """The first layer in the forward pass that lets nothing through; what follows it is fed by nothing and dies too."""
    if not np.isneginf(budget.values).any() and not np.isneginf(budget.log_weight[0]):
        return None
    zero = _zero_layers(budget)
    for call, layer in enumerate(budget.call_layers):
        if budget.call_kinds[call] in {"linear", "convolution", "normalisation"} and layer in zero:
            return Finding(cause=Cause.ZERO_WEIGHTS, layer=layer, nats=inf, detail=_ZERO)
        if budget.call_kinds[call] == "activation" and budget.zero_share[call] > 1 - 1 / (2 * OPEN):
            return _dead(budget, call, -inf)
    return None


_ZERO = "all entries of its weight are zero"


def _zero_layers(budget: Budget) -> set[str]:
    return {budget.layers[i] for i in range(len(budget.layers)) if np.isneginf(budget.log_weight[i])}


def _dead(budget: Budget, call: int, nats: float) -> Finding:
    layer = budget.call_layers[call] or None
    if layer in _zero_layers(budget):
        return Finding(cause=Cause.ZERO_WEIGHTS, layer=layer, nats=inf, detail=_ZERO)
    detail = f"{budget.zero_share[call]:.1%} of the derivatives of {budget.calls[call]} are zero"
    if _name(budget.calls[call]) not in SATURATING - {"relu6"}:
        return Finding(cause=Cause.DEAD_UNITS, layer=layer, nats=nats, detail=detail)
    return _by_inputs(budget, layer) or Finding(cause=Cause.SATURATED_UNITS, layer=layer, nats=nats, detail=detail)


def _by_inputs(budget: Budget, layer: str | None) -> Finding | None:
    """What saturates the first layer, if that are its inputs."""
    return _inputs(budget) if layer == budget.layers[0] and budget.input_scale[0] > INPUTS else None


def _name(call: str) -> str:
    """Name of an activation, from that of its call."""
    return call.split(" ", maxsplit=1)[0]


def _closed(budget: Budget) -> Finding | None:
    """The first rectifier of the forward pass that is open on far fewer entries than half of them."""
    for call in range(len(budget.calls)):
        share = float(budget.zero_share[call])
        if budget.call_kinds[call] == "activation" and share > 1 - 1 / (2 * OPEN):
            return _dead(budget, call, log(max(1 - share, 1e-300) * 2))
    return None


@dataclass(frozen=True, kw_only=True)
class _Deviation:
    call: int
    nats: float


def _from_peers(values: np.ndarray, references: np.ndarray) -> np.ndarray:
    """How far each value is from the median of the others and from its reference: the smaller of the two."""
    away = np.zeros(len(values))
    known = np.isfinite(values)
    for i in np.flatnonzero(known):
        others = values[known & (np.arange(len(values)) != i)] - references[known & (np.arange(len(values)) != i)]
        own = values[i] - references[i]
        peer = own - float(np.median(others)) if len(others) else own
        away[i] = np.sign(own) * min(abs(own), abs(peer)) if own * peer > 0 else 0.0
    return away


def _deviations(budget: Budget, kinds: tuple[str, ...], references: np.ndarray) -> list[_Deviation]:
    calls = np.array([i for i, kind in enumerate(budget.call_kinds) if kind in kinds], dtype=np.int64)
    if not len(calls):
        return []
    away = _from_peers(budget.call_gains[calls], references[calls])
    return [_Deviation(call=int(call), nats=float(nats)) for call, nats in zip(calls, away, strict=True)]


def _weight_references(budget: Budget) -> np.ndarray:
    """The gain that keeps a gradient's size: it makes up for the gate before the layer; behind rectifiers √2."""
    made = np.zeros(len(budget.calls))
    for i, kind in enumerate(budget.call_kinds):
        if kind in {"linear", "convolution"}:
            gate = _gate_before(budget, i)
            made[i] = -gate if isfinite(gate) and gate > log(0.5) else 0.0
    return made


def _gate_before(budget: Budget, call: int) -> float:
    before = [i for i in range(call) if budget.call_kinds[i] == "activation"]
    return float(budget.call_references[before[-1]]) if before else 0.0


def _outlier(budget: Budget) -> Finding | None:
    """A single layer that stands out against its peers and its reference."""
    zero = np.zeros(len(budget.calls))
    stages = _stage_gains(budget)
    weights = _deviations(stages, ("linear", "convolution"), _weight_references(budget))
    scales = _deviations(stages, ("normalisation",), zero)
    gates = [d for d in _deviations(budget, ("activation",), np.nan_to_num(budget.call_references)) if d.nats < 0]
    worst = max([*weights, *scales, *gates], key=lambda d: abs(d.nats), default=None)
    if worst is None or abs(worst.nats) < OUTLIER:
        return None
    kind = budget.call_kinds[worst.call]
    layer = budget.call_layers[worst.call] or None
    if kind != "activation":
        return _of_weights(budget, worst)
    own = next((d for d in weights if budget.call_layers[d.call] == layer and d.nats > OUTLIER), None)
    if own is not None:
        return _of_weights(budget, own)
    detail = f"{budget.calls[worst.call]} takes {-worst.nats:.1f} nats more than its peers and its reference"
    return _by_inputs(budget, layer) or Finding(
        cause=Cause.SATURATED_UNITS, layer=layer, nats=worst.nats, detail=detail
    )


def _of_weights(budget: Budget, found: _Deviation) -> Finding:
    cause = Cause.LARGE_WEIGHTS if found.nats > 0 else Cause.SMALL_WEIGHTS
    word = "above" if found.nats > 0 else "below"
    detail = f"its gain is {abs(found.nats):.1f} nats (a factor {exp(abs(found.nats)):.3g}) {word} its peers'"
    return Finding(cause=cause, layer=budget.call_layers[found.call] or None, nats=found.nats, detail=detail)


def _stage_gains(budget: Budget) -> Budget:
    """Gains of layers together with the normalisation behind them, which undoes their scale."""
    from dataclasses import replace

    gains = budget.call_gains.copy()
    for i, kind in enumerate(budget.call_kinds):
        if kind == "normalisation":
            gains[i] = budget.call_scales[i]
            before = budget.call_sources[i]
            if before >= 0 and budget.call_kinds[before] in {"linear", "convolution"}:
                gains[before] += budget.call_gains[i] - budget.call_scales[i]
    return replace(budget, call_gains=gains)


def _wide(budget: Budget) -> Finding | None:
    """The whole network lets the gradient vanish or explode."""
    change = budget.change
    if not isfinite(change) or abs(change) <= WIDE:
        return None
    detail = f"the gradient changes by {change:+.1f} nats (a factor {exp(change):.2g}) on its way to the first layer"
    if change > 0:
        return Finding(cause=Cause.LARGE_INITIALISATION, layer=None, nats=change, detail=detail)
    saturating = np.array([_name(name) in SATURATING for name in budget.names])
    gates = float(budget.values[saturating & (np.array(budget.categories) == "activation gate")].sum())
    cause = Cause.SATURATING_ACTIVATION if gates < change / 2 else Cause.SMALL_INITIALISATION
    return Finding(cause=cause, layer=None, nats=change, detail=detail)


def _loud(budget: Budget) -> Finding | None:
    """A network that knows nothing yet, is further from the truth than if it said nothing, and has large gains."""
    if _usual_gain(budget) < log(GAIN):
        return None  # residual blocks add their outputs up, and train all the same
    knows = budget.residual - budget.chance < -log(KNOWS)
    if knows or not budget.silent > 0 or not budget.loss > LOUD * budget.silent:
        return None
    if budget.input_scale[0] > INPUTS:
        return _inputs(budget)
    zero = sorted(_zero_layers(budget), key=budget.layers.index)
    if zero:  # in a branch, so that the gradient gets past it
        return Finding(cause=Cause.ZERO_WEIGHTS, layer=zero[0], nats=inf, detail=_ZERO)
    times = budget.loss / budget.silent
    detail = f"the outputs are so large that the loss is {times:.3g} times what it would be if all outputs were zero"
    return Finding(cause=Cause.LARGE_INITIALISATION, layer=None, nats=log(times), detail=detail)


def _usual_gain(budget: Budget) -> float:
    """Median distance of the gains of layers from their references."""
    stages = _stage_gains(budget).call_gains - _weight_references(budget)
    weights = np.array([kind in {"linear", "convolution"} for kind in budget.call_kinds])
    known = stages[weights & np.isfinite(stages)]
    return float(np.median(known)) if len(known) else 0.0


def _fitted(budget: Budget) -> Finding | None:
    left = budget.residual - budget.chance
    if not left < -WIDE:
        return None
    detail = f"the error is {exp(left):.1g} of what it would be if the labels were exchanged"
    return Finding(cause=Cause.FITTED, layer=None, nats=left, detail=detail)


def _cancelling(budget: Budget) -> Finding | None:
    random = -0.5 * log(budget.samples)
    known = budget.coherence[np.isfinite(budget.coherence)]
    if not len(known) or not float(np.median(known)) < random - REST:
        return None
    middle = float(np.median(known))
    detail = f"the mean gradient is {exp(middle):.1g} of the single ones; random directions leave {exp(random):.1g}"
    return Finding(cause=Cause.CANCELLING_SAMPLES, layer=None, nats=middle - random, detail=detail)


def _inputs(budget: Budget) -> Finding | None:
    scale = float(budget.input_scale[0])
    if not abs(scale) > INPUTS:
        return None
    cause = Cause.LARGE_INPUTS if scale > 0 else Cause.TINY_INPUTS
    detail = f"the root mean square of the inputs that are not zero is {exp(scale):.2g}; initialisations assume about 1"
    return Finding(cause=cause, layer=None, nats=scale, detail=detail)


RULES: tuple[Callable[[Budget], Finding | None], ...] = (
    _detached,
    _blocked,
    _closed,
    _outlier,
    _wide,
    _loud,
    _fitted,
    _cancelling,
    _inputs,
)
"""The rules in their order."""
