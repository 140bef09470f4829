"""Which cell holds a point, in every dimension."""

from typing import TYPE_CHECKING, Any

import numpy as np

from inscape.geometry._complex import Complex
from inscape.geometry._kernels_locate import locate_among_polytopes, locate_in_plane, locate_on_line
from inscape.geometry._polytopes import Polytopes

if TYPE_CHECKING:
    from scipy.spatial import KDTree

_WALK, _EVERYWHERE = 1e-13, 1e-9
"""Shares of the complex's reach by which a point may lie outside a cell that holds it."""


def centroid_tree(made: Complex | Polytopes) -> "KDTree":
    """A tree over the centroids of the cells, from which walks start.

    Args:
        made: the complex.

    Returns:
        The tree.
    """
    from scipy.spatial import KDTree

    return KDTree(made.centroids)


def locate(made: Complex | Polytopes, points: np.ndarray, *, tree: Any = None) -> np.ndarray:
    """Find the cells that hold points.

    Args:
        made: the complex.
        points: (n, d) chart coordinates.
        tree: from :func:`centroid_tree`, if it is there already.

    Returns:
        (n,) numbers of cells, -1 outside; on a common facet one of the cells.

    Example:
        >>> from inscape.testing import cubes
        >>> locate(cubes((2, 2, 2)), np.array([[0.5, 1.5, 1.5], [0.5, 0.5, 2.5]]))
        array([ 3, -1])
    """
    found = np.full(len(points), -1, np.int64)
    if isinstance(made, Complex) and made.dimension == 1:
        locate_on_line(made.ends, made.vertices, np.argsort(made.centroids[:, 0]), points, found)
        return found
    finite = np.isfinite(points).all(1)
    inner, held = points[finite], found[finite]
    guess = np.asarray((centroid_tree(made) if tree is None else tree).query(inner)[1], np.int64)
    if isinstance(made, Complex):
        locate_in_plane(made.start, made.half, made.ends, made.vertices, made.neighbours, guess, inner, held)
    else:
        reach = float(np.abs(made.vertices).max(initial=0.0))
        sides = (np.ascontiguousarray(made.side_start, np.int64), made.facets.of_side)
        planes = (made.neighbours, made.normals, made.facet_offsets)
        locate_among_polytopes(sides, planes, guess, inner, (_WALK * reach, _EVERYWHERE * reach), held)
    found[finite] = held
    return found
