"""Betti numbers of a part of a complex: a decision boundary, or the closed region of a class.

The part is a closed set X: the union of some closed facets, or of some closed cells. Homology is over the two-element
field; b_0 counts components, b_1 independent loops, and so on up to b_{d-1}, which counts the cavities. Since X lies in
d dimensions, b_d is 0, and for d ≤ 3 the numbers are the same over every field.
"""

import numpy as np

from inscape._errors import InputError
from inscape.geometry._complex import Complex
from inscape.geometry._faces import Faces, faces
from inscape.geometry._homology import relative_betti_numbers
from inscape.geometry._pairing import random_words
from inscape.geometry._polytopes import Polytopes

Made = Complex | Polytopes


def betti_numbers(
    made: Made, *, cells: np.ndarray | None = None, facets: np.ndarray | None = None, compactified: bool = False
) -> tuple[int, ...]:
    """Betti numbers of a union X of closed cells or closed facets.

    Lines in the plane are a graph: b_1 = b_0 - χ. In dimension 3, b_2 is one less than the number of components of the
    complement of X in the sphere (Alexander duality), and b_1 = b_0 + b_2 - χ. In higher dimensions the chain complex
    is made small by coreductions, and what is left is a matrix over the two-element field.

    Args:
        made: the complex.
        cells: (c,) cells of the part, or
        facets: (f,) facets of the part.
        compactified: for facets: take all points of X on the outer wall of the complex for one point, "infinity". So a
            plane through a box, which is a disk, becomes a sphere. Where X does not meet the wall nothing changes.

    Returns:
        (b_0, ..., b_{d-1}).

    Raises:
        InputError: if not exactly one of cells and facets is given, or if cells are to be compactified.

    Example:
        >>> from inscape.testing import cubes
        >>> block = cubes((3, 3, 3))
        >>> betti_numbers(block, cells=np.delete(np.arange(27), 13))  # a block around a cavity
        (1, 0, 1)
        >>> wall = np.flatnonzero(block.facet_label == 0)  # the plane between the first and the second layer
        >>> betti_numbers(block, facets=wall), betti_numbers(block, facets=wall, compactified=True)
        ((1, 0, 0), (1, 0, 1))
    """
    if (cells is None) == (facets is None):
        raise InputError("expected either cells or facets, got both or neither")
    if compactified and facets is None:
        raise InputError("expected facets with compactified=True, got cells, which are the closed region of a class")
    under = faces(made, cells=cells, facets=facets)
    wall = _on_wall(made, under) if compactified else [np.zeros(count, np.bool_) for count in under.counts]
    if len(under.start) == 1:
        return _of_graph(under, wall)[: made.dimension]
    if made.dimension == 3 and _fills_its_box(made):
        return _by_duality(made, under, wall, cells, facets)
    return betti_by_reduction(under, wall)[: made.dimension]


def betti_by_reduction(under: Faces, wall: list[np.ndarray]) -> tuple[int, ...]:
    """Betti numbers of a complex in which the faces on the wall, if there are any, are taken as one point.

    Args:
        under: all faces.
        wall: for each dimension, which faces lie on the wall; a closed part.

    Returns:
        The numbers for each dimension up to that of the top faces.
    """
    found = relative_betti_numbers(under, left_out=wall)
    return (found[0] + int(wall[0].any()), *found[1:])


def _of_graph(under: Faces, wall: list[np.ndarray]) -> tuple[int, ...]:
    pieces = _pieces(under, wall[0])
    return pieces, pieces - _euler(under, wall)


def _by_duality(
    made: Made, under: Faces, wall: list[np.ndarray], cells: np.ndarray | None, facets: np.ndarray | None
) -> tuple[int, ...]:
    pieces = _pieces(under, wall[0])
    cavities = _complement_pieces(made, cells, facets, outside=not wall[0].any()) - 1
    return pieces, pieces + cavities - _euler(under, wall), cavities


def _euler(under: Faces, wall: list[np.ndarray]) -> int:
    """Euler characteristic, with the wall's faces taken as one point."""
    counts = np.array([(~mask).sum() for mask in wall])
    return int(counts[::2].sum() - counts[1::2].sum()) + int(wall[0].any())


def _pieces(under: Faces, wall: np.ndarray) -> int:
    """Number of components, with the wall's vertices taken as one point."""
    number = np.where(wall, 0, np.cumsum(~wall) - 1 + int(wall.any()))
    ends = number[under.below[0].reshape(-1, 2)]
    return len(np.unique(_labels(int(number.max(initial=-1)) + 1, ends)))


def _labels(count: int, ends: np.ndarray) -> np.ndarray:
    """(count,) component of each node of a graph with the given edges (e, 2)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def _complement_pieces(made: Made, cells: np.ndarray | None, facets: np.ndarray | None, *, outside: bool) -> int:
    """Number of components of what the part leaves of the box, or with ``outside`` of the whole space."""
    solid = np.arange(made.cell_count + 1) == (-1 if outside else made.cell_count)
    if cells is not None:
        solid[cells] = True
    sides = np.where(made.neighbours < 0, made.cell_count, made.neighbours)
    passage = ~solid[sides].any(1)
    if facets is not None:
        passage[facets] = False
    labels = _labels(made.cell_count + 1, sides[passage])
    return len(np.unique(labels[~solid]))


def euler_characteristic(betti: tuple[int, ...]) -> int:
    """Alternating sum b_0 - b_1 + b_2 - ...

    Args:
        betti: Betti numbers.

    Returns:
        The Euler characteristic.
    """
    return sum(betti[::2]) - sum(betti[1::2])


def components(made: Made, facets: np.ndarray) -> np.ndarray:
    """Number the connected components of a union of closed facets; facets that share a vertex are connected.

    Args:
        made: the complex.
        facets: (f,) facets.

    Returns:
        (f,) component of each facet, numbered in order of first appearance.

    Example:
        >>> from inscape.testing import cubes
        >>> block = cubes((3, 1, 1))
        >>> components(block, np.flatnonzero(block.facet_label >= 0))  # two parallel squares
        array([0, 1])
    """
    under = faces(made, facets=facets)
    start, corners = under.corners(made.dimension - 1)
    rows = np.repeat(np.arange(len(facets)), np.diff(start))
    ends = np.stack([rows, corners + len(facets)], axis=1)
    labels = _labels(len(facets) + len(under.vertices), ends)[: len(facets)]
    _, first, place = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[place]


def _outer_facets(made: Made) -> np.ndarray:
    return np.flatnonzero((made.neighbours < 0).any(1))


def _fills_its_box(made: Made) -> bool:
    """Whether the cells fill their box: then its wall is a sphere, and what is outside is in one piece."""
    return bool((made.facet_label[_outer_facets(made)] < 0).all())


def _on_wall(made: Made, under: Faces) -> list[np.ndarray]:
    """For each dimension, which faces lie on the outer wall: those with the vertices of a face of the wall."""
    outer = faces(made, facets=_outer_facets(made))
    word = random_words(len(made.vertices))
    marks = []
    for j in range(len(under.counts)):
        mine, theirs = (_keys(part, j, word) for part in (under, outer))
        marks.append(np.isin(mine, theirs))
    return marks


def _keys(part: Faces, j: int, word: np.ndarray) -> np.ndarray:
    """(n_j,) sums of the random words of the vertices of each face."""
    start, corners = part.corners(j)
    return np.add.reduceat(word[part.vertices[corners]], start[:-1]) if len(corners) else np.zeros(0, np.uint64)
