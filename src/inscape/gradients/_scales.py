r"""Formulas about the scale of a unit, free of torch: what scale is balanced, and how many samples support it."""

import numpy as np

from inscape._errors import InputError


def balanced_scale(spread: np.ndarray | float, halfwidth: float) -> np.ndarray:
    r"""The scale of a unit's weight at which the data just cover the transition of its activation.

    With :math:`t` the samples' projections on the unit normal of the hyperplane and :math:`z = γ t`,

    .. math:: γ = \frac{z^*}{2 \operatorname{std} t} \quad\Longleftrightarrow\quad κ = \operatorname{std}(z) / z^* = ½

    so that two standard deviations of the data reach from the hyperplane to the border of its slab.

    Args:
        spread: standard deviation of the projections, > 0, in input units; any shape.
        halfwidth: half-width :math:`z^*` of the transition, > 0, in units of the pre-activation.

    Returns:
        The scale, of the shape of ``spread``; NaN where the spread is 0.

    Raises:
        InputError: if the half-width is not positive or a spread is negative.

    Example:
        >>> float(balanced_scale(0.25, 1.0))
        2.0

    Source:
        van den Berg (2016), the part on the scale of the weights and the density of the samples.
    """
    sizes = np.asarray(spread, dtype=np.float64)
    if not (np.isfinite(halfwidth) and halfwidth > 0):
        raise InputError(f"expected a half-width > 0, got {halfwidth}; a kink has no transition to be covered")
    if (sizes < 0).any():
        raise InputError(f"expected spreads ≥ 0, got {float(sizes.min())}")
    known = sizes > 0
    return np.where(known, halfwidth / (2 * np.where(known, sizes, 1.0)), np.nan)


def effective_samples(weights: np.ndarray) -> np.ndarray:
    r"""How many samples of equal weight say as much as samples of these weights.

    .. math:: N_\text{eff} = \frac{(\sum_i w_i)^2}{\sum_i w_i^2}

    It lies between 1 and the number of samples, and is 0 where all weights are 0.

    Args:
        weights: (n, ...) weights ≥ 0, samples first.

    Returns:
        (...) effective numbers.

    Raises:
        InputError: if a weight is negative.

    Example:
        >>> float(effective_samples(np.array([1.0, 1.0, 0.0])))
        2.0

    Source:
        Kish (1965), section 11.7.
    """
    given = np.asarray(weights, dtype=np.float64)
    if (given < 0).any():
        raise InputError(f"expected weights ≥ 0, got {float(given.min())}")
    largest = given.max(0, initial=0.0)
    shares = given / np.where(largest > 0, largest, 1.0)
    total, squares = shares.sum(0), np.square(shares).sum(0)
    return np.where(squares > 0, total**2 / np.where(squares > 0, squares, 1.0), 0.0)
