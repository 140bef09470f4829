"""Writing the page: sections, figures, numbers, one folder."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from re import sub
from typing import Any

from inscape._errors import InputError
from inscape._progress import meter
from inscape.report._figures import draw
from inscape.report._folder import FORMAT, building
from inscape.report._page import Chapter, Part, compose, within_limit
from inscape.report._sections import SECTIONS
from inscape.report._text import plain
from inscape.results import Context, Section

_SCHEMA = 1


def _slug(name: str) -> str:
    return sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "network"


def _slugs(names: Sequence[str]) -> list[str]:
    """File-safe names, made unique by their position where two are equal."""
    slugs = [_slug(name) for name in names]
    return [f"{slug}-{i + 1}" if slugs.count(slug) > 1 else slug for i, slug in enumerate(slugs)]


def _prepared(context: Context) -> Context:
    """The planes are chosen and cut once, and all sections share them."""
    from inscape.regions._views import views

    return replace(context, options={**context.options, "views": views(context)})


def _part(context: Context, folder: Path, *, key: str, prefix: str) -> Part:
    prepared = _prepared(context)
    sections = [section for make in SECTIONS if (section := make(prepared)) is not None]
    chapters = tuple(_chapter(section, folder, prefix=prefix) for section in sections)
    return Part(key=key, name=context.name, chapters=chapters, tiles=_headline(sections))


def _headline(sections: Sequence[Section]) -> dict[str, object]:
    """The key facts on top: what the sections put under ``numbers["headline"]``."""
    tiles: dict[str, object] = {}
    for section in sections:
        found = section.numbers.get("headline", {})
        if isinstance(found, dict):
            tiles |= found
    return tiles


def _numbers(parts: Sequence[Part], *, title: str, created: str) -> str:
    content = {
        "format": FORMAT,
        "schema": _SCHEMA,
        "title": title,
        "created": created,
        "parts": [
            {
                "name": part.name,
                "sections": {chapter.section.key: chapter.section.numbers for chapter in part.chapters},
                "figures": [
                    {"files": list(drawn.files), "caption": drawn.caption} for c in part.chapters for drawn in c.figures
                ],
            }
            for part in parts
        ],
    }
    return json.dumps(plain(content), indent=1, ensure_ascii=False, allow_nan=False)


def write_page(contexts: Sequence[Context], *, out: str | Path, title: str = "", progress: Any = None) -> Path:
    """Write one offline page about one or more networks.

    The folder gets ``index.html``, ``numbers.json`` and ``figures``; it is whole or not there. An earlier report in the
    same folder is replaced.

    Args:
        contexts: one context for each network, in the order of the page; none of them is changed.
        out: the folder, new, empty or with an earlier report.
        title: heading of the page; made from the names if empty.
        progress: None, True, False or a meter, as everywhere.

    Returns:
        The path of ``index.html``.

    Raises:
        InputError: if there is no context.
        OutputError: if the folder cannot be written or holds foreign files; said before the long work begins.
    """
    if not contexts:
        raise InputError("expected at least one context for the page, got none")
    names = [context.name for context in contexts]
    heading = title or f"The inner landscape of {' and '.join(names)}"
    keys = _slugs(names)
    with building(out) as folder, meter(progress, "report", len(contexts)) as bar:
        parts = []
        for context, key in zip(contexts, keys, strict=True):
            parts.append(_part(context, folder, key=key, prefix=f"{key}-" if len(contexts) > 1 else ""))
            bar.advance(1)
        _finish(parts, folder, title=heading, subtitle=_subtitle(contexts))
    return Path(out).expanduser().absolute() / "index.html"


def write_sections(
    sections: Sequence[Section], *, out: str | Path, title: str, subtitle: str = "", progress: Any = None
) -> Path:
    """Write one offline page of given sections, without a network of its own.

    The same folder rules hold as for :func:`write_page`. What sections put under ``numbers["headline"]`` stands on top.

    Args:
        sections: the chapters in order.
        out: the folder, new, empty or with an earlier report.
        title: heading of the page.
        subtitle: a sentence under it.
        progress: None, True, False or a meter, as everywhere.

    Returns:
        The path of ``index.html``.

    Raises:
        InputError: if there is no section.
        OutputError: if the folder cannot be written or holds foreign files.
    """
    if not sections:
        raise InputError("expected at least one section for the page, got none")
    with building(out) as folder, meter(progress, "report", len(sections)) as bar:
        chapters = []
        for section in sections:
            chapters.append(_chapter(section, folder, prefix=""))
            bar.advance(1)
        part = Part(key=_slug(title), name=title, chapters=tuple(chapters), tiles=_headline(sections))
        _finish([part], folder, title=title, subtitle=subtitle)
    return Path(out).expanduser().absolute() / "index.html"


def _chapter(section: Section, folder: Path, *, prefix: str) -> Chapter:
    stem = f"{prefix}{section.key}"
    return Chapter(
        section=section, figures=tuple(draw(f, folder / "figures", stem=f"{stem}-{f.name}") for f in section.figures)
    )


def _finish(parts: Sequence[Part], folder: Path, *, title: str, subtitle: str) -> None:
    """The page and its numbers, into a folder that has the figures."""
    now = datetime.now(UTC)
    page = compose(
        within_limit(parts), title=title, subtitle=subtitle, created=f"{now.day} {now:%B %Y}, {now:%H:%M} UTC"
    )
    (folder / "index.html").write_text(page, encoding="utf-8")
    numbers = _numbers(parts, title=title, created=now.isoformat(timespec="seconds"))
    (folder / "numbers.json").write_text(numbers, encoding="utf-8")


def _subtitle(contexts: Sequence[Context]) -> str:
    data = [context.data_name for context in contexts if context.data_name]
    on = f", looked at on {' and '.join(dict.fromkeys(data))}" if data else ""
    return (
        f"How {'the network cuts' if len(contexts) == 1 else 'the networks cut'} the input space into linear "
        "regions, "
        f"where the decisions change, and how sure they are{on}."
    )


def write(
    model: Any,
    *,
    x: Any,
    y: Any = None,
    out: str | Path,
    name: str = "the network",
    data_name: str = "",
    classes: Sequence[str] = (),
    history: Any = None,
) -> Path:
    """Write one offline page about a network: what it is, its exact regions, how sure it is, counts and bounds.

    The seed and the number of cells of a plane are those of :class:`inscape.results.Context`; for other values make the
    context and call :func:`write_page`.

    Args:
        model: the module under study; it comes out bit-identical.
        x: (n, *shape) samples as a tensor; the planes go through them.
        y: (n,) labels, or None.
        out: the page's folder: new, empty, or with an earlier report, which is replaced.
        name: what the network is called on the page.
        data_name: what the data are called on the page.
        classes: names of the classes; numbers if empty.
        history: what training recorded (``inscape.training.History``), or None.

    Returns:
        The path of ``index.html``.

    Raises:
        OutputError: if the folder cannot be written or holds foreign files; said before the long work begins.
    """
    from inscape.network import read

    context = Context(
        model=model,
        network=read(model, example=x[:1]),
        name=name,
        x=x,
        y=y,
        data_name=data_name,
        classes=classes,
        history=history,
    )
    return write_page([context], out=out)
