"""The plotly renderer: interactive figures for the page, small enough for maps of any number of cells."""

from html import escape
from textwrap import wrap
from typing import Any

import numpy as np

from inscape.plotting._hover import hover_trace
from inscape.plotting._info import Heatmap, Info, Lines, Markers, Mesh, PolygonMap, Series, Table, Waterfall
from inscape.plotting._labels import label_places
from inscape.plotting._raster import paint
from inscape.plotting._table import cell_text, is_number
from inscape.plotting._theme import (
    PALETTE,
    SEQUENTIAL,
    Theme,
    categorical,
    colours_of,
    hexadecimal,
    shown_categories,
    value_range,
)

VECTOR_CELLS = 2_000
"""Above this number of cells, and for numbers, a map is drawn as one image."""
RASTERS = (900, 640, 480)
"""Pixels on the longer side of an image: the first that fits, or the last."""
IMAGE_BYTES = 700_000
_INK, _PAPER = "#101418", "#ffffff"
_CLEAR = "rgba(0,0,0,0)"
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


def draw(info: Info, theme: Theme) -> Any:
    """Draw an info object.

    Args:
        info: what to draw.
        theme: colours of text and axes; the paper stays transparent.

    Returns:
        A ``plotly.graph_objects.Figure``.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.layout.template = go.layout.Template()
    figure.update_layout(
        paper_bgcolor=_CLEAR,
        plot_bgcolor=_CLEAR,
        font={"family": _FONT, "size": 13, "color": theme.text},
        margin={"l": 8, "r": 8, "t": 12, "b": 8},
        hoverlabel={"font": {"family": _FONT, "size": 13, "color": _INK}, "align": "left", "bgcolor": _PAPER},
        modebar={"bgcolor": _CLEAR, "color": theme.muted, "activecolor": theme.text},
        legend={"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom", "itemsizing": "constant"},
    )
    heading = info.caption if isinstance(info, Table) else info.title
    if heading:
        text = _broken(heading, 46)
        figure.update_layout(
            title={"text": text, "x": 0, "xref": "paper", "y": 1, "yref": "paper", "yanchor": "bottom",
                   "pad": {"b": 10}, "font": {"size": 15}},
            margin_t=44 + 20 * text.count("<br>"),
        )  # fmt: skip
    if isinstance(info, Table):
        _table(figure, info, theme)
    elif isinstance(info, Lines):
        _lines(figure, info, theme)
    elif isinstance(info, Mesh):
        from inscape.plotting._plotly_mesh import add_mesh

        add_mesh(figure, info, theme)
    elif isinstance(info, Waterfall):
        from inscape.plotting._plotly_waterfall import add_waterfall

        add_waterfall(figure, info, theme)
    else:
        _map(figure, info, theme)
    return figure


def _broken(text: str, width: int) -> str:
    return "<br>".join(escape(line, quote=False) for line in wrap(text, width))


def _axes(figure: Any, info: PolygonMap | Heatmap | Lines, theme: Theme, *, grid: bool) -> None:
    common = {
        "showgrid": grid,
        "gridcolor": theme.grid,
        "gridwidth": 0.5,
        "zeroline": False,
        "showline": True,
        "linecolor": theme.muted,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": theme.muted,
        "tickfont": {"size": 12},
        "automargin": True,
    }
    flat = not isinstance(info, Lines) and info.high[1] - info.low[1] < 0.7 * (info.high[0] - info.low[0])
    for axis, label in ((figure.layout.xaxis, info.xlabel), (figure.layout.yaxis, info.ylabel)):
        width = 14 if flat and axis is figure.layout.yaxis else 40
        axis.update(title={"text": _broken(label, width), "standoff": 8, "font": {"size": 13}}, **common)


def _map(figure: Any, info: PolygonMap | Heatmap, theme: Theme) -> None:
    colours = colours_of(info)
    vector = isinstance(info, PolygonMap) and info.categorical and len(info.values) <= VECTOR_CELLS
    if isinstance(info, PolygonMap) and vector:
        _polygons(figure, info)
    else:
        _image(figure, info, colours)
    figure.add_trace(hover_trace(info))
    _overlay(figure, info, theme)
    _key(figure, info, vector=vector)
    _axes(figure, info, theme, grid=False)
    figure.update_xaxes(range=[info.low[0], info.high[0]], constrain="domain", constraintoward="left")
    figure.update_yaxes(range=[info.low[1], info.high[1]], constrain="domain", constraintoward="top")
    if isinstance(info, PolygonMap) or info.equal:
        figure.update_yaxes(scaleanchor="x", scaleratio=1)


def _image(figure: Any, info: PolygonMap | Heatmap, colours: np.ndarray) -> None:
    from inscape.plotting._png import data_uri

    source = ""
    for resolution in RASTERS:
        source = data_uri(paint(info, colours, resolution)[::-1])
        if len(source) <= IMAGE_BYTES:
            break
    figure.add_layout_image(
        source=source,
        xref="x",
        yref="y",
        x=info.low[0],
        y=info.high[1],
        sizex=info.high[0] - info.low[0],
        sizey=info.high[1] - info.low[1],
        sizing="stretch",
        layer="below",
    )


def _polygons(figure: Any, info: PolygonMap) -> None:
    sizes = np.diff(info.offsets)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    closed = np.insert(info.points, info.offsets[1:], np.nan, axis=0)
    owner = np.insert(owner, info.offsets[1:], np.arange(len(sizes)))
    colours = categorical(max(int(info.values.max()) + 1, len(info.names)))
    shown = dict(shown_categories(info)[0])
    for index in np.unique(info.values):
        points = closed[info.values[owner] == index][:-1].astype(np.float32)
        face = colours[index]
        figure.add_scatter(
            x=points[:, 0],
            y=points[:, 1],
            mode="lines",
            fill="toself",
            fillcolor=hexadecimal(face),
            line={"color": hexadecimal(face * (0.5 if info.edges else 1.0)), "width": 0.6},
            name=escape(shown.get(int(index), ""), quote=False),
            showlegend=False,
            legendgroup=f"category {index}",
            hoverinfo="skip",
        )


def _key(figure: Any, info: PolygonMap | Heatmap, *, vector: bool) -> None:
    shown, hidden = shown_categories(info)
    if shown:
        figure.update_layout(legend_title={"text": escape(info.label, quote=False), "side": "top"})
    if not vector:
        figure.update_layout(legend={"itemclick": False, "itemdoubleclick": False})
    colours = categorical(max((index for index, _ in shown), default=0) + 1)
    entries = [(name, hexadecimal(colours[index]), f"category {index}") for index, name in shown]
    if hidden:
        entries.append((f"and {hidden} more", _CLEAR, "more"))
    for name, colour, group in entries:
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker={"symbol": "square", "size": 12, "color": colour},
            name=escape(name, quote=False),
            legendgroup=group,
            showlegend=True,
            hoverinfo="skip",
        )
    if not info.categorical:
        low, high = value_range(info)
        bar = {
            "title": {"text": _broken(info.label, 24), "side": "right"},
            "thickness": 14,
            "outlinewidth": 0,
            "tickfont": {"size": 12},
            "x": 1.02,
            "xpad": 4,
        }
        marker = {"color": [low], "cmin": low, "cmax": high, "colorscale": SEQUENTIAL.capitalize(), "colorbar": bar}
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=marker, showlegend=False, hoverinfo="skip")


def _overlay(figure: Any, info: PolygonMap | Heatmap, theme: Theme) -> None:
    for index, line in enumerate(info.lines):
        points = line.points.astype(np.float32)
        shared = {"x": points[:, 0], "y": points[:, 1], "mode": "lines", "hoverinfo": "skip"}
        group = f"line {index}"
        casing = {"color": _PAPER, "width": 1.5 * line.width + 2.0}
        figure.add_scatter(**shared, line=casing, opacity=0.85, showlegend=False, legendgroup=group)
        ink = {"color": _INK, "width": 1.5 * line.width}
        figure.add_scatter(**shared, line=ink, showlegend=False, legendgroup=group)
        if line.name:
            figure.add_scatter(
                x=[None],
                y=[None],
                mode="lines",
                line={"color": theme.text, "width": 1.5 * line.width},
                name=escape(line.name, quote=False),
                showlegend=True,
                legendgroup=group,
                legendrank=2000,
            )
    for markers in info.markers:
        _points(figure, info, markers)


def _points(figure: Any, info: PolygonMap | Heatmap, markers: Markers) -> None:
    faces: Any = _PAPER
    if markers.values is not None and len(markers.values):
        colours = categorical(int(markers.values.max()) + 1)
        faces = [hexadecimal(colours[index]) for index in markers.values]
    size = 11 if len(markers.points) <= 30 else 6
    place = [
        f"{'top' if above else 'bottom'} {'right' if right else 'left'}" for right, above in label_places(info, markers)
    ]
    names = [escape(name, quote=False) for name in markers.names]
    x, y = markers.points.T
    figure.add_scatter(
        x=x, y=y, mode="markers", marker={"size": size + 3, "color": _INK}, hoverinfo="skip", showlegend=False
    )
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers+text" if names else "markers",
        marker={"size": size, "color": faces, "line": {"color": _PAPER, "width": 2}},
        text=names or None,
        textposition=place if names else None,
        textfont={"color": _INK, "size": 13, "weight": "bold", "shadow": _HALO},
        hovertemplate="%{text}<extra></extra>" if names else None,
        hoverinfo=None if names else "skip",
        cliponaxis=False,
        showlegend=False,
    )


_HALO = ", ".join(f"{x}px {y}px 2px {_PAPER}" for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y)


def _lines(figure: Any, info: Lines, theme: Theme) -> None:
    legend = len(info.series) > 1
    for index, series in enumerate(info.series):
        _series(figure, info, series, index=index, legend=legend)
    _axes(figure, info, theme, grid=True)
    if info.logx:
        figure.update_xaxes(type="log", **_decades([series.x for series in info.series]))
    if info.logy:
        figure.update_yaxes(type="log", **_decades([series.y for series in info.series]))
    figure.update_layout(hovermode="x unified" if legend and len(info.series) <= 8 else "closest")


def _decades(values: list[np.ndarray]) -> dict[str, Any]:
    """Ticks at powers of ten where there are enough of them."""
    known = np.concatenate(values)
    known = known[np.isfinite(known) & (known > 0)]
    wide = known.size > 0 and known.max() / known.min() >= 50
    return {"dtick": 1, "exponentformat": "power"} if wide else {}


def _series(figure: Any, info: Lines, series: Series, *, index: int, legend: bool) -> None:
    kept = np.ones(len(series.x), dtype=bool)
    if info.logx:
        kept &= series.x > 0
    rgb = categorical(index + 1)[index]
    group = f"series {index}"
    if series.low is not None and series.high is not None:
        known = kept & np.isfinite(series.low) & np.isfinite(series.high) & ((series.low > 0) | (not info.logy))
        figure.add_scatter(
            x=np.concatenate([series.x[known], series.x[known][::-1]]),
            y=np.concatenate([series.high[known], series.low[known][::-1]]),
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=f"rgba({rgb[0]},{rgb[1]},{rgb[2]},0.2)",
            hoverinfo="skip",
            showlegend=False,
            legendgroup=group,
        )
    figure.add_scatter(
        x=series.x[kept],
        y=np.where(series.y > 0, series.y, np.nan)[kept] if info.logy else series.y[kept],
        mode="lines+markers" if len(series.x) <= 24 else "lines",
        line={
            "color": hexadecimal(rgb),
            "width": 2,
            "dash": ("solid", "dash", "dot", "dashdot")[index // len(PALETTE) % 4],
        },
        marker={"size": 6},
        name=escape(series.name, quote=False),
        showlegend=legend and bool(series.name),
        legendgroup=group,
        hovertemplate="%{y:.4g}" + (f"<extra>{escape(series.name, quote=False)}</extra>"),
    )


def _table(figure: Any, info: Table, theme: Theme) -> None:
    align = ["right" if all(map(is_number, values)) else "left" for values in info.columns.values()]
    texts = [[escape(cell_text(value), quote=False) for value in values] for values in info.columns.values()]
    head = [f"<b>{escape(name, quote=False)}</b>" for name in info.columns]
    shared = {"align": align, "fill": {"color": _CLEAR}, "line": {"color": theme.grid, "width": 1}}
    figure.add_table(
        header={"values": head, "font": {"color": theme.text}, "height": 30, **shared},
        cells={"values": texts, "font": {"color": theme.text}, "height": 28, **shared},
    )
