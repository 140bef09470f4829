"""Frames of a track as drawing kinds: the same window, colours and legend in all of them."""

from typing import Any

import numpy as np

from inscape.regions._draw import axis


def frame_info(track: Any, record: int) -> Any:
    """Pieces by class, the boundary and the data points.

    Args:
        track: the track.
        record: number of the record.

    Returns:
        A ``PolygonMap``.
    """
    from inscape.plotting import Markers, PolygonMap, Polyline

    frame = track.frames[record]
    breaks = np.full((len(frame.segments), 1, 2), np.nan)
    line = np.concatenate([frame.segments, breaks], axis=1).reshape(-1, 2)
    markers = ()
    if len(track.points):
        markers = (Markers(points=track.points, values=track.labels if len(track.labels) else None),)
    return PolygonMap(
        points=frame.points,
        offsets=frame.offsets,
        values=frame.classes,
        categorical=True,
        names=track.names,
        all_names=True,
        label="class",
        lines=(Polyline(points=line, name="decision boundary", width=2.0),),
        markers=markers,
        low=track.domain.low,
        high=track.domain.high,
        xlabel=axis(track.domain, 0),
        ylabel=axis(track.domain, 1),
        title=f"step {track.steps[record]:,}: {_regions(track, record)}",
    )


def caption(track: Any, record: int) -> dict[str, str]:
    """Numbers of one record in words.

    Args:
        track: the track.
        record: number of the record.

    Returns:
        Name → text.
    """
    found = {"step": f"{track.steps[record]:,}"}
    if track.epochs[record] >= 0:
        found["epoch"] = f"{track.epochs[record]:,}"
    found |= {
        "regions": _regions(track, record).replace(" regions", ""),
        "births": _count(track.births[record]),
        "deaths": _count(track.deaths[record]),
        "boundary length": f"{track.length[record]:.4g}",
        "boundary curves": f"{track.components[record]:,}",
    }
    return found


def _regions(track: Any, record: int) -> str:
    return f"{track.regions[record]:,} regions" + (" (limit reached)" if track.limited[record] else "")


def _count(value: float) -> str:
    return "–" if np.isnan(value) else f"{int(value):,}"
