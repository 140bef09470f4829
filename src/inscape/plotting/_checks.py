"""Checks that the drawing kinds share."""

from typing import Any

import numpy as np

from inscape._errors import InputError, InputTypeError


def freeze(instance: Any, **values: Any) -> None:
    """Set fields of a frozen dataclass while it is being made."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


def array(name: str, value: Any, dtype: Any) -> np.ndarray:
    """Read an array.

    Args:
        name: what it is called in the error.
        value: anything that numpy reads.
        dtype: wanted type, None to keep the given one.

    Returns:
        The array.

    Raises:
        InputTypeError: if the value is no array of numbers.
    """
    try:
        made = np.asarray(value, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise InputTypeError(f"expected {name} to be an array of numbers, got {type(value).__name__}") from error
    if made.dtype.kind not in "biuf":
        raise InputTypeError(f"expected {name} to be an array of numbers, got an array of {made.dtype}")
    return made


def finite(name: str, value: np.ndarray) -> np.ndarray:
    """Return the array if all its values are finite.

    Raises:
        InputError: if one is not.
    """
    if not np.isfinite(value).all():
        raise InputError(f"expected {name} to be finite, got NaN or infinity in it")
    return value


def require_shape(name: str, value: np.ndarray, shape: tuple[int | str, ...]) -> None:
    """Compare a shape with a pattern; letters stand for any length.

    Raises:
        InputError: if the shape does not fit.
    """
    fits = value.ndim == len(shape) and all(
        isinstance(want, str) or want == have for want, have in zip(shape, value.shape, strict=True)
    )
    if not fits:
        wanted = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
        raise InputError(f"expected {name} of shape {wanted}, got {value.shape}")


def categories(name: str, values: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Read category indices.

    Args:
        name: what they are called in the error.
        values: the indices, as whole numbers of any dtype.
        names: names of the categories; empty if any index is allowed.

    Returns:
        The indices as int64.

    Raises:
        InputError: if one is no whole number ≥ 0 or has no name.
    """
    if values.dtype.kind == "f" and not (np.isfinite(values) & (values == np.floor(values))).all():
        raise InputError(f"expected {name} to be category indices (whole numbers), got fractions or NaN")
    indices = values.astype(np.int64)
    if indices.size and indices.min() < 0:
        raise InputError(f"expected {name} to be category indices ≥ 0, got {indices.min()}")
    if names and indices.size and indices.max() >= len(names):
        raise InputError(f"expected {name} below {len(names)}, the number of names, got {indices.max()}")
    return indices


def offsets_of(name: str, value: Any, points: int) -> np.ndarray:
    """Read the offsets of a ragged array of polygons.

    Args:
        name: what they are called in the error.
        value: (c + 1,) positions in the array of corners.
        points: number of corners.

    Returns:
        The offsets as int64.

    Raises:
        InputError: if they do not run from 0 to ``points`` in steps of at least three.
    """
    offsets = array(name, value, None)
    require_shape(name, offsets, ("c + 1",))
    offsets = categories(name, offsets, ())
    if len(offsets) < 2:
        raise InputError(f"expected {name} to hold at least one cell (two offsets), got {len(offsets)} offsets")
    if offsets[0] != 0 or offsets[-1] != points:
        raise InputError(f"expected {name} to run from 0 to {points}, got {offsets[0]} to {offsets[-1]}")
    if np.diff(offsets).min() < 3:
        cell = int(np.argmin(np.diff(offsets)))
        raise InputError(f"expected at least three corners a cell, got {np.diff(offsets)[cell]} in cell {cell}")
    return offsets


def window(name: str, low: Any, high: Any, *, dimension: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Read the corners of a window.

    Args:
        name: what it belongs to.
        low: lower corner.
        high: upper corner.
        dimension: length of both.

    Returns:
        The lower and the upper corner.

    Raises:
        InputError: if they are not two finite points with low < high.
    """
    corners = []
    for end, value in (("low", low), ("high", high)):
        corner = finite(f"{name}.{end}", array(f"{name}.{end}", value, np.float64))
        require_shape(f"{name}.{end}", corner, (dimension,))
        corners.append(corner)
    if not (corners[0] < corners[1]).all():
        raise InputError(f"expected {name}.low < {name}.high in all axes, got {corners[0]} and {corners[1]}")
    return corners[0], corners[1]


def parts(name: str, value: Any, kind: type) -> tuple[Any, ...]:
    """Read a sequence of drawing kinds.

    Returns:
        The items.

    Raises:
        InputTypeError: if an item is of another type.
    """
    items = tuple(value)
    for item in items:
        if not isinstance(item, kind):
            raise InputTypeError(f"expected {name} to hold {kind.__name__} objects, got {type(item).__name__}")
    return items
