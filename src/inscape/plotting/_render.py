"""From an info object to a figure, a file or a piece of a page."""

import hashlib
import os
import tempfile
from dataclasses import replace
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

from inscape._errors import InputError, InputTypeError, OutputError
from inscape.plotting._info import Heatmap, Info, Lines, Mesh, PolygonMap, Table, Waterfall
from inscape.plotting._table import table_html
from inscape.plotting._theme import shown_categories, theme_of

_FORMATS = ("png", "svg")

FIGURE_CSS = """.inscape-figure { width: 100%; }
.inscape-figure .main-svg text:not(.textpoint text, .hoverlayer text) { fill: currentColor !important; }
.inscape-title { margin: 0.4em 0 0.6em; font-size: 1.05em; }
.inscape-table { border-collapse: collapse; }
.inscape-table caption { text-align: left; padding-bottom: 0.4em; }
.inscape-table th, .inscape-table td { padding: 0.25em 0.9em 0.25em 0; text-align: left; }
.inscape-table tr { border-bottom: 1px solid #8a919c55; }
.inscape-table .number { text-align: right; font-variant-numeric: tabular-nums; }
"""


def render(info: Info, *, backend: str = "matplotlib", theme: str = "light") -> Any:
    """Draw an info object.

    Args:
        info: a ``PolygonMap``, ``Heatmap``, ``Mesh``, ``Lines``, ``Waterfall`` or ``Table``.
        backend: ``"matplotlib"`` or ``"plotly"``.
        theme: ``"light"``, ``"dark"``, or ``"auto"`` (readable on both). Plotly figures are transparent.

    Returns:
        A ``matplotlib.figure.Figure`` that pyplot does not know, or a ``plotly.graph_objects.Figure``.

    Raises:
        InputTypeError: if ``info`` is no info object.
        InputError: if there is no such backend or theme.
    """
    if not isinstance(info, get_args(Info)):
        kinds = ", ".join(kind.__name__ for kind in get_args(Info))
        raise InputTypeError(f"expected an info object ({kinds}), got {type(info).__name__}; try result.info()")
    colours = theme_of(theme)
    if backend == "matplotlib":
        from inscape.plotting._matplotlib import draw
    elif backend == "plotly":
        from inscape.plotting._plotly import draw
    else:
        raise InputError(f"expected backend to be 'matplotlib' or 'plotly', got {backend!r}")
    return draw(info, colours)


def save_figure(figure: Any, path: str | Path, *, theme: str = "light", dpi: int = 150) -> Path:
    """Write a figure as PNG or SVG; the file is whole or not there.

    Maps of more than 5000 cells are embedded in an SVG as one image.

    Args:
        figure: an info object, or a matplotlib figure.
        path: target; its ending, ``.png`` or ``.svg``, chooses the format.
        theme: theme of an info object.
        dpi: dots per inch of a PNG and of images inside an SVG.

    Returns:
        The path written.

    Raises:
        InputError: if the ending is another one.
        InputTypeError: if ``figure`` is neither.
        OutputError: if the folder cannot be written; an older file stays as it was.
    """
    target = Path(path)
    kind = target.suffix.lower().lstrip(".")
    if kind not in _FORMATS:
        raise InputError(f"expected a path that ends in .png or .svg, got {str(path)!r}")
    drawn = render(figure, theme=theme) if isinstance(figure, get_args(Info)) else figure
    if not hasattr(drawn, "savefig"):
        raise InputTypeError(f"expected an info object or a matplotlib figure, got {type(figure).__name__}")
    buffer = BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    paper = drawn.get_facecolor()
    drawn.savefig(
        buffer, format=kind, dpi=dpi, bbox_inches="tight", pad_inches=0.08, metadata=metadata, facecolor=paper
    )
    _replace(target, buffer.getvalue())
    return target


def _replace(target: Path, content: bytes) -> None:
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as handle:
            temporary = handle.name
            handle.write(content)
        Path(temporary).chmod(0o644)
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}; choose another folder") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def to_html_div(info: Info, *, theme: str = "auto", div_id: str | None = None) -> str:
    """Make a piece of a page; plotly.js itself is not in it and nothing is fetched.

    The page must load plotly.js before this piece and should hold :data:`FIGURE_CSS`, which gives the figure's
    texts the page's own colour.

    Args:
        info: what to draw; a ``Table`` becomes an HTML table.
        theme: ``"light"``, ``"dark"`` or ``"auto"``.
        div_id: id of the element; by default a hash of the figure, so that the same figure gets the same id.

    Returns:
        HTML text.
    """
    if isinstance(info, Table):
        return table_html(info)
    figure = render(replace(info, title=""), backend="plotly", theme=theme)
    figure.update_layout(height=None)  # the box around it has one
    if div_id is None:
        div_id = "figure-" + hashlib.sha256(figure.to_json().encode()).hexdigest()[:12]
    body = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        include_mathjax=False,
        div_id=div_id,
        default_width="100%",
        default_height="100%",
        config={
            "responsive": True,
            "displaylogo": False,
            "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
            "showTips": False,
        },
    )
    title = f'<p class="inscape-title">{escape(info.title)}</p>' if info.title else ""
    return f'<div class="inscape-figure">{title}<div style="{_size(info)}">{body}</div></div>'


def _size(info: PolygonMap | Heatmap | Mesh | Lines | Waterfall) -> str:
    """Style of the figure's box: as wide as there is room, and as high as axes of equal scale need."""
    if isinstance(info, Lines):
        return "width:100%;max-width:820px;height:clamp(330px,70vw,430px)"
    if isinstance(info, Mesh):
        return "width:100%;max-width:760px;height:clamp(360px,80vw,600px)"
    if isinstance(info, Waterfall):
        from inscape.plotting._plotly_waterfall import rows_height

        entries = len(info.categories) + (info.reference is not None)
        narrow = f"clamp(0px, 700px - 100vw, {12 * entries}px)"
        height = rows_height(info) + 70 + 24 * -(-entries // 4)
        return f"width:100%;max-width:820px;height:calc({height}px + {narrow})"
    span = info.high - info.low
    equal = isinstance(info, PolygonMap) or info.equal
    ratio = float(span[1] / span[0]) if equal else 0.75
    width = 580.0 * min(1.0, 1.2 / ratio)
    beside = 80 if info.categorical else 150
    entries = len(shown_categories(info)[0]) + 2 * sum(bool(line.name) for line in info.lines)
    below = 78 + (24 if info.categorical and info.names else 0) + 24 * -(-entries // 6)
    side = f"min(100vw - {beside + 40}px, {width:.0f}px)"
    narrow = f"clamp(0px, 700px - 100vw, {8 * min(entries, 10)}px)"
    height = f"max(300px, calc({side} * {ratio:.3g} + {below}px + {narrow}))"
    return f"width:100%;max-width:{width + beside:.0f}px;height:{height}"
