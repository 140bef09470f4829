"""Means with intervals, and growth as a power."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, floor, isfinite, log, log10, nan, sqrt
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class Mean:
    """A mean over seeds with its 95 % interval.

    Attributes:
        value: the mean; NaN without values.
        half: half the width of the interval by Student's t; NaN with fewer than two values.
        count: number of values.
    """

    value: float
    half: float
    count: int

    def __str__(self) -> str:
        value = self.value
        if not (isfinite(self.half) and self.half > 1e-5 * abs(value)):  # an interval of rounding errors is none
            return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}".replace("-", "−")
        digits = max(0, 1 - floor(log10(self.half)))
        return f"{value:,.{digits}f} ± {self.half:,.{digits}f}".replace("-", "−")


def mean(values: Sequence[float]) -> Mean:
    r"""Mean and 95 % interval of independent values that are about normal.

    .. math:: \bar x \pm t_{0.975,\,n-1}\, s / \sqrt{n}

    Args:
        values: one number a seed.

    Returns:
        The mean.

    Example:
        >>> str(mean([1.0, 2.0, 3.0]))
        '2.0 ± 2.5'
    """
    from scipy.stats import t

    count = len(values)
    if count < 2:
        return Mean(value=float(values[0]) if count else nan, half=nan, count=count)
    spread = float(np.std(values, ddof=1))
    return Mean(value=float(np.mean(values)), half=float(t.ppf(0.975, count - 1)) * spread / sqrt(count), count=count)


def difference(first: Sequence[float], second: Sequence[float]) -> Mean:
    r"""Difference of the means of two independent groups with its 95 % interval, whose spreads may differ.

    .. math:: \bar x - \bar y \pm t_{0.975,\,ν} \sqrt{s_x^2 / n + s_y^2 / m}, \qquad
        ν = \frac{(s_x^2 / n + s_y^2 / m)^2}{(s_x^2 / n)^2 / (n - 1) + (s_y^2 / m)^2 / (m - 1)}

    Args:
        first: one number a seed.
        second: likewise.

    Returns:
        Mean of the first less mean of the second; NaN if one is empty, without interval if one has a single value.
        ``count`` is the number of values of both.

    Example:
        >>> str(difference([1.0, 2.0, 3.0], [1.0, 1.0, 1.0]))
        '1.0 ± 2.5'

    Source:
        Welch (1947), on two populations of unequal variances.
    """
    from scipy.stats import t

    one, two, count = mean(first), mean(second), len(first) + len(second)
    value = one.value - two.value
    if min(one.count, two.count) < 2:
        return Mean(value=value, half=nan, count=count)
    parts = [float(np.var(values, ddof=1)) / len(values) for values in (first, second)]
    total = sum(parts)
    if total == 0:
        return Mean(value=value, half=0.0, count=count)
    freedom = total**2 / (parts[0] ** 2 / (one.count - 1) + parts[1] ** 2 / (two.count - 1))
    return Mean(value=value, half=float(t.ppf(0.975, freedom)) * sqrt(total), count=count)


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A value and the ends of its 95 % interval, which need not lie alike on both sides.

    Attributes:
        value: the value.
        low: lower end; the value itself if there is no interval.
        high: upper end, likewise.
    """

    value: float
    low: float
    high: float


def around(values: Sequence[float], *, geometric: bool = False) -> Interval:
    """Mean and interval as a curve shows them.

    Args:
        values: one number a seed; positive ones for a geometric mean.
        geometric: mean and interval of the logarithms, for counts that grow by factors.

    Returns:
        The interval.

    Example:
        >>> around([2.0, 8.0], geometric=True).value
        4.0
    """
    found = mean([log(value) for value in values] if geometric else values)
    half = found.half if isfinite(found.half) else 0.0
    ends = (found.value, found.value - half, found.value + half)
    value, low, high = (round(exp(end), 12) for end in ends) if geometric else ends
    return Interval(value=value, low=low, high=high)


def power(x: Sequence[float], y: Sequence[float]) -> Mean:
    """Exponent of growth: the slope of log y over log x by least squares, with its 95 % interval.

    Args:
        x: positive numbers, two different ones at least.
        y: positive numbers.

    Returns:
        The exponent; NaN if it is not determined. ``count`` is the number of points.

    Example:
        >>> round(power([1, 2, 4, 8], [3, 12, 48, 192]).value, 6)
        2.0
    """
    from scipy.stats import linregress, t

    if len(set(x)) < 2:
        return Mean(value=nan, half=nan, count=len(x))
    fit: Any = linregress(np.log(x), np.log(y))
    error = float(fit.stderr) if isfinite(fit.stderr) else 0.0  # scipy divides by zero where all y are the same
    half = float(t.ppf(0.975, len(x) - 2)) * error if len(x) > 2 else nan
    return Mean(value=float(fit.slope), half=half, count=len(x))
