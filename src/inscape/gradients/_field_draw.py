"""The figures of a field: one map with boundary and data on top, and a table of all layers."""

from math import log
from typing import TYPE_CHECKING, Any

import numpy as np

from inscape._errors import InputError

if TYPE_CHECKING:
    from inscape.gradients._field_result import Field

_DECADES = 8.0
"""A map shows at most so many decades below its largest value; what is less has the darkest colour."""
_LOW = 2.0
_MOST_POINTS = 300


def heatmap(field: "Field", which: str, layer: int) -> Any:
    """One map of a layer.

    Args:
        field: the field.
        which: ``"field"`` or the name of a factor.
        layer: place of the layer.

    Returns:
        An ``inscape.plotting.Heatmap``.

    Raises:
        InputError: if there is no such map.
    """
    from inscape.plotting import Heatmap

    factors = field.factors(layer)
    if which != "field" and which not in factors:
        raise InputError(f"expected which to be one of field, summary, {', '.join(factors)}, got {which!r}")
    grid = (field.values[layer] if which == "field" else factors[which]) / log(10)
    known = np.isfinite(grid)
    values, (vmin, vmax) = np.where(known, grid, np.nan), _limits(grid[known])
    hover = {"predicted class": field.predicted} if (field.predicted >= 0).any() else {}
    return Heatmap(
        values=values,
        low=field.domain.low,
        high=field.domain.high,
        label=_label(which),
        hover=hover | {"log₁₀ of the misfit": np.where(np.isfinite(field.misfit), field.misfit / log(10), np.nan)},
        lines=_boundary(field),
        markers=_data(field),
        xlabel="first axis of the plane (input units)",
        ylabel="second axis of the plane (input units)",
        title=_title(field, which, layer, float(known.mean())),
        vmin=vmin,
        vmax=vmax,
    )


def _label(which: str) -> str:
    if which == "field":
        return "log₁₀ of the norm of the gradient"
    if which == "misfit":
        return "log₁₀ of the norm of the gradient at the output"
    if which == "input":
        return "log₁₀ of the norm of the layer's input"
    return "log₁₀ of the factor"


def _title(field: "Field", which: str, layer: int, known: float) -> str:
    kind, _, name = which.partition(":")
    about = f"{kind.capitalize()} of {name}" if name else f"Layer {field.layers[layer]}, {kind}"
    about = {"field": f"Layer {field.layers[layer]}", "misfit": "Misfit"}.get(which, about)
    grey = f"; grey: no gradient ({1 - known:.1%} of the window)" if known < 1 else ""
    return f"{about}: a new sample {field.label}{grey}"


def _limits(values: np.ndarray) -> tuple[float, float]:
    """Ends of the colours: no more than some decades, and none for the lowest pixels."""
    if not values.size:
        return 0.0, 1.0
    high = float(values.max())
    low = max(float(np.percentile(values, _LOW)), high - _DECADES)
    if high - low > 1e-9 * max(1.0, abs(high)):
        return low, high
    return low - 0.5, high + 0.5


def _boundary(field: "Field") -> tuple[Any, ...]:
    from inscape.plotting import Polyline

    points = boundary_points(field.predicted, field.margin, field.domain.low, field.domain.high)
    return (Polyline(points=points, name="decision boundary", width=1.2),) if len(points) else ()


def _data(field: "Field") -> tuple[Any, ...]:
    from inscape.plotting import Markers

    inside = ((field.points >= field.domain.low) & (field.points <= field.domain.high)).all(1)
    kept = np.flatnonzero(inside)
    if len(kept) > _MOST_POINTS:  # an even choice, so that classes in order stay in proportion
        kept = kept[np.linspace(0, len(kept) - 1, _MOST_POINTS).round().astype(np.int64)]
    if not len(kept):
        return ()
    return (Markers(points=field.points[kept], values=field.labels[kept] if len(field.labels) else None),)


def table(field: "Field") -> Any:
    """One row for every layer.

    Args:
        field: the field.

    Returns:
        An ``inscape.plotting.Table``.
    """
    from inscape.plotting import Table

    values = np.where(np.isfinite(field.values), field.values / log(10), np.nan)
    top = [float(np.nanmax(grid)) if np.isfinite(grid).any() else float("-inf") for grid in values]
    return Table(
        columns={
            "layer": field.layers,
            "window that moves it": [f"{1 - share:.1%}" for share in field.still],
            "filled by the field": [f"{share:.1%}" for share in field.effective_share],
            "effective area": [f"{area:.3g}" for area in field.effective_area],
            "largest, log₁₀": [f"{value:.2f}" for value in top],
        },
        caption=f"Where a new sample {field.label} would move each layer",
    )


def boundary_points(label: np.ndarray, margin: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """The decision boundary between the pixels of a grid.

    Between two neighbours of different classes it is put where the difference of the two outputs would be zero if it
    were straight and the classes were each other's runners-up; in a square of four pixels with more than two such
    places, these are joined to their mean.

    Args:
        label: (h, w) classes.
        margin: (h, w) differences of the two largest outputs, ≥ 0.
        low: (2,) lower corner of the window.
        high: (2,) upper corner of the window.

    Returns:
        (m, 2) ends of straight pieces, each pair followed by a row of NaN.
    """
    rows, columns = label.shape
    width, height = (high - low) / (columns, rows)
    x, y = np.meshgrid(low[0] + (np.arange(columns) + 0.5) * width, low[1] + (np.arange(rows) + 0.5) * height)
    flat, upright = np.full((rows, columns - 1, 2), np.nan), np.full((rows - 1, columns, 2), np.nan)
    r, c = np.nonzero(label[:, 1:] != label[:, :-1])
    flat[r, c] = np.stack([x[r, c] + width * _share(margin[r, c], margin[r, c + 1]), y[r, c]], axis=1)
    r, c = np.nonzero(label[1:] != label[:-1])
    upright[r, c] = np.stack([x[r, c], y[r, c] + height * _share(margin[r, c], margin[r + 1, c])], axis=1)
    places = np.stack([flat[:-1], flat[1:], upright[:, :-1], upright[:, 1:]], axis=2).reshape(-1, 4, 2)
    found = np.isfinite(places[:, :, 0])
    count = found.sum(1)
    pairs = places[count == 2][found[count == 2]].reshape(-1, 2, 2)
    many, known = places[count > 2], found[count > 2]
    centre = np.where(known[..., None], many, 0.0).sum(1) / np.maximum(known.sum(1), 1)[:, None]
    spokes = np.stack([many[known], np.repeat(centre, known.sum(1), axis=0)], axis=1)
    pieces = np.concatenate([pairs, spokes])
    return np.concatenate([pieces, np.full((len(pieces), 1, 2), np.nan)], axis=1).reshape(-1, 2)


def _share(near: np.ndarray, far: np.ndarray) -> np.ndarray:
    total = near + far
    return np.where(total > 0, near / np.where(total > 0, total, 1.0), 0.5)
