"""Surfaces in plotly: triangles that the reader can turn, one trace for each category."""

from html import escape
from typing import Any

import numpy as np

from inscape.plotting._info import Mesh
from inscape.plotting._theme import SEQUENTIAL, Theme, categorical, hexadecimal, shown_categories, value_range

OUTLINED = 4_000
"""Above this number of polygons their borders are not drawn."""
_LIGHTING = {"ambient": 0.6, "diffuse": 0.6, "specular": 0.08, "roughness": 0.8, "fresnel": 0.05}


def add_mesh(figure: Any, info: Mesh, theme: Theme) -> None:
    """Add a surface to a figure, with its axes and legend.

    Args:
        figure: the figure.
        info: the surface.
        theme: colours of text and axes.
    """
    if info.categorical:
        shown, _ = shown_categories(info)
        names = dict(shown)
        colours = categorical(max(int(info.values.max(initial=-1)) + 1, len(info.names)))
        for index in np.unique(info.values):
            name = escape(names.get(int(index), ""), quote=False)
            _add(figure, info, info.values == index, {"color": hexadecimal(colours[index])}, name)
        figure.update_layout(legend_title={"text": escape(info.label, quote=False), "side": "top"})
    elif len(info.values):
        low, high = value_range(info)
        bar = {"title": {"text": escape(info.label, quote=False), "side": "right"}, "thickness": 14, "outlinewidth": 0}
        scale = {"cmin": low, "cmax": high, "colorscale": SEQUENTIAL.capitalize(), "colorbar": bar}
        known = np.isfinite(info.values)
        _add(figure, info, known, scale, "")
        _add(figure, info, ~known, {"color": "#bebebe"}, "")
    if info.edges and 0 < len(info.values) <= OUTLINED:
        _outline(figure, info)
    _scene(figure, info, theme)


def triangles(offsets: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fans of triangles that fill polygons.

    Args:
        offsets: (c + 1,) corners of the polygons.
        chosen: (c,) which polygons are wanted.

    Returns:
        (n, 3) corners of the triangles, and (n,) their polygons.
    """
    count = np.where(chosen, np.diff(offsets) - 2, 0)
    owner = np.repeat(np.arange(len(count)), count)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count) + 1
    first = offsets[owner]
    return np.stack([first, first + step, first + step + 1], axis=1), owner


def _add(figure: Any, info: Mesh, chosen: np.ndarray, colour: dict[str, Any], name: str) -> None:
    if not chosen.any():
        return
    corners, owner = triangles(info.offsets, chosen)
    used, place = np.unique(corners, return_inverse=True)
    x, y, z = info.points[used].astype(np.float32).T
    i, j, k = place.reshape(-1, 3).T
    numbers = {} if "color" in colour else {"intensity": info.values[owner], "intensitymode": "cell"}
    figure.add_mesh3d(
        x=x,
        y=y,
        z=z,
        i=i,
        j=j,
        k=k,
        **colour,
        **numbers,
        name=name,
        showlegend=bool(name),
        flatshading=True,
        lighting=_LIGHTING,
        hovertemplate=f"{name}<extra></extra>" if name else None,
        hoverinfo=None if name else "skip",
    )


def _outline(figure: Any, info: Mesh) -> None:
    """Borders of all polygons as one broken line."""
    polygons = np.split(info.points, info.offsets[1:-1])
    gap = np.full((1, 3), np.nan)
    x, y, z = np.concatenate([part for p in polygons for part in (p, p[:1], gap)])[:-1].astype(np.float32).T
    line = {"color": "rgba(16,20,24,0.45)", "width": 1}
    figure.add_scatter3d(x=x, y=y, z=z, mode="lines", line=line, showlegend=False, hoverinfo="skip")


def _scene(figure: Any, info: Mesh, theme: Theme) -> None:
    common = {
        "showbackground": False,
        "gridcolor": theme.grid,
        "linecolor": theme.muted,
        "showline": True,
        "zeroline": False,
        "tickfont": {"size": 11},
    }
    axes = {
        f"{letter}axis": {**common, "title": {"text": escape(name, quote=False)}, "range": [float(low), float(high)]}
        for letter, name, low, high in zip("xyz", info.axes, info.low, info.high, strict=True)
    }
    sides = info.high - info.low  # of the window; aspectmode "data" would take the extent of the surface
    ratio = dict(zip("xyz", (sides / sides.max()).tolist(), strict=True))
    camera = {"eye": {"x": 1.25, "y": -1.8, "z": 0.9}}
    view = {"aspectmode": "manual", "aspectratio": ratio, "camera": camera, "dragmode": "turntable"}
    figure.update_layout(scene={**axes, **view})
