"""Curves of a gradient track over the steps."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from inscape._errors import InputError

_MOST = 10
"""Curves in a figure whose colours can still be told apart."""


@dataclass(frozen=True, kw_only=True)
class _Curve:
    """How a quantity is drawn."""

    field: str
    label: str
    title: str
    of_units: bool
    logarithmic: bool = False
    exponential: bool = False


_CURVES = {
    "kappa": _Curve(
        field="kappa",
        label="κ: spread over half-width of the transition",
        title="Spread of pre-activations (median; band: 10–90 %)",
        of_units=True,
        logarithmic=True,
    ),
    "occupancy": _Curve(
        field="occupancy",
        label="occupancy (share of samples)",
        title="Samples with a large slope (median unit; band: 10–90 %)",
        of_units=True,
    ),
    "effective": _Curve(
        field="effective",
        label="effective samples",
        title="Effective samples of units (median; band: 10–90 %)",
        of_units=True,
        logarithmic=True,
    ),
    "unsupported": _Curve(
        field="unsupported", label="share of units", title="Units with too few effective samples", of_units=True
    ),
    "norms": _Curve(
        field="norm_quantiles",
        label="norm of a sample's gradient",
        title="Gradients of single samples (median; band: 10–90 %)",
        of_units=False,
        logarithmic=True,
    ),
    "coherence": _Curve(
        field="coherence",
        label="coherence (0 to 1)",
        title="Norm of the mean gradient over the mean norm",
        of_units=False,
    ),
    "delta": _Curve(
        field="log_delta",
        label="gradient at the layer's output (root mean square)",
        title="Error that arrives at each layer",
        of_units=False,
        logarithmic=True,
        exponential=True,
    ),
    "gradient": _Curve(
        field="log_gradient",
        label="norm of the weight's gradient",
        title="Gradient of each layer's weight",
        of_units=False,
        logarithmic=True,
        exponential=True,
    ),
}


def curves(track: Any, which: str, only: tuple[str, ...]) -> Any:
    """The curves of one quantity.

    Args:
        track: the track.
        which: the quantity.
        only: names of the activations or layers to show; empty for all, or ten evenly chosen ones of more.

    Returns:
        A ``plotting.Lines``.

    Raises:
        InputError: if there is no such quantity or name, or nothing to draw.
    """
    from inscape.plotting import Lines

    if which not in _CURVES:
        raise InputError(f"expected which to be one of {', '.join(_CURVES)}, got {which!r}")
    if not track.records:
        raise InputError("nothing was recorded yet; there is no curve to draw")
    curve = _CURVES[which]
    names = track.activations if curve.of_units else track.layers
    values = _finite(getattr(track, curve.field), curve)
    known = [name for k, name in enumerate(names) if not np.isnan(values[:, k]).all()]
    if strange := [name for name in only if name not in known]:
        raise InputError(f"expected only as names among {', '.join(known) or 'none'}, got {strange[0]!r}")
    if not known:
        raise InputError(f"{which} is defined for no layer of this network; there is no curve to draw")
    shown = list(only) or [known[i] for i in np.unique(np.linspace(0, len(known) - 1, _MOST).round().astype(int))]
    return Lines(
        series=tuple(_series(track.steps, values[:, names.index(name)], _text(name)) for name in shown),
        xlabel="optimizer step",
        ylabel=curve.label,
        title=curve.title,
        logy=curve.logarithmic,
    )


def _finite(values: np.ndarray, curve: _Curve) -> np.ndarray:
    with np.errstate(over="ignore"):
        drawn = np.exp(values) if curve.exponential else values
    return np.where(np.isfinite(drawn), drawn, np.nan)


def _text(name: str) -> str:
    return f"layer {name}" if name.isdigit() else name


def _series(steps: np.ndarray, values: np.ndarray, name: str) -> Any:
    from inscape.plotting import Series

    if values.ndim == 1:
        return Series(x=steps, y=values, name=name)
    return Series(x=steps, y=values[:, 1], low=values[:, 0], high=values[:, 2], name=name)
