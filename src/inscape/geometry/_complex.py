"""The finished complex: cells, their edges and vertices, and the sign pattern of every cell."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from inscape.geometry._leveled import Leveled


@dataclass(frozen=True, kw_only=True, eq=False)
class Complex(Leveled):
    """A chart cut into convex cells.

    In dimension 1 the edges are the cells; ``start`` and ``half`` are empty.

    Attributes:
        ends: (E, 2) vertices of the edges.
        label: (E,) predicate on which an edge lies, counted over all steps; walls are negative.
        start: (C + 1,) cell i owns half[start[i]:start[i + 1]].
        half: (H,) half-edges 2e + flip of the cells, counter-clockwise; flip 1 runs from ends[e, 1] to ends[e, 0].
    """

    ends: np.ndarray
    label: np.ndarray
    start: np.ndarray
    half: np.ndarray

    @cached_property
    def corners(self) -> np.ndarray:
        """(H,) vertices of all cells, counter-clockwise; cell i owns ``corners[offsets[i]:offsets[i + 1]]``."""
        if self.dimension == 1:
            return self.ends.ravel()
        return self.ends[self.half >> 1, self.half & 1]

    @property
    def offsets(self) -> np.ndarray:
        """(C + 1,) see :attr:`corners`."""
        if self.dimension == 1:
            return np.arange(0, 2 * len(self.ends) + 1, 2)
        return self.start

    @cached_property
    def neighbours(self) -> np.ndarray:
        """(F, 2) cells on both sides of each facet, -1 outside: facets are edges, in dimension 1 vertices."""
        sides = np.full((len(self.vertices) if self.dimension == 1 else len(self.ends), 2), -1, np.int32)
        if self.dimension == 1:
            cells = np.arange(len(self.ends), dtype=np.int32)
            sides[self.ends[:, 0], 1] = cells
            sides[self.ends[:, 1], 0] = cells
            return sides
        owner = np.repeat(np.arange(self.cell_count, dtype=np.int32), np.diff(self.start))
        sides[self.half >> 1, self.half & 1] = owner
        return sides

    @property
    def facet_label(self) -> np.ndarray:
        """(F,) predicate on which a facet lies; walls are negative. In dimension 1 it is not known: -1."""
        return np.full(len(self.vertices), -1) if self.dimension == 1 else self.label

    @cached_property
    def areas(self) -> np.ndarray:
        """(F,) lengths of the facets; in dimension 1 each counts 1."""
        if self.dimension == 1:
            return np.ones(len(self.vertices))
        a, b = self.vertices[self.ends.T]
        return np.linalg.norm(b - a, axis=1)

    @property
    def normals(self) -> np.ndarray:
        """(F, d) unit normals of the facets, from the first neighbour to the second."""
        if self.dimension == 1:
            return np.ones((len(self.vertices), 1))
        a, b = self.vertices[self.ends.T]
        along = (b - a) / np.where(self.areas > 0, self.areas, 1.0)[:, None]
        return np.stack([along[:, 1], -along[:, 0]], axis=1)

    @property
    def facet_offsets(self) -> np.ndarray:
        """(F,) a facet lies in the hyperplane normal · t = offset."""
        on = self.vertices if self.dimension == 1 else self.vertices[self.ends[:, 0]]
        return (self.normals * on).sum(1)

    @cached_property
    def volumes(self) -> np.ndarray:
        """(C,) lengths or areas in chart units."""
        if self.dimension == 1:
            return np.abs(self.vertices[self.ends[:, 1], 0] - self.vertices[self.ends[:, 0], 0])
        return self._moments[0]

    @cached_property
    def centroids(self) -> np.ndarray:
        """(C, d) centres of mass in chart coordinates."""
        if self.dimension == 1:
            return self.vertices[self.ends].mean(1)
        return self._moments[1]

    @cached_property
    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Areas and centroids of the polygons, by triangles from their first corner."""
        points = self.vertices[self.corners]
        first = np.repeat(self.start[:-1], np.diff(self.start))
        following = np.arange(1, len(points) + 1)
        following[self.start[1:] - 1] = self.start[:-1]
        a, b = points - points[first], points[following] - points[first]
        cross = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
        area = np.add.reduceat(cross, self.start[:-1]) / 2 if len(points) else np.zeros(0)
        moment = np.add.reduceat((a + b) * cross[:, None], self.start[:-1]) / 6 if len(points) else np.zeros((0, 2))
        flat = np.add.reduceat(points, self.start[:-1]) / np.diff(self.start)[:, None] if len(points) else moment
        with np.errstate(divide="ignore", invalid="ignore"):
            centre = points[self.start[:-1]] + moment / area[:, None]
        return area, np.where(np.isfinite(centre) & (area[:, None] > 0), centre, flat)
