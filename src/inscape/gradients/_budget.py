"""The log-budget of a gradient: what every layer and activation adds to its size on the way to the first layer."""

import time
from collections.abc import Sequence
from itertools import takewhile
from math import inf, log, nan
from typing import Any

import numpy as np
from torch import nn

from inscape._errors import ModelError
from inscape._progress import Meter
from inscape.gradients._activations import transition
from inscape.gradients._budget_result import Budget
from inscape.gradients._flow import Flow, Station, measure, squares
from inscape.gradients._watch import Mode
from inscape.network import model_fingerprint
from inscape.results import MEASURED, Provenance, Status, Verdict

_CATEGORIES = {
    "linear": "weight gain",
    "convolution": "weight gain",
    "embedding": "weight gain",
    "activation": "activation gate",
    "normalisation": "normalisation",
    "attention": "attention",
    "other": "other",
}


def budget(
    model: nn.Module,
    loss: Any,
    data: Any,
    *,
    mode: Mode = "eval",
    batch_size: int = 256,
    progress: Meter | bool | None = None,
) -> Budget:
    r"""Account for the size of the gradient, from the output to every layer.

    With :math:`δ` the gradient of single samples' losses at a place of the network and the root mean square over the
    samples, the size of the gradient of a layer's weight is an exact sum of logarithms:

    .. math::

        \log \lVert \nabla_{W_k} L \rVert = \text{residual} + \sum_{\text{cuts}} \log
            \frac{\lVert δ_{\text{below}} \rVert}{\lVert δ_{\text{above}} \rVert}
            + \text{branch} + \text{input} + \text{alignment} + \text{coherence}

    The residual is the size of the error at the output. A *cut* is a call that every path from the output to the input
    passes; from cut to cut the logarithms telescope in any network without recurrence. Between two cuts stands one
    layer (weight gain), one activation (activation gate), one normalisation, or a block of branches. The branch leads
    from the last cut to a layer inside a block. The input is the size of what the layer is fed,
    :math:`\sqrt{\sum_i \lVert δ_i \rVert^2 \lVert x_i \rVert^2 / \sum_i \lVert δ_i \rVert^2}`; the alignment is what
    positions that share a weight lose, :math:`\lVert \sum_p d_p h_p^\top \rVert` over
    :math:`\lVert d \rVert \lVert h \rVert`; the coherence is what samples lose by pulling in different directions,
    :math:`\lVert \overline{\nabla L_i} \rVert` over the root mean square of :math:`\lVert \nabla L_i \rVert`. For a
    chain of layers this is the product of factors that the error is multiplied by as it goes back.

    Args:
        model: the module; comes out unchanged.
        loss: function of ``(output, y)`` that returns the mean over the samples; None for cross-entropy of
            whole-number labels and the mean squared error of float targets.
        data: a pair of tensors ``(x, y)``, or an iterable of such batches; walked through once.
        mode: ``"eval"``, ``"train"`` (batch normalisation with the batch's statistics; alignment and coherence are then
            one term), or ``"auto"`` (``"train"`` until batch normalisation has seen a batch).
        batch_size: samples per batch where the data are a pair.
        progress: None, True, False or a meter.

    Returns:
        The budget.

    Raises:
        ModelError: if no layer with a weight was seen.

    Example:
        >>> import torch
        >>> model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)).double()
        >>> model[0].weight.data[:], model[1].weight.data[:] = 1.0, 3.0
        >>> x, y = torch.ones(1, 1).double(), torch.zeros(1, 1).double()
        >>> found = budget(model, None, (x, y))  # L = (3 w)², dL/dw = 2·3·3
        >>> round(float(np.exp(found.log_gradient[0])), 9), round(float(np.exp(found.values[0])), 9)
        (18.0, 3.0)

    Source:
        van den Berg (2016), the part on how the error propagates back; the sum is derived here from the chain rule.
    """
    begin = time.perf_counter()
    flow = measure(model, loss, data, mode=mode, batch_size=batch_size, progress=progress)
    provenance = Provenance(
        function="inscape.gradients.budget",
        options={"mode": flow.mode, "batch_size": batch_size},
        model=model_fingerprint(model),
        seconds=time.perf_counter() - begin,
    )
    return assembled(flow, provenance)


def half_log(total: float, count: float = 1.0) -> float:
    """Logarithm of a root mean square.

    Args:
        total: sum of squares.
        count: what it is divided by.

    Returns:
        The logarithm, minus infinity for a sum of zero.
    """
    return 0.5 * log(total / count) if total > 0 else -inf


def _difference(low: float, high: float) -> float:
    """The difference, where a gradient that was lost before has no further change."""
    return nan if high == -inf else low - high


def assembled(flow: Flow, provenance: Provenance) -> Budget:
    """Turn sums into logarithms.

    Args:
        flow: the measured flow.
        provenance: how it was made.

    Returns:
        The budget.

    Raises:
        ModelError: if no layer with a weight was seen.
    """
    layers = _layers(flow)
    if not layers:
        raise ModelError(
            "no layer with a weight was seen; budgets know Linear, Conv, Embedding, normalisation and matrix products "
            "with a parameter, called through torch's own functions"
        )
    steps = steps_of(flow)
    kept = [step for step in steps if step["value"] != 0.0]
    events = [station for station in flow.stations if station.event.kind != "other"]
    return Budget(
        residual=half_log(flow.output, flow.count),
        chance=half_log(flow.shuffled, flow.count),
        loss=flow.loss,
        silent=flow.silent,
        samples=flow.count,
        names=tuple(str(step["name"]) for step in kept),
        categories=tuple(str(step["category"]) for step in kept),
        values=np.array([step["value"] for step in kept], dtype=np.float64),
        references=np.array([step["reference"] for step in kept], dtype=np.float64),
        places=np.array([step["place"] for step in kept], dtype=np.int64),
        **_columns(layers, flow, [step["place"] for step in kept]),
        calls=tuple(station.event.name for station in events),
        call_kinds=tuple(station.event.kind for station in events),
        call_layers=tuple(_feeding(station, flow) for station in events),
        call_gains=np.array([_local(station, flow) for station in events]),
        call_references=np.array([_reference(station) for station in events]),
        call_scales=np.array([_scale(station) for station in events]),
        call_sources=np.array([_source(station, events) for station in events], dtype=np.int64),
        zero_share=np.array([s.zeros / s.entries if s.entries else nan for s in events]),
        constant_share=np.array([_constant(s) for s in events]),
        blocks=tuple(_blocks(flow, kept)),
        refused=tuple(flow.places.refused.items()),
        whole=flow.whole,
        mode=flow.mode,
        status=_status(flow),
        provenance=provenance,
    )


def _status(flow: Flow) -> Status:
    if not flow.whole:
        return Status(verdict=Verdict.DEGENERATE, detail="no gradient reaches the input: the path is cut")
    if flow.batch_statistics:
        return Status(verdict=Verdict.MEASURED, detail="with batch statistics; coherence holds the alignment")
    return MEASURED


def _layers(flow: Flow) -> list[Station]:
    """The first call of each weight."""
    found: dict[str, Station] = {}
    for station in flow.stations:
        if station.event.parameter:
            found.setdefault(station.event.parameter, station)
    return list(found.values())


def _reference(station: Station) -> float:
    activation = station.event.activation
    return nan if activation is None else transition(activation).reference_gate


def _local(station: Station, flow: Flow) -> float:
    """Logarithm of what a call sends on over what arrives at it."""
    passed, source = station.passed, station.event.source
    if station.event.arguments.get("in_place") is not None and source is not None:
        passed = flow.stations[source].arriving  # the call took its source's place, so nothing else is fed by that
    if passed is None or station.arriving == 0:
        return nan
    return half_log(passed, station.arriving)


def _scale(station: Station) -> float:
    """Logarithm of the root mean square of a normalisation's scale; 0 without one."""
    event = station.event
    if event.kind != "normalisation":
        return nan
    return 0.0 if event.weight is None else half_log(squares(event.weight), event.weight.numel())


def _source(station: Station, events: Sequence[Station]) -> int:
    """Place among the calls of the one that feeds a call, -1 if none of them does."""
    source = station.event.source
    return next((i for i, other in enumerate(events) if other.event.index == source), -1)


def _constant(station: Station) -> float:
    if station.low is None or station.high is None:
        return nan
    return float((station.low == station.high).double().mean())


def _feeding(station: Station, flow: Flow) -> str:
    from inscape.gradients._units import layer_of

    if station.event.parameter:
        return station.event.name
    layer = layer_of(station.event, [s.event for s in flow.stations])
    return "" if layer is None else layer.name


def steps_of(flow: Flow) -> list[dict[str, Any]]:
    """The change from cut to cut, from the output on.

    Args:
        flow: the measured flow.

    Returns:
        Name, category, value, place and reference of each step; the first leads from the output to the last cut.
    """
    above, steps = half_log(flow.output, flow.count), []
    places = [*reversed(flow.cuts)]
    if places:
        top = half_log(flow.stations[places[0]].arriving, flow.count)
        steps.append(_step("after the last layer", "other", _difference(top, above), places[0] + 1))
        above = top
    for place, below_place in zip(places, [*places[1:], -1], strict=True):
        station = flow.stations[place]
        if below_place < 0:
            continue
        below = half_log(flow.stations[below_place].arriving, flow.count)
        steps.append(_between(flow, station, below_place, _difference(below, above)))
        above = below
    return steps


def _step(name: str, category: str, value: float, place: int, reference: float = nan) -> dict[str, Any]:
    return {"name": name, "category": category, "value": value, "place": place, "reference": reference}


def _between(flow: Flow, station: Station, below: int, value: float) -> dict[str, Any]:
    inside = [s for s in flow.stations[below + 1 : station.event.index] if s.event.kind != "other" and s.arriving > 0]
    if not inside:
        return _step(
            station.event.name, _CATEGORIES[station.event.kind], value, station.event.index, _reference(station)
        )
    return _step(_block([s.event.name for s in inside if s.event.parameter]), "block", value, station.event.index)


def _block(paths: Sequence[str]) -> str:
    """Name of a block: the path that its layers have in common, and the first and the last of them."""
    if len(paths) < 2:
        return f"{paths[0]} and its branch" if paths else "branches"
    parts = [path.split(".") for path in paths]
    shared = [part[0] for part in takewhile(lambda level: len(set(level)) == 1, zip(*parts, strict=False))]
    first, last = (".".join(part[len(shared) :]) or part[-1] for part in (parts[0], parts[-1]))
    return f"{'.'.join(shared)}: {first} … {last}" if shared else f"{first} … {last}"


def _blocks(flow: Flow, steps: Sequence[dict[str, Any]]) -> list[tuple[str, str, float]]:
    """(block, branch, share): what each branch gives to the gradient below a block."""
    cut_list = flow.cuts
    found = []
    for step in steps:
        if step["category"] != "block":
            continue
        below = max((place for place in cut_list if place < step["place"]), default=None)
        if below is None:
            continue
        station = flow.stations[below]
        shares: dict[str, float] = {}
        for index, part in sorted(station.shares.items()) if station.arriving > 0 else ():
            name = flow.stations[index].event.name  # two calls may have one name
            shares[name] = shares.get(name, 0.0) + part / station.arriving
        rest = 1 - sum(shares.values())
        if abs(rest) > 1e-6:
            shares["skip connection, and what is not instrumented"] = rest
        found += [(step["name"], branch, share) for branch, share in shares.items()]
    return found


def _columns(layers: Sequence[Station], flow: Flow, places: Sequence[int]) -> dict[str, Any]:
    rows = [_row(station, flow, places) for station in layers]
    names = ("log_gradient", "arriving", "branch", "inputs", "alignment", "coherence", "log_single", "log_weight")
    made: dict[str, Any] = {name: np.array([row[name] for row in rows], dtype=np.float64) for name in names}
    return made | {
        "layers": tuple(station.event.name for station in layers),
        "parameters": tuple(station.event.parameter for station in layers),
        "operations": tuple(station.event.operation for station in layers),
        "unreached": np.array([station.mean is None for station in layers]),
        "depths": np.array([row["depth"] for row in rows], dtype=np.int64),
        "input_scale": np.array([half_log(s.inputs, max(1, s.nonzero)) for s in layers]),
    }


def _row(station: Station, flow: Flow, places: Sequence[int]) -> dict[str, float]:
    """The terms of one layer; their sum with residual and steps is the logarithm of its mean gradient's norm."""
    arriving = half_log(station.arriving, flow.count)
    size = -inf if station.mean is None else half_log(squares(station.mean))
    cut = min((place for place in flow.cuts if place >= station.event.index), default=None)
    start = half_log(flow.output, flow.count)
    above = start if cut is None else half_log(flow.stations[cut].arriving, flow.count)
    on_path = cut == station.event.index
    weight = station.event.weight
    single = nan if station.samples is None else half_log(station.samples, flow.count)
    if station.samples is None or station.products is None:
        inputs, alignment = half_log(station.inputs, flow.count), nan
        coherence = _difference(size, arriving + inputs)
    else:
        inputs = _difference(half_log(station.products, flow.count), arriving)
        alignment = _difference(half_log(station.samples), half_log(station.products))
        coherence = _difference(size, single)
    return {
        "log_gradient": size,
        "arriving": arriving,
        "branch": 0.0 if on_path else _difference(arriving, above),
        "inputs": inputs,
        "alignment": alignment,
        "coherence": coherence,
        "log_single": single,
        "log_weight": nan if weight is None else half_log(squares(weight), weight.numel()),
        "depth": sum(place > (station.event.index if cut is None else cut) for place in places),
    }
