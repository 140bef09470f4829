"""Figures of the page: the interactive form as JSON, and the still pictures beside it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inscape.results import Figure

_VECTOR_CELLS = 4000
_MAPS = {"PolygonMap", "Heatmap"}
_DRAWN = {"Lines", "Waterfall"}
"""Kinds of few parts: their still pictures are vectors too, and a legend explains the colours."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A figure, ready for the template.

    Attributes:
        id: element id, unique on the page.
        title: bold lead of the caption.
        caption: how to read the figure.
        alt: text for readers who do not see it.
        layout: CSS class: "wide", "curve" or empty.
        ratio: height over width of a map's window; 0 for other figures.
        rows: height of the rows of a waterfall in pixels; 0 for other figures.
        key: what explains the colours: "legend" or "bar".
        entries: names in the legend.
        json: the plotly figure, safe inside a script element; empty if the page shows the still picture.
        files: still pictures in the folder, relative to the page; the first is a PNG.
    """

    id: str
    title: str
    caption: str
    alt: str
    layout: str
    ratio: float
    rows: int = 0
    key: str
    entries: tuple[str, ...]
    json: str
    files: tuple[str, ...]


def embedded(value: Any) -> str:
    r"""JSON that may stand inside a script element, whatever text is in it.

    Args:
        value: a JSON value.

    Returns:
        JSON text without ``<``, ``>`` and ``&``.

    Example:
        >>> embedded("</script>")
        '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


def _interactive(info: Any) -> tuple[str, tuple[str, ...]]:
    """The plotly figure and the names in its legend."""
    from inscape.plotting import render

    figure = json.loads(render(info, backend="plotly").to_json())
    layout = figure["layout"]
    for key in ("template", "width", "height", "title", "margin", "paper_bgcolor", "plot_bgcolor"):
        layout.pop(key, None)
    layout["autosize"] = True
    entries = tuple(str(trace.get("name", "")) for trace in figure["data"] if trace.get("showlegend"))
    return embedded({"data": figure["data"], "layout": layout}), entries


def _ratio(info: Any) -> float:
    if type(info).__name__ not in _MAPS:
        return 0.0
    width, height = (float(side) for side in info.high - info.low)
    return round(height / width, 4)


def _rows(info: Any) -> int:
    from inscape.plotting import Waterfall
    from inscape.plotting._plotly_waterfall import rows_height

    return rows_height(info) if isinstance(info, Waterfall) else 0


def _stills(info: Any, folder: Path, stem: str) -> tuple[str, ...]:
    from inscape.plotting import save_figure

    suffixes = ["png"]
    if type(info).__name__ in _DRAWN or len(getattr(info, "offsets", ())) in range(1, _VECTOR_CELLS):
        suffixes.append("svg")
    for suffix in suffixes:
        save_figure(info, folder / f"{stem}.{suffix}")
    return tuple(f"{folder.name}/{stem}.{suffix}" for suffix in suffixes)


def draw(figure: Figure, folder: Path, *, stem: str) -> Drawn:
    """Draw one figure twice: for the page and as still pictures.

    Args:
        figure: the figure of a section.
        folder: where the still pictures go.
        stem: file stem and element id.

    Returns:
        The drawn figure.
    """
    info = figure.info
    kind = type(info).__name__
    title = str(getattr(info, "title", "") or "")
    drawing, entries = _interactive(info)
    return Drawn(
        id=stem,
        title=title,
        caption=figure.caption,
        alt=f"{title}. {figure.caption}" if title else figure.caption,
        layout={"PolygonMap": "wide", "Waterfall": "wide", "Lines": "curve"}.get(kind, ""),
        ratio=_ratio(info),
        rows=_rows(info),
        key="legend" if kind in _DRAWN or getattr(info, "categorical", False) else "bar",
        entries=entries,
        json=drawing,
        files=_stills(info, folder, stem),
    )
