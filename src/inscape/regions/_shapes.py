"""Shapes to build networks from: polygons, boxes and systems of half-spaces, each as half-spaces and a formula."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from inscape._errors import DomainError, InputError, InputTypeError
from inscape.geometry import Box
from inscape.regions._formula import Formula, combine, complement, renumber
from inscape.regions._polygon import corners, half_planes, polygon_formula


def _numbers(name: str, value: Any) -> np.ndarray:
    try:
        found = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DomainError(f"expected {name} to be an array of numbers, got {type(value).__name__}") from error
    if not np.isfinite(found).all():
        raise DomainError(f"expected {name} to be finite, got NaN or infinity in it")
    return found


@dataclass(frozen=True, eq=False, init=False)
class Polygon:
    """A simple polygon of the plane, convex or not, with or without holes.

    Attributes:
        vertices: (n, 2) corners, counter-clockwise, those on straight edges left out.
        holes: polygons that are cut out, each as its (m, 2) corners.

    Example:
        >>> len(Polygon([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]).vertices)
        6
    """

    vertices: np.ndarray
    holes: tuple[np.ndarray, ...]

    def __init__(self, vertices: object, *, holes: Sequence[object] = ()) -> None:
        """Take the corners.

        Args:
            vertices: (n, 2) corners in order, n ≥ 3, either way round.
            holes: further borders of that form; what they enclose is cut out.
        """
        object.__setattr__(self, "vertices", corners(_numbers("vertices", vertices)))
        object.__setattr__(self, "holes", tuple(corners(_numbers("a hole", hole)) for hole in holes))


@dataclass(frozen=True, eq=False, init=False)
class HalfSpaces:
    r"""The convex set of all x with :math:`A x \le b`, bounded or not.

    Attributes:
        normals: (n, d) rows of A, outward normals of the faces.
        offsets: (n,) right sides b.
        radius: radius of the largest ball in the set, infinite if there is none.
        centre: (d,) centre of that ball, or of some ball of radius 1.

    Example:
        >>> float(HalfSpaces([[1, 0], [-1, 0], [0, 1], [0, -1]], [1, 1, 2, 2]).radius)
        1.0
    """

    normals: np.ndarray
    offsets: np.ndarray
    radius: float
    centre: np.ndarray

    def __init__(self, normals: object, offsets: object) -> None:
        """Take the system.

        Args:
            normals: (n, d) rows of A, none zero.
            offsets: (n,) right sides b.

        Raises:
            DomainError: if the shapes do not fit, a row is zero, or the set has no interior.
        """
        rows, sides = np.atleast_2d(_numbers("normals", normals)), np.atleast_1d(_numbers("offsets", offsets))
        if rows.ndim != 2 or sides.shape != (len(rows),) or rows.size == 0:
            raise DomainError(
                f"expected normals (n, d) and offsets (n,), got arrays of shapes {rows.shape} and {sides.shape}"
            )
        lengths = np.linalg.norm(rows, axis=1)
        if not lengths.all():
            raise DomainError(f"expected normals that are not zero, got a zero row {int(np.argmin(lengths))}")
        unit, distances = rows / lengths[:, None], sides / lengths
        centre, radius = _largest_ball(unit, distances, 1e3 * (1.0 + float(np.abs(distances).max())))
        if np.isinf(radius):
            centre, _ = _largest_ball(unit, distances, 1.0)
        if radius <= 0:
            raise DomainError("the half-spaces have no common interior; expected a set with a ball in it")
        for name, value in (("normals", rows), ("offsets", sides), ("radius", radius), ("centre", centre)):
            object.__setattr__(self, name, value)


def _largest_ball(normals: np.ndarray, offsets: np.ndarray, cap: float) -> tuple[np.ndarray, float]:
    """Chebyshev centre and radius; a radius that reaches the cap is called infinite."""
    from scipy.optimize import linprog

    size = normals.shape[1]
    system = np.hstack([normals, np.ones((len(normals), 1))])
    bounds = [(None, None)] * size + [(None, cap)]
    found = linprog(np.r_[np.zeros(size), -1.0], A_ub=system, b_ub=offsets, bounds=bounds, method="highs")
    if found.x is None:
        raise DomainError(f"the largest ball in the half-spaces could not be found: {found.message}")
    radius = float(found.x[-1])
    if radius <= 1e-12 * cap:
        return found.x[:-1], 0.0
    return found.x[:-1], radius if radius < cap * (1 - 1e-9) else np.inf


Shape: TypeAlias = Polygon | Box | HalfSpaces
"""One shape; several of them in a list are their union."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Body:
    """Half-spaces a · x + b > 0 with unit normals, and the formula that makes the set of them.

    Attributes:
        normals: (h, d) unit normals a that point inwards.
        offsets: (h,) offsets b.
        formula: over the half-spaces.
        low: (d,) lower corner of a box around the shape (around its largest ball and that ball's feet on the faces).
        high: (d,) upper corner.
    """

    normals: np.ndarray
    offsets: np.ndarray
    formula: Formula
    low: np.ndarray
    high: np.ndarray


def body(shape: Shape) -> Body:
    """One shape as half-spaces and a formula.

    Args:
        shape: the shape.

    Returns:
        Its body.
    """
    if isinstance(shape, Box):
        unit = np.eye(shape.dimension)
        return Body(
            normals=np.concatenate([unit, -unit]),
            offsets=np.concatenate([-shape.low, shape.high]),
            formula=combine("all", list(range(2 * shape.dimension))),
            low=shape.low,
            high=shape.high,
        )
    if isinstance(shape, HalfSpaces):
        lengths = np.linalg.norm(shape.normals, axis=1)
        inwards, offsets = -shape.normals / lengths[:, None], shape.offsets / lengths
        ball = 1.0 if np.isinf(shape.radius) else shape.radius
        feet = shape.centre - (inwards @ shape.centre + offsets)[:, None] * inwards
        near = np.concatenate([feet, [shape.centre - ball, shape.centre + ball]])
        return Body(
            normals=inwards,
            offsets=offsets,
            formula=combine("all", list(range(len(lengths)))),
            low=near.min(0),
            high=near.max(0),
        )
    outside = [complement(polygon_formula(hole)) for hole in shape.holes]
    borders = [half_planes(shape.vertices), *((-a, -b) for a, b in map(half_planes, shape.holes))]
    starts = np.cumsum([0, *(len(b) for _, b in borders)])
    formulas = [polygon_formula(shape.vertices), *outside]
    return Body(
        normals=np.concatenate([a for a, _ in borders]),
        offsets=np.concatenate([b for _, b in borders]),
        formula=combine("all", [renumber(f, int(s)) for f, s in zip(formulas, starts[:-1], strict=True)]),
        low=shape.vertices.min(0),
        high=shape.vertices.max(0),
    )


def groups_of(shapes: Any) -> dict[str, tuple[Shape, ...]]:
    """What was given as one group of shapes for each class.

    Args:
        shapes: a shape, a sequence of shapes (one class, their union), or a mapping name → one of these.

    Returns:
        Name → shapes, in order; a single class is named ``""``.

    Raises:
        InputError: if there are no shapes, or names that are the same as text.
    """
    if isinstance(shapes, Mapping):
        found = {str(name): _group(group) for name, group in shapes.items()}
        if len(found) != len(shapes):
            raise InputError(f"expected names of classes that differ as text, got {list(shapes)}")
    else:
        found = {"": _group(shapes)}
    if not found or not all(found.values()):
        raise InputError("expected at least one shape for each class, got none")
    return found


def _group(shapes: Any) -> tuple[Shape, ...]:
    group = tuple(shapes) if isinstance(shapes, Sequence) else (shapes,)
    for shape in group:
        if not isinstance(shape, Polygon | Box | HalfSpaces):
            raise InputTypeError(
                "expected shapes: Polygon(vertices), Box(low=, high=) or HalfSpaces(normals, offsets), "
                f"got {type(shape).__name__}"
            )
    return group


def joined(groups: Mapping[str, Sequence[Shape]]) -> tuple[Body, tuple[Formula, ...]]:
    """All half-spaces together, and one formula for each class.

    Args:
        groups: name → shapes, whose union is the class.

    Returns:
        A body whose formula is that of the first class, and the formulas of all.

    Raises:
        DomainError: if shapes live in different dimensions.
    """
    bodies = [[body(shape) for shape in group] for group in groups.values()]
    every = [one for group in bodies for one in group]
    sizes = sorted({one.normals.shape[1] for one in every})
    if len(sizes) > 1:
        raise DomainError(f"expected shapes of one dimension, got shapes of dimensions {', '.join(map(str, sizes))}")
    formulas, start = [], 0
    for group in bodies:
        parts = []
        for one in group:
            parts.append(renumber(one.formula, start))
            start += len(one.offsets)
        formulas.append(combine("any", parts))
    together = Body(
        normals=np.concatenate([one.normals for one in every]),
        offsets=np.concatenate([one.offsets for one in every]),
        formula=formulas[0],
        low=np.min([one.low for one in every], axis=0),
        high=np.max([one.high for one in every], axis=0),
    )
    return together, tuple(formulas)
