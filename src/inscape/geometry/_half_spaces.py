"""One cell as an intersection of half-spaces."""

import numpy as np

from inscape.geometry._complex import Complex
from inscape.geometry._polytopes import Polytopes


def half_spaces(made: Complex | Polytopes, cell: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cell as {t : normals · t ≤ offsets}, without redundant rows.

    Args:
        made: the complex.
        cell: number of the cell.

    Returns:
        (m, d) unit outer normals, (m,) offsets and (m,) labels of its sides.

    Example:
        >>> from inscape.testing import cubes
        >>> normals, offsets, _ = half_spaces(cubes((1, 1, 1)), 0)
        >>> bool((normals @ (0.5, 0.5, 0.5) < offsets).all()), len(offsets)
        (True, 6)
    """
    found = cell_facets(made, cell)
    first = made.neighbours[found, 0] == cell
    sign = np.where(first, 1.0, -1.0)
    return made.normals[found] * sign[:, None], made.facet_offsets[found] * sign, made.facet_label[found]


def cell_facets(made: Complex | Polytopes, cell: int) -> np.ndarray:
    """Facets of one cell, in dimension 2 counter-clockwise.

    Args:
        made: the complex.
        cell: number of the cell.

    Returns:
        (m,) numbers of facets.
    """
    if isinstance(made, Polytopes):
        return made.facets.of_side[made.side_start[cell] : made.side_start[cell + 1]]
    if made.dimension == 1:
        return made.ends[cell]
    return made.half[made.start[cell] : made.start[cell + 1]] >> 1
