"""Views that tables of units share: curves of sorted units, one for each layer, and medians by layer."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from inscape._errors import InputError


def ranked_curves(
    values: np.ndarray, layer: np.ndarray, names: Sequence[str], *, ylabel: str, title: str, logy: bool
) -> Any:
    """One curve for each layer: its units from the largest value to the smallest.

    Args:
        values: (U,) values of the units; those that are not finite, or not positive on a logarithmic axis, are left
            out.
        layer: (U,) index of each unit's layer.
        names: (L,) names of the layers.
        ylabel: name and unit of the values.
        title: title of the figure.
        logy: whether the values' axis is logarithmic.

    Returns:
        An ``inscape.plotting.Lines`` over the rank of a unit as a share of its layer.

    Raises:
        InputError: if no value can be drawn.
    """
    from inscape.plotting import Lines, Series

    drawn = np.isfinite(values) & ((values > 0) | (not logy))
    series = []
    for index, name in enumerate(names):
        here = values[(layer == index) & drawn]
        if here.size:
            share = (np.arange(here.size) + 0.5) / np.count_nonzero(layer == index)
            series.append(Series(x=100 * share, y=np.sort(here)[::-1], name=name))
    if not series:
        raise InputError("no unit has this quantity; see info(which='layers') for what is known")
    return Lines(series=tuple(series), xlabel="units of the layer, in order (%)", ylabel=ylabel, title=title, logy=logy)


def by_layer(layer: np.ndarray, count: int) -> Callable[[np.ndarray], list[float]]:
    """Medians by layer.

    Args:
        layer: (U,) index of each unit's layer.
        count: number of layers.

    Returns:
        From (U,) values to the (L,) medians of those that are no NaN, NaN where there is none.
    """

    def middle(values: np.ndarray) -> list[float]:
        kept = [values[(layer == index) & ~np.isnan(values)] for index in range(count)]
        return [float(np.median(part)) if part.size else float("nan") for part in kept]

    return middle
