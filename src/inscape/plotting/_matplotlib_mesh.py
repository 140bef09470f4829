"""Surfaces in matplotlib: polygons in space, shaded by a light from above."""

from textwrap import fill
from typing import Any

import numpy as np

from inscape.plotting._info import Mesh
from inscape.plotting._theme import (
    SEQUENTIAL,
    Theme,
    categorical,
    colours_of,
    shown_categories,
    value_range,
)

OUTLINED = 4_000
"""Above this number of polygons their borders are not drawn."""
_LIGHT = np.array([0.35, -0.5, 0.79])
_SMALL, _NORMAL, _LARGE = 8.5, 9.5, 11.0


def draw_mesh(info: Mesh, theme: Theme) -> Any:
    """Draw a surface.

    Args:
        info: the surface.
        theme: colours of text, axes and paper.

    Returns:
        A ``matplotlib.figure.Figure`` that pyplot does not know.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    figure = Figure(figsize=(7.0, 5.6), dpi=150, facecolor=theme.background)
    FigureCanvasAgg(figure)
    axes: Any = figure.add_axes((0.0, 0.02, 0.76, 0.9), projection="3d", facecolor="none")
    _frame(axes, info, theme)
    if len(info.values):
        faces = shaded(info, colours_of(info) / 255.0)
        outlined = info.edges and len(info.values) <= OUTLINED
        polygons = np.split(info.points, info.offsets[1:-1])
        edges, width = (faces * [0.55, 0.55, 0.55], 0.35) if outlined else (faces, 0.3)
        axes.add_collection3d(Poly3DCollection(polygons, facecolors=faces, edgecolors=edges, linewidths=width))
    figure.text(0.03, 0.96, fill(info.title, 64), color=theme.text, fontsize=_LARGE, va="top")
    _key(figure, axes, info, theme)
    return figure


def polygon_normals(info: Mesh) -> np.ndarray:
    """Unit normals of the polygons, by Newell's sum over their edges.

    Args:
        info: the surface.

    Returns:
        (c, 3) normals, 0 for polygons without area.
    """
    following = np.arange(1, len(info.points) + 1)
    following[info.offsets[1:] - 1] = info.offsets[:-1]
    start = info.points[np.repeat(info.offsets[:-1], np.diff(info.offsets))]
    cross = np.cross(info.points - start, info.points[following] - start)
    normals = np.add.reduceat(cross, info.offsets[:-1])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(length > 0, length, 1.0)


def shaded(info: Mesh, colours: np.ndarray) -> np.ndarray:
    """Colours under a light from above; both faces of a polygon are lit alike.

    Args:
        info: the surface.
        colours: (c, 3) colours from 0 to 1.

    Returns:
        (c, 3) colours from 0 to 1.
    """
    share = 0.55 + 0.45 * np.abs(polygon_normals(info) @ _LIGHT)
    return np.clip(colours * share[:, None], 0.0, 1.0)


def _frame(axes: Any, info: Mesh, theme: Theme) -> None:
    axes.set(xlim=(info.low[0], info.high[0]), ylim=(info.low[1], info.high[1]), zlim=(info.low[2], info.high[2]))
    axes.set_box_aspect(info.high - info.low)
    axes.locator_params(nbins=5)
    axes.view_init(elev=22, azim=-58)
    grid = theme.grid if theme.grid.startswith("#") else theme.muted
    for axis, name in zip((axes.xaxis, axes.yaxis, axes.zaxis), info.axes, strict=True):
        axis.set_pane_color((0.5, 0.5, 0.5, 0.06))
        axis.line.set_color(theme.muted)
        axis._axinfo["grid"].update(color=grid, linewidth=0.5)
        axis.set_tick_params(colors=theme.muted, labelcolor=theme.text, labelsize=_SMALL)
        axis.set_label_text(name, color=theme.text, fontsize=_NORMAL)


def _key(figure: Any, axes: Any, info: Mesh, theme: Theme) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.patches import Patch

    if not info.categorical:
        bar = figure.colorbar(
            ScalarMappable(Normalize(*value_range(info)), SEQUENTIAL), ax=axes, fraction=0.04, pad=0.1, aspect=24
        )
        bar.set_label(info.label, color=theme.text, fontsize=_NORMAL)
        bar.ax.tick_params(which="both", colors=theme.muted, labelcolor=theme.text, labelsize=_SMALL)
        bar.outline.set_visible(False)
        return
    shown, hidden = shown_categories(info)
    colours = categorical(max((index for index, _ in shown), default=0) + 1)
    handles = [Patch(facecolor=colours[index] / 255.0, label=name) for index, name in shown]
    if hidden:
        handles.append(Patch(facecolor="none", label=f"and {hidden} more"))
    if handles:
        legend = figure.legend(
            handles=handles, title=fill(info.label, 22) or None, loc="upper left", bbox_to_anchor=(0.75, 0.86),
            frameon=False, fontsize=_SMALL, labelcolor=theme.text, alignment="left",
        )  # fmt: skip
        legend.get_title().set(color=theme.text, fontsize=_NORMAL)
