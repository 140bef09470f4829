"""Volumes of polytopes and their facets, and centres of mass."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inscape.geometry._kernels_faces import Bodies, Pulling, measure_cells, measure_facets
from inscape.geometry._pairing import bodies

if TYPE_CHECKING:
    from inscape.geometry._polytopes import Polytopes


@dataclass(frozen=True, kw_only=True, eq=False)
class Measures:
    """Volumes and centres.

    Attributes:
        areas: (F,) volumes of dimension d - 1 of the facets.
        volumes: (C,) volumes of the cells.
        centroids: (C, d) centres of mass of the cells.
    """

    areas: np.ndarray
    volumes: np.ndarray
    centroids: np.ndarray


def measures_of(made: "Polytopes") -> Measures:
    """Measure a complex: facets by simplices along their faces, cells by cones over their facets.

    Args:
        made: the complex.

    Returns:
        Its measures in chart units.

    Source:
        Cohen and Hickey (1979), Two algorithms for determining volumes of convex polyhedra.
    """
    arrays, found, d = bodies(made), made.facets, made.dimension
    areas, centres = np.empty(len(found.side)), np.empty((len(found.side), d))
    owner = np.ascontiguousarray(found.neighbours[:, 0])
    measure_facets(arrays, made.vertices, owner, found.side, _scratch(arrays, d), areas, centres)
    volumes, centroids = np.empty(made.cell_count), np.empty((made.cell_count, d))
    planes = (found.of_side, made.normals, made.facet_offsets, areas, centres)
    measure_cells(arrays, made.vertices, planes, np.zeros(d), volumes, centroids)
    return Measures(areas=areas, volumes=volumes, centroids=centroids)


def _scratch(arrays: Bodies, d: int) -> Pulling:
    corners = int(np.diff(arrays.start).max(initial=0))
    sides = int(np.diff(arrays.side_start).max(initial=0))
    return Pulling(
        member=np.zeros((d + 1, corners), np.int64),
        count=np.zeros(d + 1, np.int64),
        mask=np.zeros((d + 1, arrays.masks.shape[1]), np.uint64),
        on_side=np.zeros((d + 1, sides), np.int64),
        simple=np.zeros(d + 1, np.bool_),
        following=np.zeros(d + 1, np.int64),
        origin=np.zeros(d),
        axis=np.zeros((d, d)),
        product=np.zeros(d),
        total=np.zeros((d, d)),
    )
