"""Shapes as a JSON file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inscape._errors import FileFormatError, InscapeError
from inscape.geometry import Box
from inscape.regions._shapes import HalfSpaces, Polygon, Shape

_FORMS = {
    "polygon": ({"polygon"}, {"holes"}),
    "box": ({"box"}, set()),
    "half_spaces": ({"half_spaces"}, set()),
}
"""Key that names a shape → keys that it must and may have."""


def read_shapes(path: str | Path) -> tuple[Any, str | None]:
    """Read shapes, for :func:`build`, from a JSON file.

    One class is ``{"shapes": [shape, ...]}``; several are ``{"classes": {"name": [shape, ...], ...}}``, with
    ``"rest": "name"`` for the class of points in no shape, if there is one. A shape is one of::

        {"polygon": [[0, 0], [4, 0], [4, 3]], "holes": [[[1, 1], [2, 1], [2, 2]]]}
        {"box": {"low": [0, 0], "high": [2, 1]}}
        {"half_spaces": {"normals": [[1, 1], [-1, 0], [0, -1]], "offsets": [1, 0, 0]}}

    ``holes`` may be left out; half-spaces are the x with normals · x ≤ offsets.

    Args:
        path: the file.

    Returns:
        The shapes, and the name of the class of the rest or None.

    Raises:
        FileFormatError: if the file is missing, no JSON, or of another form.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FileFormatError(f"cannot read shapes from {path}: {error}") from error
    keys = set(content) if isinstance(content, dict) else set()
    if keys == {"shapes"}:
        return _shapes(str(path), "shapes", content["shapes"]), None
    if "classes" in keys and keys <= {"classes", "rest"} and isinstance(content["classes"], dict):
        rest = content.get("rest")
        if rest is not None and not isinstance(rest, str):
            raise FileFormatError(f"{path}: expected rest to be a name, got {rest!r}")
        return {name: _shapes(str(path), name, group) for name, group in content["classes"].items()}, rest
    raise FileFormatError(
        f'{path}: expected {{"shapes": [...]}} or {{"classes": {{"name": [...]}}, "rest": "name"}}, got '
        + (f"the keys {', '.join(sorted(keys)) or 'none'}" if isinstance(content, dict) else type(content).__name__)
    )


def _shapes(path: str, place: str, group: Any) -> tuple[Shape, ...]:
    if not isinstance(group, list) or not group:
        raise FileFormatError(f"{path}: expected a list of shapes for {place!r}, got {str(group)[:60]}")
    return tuple(_shape(f"{path}: shape {i} of {place!r}", item) for i, item in enumerate(group))


def _shape(place: str, item: Any) -> Shape:
    kind = next((key for key in _FORMS if isinstance(item, dict) and key in item), None)
    if kind is None:
        raise FileFormatError(f"{place}: expected an object with one of {', '.join(_FORMS)}, got {str(item)[:60]}")
    needed, allowed = _FORMS[kind]
    _check_keys(place, item, needed, allowed)
    try:
        if kind == "polygon":
            return Polygon(item["polygon"], holes=item.get("holes", []))
        if kind == "box":
            _check_keys(f"{place}, box", item["box"], {"low", "high"}, set())
            return Box(low=item["box"]["low"], high=item["box"]["high"])
        _check_keys(f"{place}, half_spaces", item["half_spaces"], {"normals", "offsets"}, set())
        return HalfSpaces(item["half_spaces"]["normals"], item["half_spaces"]["offsets"])
    except (InscapeError, TypeError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"{place}: {error}") from error


def _check_keys(place: str, item: Any, needed: set[str], allowed: set[str]) -> None:
    keys = set(item) if isinstance(item, Mapping) else set()
    if not needed <= keys <= needed | allowed:
        expected = ", ".join(sorted(needed)) + (f" (and {', '.join(sorted(allowed))})" if allowed else "")
        raise FileFormatError(f"{place}: expected the keys {expected}, got {', '.join(sorted(keys)) or 'none'}")
