"""Figures of contributions."""

from collections.abc import Sequence

import numpy as np

from inscape.gradients._contributions_result import Contributions
from inscape.plotting import Lines, Series

_POINTS = 400
"""Most points of a curve."""


def _kept(count: int) -> np.ndarray:
    """An even choice of places, with the first and the last."""
    return np.unique(np.linspace(0, count - 1, min(count, _POINTS)).round().astype(np.int64))


def lorenz_info(found: Contributions, layers: Sequence[int]) -> Lines:
    """Lorenz curves, with the diagonal.

    Args:
        found: the contributions.
        layers: numbers of the layers that are drawn.

    Returns:
        The curves.
    """
    places = _kept(found.samples + 1)
    x = places / found.samples
    curves = [
        Series(x=x, y=found.lorenz(k)[places], name=f"layer {found.layers[k]} (Gini {found.gini[k]:.2f})")
        for k in layers
    ]
    return Lines(
        series=(*curves, Series(x=np.array([0.0, 1.0]), y=np.array([0.0, 1.0]), name="all samples alike")),
        xlabel="share of the samples, smallest first",
        ylabel="share of the sum of gradient norms",
        title="What the samples carry",
    )


def classes_info(found: Contributions, layers: Sequence[int]) -> Lines:
    """What each class carries, over its share of the samples.

    Args:
        found: the contributions.
        layers: numbers of the layers that are drawn.

    Returns:
        The curves.
    """
    sums = [found.class_totals(k) for k in layers]
    sizes = np.unique(found.labels, return_counts=True)[1] / found.samples
    shares = [total / total.sum() if total.sum() > 0 else sizes for total in sums]
    curves = [
        Series(x=found.classes, y=share / sizes, name=f"layer {found.layers[k]}")
        for k, share in zip(layers, shares, strict=True)
    ]
    return Lines(
        series=(*curves, Series(x=found.classes, y=np.ones(len(sizes)), name="as its share of the samples")),
        xlabel="class",
        ylabel="mean gradient norm over that of all",
        title="What the classes carry",
    )


def sorted_info(found: Contributions, layers: Sequence[int]) -> Lines:
    """Norms by their rank, over their mean.

    Args:
        found: the contributions.
        layers: numbers of the layers that are drawn.

    Returns:
        The curves.
    """
    places = _kept(found.samples)
    curves = []
    for k in layers:
        sizes = np.sort(found.norms[:, k])[::-1]
        curves.append(Series(x=places + 1, y=sizes[places] / (sizes.mean() or 1.0), name=f"layer {found.layers[k]}"))
    return Lines(
        series=tuple(curves),
        xlabel="rank of the sample, largest gradient first",
        ylabel="gradient norm over its mean",
        title="Gradients by their rank",
        logy=True,
    )
