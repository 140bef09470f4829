"""The finished complex in three dimensions and more: convex cells as corners, sides, and which lies on which."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from inscape.geometry._leveled import Leveled
from inscape.geometry._measures import Measures, measures_of
from inscape.geometry._pairing import Pairing, facets_of, normals_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Polytopes(Leveled):
    """A chart of dimension 3 or more, cut into convex cells that meet face to face.

    Attributes:
        start: (C + 1,) cell i has the corners corners[start[i]:start[i + 1]].
        corners: (H,) vertices of the cells.
        masks: (H, words) packed bits: which of its cell's sides a corner lies on.
        side_start: (C + 1,) cell i has the sides side_label[side_start[i]:side_start[i + 1]]; side k of a cell is bit k
            of the masks of its corners.
        side_label: (S,) predicate on which a side lies, counted over all steps; the wall at the low (high) end of axis
            a is -1 - 2a (-2 - 2a).
    """

    start: np.ndarray
    corners: np.ndarray
    masks: np.ndarray
    side_start: np.ndarray
    side_label: np.ndarray

    @property
    def offsets(self) -> np.ndarray:
        """(C + 1,) cell i has the corners ``corners[offsets[i]:offsets[i + 1]]``."""
        return self.start

    @cached_property
    def facets(self) -> Pairing:
        """Sides of the cells, paired."""
        return facets_of(self)

    @property
    def neighbours(self) -> np.ndarray:
        """(F, 2) cells on both sides of each facet, in ascending order; -1 outside."""
        return self.facets.neighbours

    @property
    def facet_label(self) -> np.ndarray:
        """(F,) predicate on which a facet lies, counted over all steps; walls are negative."""
        return self.facets.label

    @cached_property
    def _planes(self) -> tuple[np.ndarray, np.ndarray]:
        return normals_of(self)

    @property
    def normals(self) -> np.ndarray:
        """(F, d) unit normals of the facets, from the first neighbour to the second."""
        return self._planes[0]

    @property
    def facet_offsets(self) -> np.ndarray:
        """(F,) a facet lies in the hyperplane normal · t = offset."""
        return self._planes[1]

    @cached_property
    def _measures(self) -> Measures:
        return measures_of(self)

    @property
    def areas(self) -> np.ndarray:
        """(F,) volumes of dimension d - 1 of the facets in chart units."""
        return self._measures.areas

    @property
    def volumes(self) -> np.ndarray:
        """(C,) volumes of the cells in chart units."""
        return self._measures.volumes

    @property
    def centroids(self) -> np.ndarray:
        """(C, d) centres of mass in chart coordinates."""
        return self._measures.centroids
