"""Colours: a categorical palette that colour-blind readers can tell apart, a sequential scale, and two themes.

The ten first categories are chosen among the colours of Okabe and Ito and of Tol so that every two of them stay at
least 15 apart in CIELAB, as seen with normal, protanopic, deuteranopic and tritanopic vision.
"""

from dataclasses import dataclass

import numpy as np

from inscape._errors import InputError
from inscape.plotting._info import Heatmap, Mesh, PolygonMap

PALETTE = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#33BBEE",
    "#D55E00",
    "#DDCC77",
    "#332288",
    "#FFAABB",
    "#555555",
    "#882255",
    "#999933",
)
"""Categorical colours; index 0 first."""

SEQUENTIAL = "viridis"
"""Perceptually uniform scale for numbers, readable by colour-blind readers and in grey."""

UNKNOWN = (190, 190, 190)
"""Colour of a value that is NaN."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Theme:
    """Colours of everything that is not data.

    Attributes:
        text: titles, labels and legends.
        muted: ticks and axes.
        grid: grid lines.
        background: paper of a saved figure; pages stay transparent.
    """

    text: str
    muted: str
    grid: str
    background: str


THEMES = {
    "light": Theme(text="#1f2630", muted="#59626f", grid="#d9dde3", background="#ffffff"),
    "dark": Theme(text="#e6e9ee", muted="#a3abb7", grid="#3a424e", background="#14181e"),
    "auto": Theme(text="#757d88", muted="#757d88", grid="rgba(128,136,148,0.28)", background="#ffffff"),
}
"""The themes by name; ``auto`` is readable on light and on dark paper, and a page's style may refine it."""


def theme_of(name: str) -> Theme:
    """Look a theme up.

    Args:
        name: ``"light"``, ``"dark"`` or ``"auto"``.

    Returns:
        The theme.

    Raises:
        InputError: if there is none of that name.
    """
    if name not in THEMES:
        raise InputError(f"expected theme to be one of {', '.join(THEMES)}, got {name!r}")
    return THEMES[name]


def categorical(count: int) -> np.ndarray:
    """Colours of categories 0, 1, ..., count - 1.

    After the palette's end it is used again, in turn lighter and darker.

    Args:
        count: number of categories.

    Returns:
        (count, 3) uint8 colours.

    Example:
        >>> categorical(1)
        array([[  0, 114, 178]], dtype=uint8)
    """
    base = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in PALETTE], dtype=np.float64)
    index = np.arange(count)
    turn = index // len(PALETTE)
    share = np.where(turn == 0, 0.0, 0.3 + 0.15 * ((turn - 1) // 2 % 3))[:, None]
    towards = np.where(turn % 2 == 1, 255.0, 0.0)[:, None]
    return np.rint(base[index % len(PALETTE)] * (1 - share) + towards * share).astype(np.uint8)


def value_range(info: PolygonMap | Heatmap | Mesh) -> tuple[float, float]:
    """Ends of the colour bar; a constant map gets a bar of some width."""
    known = info.values[np.isfinite(info.values)]
    low = info.vmin if info.vmin is not None else float(known.min()) if known.size else 0.0
    high = info.vmax if info.vmax is not None else float(known.max()) if known.size else 1.0
    if low < high:
        return low, high
    pad = 0.5 * max(abs(low), abs(high), 1e-300) if low or high else 0.5
    return (
        (low, low + pad)
        if info.vmin is not None
        else (high - pad, high)
        if info.vmax is not None
        else (low - pad, high + pad)
    )


def colours_of(info: PolygonMap | Heatmap | Mesh) -> np.ndarray:
    """Colour of every cell or grid point.

    Args:
        info: the map.

    Returns:
        uint8 array of the shape of its values with a last axis of 3.
    """
    if info.categorical:
        return categorical(max(int(info.values.max(initial=-1)) + 1, len(info.names)))[info.values]
    from matplotlib import colormaps

    low, high = value_range(info)
    position = np.clip((info.values - low) / (high - low), 0.0, 1.0)
    table = np.rint(colormaps[SEQUENTIAL](np.arange(256))[:, :3] * 255).astype(np.uint8)
    known = np.isfinite(position)
    chosen = table[np.rint(np.where(known, position, 0.0) * 255).astype(np.int64)]
    chosen[~known] = UNKNOWN
    return chosen


def shown_categories(info: PolygonMap | Heatmap | Mesh, *, limit: int = 32) -> tuple[list[tuple[int, str]], int]:
    """Categories for the legend: those that occur (or all), the most frequent ones if there are too many.

    Args:
        info: the map.
        limit: most entries.

    Returns:
        Pairs of index and name in the order of the indices, and how many were left out.
    """
    if not (info.categorical and info.names):
        return [], 0
    count = np.bincount(info.values.ravel(), minlength=len(info.names))
    present = np.arange(len(count)) if isinstance(info, PolygonMap) and info.all_names else np.flatnonzero(count)
    count = count[present]
    kept = np.sort(present[np.argsort(-count, kind="stable")[:limit]])
    return [(int(index), info.names[index]) for index in kept], len(present) - len(kept)


def hexadecimal(colour: np.ndarray) -> str:
    """Colour as ``#rrggbb``."""
    return "#" + "".join(f"{int(channel):02x}" for channel in colour)
