"""The page's chapter on confidence: how sure the network is, and where."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from inscape.results import Context, Figure, Section

_RESOLUTION = 144
_LEVELS = (0.5, 0.7, 0.9, 0.99)
_LABELS = {"confidence": "confidence", "margin": "margin (output units)", "distance": "distance (input units)"}
_AXES = ("first axis (input units)", "second axis (input units)")
_KINDS = {
    "confidence": "The largest class probability. Dark is unsure, bright is sure.",
    "margin": "How far the winning output is above the second, in output units. It is zero on the boundary.",
    "distance": (
        "To first order: the margin over the length of its gradient, in input units. "
        "It is a guess from the slope, not a certificate."
    ),
}


def section(context: Context) -> Section | None:
    """Confidence, margin and boundary distance on the page's planes, and the area below each confidence.

    Args:
        context: the page's context; its option ``"views"`` holds the planes, ``"resolution"`` the grid points on the
            longer side of a map.

    Returns:
        The chapter, or None if there is no plane.
    """
    views = tuple(context.options.get("views", ()))  # type: ignore[arg-type]
    if not views:
        return None
    found = [_predicted(view, context) for view in views]
    figures = [_figure(view, maps, which) for which in _KINDS for view, maps in zip(views, found, strict=True)]
    figures.append(_curve(views, found))
    shares = {view.key: _shares(maps) for view, maps in zip(views, found, strict=True)}
    return Section(
        key="confidence",
        title="How sure it is",
        paragraphs=[
            "The same planes, with three answers to the question how sure the network is of the class that it names. "
            "A network should be unsure near its decision boundary, and far from every sample; where a map is "
            "bright far "
            "from the samples, the network is sure without a reason in the data.",
        ],
        figures=figures,
        tables=[_table(views, shares)],
        notes=["These maps are forward passes on a grid of points in floating point: measured, not exact."],
        numbers={"area_below": shares, "resolution": _resolution(context)},
    )


def _resolution(context: Context) -> int:
    return int(str(context.options.get("resolution", _RESOLUTION)))


def _predicted(view: Any, context: Context) -> Any:
    from inscape.maps import predict

    return predict(context.model, view.plane, resolution=_resolution(context), progress=False)


def _boundary(view: Any) -> tuple[Any, ...]:
    from inscape.plotting import Polyline

    if view.boundary is None or not len(view.boundary.segments):
        return ()
    segments = np.asarray(view.boundary.segments, dtype=np.float64)
    broken = np.concatenate([segments, np.full((len(segments), 1, 2), np.nan)], axis=1)
    return (Polyline(points=broken.reshape(-1, 2)[:-1], width=1.2),)


def _figure(view: Any, maps: Any, which: str) -> Figure:
    info = maps.info(which=which)
    title = f"{which.capitalize()} on {view.title[0].lower()}{view.title[1:]}"
    return Figure(
        name=f"{view.key}-{which}",
        info=replace(info, lines=_boundary(view), title=title, label=_LABELS[which], xlabel=_AXES[0], ylabel=_AXES[1]),
        caption=_KINDS[which],
    )


def _shares(maps: Any) -> dict[str, float]:
    """Share of the window's area below each confidence."""
    return {f"{level:g}": maps.fraction_below(level) for level in _LEVELS}


def _curve(views: Sequence[Any], found: Sequence[Any]) -> Figure:
    from inscape.plotting import Lines, Series

    levels = np.linspace(0.0, 1.0, 201)
    series = []
    for view, maps in zip(views, found, strict=True):
        ordered = np.sort(np.asarray(maps.confidence), axis=None)
        below = np.searchsorted(ordered, levels, side="left") / ordered.size
        series.append(Series(x=levels, y=100 * below, name=view.title))
    info = Lines(
        series=tuple(series),
        xlabel="confidence",
        ylabel="area below (%)",
        title="Area below each confidence",
    )
    caption = "Share of the window where the confidence is below the value on the first axis: a late rise is sure."
    return Figure(name="area-below", info=info, caption=caption)


def _table(views: Sequence[Any], shares: dict[str, dict[str, float]]) -> Any:
    from inscape.plotting import Table

    columns: dict[str, list[object]] = {"plane": [view.title for view in views]}
    for level in _LEVELS:
        columns[f"below {level:g}"] = [f"{shares[view.key][f'{level:g}']:.1%}" for view in views]
    return Table(columns=columns, caption="Share of the window's area where the confidence is below a value.")
