"""The region compiler: from shapes to a network whose decision regions they are."""

from collections.abc import Mapping
from math import ceil, log
from time import perf_counter
from typing import Any, Literal

import numpy as np

from inscape._errors import InputError
from inscape.regions._built import OUTSIDE, Built
from inscape.regions._formula import Formula, widest
from inscape.regions._gates import gate_layers, sigmoid
from inscape.regions._ladder import cut_off, ladder_layers
from inscape.regions._shapes import Body, groups_of, joined
from inscape.results import Provenance, Status, Verdict, fingerprint

_CONFIDENCE = 0.95
"""Confidence that the default margin gives, at least."""


def build(
    shapes: Any,
    scale: float,
    *,
    activation: Literal["sigmoid", "relu"] = "sigmoid",
    margin: float | None = None,
    rest: str | None = None,
) -> Built:
    r"""Build a network whose decision regions are given shapes.

    A half-space with unit normal w is one unit; a convex shape is AND of its faces; a union is OR of its parts; a
    polygon that is not convex is a formula of ANDs and ORs that uses each edge once.

    ``"relu"`` gives the shapes themselves: the output is scale · depth, where depth is the minimum (AND) and maximum
    (OR) of the signed distances to the faces, cut off far outside. It is positive inside and negative outside.

    ``"sigmoid"`` makes every AND and OR a unit: σ(scale · (w · x + b)) for a half-space, AND of n at the threshold
    n − ½, OR at ½, both with slope κ. With :math:`ε = σ(-\text{scale} \cdot m)` and N the most inputs of a gate, all is
    right at the margin m if

    .. math:: \text{scale} > \frac{\ln(2N - 1)}{m}, \quad\text{that is}\quad ε < \frac{1}{2N}.

    This is sharp for one AND, where all faces are m away. With the slope
    :math:`κ = \text{scale} \cdot m / (½ - Nε)`, which is used here, no layer adds to the error, so that the confidence
    at the margin is at least :math:`1 - ε = σ(\text{scale} \cdot m)`: that of a single half-space. A convex shape's
    region lies inside the shape; where k faces meet, and others are far, it ends :math:`\ln(2k - 1) / \text{scale}`
    before all of them.

    Args:
        shapes: a :class:`Polygon`, :class:`Box` or :class:`HalfSpaces`; a sequence of them, for their union; or a
            mapping name → one of these, for one output a class.
        scale: slope at the faces, in output units per input unit, > 0.
        activation: ``"sigmoid"`` or ``"relu"``.
        margin: distance from the faces at which a sigmoid network must be right. By default the least for which the
            confidence is at least 0.95 and ε at most 1/(4N).
        rest: with a mapping, name of one more class, for the points in no shape; its output is 0.

    Returns:
        The network with its certificate.

    Raises:
        InputError: if the scale or the margin is not positive or too small, or the names do not fit.

    Example:
        >>> from inscape.geometry import Box
        >>> built = build(Box(low=(0, 0), high=(2, 1)), 10.0, activation="relu")
        >>> import torch
        >>> built.model(torch.tensor([[1.0, 0.25], [3.0, 0.5]]).double()).flatten().tolist()
        [2.5, -10.0]
        >>> build(Box(low=(0, 0), high=(2, 1)), 20.0, margin=0.2).certificate().confidence > 0.98
        True

    Source:
        van den Berg (2016) on regions as AND and OR of half-spaces; Dobkin, Guibas, Hershberger and Snoeyink (1993)
        for polygons.
    """
    begin = perf_counter()
    if activation not in {"sigmoid", "relu"}:
        raise InputError(f"expected activation 'sigmoid' or 'relu', got {activation!r}")
    groups = groups_of(shapes)
    names = _names(groups, rest, single=not isinstance(shapes, Mapping))
    together, formulas = joined(groups)
    inputs = max(map(widest, formulas))
    scale, margin = _positive("scale", scale), _margin(scale, margin, inputs, activation)
    gain = 0.0 if activation == "relu" else scale * margin / (0.5 - inputs * sigmoid(-scale * margin))
    layers = _layers(together, formulas, scale=scale, gain=gain, rest=rest is not None)
    options = {"activation": activation, "scale": scale, "margin": margin, "classes": list(names)}
    return Built(
        activation=activation,
        scale=scale,
        gain=gain,
        margin=margin,
        names=names,
        rest=rest is not None,
        normals=together.normals,
        offsets=together.offsets,
        formulas=formulas,
        low=together.low,
        high=together.high,
        layers=layers,
        status=_status(activation, margin),
        provenance=Provenance(
            function="inscape.regions.build",
            options=options,
            model=fingerprint(*(array for layer in layers for array in layer)),
            seconds=perf_counter() - begin,
        ),
    )


def _layers(
    together: Body, formulas: tuple[Formula, ...], *, scale: float, gain: float, rest: bool
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Weights and biases; a gain of 0 means ReLU."""
    if gain:
        layers = gate_layers(together.normals, together.offsets, formulas, scale=scale, gain=gain)
    else:
        cut = cut_off(together.low, together.high)
        layers = ladder_layers(together.normals, together.offsets, formulas, scale=scale, cut=cut)
    if rest:
        weight, bias = layers[-1]
        layers[-1] = np.vstack([weight, np.zeros((1, weight.shape[1]))]), np.r_[bias, 0.0]
    return tuple(layers)


def _status(activation: str, margin: float) -> Status:
    if activation == "relu":
        detail = "the regions are the shapes, up to the rounding of unit normals and offsets"
        return Status(verdict=Verdict.EXACT, detail=detail)
    return Status(verdict=Verdict.CERTIFIED, detail=f"by a bound, at margins from {margin:.4g}")


def _names(groups: Mapping[str, Any], rest: str | None, *, single: bool) -> tuple[str, ...]:
    if single:
        if rest is not None:
            raise InputError("rest= names one class more and needs a mapping: {'name': shapes}")
        return (OUTSIDE, "inside")
    names = [*groups, *([] if rest is None else [rest])]
    if len(names) < 2:
        raise InputError(f"expected two classes or more, got {names}; add rest='{OUTSIDE}', or give the shapes alone")
    if len(set(names)) < len(names):
        raise InputError(f"expected rest to be a name of its own, got {rest!r}, which names a class with shapes")
    return tuple(names)


def _positive(name: str, value: float) -> float:
    if not (np.isfinite(value) and value > 0):
        raise InputError(f"expected {name} > 0, got {value}")
    return float(value)


def _margin(scale: float, margin: float | None, inputs: int, activation: str) -> float:
    if margin is None:
        return max(log(_CONFIDENCE / (1 - _CONFIDENCE)), log(4 * inputs - 1)) / scale
    margin = _positive("margin", margin)
    least = log(2 * inputs - 1)
    if activation == "sigmoid" and scale * margin <= least:
        raise InputError(
            f"a gate of {inputs} inputs needs scale > ln(2·{inputs} − 1) / margin = {least / margin:.6g} "
            f"at margin {margin:g}, got scale={scale:g}; "
            f"raise it to {ceil(1.5 * least / margin)} or allow a wider margin"
        )
    return margin
