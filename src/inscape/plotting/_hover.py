"""What the page shows under the pointer: an invisible coarse grid that carries names and numbers."""

from html import escape
from typing import Any

import numpy as np

from inscape.plotting._info import Heatmap, PolygonMap
from inscape.plotting._raster import rasterize

GRID = 128
"""Points on the longer side of the grid."""


def hover_trace(info: PolygonMap | Heatmap) -> Any:
    """Make an invisible heat map whose points tell what lies under them.

    Args:
        info: the map.

    Returns:
        A ``plotly.graph_objects.Heatmap``.
    """
    import plotly.graph_objects as go

    index, covered = _index(info)
    rows, columns = index.shape
    step = (info.high - info.low) / (columns, rows)
    fields = {info.label or "value": info.values} | dict(info.hover)
    lines, texts, numbers = [], [], []
    for name, item in fields.items():
        values = item.reshape(-1)[index]
        title = escape(name, quote=False)
        if info.categorical and item is info.values:
            chosen = np.array([escape(text, quote=False) for text in info.names] or [""], dtype=object)
            texts.append(chosen[values] if info.names else values.astype(str))
            lines.append(f"{title}: <b>%{{text}}</b>")
        elif item.dtype.kind in "biuf":
            lines.append(f"{title}: %{{customdata[{len(numbers)}]:.4~g}}")
            numbers.append(values.astype(np.float32))
        else:
            texts.append(np.array([escape(str(text), quote=False) for text in values.reshape(-1)]).reshape(index.shape))
            lines.append(f"{title}: %{{text}}")
    if isinstance(info, PolygonMap):
        lines.append("cell %{z:d}")
    lines.append("at (%{x:.4~g}, %{y:.4~g})")
    return go.Heatmap(
        x0=info.low[0] + step[0] / 2,
        dx=step[0],
        y0=info.low[1] + step[1] / 2,
        dy=step[1],
        z=np.where(covered, index, np.nan).astype(np.float32),
        colorscale=[[0, "rgba(0,0,0,0)"], [1, "rgba(0,0,0,0)"]],
        showscale=False,
        hoverongaps=False,
        text=_joined(texts),
        customdata=np.stack(numbers, axis=-1) if numbers else None,
        hovertemplate="<br>".join(_numbered(lines)) + "<extra></extra>",
    )


def _index(info: PolygonMap | Heatmap) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(info, PolygonMap):
        labels = rasterize(info, GRID)
        return np.maximum(labels, 0), labels >= 0
    rows, columns = info.values.shape
    shape = (min(rows, GRID), min(columns, GRID))
    row, column = (
        np.minimum(((np.arange(kept) + 0.5) * full / kept).astype(np.int64), full - 1)
        for kept, full in zip(shape, (rows, columns), strict=True)
    )
    index = row[:, None] * columns + column
    return index, np.ones(index.shape, dtype=bool)


def _joined(texts: list[np.ndarray]) -> np.ndarray | None:
    """One text per point; several text fields are joined, because plotly carries one."""
    if not texts:
        return None
    joined = texts[0].astype(object)
    for more in texts[1:]:
        joined = joined + " · " + more.astype(object)
    return joined


def _numbered(lines: list[str]) -> list[str]:
    """Keep the first line that shows the text; further text fields are in the same text."""
    found = False
    kept = []
    for line in lines:
        if "%{text}" in line:
            if found:
                continue
            found = True
        kept.append(line)
    return kept
