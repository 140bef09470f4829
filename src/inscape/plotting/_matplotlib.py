"""The matplotlib renderer: figures by the object-oriented interface, no global state."""

from textwrap import fill
from typing import Any, Literal

import numpy as np

from inscape.plotting._info import Heatmap, Info, Lines, Markers, Mesh, PolygonMap, Table, Waterfall
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

VECTOR_CELLS = 5_000
"""Above this number of cells a map is drawn as an image."""
RASTER = 1_200
_INK, _PAPER = "#101418", "#ffffff"
_SMALL, _NORMAL, _LARGE = 8.5, 9.5, 11.0


def draw(info: Info, theme: Theme) -> Any:
    """Draw an info object.

    Args:
        info: what to draw.
        theme: colours of text, axes and paper.

    Returns:
        A ``matplotlib.figure.Figure`` that pyplot does not know.
    """
    if isinstance(info, Table):
        return _table(info, theme)
    if isinstance(info, Lines):
        return _lines(info, theme)
    if isinstance(info, Mesh):
        from inscape.plotting._matplotlib_mesh import draw_mesh

        return draw_mesh(info, theme)
    if isinstance(info, Waterfall):
        from inscape.plotting._matplotlib_waterfall import draw_waterfall

        return draw_waterfall(info, theme)
    return _map(info, theme)


def _figure(
    size: tuple[float, float], theme: Theme, *, layout: Literal["compressed", "constrained"]
) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=150, layout=layout, facecolor=theme.background)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_facecolor("none")
    axes.grid(False)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set(color=theme.muted, linewidth=0.8)
    axes.tick_params(which="both", colors=theme.muted, labelcolor=theme.text, labelsize=_SMALL, width=0.8)
    return figure, axes


def _label(axes: Any, info: PolygonMap | Heatmap | Lines, theme: Theme) -> None:
    axes.set_xlabel(info.xlabel, color=theme.text, fontsize=_NORMAL)
    axes.set_ylabel(info.ylabel, color=theme.text, fontsize=_NORMAL)
    axes.set_title(fill(info.title, 64), color=theme.text, fontsize=_LARGE, loc="left", pad=9)


def _legend(axes: Any, handles: list[Any], title: str, theme: Theme) -> None:
    legend = axes.legend(
        handles=handles,
        title=fill(title, 22) or None,
        loc="upper left",
        bbox_to_anchor=(1.02, 1.0),
        borderaxespad=0.0,
        frameon=False,
        fontsize=_SMALL,
        labelcolor=theme.text,
        ncols=1 + (len(handles) - 1) // 17,
        handlelength=1.4,
        alignment="left",
    )
    legend.get_title().set(color=theme.text, fontsize=_NORMAL)


def _legend_below(figure: Any, axes: Any, handles: list[Any], theme: Theme) -> None:
    from matplotlib.transforms import ScaledTranslation

    axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        bbox_transform=axes.transAxes + ScaledTranslation(0.0, -0.5, figure.dpi_scale_trans),
        borderaxespad=0.0,
        frameon=False,
        fontsize=_SMALL,
        labelcolor=theme.text,
        ncols=3,
    )


def _map(info: PolygonMap | Heatmap, theme: Theme) -> Any:
    span = info.high - info.low
    equal = isinstance(info, PolygonMap) or info.equal
    ratio = span[1] / span[0] if equal else 0.75
    width, height = (5.2, 5.2 * ratio) if ratio <= 1 else (5.2 / ratio, 5.2)
    size = (max(width, 1.6) + 1.9, max(height, 1.2) + 0.9)
    figure, axes = _figure(size, theme, layout="compressed" if equal else "constrained")
    colours = colours_of(info)
    if isinstance(info, PolygonMap) and len(info.values) <= VECTOR_CELLS:
        _polygons(axes, info, colours)
    else:
        extent = (info.low[0], info.high[0], info.low[1], info.high[1])
        image = paint(info, colours, RASTER if isinstance(info, PolygonMap) else 1)
        axes.imshow(image, extent=extent, origin="lower", interpolation="nearest", aspect="auto", zorder=1)
    axes.set(xlim=(info.low[0], info.high[0]), ylim=(info.low[1], info.high[1]))
    axes.set_aspect("equal" if equal else "auto")
    _label(axes, info, theme)
    _overlay(axes, info)
    _key(figure, axes, info, theme)
    return figure


def _polygons(axes: Any, info: PolygonMap, colours: np.ndarray) -> None:
    from matplotlib.collections import PolyCollection

    faces = colours / 255.0
    edges, width = (faces * 0.45, 0.35) if info.edges else (faces, 0.4)
    cells = np.split(info.points, info.offsets[1:-1])
    axes.add_collection(PolyCollection(cells, facecolors=faces, edgecolors=edges, linewidths=width, zorder=1))


def _overlay(axes: Any, info: PolygonMap | Heatmap) -> None:
    for line in info.lines:
        x, y = line.points.T
        axes.plot(x, y, color=_PAPER, linewidth=line.width + 1.6, alpha=0.85, zorder=3, solid_capstyle="round")
        axes.plot(x, y, color=_INK, linewidth=line.width, zorder=4, solid_capstyle="round")
    for markers in info.markers:
        _points(axes, info, markers)


def _points(axes: Any, info: PolygonMap | Heatmap, markers: Markers) -> None:
    from matplotlib.patheffects import withStroke

    faces: Any = _PAPER
    if markers.values is not None and len(markers.values):
        faces = categorical(int(markers.values.max()) + 1)[markers.values] / 255.0
    size = 44 if len(markers.points) <= 30 else 14
    x, y = markers.points.T
    axes.scatter(x, y, s=size * 1.9, color=_INK, linewidths=0, zorder=5)
    axes.scatter(x, y, s=size * 1.45, color=_PAPER, linewidths=0, zorder=5.1)
    axes.scatter(x, y, s=size * 0.8, c=faces, linewidths=0, zorder=5.2)
    for point, name, (right, above) in zip(markers.points, markers.names, label_places(info, markers), strict=False):
        axes.annotate(
            name,
            point,
            xytext=(7 if right else -7, 5 if above else -5),
            textcoords="offset points",
            ha="left" if right else "right",
            va="bottom" if above else "top",
            color=_INK,
            fontsize=_SMALL,
            fontweight="bold",
            zorder=6,
            path_effects=[withStroke(linewidth=2.4, foreground=_PAPER)],
            annotation_clip=True,
        )


def _key(figure: Any, axes: Any, info: PolygonMap | Heatmap, theme: Theme) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    shown, hidden = shown_categories(info)
    colours = categorical(max((index for index, _ in shown), default=0) + 1)
    handles: list[Any] = [Patch(facecolor=colours[index] / 255.0, label=name) for index, name in shown]
    if hidden:
        handles.append(Patch(facecolor="none", label=f"and {hidden} more"))
    named = [line for line in info.lines if line.name]
    line_colour = _INK if theme.text < "#8" else theme.text
    handles += [Line2D([], [], color=line_colour, linewidth=line.width, label=line.name) for line in named]
    if not info.categorical:
        _colour_bar(figure, axes, info, theme)
        if handles:
            _legend_below(figure, axes, handles, theme)
    elif handles:
        _legend(axes, handles, info.label if shown else "", theme)


def _colour_bar(figure: Any, axes: Any, info: PolygonMap | Heatmap, theme: Theme) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    low, high = value_range(info)
    known = info.values[np.isfinite(info.values)]
    below, above = bool((known < low).any()), bool((known > high).any())
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, above), "neither")
    bar = figure.colorbar(
        ScalarMappable(Normalize(low, high), SEQUENTIAL), ax=axes, extend=extend, fraction=0.05, pad=0.03, aspect=24
    )
    bar.set_label(info.label, color=theme.text, fontsize=_NORMAL)
    bar.ax.tick_params(which="both", colors=theme.muted, labelcolor=theme.text, labelsize=_SMALL)
    bar.outline.set_visible(False)


def _lines(info: Lines, theme: Theme) -> Any:
    named = [series for series in info.series if series.name]
    legend = len(info.series) > 1 and bool(named)
    figure, axes = _figure((6.2 + (1.6 if legend else 0.0), 3.8), theme, layout="constrained")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color=theme.grid, linewidth=0.6)
    axes.set(xscale="log" if info.logx else "linear", yscale="log" if info.logy else "linear")
    handles = []
    for index, series in enumerate(info.series):
        style = ("-", "--", ":", "-.")[index // len(PALETTE) % 4]
        colour = hexadecimal(categorical(index + 1)[index])
        marker = {"marker": "o", "markersize": 4.0} if len(series.x) <= 24 else {}
        with np.errstate(all="ignore"):
            (line,) = axes.plot(series.x, series.y, style, color=colour, linewidth=1.8, label=series.name, **marker)
            if series.low is not None and series.high is not None:
                axes.fill_between(series.x, series.low, series.high, color=colour, alpha=0.18, linewidth=0)
        handles += [line] if series.name else []
    _label(axes, info, theme)
    if legend:
        _legend(axes, handles, "", theme)
    return figure


def _table(info: Table, theme: Theme) -> Any:
    texts = [[cell_text(value) for value in values] for values in info.columns.values()]
    lengths = [max(map(len, [name, *column])) for name, column in zip(info.columns, texts, strict=True)]
    width, height = 0.085 * sum(lengths) + 0.28 * len(lengths), 0.27 * (info.rows + 1)
    figure, axes = _figure((max(width, 2.5), height + 0.45), theme, layout="constrained")
    axes.set_axis_off()
    axes.set_title(fill(info.caption, max(30, int(width * 12))), color=theme.text, fontsize=_NORMAL, loc="left")
    table = axes.table(
        cellText=[[column[row] for column in texts] for row in range(info.rows)] or [[""] * len(texts)],
        colLabels=list(info.columns),
        colWidths=[(0.085 * length + 0.28) / width for length in lengths],
        loc="upper left",
        bbox=(0.0, 0.0, 1.0, 1.0),
        edges="horizontal",
    )
    table.auto_set_font_size(False)
    numeric = [all(map(is_number, values)) for values in info.columns.values()]
    for (row, column), cell in table.get_celld().items():
        cell.set(edgecolor=theme.grid if row else theme.muted, linewidth=0.6, facecolor="none")
        weight = "bold" if row == 0 else "normal"
        cell.set_text_props(
            color=theme.text, fontsize=_SMALL, fontweight=weight, ha="right" if numeric[column] else "left"
        )
    return figure
