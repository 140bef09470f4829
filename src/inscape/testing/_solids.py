"""Exact ReLU networks of solids with known topology, positive inside."""

from collections.abc import Sequence
from math import cos, pi, sin, sqrt

import numpy as np
from torch import nn

from inscape._errors import InputError
from inscape.regions import HalfSpaces, build


def inside_polygon(points: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Whether points lie in a polygon: an odd number of edges crosses the ray to the right.

    Args:
        points: (n, 2) points, none on the border.
        vertices: (m, 2) corners in order.

    Returns:
        (n,) booleans.
    """
    found = np.zeros(len(points), np.bool_)
    for (x0, y0), (x1, y1) in zip(vertices, np.roll(vertices, -1, axis=0), strict=True):
        spans = (y0 > points[:, 1]) != (y1 > points[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = x0 + (points[:, 1] - y0) * (x1 - x0) / (y1 - y0)
        found ^= spans & (points[:, 0] < crossing)
    return found


def sphere_points(count: int, dimension: int) -> np.ndarray:
    """Unit vectors, evenly spread.

    Args:
        count: number of vectors, more than the dimension.
        dimension: 1, 2 (a regular polygon) or 3 (a Fibonacci spiral).

    Returns:
        (count, dimension) vectors; for dimension 1 the two there are.

    Raises:
        InputError: if the dimension is another one, or there are too few vectors to enclose a point.

    Source:
        González (2010), Measurement of areas on a sphere using Fibonacci and latitude–longitude lattices.
    """
    if dimension not in (1, 2, 3) or count <= dimension:
        raise InputError(f"expected dimension 1, 2 or 3 and more vectors, got {dimension} and {count}")
    if dimension == 1:
        return np.array([[-1.0], [1.0]])
    k = np.arange(count) + 0.5
    if dimension == 2:
        angle = 2 * pi * k / count
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    z, angle = 1 - 2 * k / count, pi * (1 + sqrt(5)) * k
    ring = np.sqrt(1 - z**2)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=1)


def ball(centre: Sequence[float], radius: float, *, faces: int = 12, jitter: float = 0.0) -> HalfSpaces:
    """A polytope around a ball.

    Args:
        centre: (d,) centre, d = 1, 2 or 3.
        radius: radius of the ball.
        faces: number of faces.
        jitter: faces are up to this share of the radius away from the ball, by random amounts of a fixed seed.

    Returns:
        The polytope.
    """
    normals = sphere_points(faces, len(centre))
    away = radius * (1 + jitter * np.random.default_rng(0).random(len(normals)))
    return HalfSpaces(normals, normals @ np.asarray(centre, dtype=np.float64) + away)


def ball_net(dimension: int = 2, *, faces: int = 12, radius: float = 1.0, jitter: float = 0.05) -> nn.Sequential:
    """A polytope around a ball at the origin: one component; its boundary is a circle or a sphere.

    Args:
        dimension: 1, 2 or 3.
        faces: number of faces (2 in dimension 1).
        radius: radius of the ball.
        jitter: see :func:`ball`; at 0 all faces are equally far from the centre, where many units then change at once.

    Returns:
        The network; its output is the distance to the nearest face, negative outside.

    Example:
        >>> import torch
        >>> ball_net(2, faces=4, jitter=0.0)(torch.zeros(1, 2).double()).item()
        1.0
    """
    return build(ball([0.0] * dimension, radius, faces=faces, jitter=jitter), 1.0, activation="relu").model


def balls_net(centres: object, *, radius: float = 1.0, faces: int = 12, jitter: float = 0.05) -> nn.Sequential:
    """Polytopes around balls: as many components as there are centres, if these are far enough apart.

    Args:
        centres: (n, d) centres, d = 1, 2 or 3.
        radius: radius of each ball.
        faces: faces of each polytope.
        jitter: see :func:`ball`.

    Returns:
        The network.
    """
    points = np.atleast_2d(np.asarray(centres, dtype=np.float64))
    shapes = [ball([float(v) for v in point], radius, faces=faces, jitter=jitter) for point in points]
    return build(shapes, 1.0, activation="relu").model


def torus_blocks(*, major: float = 2.0, minor: float = 0.75, blocks: int = 6, sides: int = 4) -> list[HalfSpaces]:
    """Convex blocks whose union is a solid torus around the third axis; each overlaps its two neighbours.

    Args:
        major: distance of the tube's centre from the axis.
        minor: inradius of the tube's cross-section, a regular polygon.
        blocks: number of blocks, 4 or more.
        sides: sides of the cross-section, 3 or more.

    Returns:
        The blocks.

    Raises:
        InputError: if there are too few blocks or sides, or the tube would reach the axis.
    """
    if blocks < 4 or sides < 3 or not 0 < minor / cos(pi / sides) < major:
        raise InputError(
            f"expected blocks ≥ 4, sides ≥ 3 and a tube off the axis, got blocks={blocks}, sides={sides}, "
            f"major={major}, minor={minor}"
        )
    section = sphere_points(sides, 2)
    half, source = pi / blocks, np.random.default_rng(0)
    found = []
    for k in range(blocks):
        angle = 2 * half * k + 0.1
        ahead = np.array([cos(angle), sin(angle), 0.0])
        walls = section[:, :1] * ahead / cos(half) + section[:, 1:] * np.array([0.0, 0.0, 1.0])
        ends = np.array([[s * -sin(angle + s * half), s * cos(angle + s * half), 0.0] for s in (-1.0, 1.0)])
        spread = source.random(sides + 2)  # for general position
        offsets = np.r_[section[:, 0] * major + minor * (1 + 0.05 * spread[:-2]), minor * (0.2 + 0.1 * spread[-2:])]
        found.append(HalfSpaces(np.concatenate([walls, ends]), offsets))
    return found


def torus_net(*, major: float = 2.0, minor: float = 0.75, blocks: int = 6, sides: int = 4) -> nn.Sequential:
    """A solid torus of convex blocks: one component with one hole; its boundary has the Euler characteristic 0.

    Args:
        major: distance of the tube's centre from the third axis.
        minor: inradius of the tube's cross-section.
        blocks: number of blocks.
        sides: sides of the cross-section.

    Returns:
        The network of three inputs.
    """
    shapes = torus_blocks(major=major, minor=minor, blocks=blocks, sides=sides)
    return build(shapes, 1.0, activation="relu").model
