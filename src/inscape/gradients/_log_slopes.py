"""Derivatives of activations as logarithms, which stay exact far into saturation, and what follows from them."""

from collections.abc import Callable
from math import log, nan

import numpy as np
import torch
from torch import Tensor

from inscape.gradients._activations import Activation, transition

_NODES = 200
"""Points of Gauss and Legendre on the transition and on each tail."""


def log_slope(activation: Activation, z: Tensor) -> Tensor:
    r"""Logarithm of \|ν'\| as a share of its largest value.

    For sigmoid, tanh and softsign it is exact also where the derivative itself is 0 in floating point:
    :math:`\log σ'(z) + \log 4 = -2 \log \cosh(z / 2)`, :math:`\log \tanh'(z) = -2 \log \cosh z`, and
    :math:`-2 \log(1 + |z|)`.

    Args:
        activation: the activation.
        z: (..., units) pre-activations in float64.

    Returns:
        Values ≤ 0 of the same shape, up to rounding; minus infinity where the derivative is 0.
    """
    known = _KNOWN.get(activation.name)
    if known is not None:
        return known(z)
    flat = z.reshape(-1, z.shape[-1])
    return (activation.derivative(flat).abs().log() - log(transition(activation).largest)).reshape(z.shape)


def _log_cosh(z: Tensor) -> Tensor:
    size = z.abs()
    return size + torch.log1p(torch.exp(-2 * size)) - log(2.0)


_KNOWN: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": lambda z: -2 * _log_cosh(z / 2),
    "tanh": lambda z: -2 * _log_cosh(z),
    "softsign": lambda z: -2 * torch.log1p(z.abs()),
}


def relative_slopes(activation: Activation, z: Tensor) -> Tensor:
    r"""\|ν'\| as a share of the largest value in each column, which is then 1 however far the column is saturated.

    Args:
        activation: the activation.
        z: (n, units) pre-activations in float64.

    Returns:
        (n, units) shares; all 0 in a column without a derivative.
    """
    size = z.abs()
    if activation.name in {"sigmoid", "tanh"}:  # 1 / cosh² as exp(-2|z|) / (1 + exp(-2|z|))², without logarithms
        size = size if activation.name == "sigmoid" else 2 * size
        least = size.amin(0)
        bend = (1 + torch.exp(-least)) / (1 + torch.exp(-size))
        return torch.exp(least - size) * bend.square_()
    if activation.name == "softsign":
        return ((1 + size.amin(0)) / (1 + size)).square_()
    slopes = activation.derivative(z).abs()
    return slopes / slopes.amax(0).clamp_min(1e-300)


def effective_number(log_sum: Tensor, log_squares: Tensor) -> Tensor:
    """Kish's effective number from the logarithms of the sums of weights and of squared weights.

    Args:
        log_sum: logarithms of the sums of weights; minus infinity where all are 0.
        log_squares: logarithms of the sums of their squares.

    Returns:
        The numbers, 0 where all weights are 0.
    """
    return torch.where(torch.isneginf(log_sum), 0.0, torch.exp(2 * log_sum - log_squares))


def support_constant(activation: Activation) -> float:
    r"""The effective width of a saturating activation's derivative.

    .. math:: c = \frac{(\int ν')^2}{\int ν'^2}, \qquad N_\text{eff} \to c \, N \, p_z(0) \quad (κ \to \infty)

    The effective number of samples of a unit approaches the density of its pre-activations at the centre times this.

    Args:
        activation: the activation.

    Returns:
        The width, in units of the pre-activation: 6 for the sigmoid, 3 for tanh; NaN for activations that do not
        saturate on both sides.
    """
    if not activation.saturating:
        return nan
    shape = transition(activation)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    part, step = (nodes + 1) / 2, weights / 2  # a tail is mapped to the interval from 0 to 1
    beyond, stretch = shape.halfwidth + part / (1 - part), step / (1 - part) ** 2
    near, inner = shape.halfwidth * part, shape.halfwidth * step  # in two halves: |z| has a corner at 0
    places = [shape.centre + side * distance for side in (-1, 1) for distance in (near, beyond)]
    measure = np.concatenate([inner, stretch, inner, stretch])
    slopes = log_slope(activation, torch.from_numpy(np.concatenate(places))[:, None]).exp()[:, 0].numpy()
    return float((measure @ slopes) ** 2 / (measure @ slopes**2))


def density(values: np.ndarray, at: float) -> np.ndarray:
    r"""Density of each column's values at a point, by Gaussian kernels.

    The bandwidth is Silverman's, :math:`h = 0.9 \min(s, \mathrm{IQR} / 1.349) \, n^{-1/5}`.

    Args:
        values: (n, units) values.
        at: the point.

    Returns:
        (units,) densities; NaN for columns without spread.

    Source:
        Silverman (1986), section 3.4.2.
    """
    deviation = values.std(0)
    low, high = np.quantile(values, [0.25, 0.75], axis=0)
    middle = (high - low) / 1.349
    width = 0.9 * np.where(middle > 0, np.minimum(deviation, middle), deviation) * len(values) ** -0.2
    known = (values.max(0) > values.min(0)) & (width > 0)
    steps = (values - at) / np.where(known, width, 1.0)
    heights = np.exp(-0.5 * np.square(steps)).mean(0) / (np.sqrt(2 * np.pi) * np.where(known, width, 1.0))
    return np.where(known, heights, np.nan)
