"""The page itself: sections and figures in, one HTML text out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from inscape.report._figures import Drawn
from inscape.report._text import is_number, number
from inscape.results import Section

_LIMIT = 15_000_000
_FRAME = 6_000_000
_TOO_LARGE = "This figure is a still picture, because the page would become too large with all figures interactive."


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """A section with its figures drawn.

    Attributes:
        section: what the section function gave.
        figures: its figures, drawn, in order.
    """

    section: Section
    figures: tuple[Drawn, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Part:
    """Everything about one network.

    Attributes:
        key: anchor.
        name: heading.
        chapters: its sections in order.
        tiles: label → value of the key facts on top.
    """

    key: str
    name: str
    chapters: tuple[Chapter, ...]
    tiles: dict[str, object]


def _resource(name: str) -> str:
    return files("inscape.report").joinpath("templates", name).read_text(encoding="utf-8")


def _table(table: Any) -> dict[str, Any]:
    columns = {str(name): list(values) for name, values in table.columns.items()}
    numeric = {name: any(is_number(v) for v in values) for name, values in columns.items()}
    cells = [[{"text": number(v), "numeric": numeric[name]} for v in values] for name, values in columns.items()]
    return {
        "caption": table.caption,
        "columns": [{"name": name, "numeric": flag} for name, flag in numeric.items()],
        "rows": [list(row) for row in zip(*cells, strict=True)],
    }


def _figure(drawn: Drawn) -> dict[str, Any]:
    from markupsafe import Markup

    return {
        "id": drawn.id,
        "title": drawn.title.rstrip("."),
        "caption": drawn.caption,
        "alt": drawn.alt,
        "layout": drawn.layout,
        "ratio": drawn.ratio,
        "rows": drawn.rows,
        "key": drawn.key,
        "entries": len(drawn.entries),
        "longest": max(map(len, drawn.entries), default=0),
        "json": Markup(drawn.json),
        "png": drawn.files[0],
        "files": [{"href": file, "name": file.rpartition(".")[2].upper()} for file in drawn.files],
    }


def _chapter(chapter: Chapter, part: str) -> dict[str, Any]:
    section = chapter.section
    return {
        "id": f"{part}-{section.key}" if part else section.key,
        "title": section.title,
        "paragraphs": section.paragraphs,
        "figures": [_figure(drawn) for drawn in chapter.figures],
        "tables": [_table(table) for table in section.tables],
        "notes": section.notes,
    }


def within_limit(parts: Sequence[Part], *, limit: int = _LIMIT) -> list[Part]:
    """Show the heaviest figures as still pictures until the page is small enough.

    Args:
        parts: the parts of the page.
        limit: largest size of the page in bytes.

    Returns:
        The parts, with as few figures changed as possible.
    """
    drawn = sorted((d for p in parts for c in p.chapters for d in c.figures), key=lambda d: len(d.json.encode()))
    size = sum(len(d.json.encode()) for d in drawn)
    still: set[str] = set()
    while drawn and size + _FRAME > limit:
        heaviest = drawn.pop()
        size -= len(heaviest.json.encode())
        still.add(heaviest.id)

    def lighter(d: Drawn) -> Drawn:
        return replace(d, json="", caption=f"{d.caption} {_TOO_LARGE}") if d.id in still else d

    return [
        replace(p, chapters=tuple(replace(c, figures=tuple(map(lighter, c.figures))) for c in p.chapters))
        for p in parts
    ]


def compose(parts: Sequence[Part], *, title: str, subtitle: str, created: str) -> str:
    """Fill the template.

    Args:
        parts: one part for each network; with a single one the page has no part headings.
        title: the page's heading.
        subtitle: a sentence under it.
        created: date in words.

    Returns:
        The whole page, with styles, scripts and data inside.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    from inscape import __version__

    several = len(parts) > 1
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(_resource("page.html.j2")).render(
        title=title,
        subtitle=subtitle,
        created=created,
        version=__version__,
        css=Markup(_resource("style.css")),
        js=Markup(_resource("page.js")),
        plotly=Markup(get_plotlyjs()),
        parts=[
            {
                "id": part.key,
                "name": part.name,
                "tiles": [{"label": label, "value": number(value)} for label, value in part.tiles.items()],
                "sections": [_chapter(chapter, part.key if several else "") for chapter in part.chapters],
            }
            for part in parts
        ],
    )
