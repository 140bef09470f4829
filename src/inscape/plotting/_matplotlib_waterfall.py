"""Waterfalls in matplotlib: bars that float on the running total, with their numbers at their ends."""

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np

from inscape.plotting._theme import Theme, categorical
from inscape.plotting._waterfall import Waterfall
from inscape.plotting._waterfall_layout import UNKNOWN, Layout, arranged, name_lines

_AXIS = 4.6
"""Width of the axis in inches."""
_NAME = 28
"""Most characters in a line of a name."""
_THICK = 0.62
_SMALL, _NORMAL, _LARGE = 8.5, 9.5, 11.0


def draw_waterfall(info: Waterfall, theme: Theme) -> Any:
    """Draw a waterfall.

    Args:
        info: the waterfall.
        theme: colours of text, axes and paper.

    Returns:
        A ``matplotlib.figure.Figure`` that pyplot does not know.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, entries = len(info.names), len(info.categories) + (info.reference is not None)
    names = ["\n".join(name_lines(name, _NAME)) for name in info.names]
    inner = max(rows * (0.36 if "\n" in "".join(names) else 0.27), 0.2 * entries, 0.6)
    title = fill(info.title, 64)
    beside = 0.8 + _inches(names, bold=bool(info.highlight)) + _inches([*info.categories, "reference"])
    size = (_AXIS + beside, inner + 0.7 + 0.2 * len(title.splitlines()))
    figure = Figure(figsize=size, dpi=150, layout="constrained", facecolor=theme.background)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, color=theme.text, fontsize=_LARGE, loc="left", pad=9, parse_math=False)
    thick = _THICK * min(1.0, 0.36 * rows / inner)
    layout = arranged(info, 12.5 * _AXIS)
    _frame(axes, info, layout, theme)
    axes.set_yticks(range(rows), names, parse_math=False)
    for row in info.highlight:
        axes.get_yticklabels()[row].set_fontweight("bold")
    _bars(axes, info, layout, theme, thick=thick)
    _texts(axes, info, layout, theme)
    _key(axes, info, _marks(axes, info, theme, thick), theme)
    return figure


def _inches(texts: Sequence[str], *, bold: bool = False) -> float:
    """Width of the longest line."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=_SMALL, weight="bold" if bold else "normal")
    lines = [line for text in texts for line in text.split("\n")]
    return max(text_to_path.get_text_width_height_descent(line, font, ismath=False)[0] for line in lines) / 72


def _colours(info: Waterfall) -> np.ndarray:
    """(n, 3) colours of the bars, from 0 to 1."""
    place = {kind: index for index, kind in enumerate(info.categories)}
    return categorical(len(place))[[place[kind] for kind in info.kinds]] / 255.0


def _frame(axes: Any, info: Waterfall, layout: Layout, theme: Theme) -> None:
    axes.set_facecolor("none")
    axes.set(xlim=(layout.low, layout.high), ylim=(len(info.names) - 0.5, -0.5))
    axes.spines[["top", "right"]].set_visible(False)
    for spine in axes.spines.values():
        spine.set(color=theme.muted, linewidth=0.8)
    axes.tick_params(axis="x", colors=theme.muted, labelcolor=theme.text, labelsize=_SMALL, width=0.8)
    axes.tick_params(axis="y", length=0, labelcolor=theme.text, labelsize=_SMALL)
    axes.set_xlabel(info.label, color=theme.text, fontsize=_NORMAL, parse_math=False)
    axes.axvline(0.0, color=theme.muted, linewidth=0.9, zorder=1)


def _bars(axes: Any, info: Waterfall, layout: Layout, theme: Theme, *, thick: float) -> None:
    colours = _colours(info)
    for row, ((low, high), colour) in enumerate(zip(layout.bars, colours, strict=True)):
        if np.isnan(low):
            continue
        marked = row in info.highlight
        axes.barh(
            row, high - low, left=low, height=thick, facecolor=colour, hatch="////" if marked else None,
            edgecolor=theme.text if marked else colour, linewidth=1.5 if marked else 0.8, zorder=2.5 if marked else 2,
        )  # fmt: skip
    rows, places = layout.links.T
    axes.vlines(places, rows + thick / 2, rows + 1 - thick / 2, color=theme.muted, linewidth=0.7, zorder=1.5)
    for row in layout.arrows:
        x, y = [layout.low, layout.head, layout.head], [row, row - 0.75 * thick, row + 0.75 * thick]
        edge = {"edgecolor": theme.text, "linewidth": 1.5} if row in info.highlight else {"linewidth": 0}
        axes.fill(x, y, facecolor=colours[row], zorder=3, **edge)


def _texts(axes: Any, info: Waterfall, layout: Layout, theme: Theme) -> None:
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=2.2, foreground=theme.background)]  # a lone dash would vanish between two pixels
    for row, (text, anchor, right) in enumerate(zip(layout.texts, layout.anchors, layout.right, strict=True)):
        level = row == 0 or info.totals[row]
        axes.annotate(
            text, (anchor, row), xytext=(5 if right else -5, 0), textcoords="offset points", va="center_baseline",
            ha="left" if right else "right", color=theme.text, fontsize=_SMALL, zorder=4,
            fontweight="bold" if level else "normal", annotation_clip=False,
            path_effects=None if text == UNKNOWN else halo,
        )  # fmt: skip


def _marks(axes: Any, info: Waterfall, theme: Theme, thick: float) -> list[Any]:
    """The references, below their bars so that they hide none, and their entry in the legend."""
    from matplotlib.transforms import ScaledTranslation

    if info.reference is None:
        return []
    place = axes.transData + ScaledTranslation(0.0, -3.2 / 72, axes.figure.dpi_scale_trans)
    style = {"color": theme.text, "markersize": 5.5, "markeredgewidth": 0, "linestyle": "none", "zorder": 3.5}
    rows = np.arange(len(info.names)) + thick / 2
    return axes.plot(info.normal, rows, marker="^", label="reference", transform=place, clip_on=False, **style)


def _key(axes: Any, info: Waterfall, marks: list[Any], theme: Theme) -> None:
    from matplotlib.patches import Patch

    faces = categorical(len(info.categories)) / 255.0
    handles = [Patch(facecolor=face, label=kind) for face, kind in zip(faces, info.categories, strict=True)]
    legend = axes.legend(
        handles=[*handles, *marks], loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0, frameon=False,
        fontsize=_SMALL, labelcolor=theme.text, handlelength=1.4, alignment="left",
    )  # fmt: skip
    for text in legend.get_texts():
        text.set_parse_math(False)
