"""Simple polygons as monotone formulas that use the half-plane of each edge once."""

from typing import Any

import numpy as np

from inscape._errors import DomainError
from inscape.regions._formula import Formula, combine

_FLAT = 1e-12
"""Sine of the turn below which a corner lies on a straight edge."""
_TIE = 1e-15
"""Difference of height, as a share of the size, at which two corners are equally far."""
_VIEWS = np.linspace(-0.98, 0.98, 33)
"""Directions in which the corners of a chain's hull are looked for, as shares of the angle that there is."""
MOST_GATES = 100
"""Gates above one another; a network has as many layers."""


def corners(vertices: np.ndarray) -> np.ndarray:
    """The corners of a polygon, counter-clockwise, without those on straight edges.

    Args:
        vertices: (n, 2) corners in order, either way round.

    Returns:
        (m, 2) corners.

    Raises:
        DomainError: if there are fewer than three, two of them coincide, or the border meets itself.
    """
    if vertices.ndim != 2 or vertices.shape[1] != 2 or len(vertices) < 3:
        raise DomainError(
            f"expected a polygon with three or more corners (n, 2), got an array of shape {vertices.shape}"
        )
    found = vertices[:-1] if len(vertices) > 3 and (vertices[0] == vertices[-1]).all() else vertices
    edges = np.roll(found, -1, axis=0) - found
    lengths = np.linalg.norm(edges, axis=1)
    if (lengths <= _FLAT * np.ptp(found, axis=0).max()).any():
        place = int(np.argmin(lengths))
        raise DomainError(f"expected corners that differ, got corner {place} of the polygon twice; leave one out")
    before = np.roll(edges, 1, axis=0)
    turn, along = _cross(before, edges), (before * edges).sum(1)
    straight = np.abs(turn) <= _FLAT * lengths * np.roll(lengths, 1)
    if (straight & (along < 0)).any():
        place = int(np.argmax(straight & (along < 0)))
        raise DomainError(f"the polygon turns back on itself at corner {place}; leave that spike out")
    found = found[~straight]
    _check_simple(found)
    return found if _area(found) > 0 else found[::-1]


def _area(points: np.ndarray) -> float:
    shifted = points - points[0]
    return float(_cross(shifted, np.roll(shifted, -1, axis=0)).sum() / 2)


def _cross(a: np.ndarray, b: np.ndarray) -> Any:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _check_simple(points: np.ndarray) -> None:
    """Every two edges that are no neighbours must be apart."""
    count = len(points)
    ends = np.roll(points, -1, axis=0)
    for i in range(count - 2):
        others = np.arange(i + 2, count - (i == 0))
        if not len(others):
            continue
        p, q, a, b = points[i], ends[i], points[others], ends[others]
        sides = _cross(q - p, a - p) * _cross(q - p, b - p), _cross(b - a, p - a) * _cross(b - a, q - a)
        box = (np.minimum(a, b) <= np.maximum(p, q)).all(1) & (np.maximum(a, b) >= np.minimum(p, q)).all(1)
        meets = (sides[0] <= 0) & (sides[1] <= 0) & box
        if meets.any():
            raise DomainError(
                f"edges {i} and {int(others[np.argmax(meets)])} of the polygon meet; "
                "expected a border that does not touch itself"
            )


def half_planes(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inward unit normals and offsets of the edges of a counter-clockwise polygon.

    Args:
        points: (n, 2) corners.

    Returns:
        (n, 2) normals a and (n,) offsets b; the inner side of an edge is a · x + b > 0.
    """
    ends = np.roll(points, -1, axis=0)
    along = ends - points
    normals = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
    return normals, -(normals * (points + ends) / 2).sum(1)


def polygon_formula(points: np.ndarray) -> Formula:
    """A formula over the edges' half-planes whose set is the polygon; every half-plane occurs once.

    The border is cut at its first and last corner into two chains. A chain, prolonged by its end edges to infinity,
    is cut at a corner of its convex hull: there the two parts, prolonged in turn, meet in that corner only, so that
    the side to the left is ALL of both at a left turn and ANY of them at a right turn.

    Of the hull's corners the one nearest to the middle of the chain is taken, for a formula of little height.

    Args:
        points: (n, 2) corners, counter-clockwise, none on a straight edge.

    Returns:
        The formula; half-plane i belongs to the edge from corner i to the next.

    Raises:
        DomainError: if the polygon is wound so often that the formula gets too high.

    Source:
        Dobkin, Guibas, Hershberger and Snoeyink (1993).
    """
    count = len(points)
    order = np.lexsort((points[:, 1], points[:, 0]))
    first, last = sorted((int(order[0]), int(order[-1])))
    chains = [_chain(points, first, last), _chain(points, last, first + count)]
    formula, gates = _joined("all", *chains)
    if gates > MOST_GATES:
        raise DomainError(
            f"the polygon is wound so often that its formula has {gates} gates above one another, of {MOST_GATES} at "
            "most; cut it into polygons that overlap a little"
        )
    return formula


_Part = tuple[Formula, int]
"""A formula and its height."""


def _joined(gate: str, left: _Part, right: _Part) -> _Part:
    heights = [high - (isinstance(part, tuple) and part[0] == gate) for part, high in (left, right)]
    return combine(gate, [left[0], right[0]]), 1 + max(heights)


def _chain(points: np.ndarray, start: int, stop: int) -> _Part:
    """Formula of the edges start, ..., stop - 1, counted round the polygon; without recursion, chains may be long."""
    waiting: list[tuple[int, int] | str] = [(start, stop)]
    made: list[_Part] = []
    while waiting:
        task = waiting.pop()
        if isinstance(task, str):
            right, left = made.pop(), made.pop()
            made.append(_joined(task, left, right))
        elif task[1] - task[0] == 1:
            made.append((task[0] % len(points), 0))
        else:
            gate, middle = _cut(points, *task)
            waiting += [gate, (middle, task[1]), (task[0], middle)]
    return made[0]


def _cut(points: np.ndarray, start: int, stop: int) -> tuple[str, int]:
    """Gate and corner at which a chain is cut."""
    count = len(points)
    back = points[start % count] - points[(start + 1) % count]
    ahead = points[stop % count] - points[(stop - 1) % count]
    back, ahead = back / np.linalg.norm(back), ahead / np.linalg.norm(ahead)
    inner = np.arange(start + 1, stop)
    seen = points[inner % count] - points[inner[0] % count]
    hull = _farthest(seen, _views(back, ahead))
    hull = np.union1d(hull, _farthest(seen, _faces(points, inner[hull], back, ahead)))
    middle = int(inner[hull[np.argmin(np.abs(2 * hull - len(inner) + 1))]])
    corner = points[middle % count]
    turn = _cross(corner - points[(middle - 1) % count], points[(middle + 1) % count] - corner)
    return ("all" if turn > 0 else "any"), middle


def _views(back: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Directions away from both rays in which a chain ends: (v, 2)."""
    away = -(back + ahead)
    length = float(np.linalg.norm(away))
    if length < _FLAT:  # the rays are opposite: one direction is left, and either side will do
        return np.array([[-ahead[1], ahead[0]]])
    angle = np.arctan2(away[1], away[0]) + _VIEWS * np.arcsin(min(1.0, length / 2))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _faces(points: np.ndarray, corner: np.ndarray, back: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Normals of the edges at some corners that look away from both rays: they see all tops of a comb at once."""
    count = len(points)
    edge = np.unique(np.concatenate([corner - 1, corner]) % count)
    along = points[(edge + 1) % count] - points[edge]
    normals = np.stack([along[:, 1], -along[:, 0]], axis=1) / np.linalg.norm(along, axis=1, keepdims=True)
    both = np.concatenate([normals, -normals])
    return both[(both @ back <= 0) & (both @ ahead <= 0)]


def _farthest(points: np.ndarray, views: np.ndarray) -> np.ndarray:
    """The corners that are farthest in one of the directions."""
    if not len(views):
        return np.zeros(0, np.int64)
    heights = points @ views.T
    size = float(np.abs(points).max())
    return np.flatnonzero((heights >= heights.max(0) - _TIE * size).any(1))
