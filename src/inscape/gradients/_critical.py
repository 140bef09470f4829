"""The critical scale of a unit: how far its weights may grow until too few samples support its hyperplane."""

from collections.abc import Callable

import torch
from torch import Tensor

from inscape.gradients._activations import Activation
from inscape.gradients._log_slopes import density, relative_slopes, support_constant

_UNITS = 128
"""Units that are looked at together."""

_STEPS = 8
"""Scales from 4^-8 to 4^8 deviations are scanned where the number need not fall with the scale."""

_FAR = 100
"""Doublings after which a number that has not fallen counts as one that does not fall."""

_NEAREST = 16
"""Values that are looked at first, for each one that is needed."""

_NOTHING = 1e-10
"""Share of the weight that the values farther away may have at most."""

_ROUNDS = 60
_CLOSE = 1e-8
"""Logarithmic width at which a root counts as found."""


def effective_at(activation: Activation, z: Tensor, scale: Tensor) -> Tensor:
    """Effective number of samples with the hyperplanes fixed and the pre-activations scaled.

    Args:
        activation: the activation.
        z: (n, units) pre-activations in float64.
        scale: (units,) factors.

    Returns:
        (units,) numbers.
    """
    shares = relative_slopes(activation, z * scale)
    return shares.sum(0).square() / shares.square().sum(0).clamp_min(1e-300)


def critical_scale(activation: Activation, z: Tensor, needed: float) -> Tensor:
    r"""The largest factor at which the samples still support each hyperplane.

    The root of :math:`N_\text{eff}(γ) = m` with :math:`z \to γ z`. For an activation that saturates on both sides
    :math:`N_\text{eff}(γ)` falls from the number of samples, so that the root is the only one. It is bracketed from its
    asymptotes :math:`N_\text{eff}(1) / m` and :math:`c \, n \, p_z(0) / m`, and then found by regula falsi and
    bisection in turn. For other activations the last crossing of a scan over 17 scales is taken.

    Args:
        activation: the activation.
        z: (n, units) pre-activations in float64.
        needed: number of samples m that a hyperplane needs.

    Returns:
        (units,) factors; infinite where the number does not fall below m, 0 where it is below m at any factor, NaN
        where there are fewer than m samples.
    """
    if len(z) < needed:
        return torch.full((z.shape[1],), torch.nan, dtype=torch.float64)
    return torch.cat([_nearest(activation, part, needed) for part in z.split(_UNITS, dim=1)])


def _nearest(activation: Activation, z: Tensor, needed: float) -> Tensor:
    """The scales from the values nearest to the hyperplanes, where the others weigh nothing; else from all."""
    count = int(_NEAREST * needed) + 1
    if activation.name not in {"sigmoid", "tanh"} or len(z) <= 2 * count:
        return _part(activation, z, needed)
    near = z.gather(0, z.abs().topk(count, dim=0, largest=False).indices)
    found = _part(activation, near, needed)
    slopes = relative_slopes(activation, near * found)
    doubtful = ~(slopes.amin(0) * (len(z) - count) < _NOTHING * slopes.sum(0))
    if bool(doubtful.any()):
        found[doubtful] = _part(activation, z[:, doubtful], needed)
    return found


def _part(activation: Activation, z: Tensor, needed: float) -> Tensor:
    def excess(scale: Tensor, units: Tensor) -> Tensor:
        return effective_at(activation, z[:, units], scale).clamp_min(1e-300).log() - torch.log(
            torch.tensor(needed, dtype=torch.float64)
        )

    units = torch.arange(z.shape[1])
    if activation.kinked and activation.name != "threshold":  # the kink is at 0: what is active does not depend on γ
        return torch.where(excess(torch.ones(len(units), dtype=torch.float64), units) >= 0, torch.inf, 0.0).double()
    if activation.saturating:
        peak = support_constant(activation) * len(z) * torch.from_numpy(density(z.numpy(), 0.0)).nan_to_num(0.0)
        low, high = _bracket(excess, units, peak / needed)
    else:
        low, high = _scanned(excess, units, z)
    answer = torch.where(torch.isinf(high), torch.inf, torch.zeros_like(low))
    open_units = units[torch.isfinite(high) & (low > 0)]
    if len(open_units):
        answer[open_units] = _root(excess, open_units, low[open_units], high[open_units])
    return answer


_Excess = Callable[[Tensor, Tensor], Tensor]


def _bracket(excess: _Excess, units: Tensor, asymptote: Tensor) -> tuple[Tensor, Tensor]:
    """Factors with and without enough samples, at most 2 apart; infinite where the number does not fall."""
    one = torch.ones(len(units), dtype=torch.float64)
    guess = torch.maximum(excess(one, units).exp(), asymptote).clamp(1e-12, 1e12)
    enough = excess(guess, units) >= 0
    low, high = torch.where(enough, guess, 0.0), torch.where(enough, torch.inf, guess)
    for _ in range(_FAR):
        left = units[torch.isinf(high) | (low == 0)]
        if not len(left):
            break
        up = torch.isinf(high[left])
        tried = torch.where(up, 2 * low[left], high[left] / 2)
        enough = excess(tried, left) >= 0
        low[left] = torch.where(enough, tried, low[left])
        high[left] = torch.where(enough, high[left], tried)
    return low, high


def _scanned(excess: _Excess, units: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """The last crossing on a scan of scales: its two neighbours; (0, finite) without any, infinite at the end."""
    size = z.std(0, correction=0).clamp_min(1e-300)
    scales = [4.0**k / size for k in range(-_STEPS, _STEPS + 1)]
    enough = torch.stack([excess(scale, units) >= 0 for scale in scales])
    last = torch.where(enough.any(0), len(scales) - 1 - enough.flip(0).int().argmax(0), -1)
    grid = torch.stack([torch.zeros_like(size), *scales, torch.full_like(size, torch.inf)])
    return grid.gather(0, (last + 1)[None])[0], grid.gather(0, (last + 2)[None])[0]


def _root(excess: _Excess, units: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Between factors with and without enough samples: a step of regula falsi, one of bisection, and so on."""
    above, below = excess(low, units), excess(high, units)
    low, high = low.log(), high.log()
    for step in range(_ROUNDS):
        if bool((high - low).max() < _CLOSE):
            break
        share = (above / (above - below)).nan_to_num(0.5).clamp(0.0, 1.0) if step % 2 == 0 else 0.5
        middle = low + share * (high - low)
        found = excess(middle.exp(), units)
        enough = found >= 0
        low, above = torch.where(enough, middle, low), torch.where(enough, found, above)
        high, below = torch.where(enough, high, middle), torch.where(enough, below, found)
    return low.exp()
