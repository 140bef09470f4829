"""Waterfalls in plotly: bars that float on the running total; a row tells its numbers wherever the pointer is in it."""

from html import escape
from textwrap import wrap
from typing import Any

import numpy as np

from inscape.plotting._theme import THEMES, Theme, categorical, hexadecimal
from inscape.plotting._waterfall import Waterfall
from inscape.plotting._waterfall_layout import Layout, arranged, name_lines, signed

_CHARACTERS = 29
"""Characters that have room on the axis of a narrow page."""
_NAME = 22
"""Most characters in a line of a name."""
_THICK = 0.62
_INK, _PAPER = "#101418", "#ffffff"
_LINE = THEMES["auto"].muted
"""Lines that stay when a page turns from light to dark."""


def add_waterfall(figure: Any, info: Waterfall, theme: Theme) -> None:
    """Add a waterfall to a figure, with its axes and legend.

    Args:
        figure: the figure.
        info: the waterfall.
        theme: colours of text and axes.
    """
    layout = arranged(info, _CHARACTERS)
    colours = [hexadecimal(colour) for colour in categorical(len(info.categories))]
    place = {kind: index for index, kind in enumerate(info.categories)}
    faces = [colours[place[kind]] for kind in info.kinds]
    _links(figure, layout)
    for row in (None, *info.highlight):
        _bars(figure, info, layout, faces, marked=row)
    _arrows(figure, info, layout, faces)
    if info.reference is not None:
        _marks(figure, info)
    _pointer(figure, info, layout)
    _texts(figure, info, layout)
    for kind, colour in zip(info.categories, colours, strict=True):
        figure.add_scatter(
            x=[None], y=[None], mode="markers", marker={"symbol": "square", "size": 12, "color": colour},
            name=_html(kind), showlegend=True, hoverinfo="skip",
        )  # fmt: skip
    _frame(figure, info, layout, theme)


def _links(figure: Any, layout: Layout) -> None:
    rows, places = layout.links.T
    gap = np.full(len(rows), np.nan)
    y = np.stack([rows + _THICK / 2, rows + 1 - _THICK / 2, gap], axis=1).ravel()
    line = {"color": _LINE, "width": 1}
    x = np.repeat(places, 3)
    figure.add_scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _bars(figure: Any, info: Waterfall, layout: Layout, faces: list[str], *, marked: int | None) -> None:
    """All plain bars, or a marked one: a trace with hatching has one colour."""
    if marked is None:
        rows = [row for row in range(len(faces)) if row not in info.highlight]
        colours = [faces[row] for row in rows]
        marker: dict[str, Any] = {"color": colours, "line": {"color": colours, "width": 1}}
    else:
        rows, face = [marked], faces[marked]
        hatching = {"shape": "/", "fgcolor": _readable(face), "fillmode": "overlay", "size": 7, "solidity": 0.25}
        marker = {"color": face, "line": {"color": _LINE, "width": 2.5}, "pattern": hatching}
    low, high = layout.bars[rows].T
    figure.add_bar(
        orientation="h", base=low, x=high - low, y=rows, width=_THICK, marker=marker, hoverinfo="skip", showlegend=False
    )


def _readable(face: str) -> str:
    """Ink on a light colour, paper on a dark one."""
    red, green, blue = (int(face[i : i + 2], 16) for i in (1, 3, 5))
    return _INK if 0.299 * red + 0.587 * green + 0.114 * blue > 110 else _PAPER


def _arrows(figure: Any, info: Waterfall, layout: Layout, faces: list[str]) -> None:
    half = 0.75 * _THICK
    for row in layout.arrows.tolist():
        line = {"color": _LINE, "width": 2.5} if row in info.highlight else {"width": 0}
        figure.add_scatter(
            x=[layout.low, layout.head, layout.head, layout.low], y=[row, row - half, row + half, row], mode="lines",
            fill="toself", fillcolor=faces[row], line=line, hoverinfo="skip", showlegend=False,
        )  # fmt: skip


def _marks(figure: Any, info: Waterfall) -> None:
    """The references, below their bars so that they hide none."""
    below = _THICK / 2 + 4 * len(info.names) / rows_height(info)
    figure.add_scatter(
        x=info.normal,
        y=np.arange(len(info.names)) + below,
        mode="markers",
        cliponaxis=False,
        marker={"symbol": "triangle-up", "size": 8, "color": _PAPER, "line": {"color": _INK, "width": 1.2}},
        name="reference",
        legendrank=2000,
        hoverinfo="skip",
        showlegend=True,
    )


def _pointer(figure: Any, info: Waterfall, layout: Layout) -> None:
    """Unseen points that carry the texts, one a row."""
    figure.add_scatter(
        x=np.where(np.isnan(layout.bars[:, 0]), layout.anchors, layout.bars.mean(axis=1)),
        y=np.arange(len(info.names)),
        mode="markers",
        marker={"size": 1, "color": "rgba(0,0,0,0)"},
        hovertext=pointer_texts(info),
        hoverinfo="text",
        showlegend=False,
    )


def pointer_texts(info: Waterfall) -> tuple[str, ...]:
    """What is shown under the pointer in each row, as HTML with line breaks.

    Args:
        info: the waterfall.

    Returns:
        (n,) texts; foreign ones are escaped.
    """
    ends, texts = info.ends, []
    for row, name in enumerate(info.names):
        level = bool(info.totals[row]) or row == 0
        lines = [f"<b>{_html(name)}</b>", _html(info.kinds[row])]
        lines += [] if level else [f"change: {signed(float(info.values[row]))}"]
        lines.append(f"total: {signed(float(ends[row]), plus=False)}")
        if info.reference is not None and np.isfinite(info.reference[row]):
            lines.append(f"reference: {signed(float(info.reference[row]), plus=not level)}")
        for key, item in info.hover.items():
            value = item[row]
            lines.append(f"{_html(key)}: {_html(f'{value:.4g}' if isinstance(value, np.floating) else str(value))}")
        texts.append("<br>".join(lines))
    return tuple(texts)


def rows_height(info: Waterfall) -> int:
    """Height of all rows on a page.

    Args:
        info: the waterfall.

    Returns:
        Pixels; more for each row where a name takes two lines.
    """
    broken = any(len(name_lines(name, _NAME)) > 1 for name in info.names)
    return max(len(info.names), 2) * (31 if broken else 25)


def _html(text: str) -> str:
    """Text that plotly takes for neither a tag nor a formula."""
    return escape(text, quote=False).replace("$", "&#36;")


def _texts(figure: Any, info: Waterfall, layout: Layout) -> None:
    for row, (text, anchor, right) in enumerate(zip(layout.texts, layout.anchors, layout.right, strict=True)):
        level = row == 0 or info.totals[row]
        figure.add_annotation(
            x=anchor, y=row, text=f"<b>{text}</b>" if level else text, font={"size": 12}, showarrow=False,
            xanchor="left" if right else "right", xshift=5 if right else -5, borderpad=0, captureevents=False,
        )  # fmt: skip


def _frame(figure: Any, info: Waterfall, layout: Layout, theme: Theme) -> None:
    rows = len(info.names)
    names = ["<br>".join(map(_html, name_lines(name, _NAME))) for name in info.names]
    for row in info.highlight:
        names[row] = f"<b>{names[row]}</b>"
    label = "<br>".join(map(_html, wrap(info.label, 40)))
    common = {"showgrid": False, "showline": True, "linecolor": theme.muted, "automargin": True, "fixedrange": True}
    zero = {"zeroline": True, "zerolinecolor": theme.muted, "zerolinewidth": 1}
    ticks = {"ticks": "outside", "ticklen": 4, "tickcolor": theme.muted, "tickfont": {"size": 12}}
    title = {"text": label, "standoff": 8, "font": {"size": 13}}
    figure.update_layout(
        xaxis={"range": [layout.low, layout.high], "title": title, **common, **zero, **ticks},
        yaxis={"range": [rows - 0.5, -0.5], "tickvals": list(range(rows)), "ticktext": names,
               "ticks": "", "ticklabelstandoff": 4, "tickfont": {"size": 11}, "zeroline": False, **common},
        hovermode="y",
        legend={"itemclick": False, "itemdoubleclick": False},
        barmode="overlay",
        height=rows_height(info) + 130,
    )  # fmt: skip
