"""Films of info objects: an animated GIF, or one HTML file with a slider that needs no network."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from io import BytesIO
from math import ceil
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from inscape._errors import InputError
from inscape.plotting._info import Info
from inscape.plotting._png import data_uri
from inscape.plotting._render import _replace as write_whole
from inscape.plotting._render import render
from inscape.plotting._theme import PALETTE, theme_of

_SAMPLE = 8
"""Frames that choose the colours of a GIF."""
_FORMATS = (".gif", ".html")


def save_animation(
    frames: Sequence[Info],
    path: str | Path,
    *,
    seconds: float = 0.4,
    captions: Sequence[Mapping[str, object]] = (),
    title: str = "",
    theme: str = "light",
    dpi: int = 110,
) -> Path:
    """Write frames as a film; the file is whole or not there.

    All frames are drawn by matplotlib at one size. Where the figures are to stand still, give all frames the same
    window, names and lines (a line may have no points), and set ``all_names`` of maps.

    Args:
        frames: info objects, one or more.
        path: target; its ending, ``.gif`` or ``.html``, chooses the format. A GIF repeats for ever; the page has a
            slider and a button, and holds everything it shows.
        seconds: time for which each frame is shown, ≥ 0.02.
        captions: for the page: name → value beside each frame, one mapping a frame, or none at all.
        title: heading of the page.
        theme: ``"light"`` or ``"dark"``.
        dpi: dots per inch.

    Returns:
        The path written.

    Raises:
        InputError: if there are no frames, the ending is another one, or a number does not fit.
    """
    target = Path(path)
    if target.suffix.lower() not in _FORMATS:
        raise InputError(f"expected a path that ends in .gif or .html, got {str(path)!r}")
    if not len(frames):
        raise InputError("expected one frame or more, got none")
    if len(captions) not in (0, len(frames)):
        raise InputError(f"expected no captions or one for each of the {len(frames)} frames, got {len(captions)}")
    if not (np.isfinite(seconds) and seconds >= 0.02):
        raise InputError(f"expected seconds ≥ 0.02 for each frame, got {seconds}")
    images = _same_size([_image(frame, theme, dpi) for frame in frames])
    if target.suffix.lower() == ".gif":
        write_whole(target, _gif(images, seconds))
    else:
        write_whole(target, _page(images, captions, title=title, seconds=seconds, theme=theme).encode())
    return target


def _image(info: Info, theme: str, dpi: int) -> np.ndarray:
    """(h, w, 3) pixels of one frame."""
    figure = render(info, theme=theme)
    figure.set_dpi(dpi)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()


def _same_size(images: list[np.ndarray]) -> list[np.ndarray]:
    """Frames padded with their own paper to the largest height and width."""
    rows, columns = (max(image.shape[axis] for image in images) for axis in (0, 1))
    made = []
    for image in images:
        canvas = np.empty((rows, columns, 3), np.uint8)
        canvas[:] = image[0, 0]
        canvas[: image.shape[0], : image.shape[1]] = image
        made.append(canvas)
    return made


def _gif(images: Sequence[np.ndarray], seconds: float) -> bytes:
    """All frames in one palette, so that colours keep still."""
    from PIL import Image

    chosen = images[:: ceil(len(images) / _SAMPLE)]
    options: dict[str, Any] = {"dither": Image.Dither.NONE}
    palette = Image.fromarray(np.concatenate(chosen)).quantize(256, method=Image.Quantize.MEDIANCUT, **options)
    pictures = [Image.fromarray(image).quantize(palette=palette, **options) for image in images]
    buffer = BytesIO()
    pictures[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=round(1000 * seconds),
        loop=0,
        optimize=False,
    )
    return buffer.getvalue()


def _page(
    images: Sequence[np.ndarray], captions: Sequence[Mapping[str, object]], *, title: str, seconds: float, theme: str
) -> str:
    opaque = np.full((*images[0].shape[:2], 1), 255, np.uint8)
    uris = [data_uri(np.concatenate([image, opaque], axis=2)) for image in images]
    colours = theme_of(theme)
    heading = title or "Film"
    film = {
        "frames": uris,
        "captions": [{str(name): str(value) for name, value in caption.items()} for caption in captions],
        "milliseconds": round(1000 * seconds),
        "alt": heading,
    }
    text = files("inscape.plotting").joinpath("templates", "animation.html").read_text(encoding="utf-8")
    return _Page(text).substitute(
        title=escape(heading),
        alt=escape(heading),
        width=images[0].shape[1] + 32,
        pixels=images[0].shape[1],
        rows=images[0].shape[0],
        last=uris[-1],
        count=len(uris),
        end=len(uris) - 1,
        film=json.dumps(film).replace("</", "<\\/"),
        paper=colours.background,
        ink=colours.text,
        muted=colours.muted,
        rule=colours.grid,
        accent=PALETTE[0],
    )


class _Page(Template):
    """A template whose names are plain words, so that ``${...}`` of the script stays as it is."""

    pattern = r"""
    \$(?:(?P<escaped>\$)
      |(?P<named>title|alt|pixels|rows|last|count|end|film|paper|ink|muted|rule|accent)\b
      |\{(?P<braced>width)\}
      |(?P<invalid>(?!)))
    """  # type: ignore[assignment]
