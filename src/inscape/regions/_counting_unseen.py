"""How many patterns a sample has not seen: Chao's estimate and Good–Turing coverage."""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import ArrayLike

from inscape._errors import InputError

_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, kw_only=True, slots=True)
class Richness:
    """A sampling estimate of the number of regions.

    Attributes:
        samples: number of sampled points.
        observed: number of different patterns among them.
        singletons: patterns seen exactly once.
        doubletons: patterns seen exactly twice.
        estimate: Chao1 estimate of the number of patterns; in expectation a lower bound of it.
        low: lower end of the 95 % interval, never below ``observed``.
        high: upper end of the 95 % interval.
        coverage: Good–Turing estimate of the share of volume that the observed patterns fill, 0 to 1.
        coverage_low: lower end of its 95 % interval.
        coverage_high: upper end of its 95 % interval.
    """

    samples: int
    observed: int
    singletons: int
    doubletons: int
    estimate: float
    low: float
    high: float
    coverage: float
    coverage_low: float
    coverage_high: float


def _counts(values: ArrayLike) -> np.ndarray:
    counts = np.asarray(values)
    if counts.ndim != 1 or counts.size == 0 or counts.dtype.kind not in "iu":
        raise InputError(
            f"expected a list of whole numbers, one for each pattern, got {counts.dtype} of shape {counts.shape}"
        )
    if (counts < 0).any():
        raise InputError(f"expected counts ≥ 0, got {int(counts.min())}")
    if not counts.any():
        raise InputError("expected at least one sampled point, got only zeros")
    return counts[counts > 0]


def chao1(counts: ArrayLike) -> Richness:
    r"""Estimate from a sample how many patterns there are, seen and unseen.

    With n samples, S patterns seen, of which :math:`f_1` once and :math:`f_2` twice, the bias-corrected estimate is

    .. math:: \hat S = S + \frac{n - 1}{n} \frac{f_1 (f_1 - 1)}{2 (f_2 + 1)}

    with a log-normal interval, and the share of the sampled volume that the seen patterns fill is about
    :math:`1 - f_1 / n` with Esty's interval. Where tiny cells are many, the estimate is too small: it is a lower
    bound in expectation.

    Args:
        counts: (S,) how often each pattern was seen, whole numbers.

    Returns:
        The estimate with its interval and the coverage with its interval.

    Example:
        >>> chao1([5, 3, 1, 1, 1]).estimate  # 5 + 10/11 · 3·2 / 2, up to rounding
        7.727272727272727

    Source:
        Chao (1984), and its bias-corrected form, Chao (2005); Good (1953); Esty (1983).
    """
    seen = _counts(counts)
    n, observed = int(seen.sum()), int(seen.size)
    f1, f2 = int((seen == 1).sum()), int((seen == 2).sum())
    share = (n - 1) / n
    unseen = share * f1 * (f1 - 1) / (2 * (f2 + 1))
    variance = (
        unseen
        + share**2 * f1 * (2 * f1 - 1) ** 2 / (4 * (f2 + 1) ** 2)
        + share**2 * f1**2 * f2 * (f1 - 1) ** 2 / (4 * (f2 + 1) ** 4)
    )
    spread = exp(_NORMAL_95 * sqrt(log(1 + variance / unseen**2))) if unseen > 0 else 1.0
    coverage = 1 - f1 / n
    deviation = _NORMAL_95 * sqrt(f1 * coverage + 2 * f2) / n
    return Richness(
        samples=n,
        observed=observed,
        singletons=f1,
        doubletons=f2,
        estimate=observed + unseen,
        low=observed + unseen / spread,
        high=observed + unseen * spread,
        coverage=coverage,
        coverage_low=max(0.0, coverage - deviation),
        coverage_high=min(1.0, coverage + deviation),
    )
