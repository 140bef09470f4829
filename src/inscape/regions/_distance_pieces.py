"""Distances read off a boundary that was found on a domain."""

from itertools import product
from time import perf_counter
from typing import Any

import numpy as np

from inscape._errors import InputError
from inscape.geometry import Box, Chart, nearest_in_hull, nearest_on_segments
from inscape.regions._distance_result import Distance, worth_of_pieces
from inscape.regions._read import words
from inscape.results import Provenance, Verdict


def distance_to_pieces(found: Any, t: Any, norm: float) -> Distance:
    """Distances from points of a domain to a boundary on it, along the chart.

    Args:
        found: the boundary.
        t: (n, d) or (d,) chart coordinates inside the domain.
        norm: 1, 2 or infinity, of input space.

    Returns:
        The distances.

    Raises:
        InputError: if the points do not lie in the domain.
    """
    begin = perf_counter()
    domain: Chart = found.domain
    points = np.atleast_2d(np.asarray(t, dtype=np.float64))
    if points.ndim != 2 or points.shape[1] != domain.dimension:
        raise InputError(
            f"expected points with {domain.dimension} chart coordinates, got an array of shape {np.shape(t)}"
        )
    if not ((points >= domain.low) & (points <= domain.high)).all():
        raise InputError(f"expected points inside the domain {words(domain)}, got one outside or NaN")
    frame = np.eye(domain.dimension) if norm == 2 else domain.basis
    corners, offsets = found.surface()
    search = _on_segments if domain.dimension < 3 else _on_flats
    upper, nearest = np.full(len(points), np.inf), np.full(points.shape, np.nan)
    pairs = np.full((len(points), 2), -1)
    for i, point in enumerate(points):
        if len(offsets) > 1:
            upper[i], piece, nearest[i] = search(corners, offsets, point, frame, norm)
            ahead = (point - corners[offsets[piece]]) @ found.normals[piece] > 0
            pairs[i] = found.pairs[piece][::-1] if ahead else found.pairs[piece]
    wall = np.array([wall_distance(domain, point, norm) for point in points])
    lower = np.minimum(upper, wall)
    if found.status.verdict is Verdict.LIMIT:
        lower = np.zeros_like(lower)
    return Distance(
        points=points,
        norm=float(norm),
        lower=lower,
        upper=upper,
        nearest=nearest,
        pairs=pairs,
        cells=np.zeros(len(points), np.int64),
        status=worth_of_pieces(found.status, lower, upper),
        provenance=Provenance(
            function="inscape.regions.distance",
            options={"domain": words(domain), "norm": float(norm)},
            model=found.provenance.model,
            seconds=perf_counter() - begin,
        ),
    )


def _on_segments(
    corners: np.ndarray, offsets: np.ndarray, point: np.ndarray, frame: np.ndarray, norm: float
) -> tuple[float, int, np.ndarray]:
    """Distance, number of the piece and nearest point; pieces that are too far in the 2-norm are passed over."""
    starts, ends = corners[offsets[:-1]], corners[offsets[1:] - 1]
    plain, place = nearest_on_segments(starts, ends, point)  # the chart is orthonormal
    kept = np.arange(len(starts))
    if norm != 2:
        first = int(plain.argmin())
        reach = np.linalg.norm((starts[first] + place[first] * (ends - starts)[first] - point) @ frame, ord=norm)
        share = 1.0 if norm == 1 else frame.shape[1] ** -0.5
        kept = np.flatnonzero(plain * share <= reach * (1 + 1e-9))
        plain, place = nearest_on_segments(starts[kept] @ frame, ends[kept] @ frame, point @ frame, norm=norm)
    best = int(plain.argmin())
    piece = int(kept[best])
    return float(plain[best]), piece, starts[piece] + place[best] * (ends[piece] - starts[piece])


def _on_flats(
    corners: np.ndarray, offsets: np.ndarray, point: np.ndarray, frame: np.ndarray, norm: float
) -> tuple[float, int, np.ndarray]:
    """The same for pieces of two dimensions and more, in the order of the balls around them."""
    sizes = np.diff(offsets)
    centres = np.add.reduceat(corners, offsets[:-1]) / sizes[:, None]
    reach = np.sqrt(np.maximum.reduceat(np.square(corners - np.repeat(centres, sizes, axis=0)).sum(1), offsets[:-1]))
    share = frame.shape[1] ** -0.5 if np.isinf(norm) else 1.0
    least = share * (np.linalg.norm(centres - point, axis=1) - reach) * (1 - 1e-9)
    best, piece, nearest = np.inf, -1, point
    for n in np.argsort(least):
        if least[n] > best:
            break
        distance, place = nearest_in_hull(corners[offsets[n] : offsets[n + 1]] @ frame, point @ frame, norm)
        if distance < best:
            best, piece, nearest = distance, int(n), place @ frame.T  # the chart is orthonormal
    return best, piece, nearest


def wall_distance(domain: Chart, point: np.ndarray, norm: float) -> float:
    """Distance from a point of a domain to its wall, along the chart.

    Args:
        domain: the domain.
        point: (d,) chart coordinates inside it.
        norm: 1, 2 or infinity, of input space.

    Returns:
        The distance.
    """
    room = np.concatenate([point - domain.low, domain.high - point])
    if norm == 2 or isinstance(domain, Box):
        return float(room.min())
    if domain.dimension == 1:
        return float(room.min() * np.linalg.norm(domain.basis[0], ord=norm))
    ends = np.stack([domain.low, domain.high])
    corners = np.array(list(product(*ends.T)))
    walls = [corners[corners[:, axis] == end] for axis in range(domain.dimension) for end in ends[:, axis]]
    return min(nearest_in_hull(wall @ domain.basis, point @ domain.basis, norm)[0] for wall in walls)
