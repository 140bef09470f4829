"""Facets of polytopes: which sides of two cells are the same, and in which plane they lie."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inscape._errors import InputError
from inscape.geometry._kernels_faces import Bodies
from inscape.geometry._kernels_facets import key_sides, list_corners, number_equal, pair_sides, unit_normals

if TYPE_CHECKING:
    from inscape.geometry._polytopes import Polytopes


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairing:
    """The facets of a complex of polytopes.

    Attributes:
        of_side: (S,) facet of each side of the cells.
        neighbours: (F, 2) cells on both sides of each facet, in ascending order; -1 outside.
        side: (F,) number of the facet among the sides of its first cell.
        label: (F,) predicate on which a facet lies; walls are negative.
        start: (F + 1,) facet f has the vertices corners[start[f]:start[f + 1]].
        corners: vertices of the facets.
    """

    of_side: np.ndarray
    neighbours: np.ndarray
    side: np.ndarray
    label: np.ndarray
    start: np.ndarray
    corners: np.ndarray


def bodies(made: "Polytopes") -> Bodies:
    """The arrays of a complex as kernels take them."""
    return Bodies(
        np.ascontiguousarray(made.start, np.int64),
        np.ascontiguousarray(made.corners, np.int32),
        np.ascontiguousarray(made.masks, np.uint64),
        np.ascontiguousarray(made.side_start, np.int64),
    )


def random_words(count: int) -> np.ndarray:
    """Words by whose sums sets of vertices are told apart; the same in every run.

    Two of n different sets agree by chance with probability below n² / 2⁶⁵: 3e-8 for a million.

    Args:
        count: number of vertices.

    Returns:
        (count,) 64-bit words.
    """
    return np.random.default_rng(0xFACE7).integers(0, 2**64, size=count, dtype=np.uint64)


def numbered(key: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number equal sets.

    Args:
        key: (n,) sums of random words.
        size: (n,) sizes of the sets.

    Returns:
        (n,) numbers in order of first appearance, and the first item of each.
    """
    table = np.full(1 << max(int(1.5 * len(key)).bit_length(), 4), -1, np.int64)
    number, first = np.empty(len(key), np.int64), np.empty(len(key), np.int64)
    count = number_equal(key, size, table, number, first)
    return number, first[:count].copy()


def facets_of(made: "Polytopes") -> Pairing:
    """Find the facets: cells meet face to face, so that a facet of two of them has the same corners in both.

    Args:
        made: the complex.

    Returns:
        The facets, in the order of the cells.

    Raises:
        InputError: if three cells have the same facet, which is no complex.
    """
    arrays = bodies(made)
    sides = int(arrays.side_start[-1])
    key, size = np.zeros(sides, np.uint64), np.zeros(sides, np.int32)
    key_sides(arrays, random_words(len(made.vertices)), key, size)
    of_side, first = numbered(key, size)
    neighbours = np.full((len(first), 2), -1, np.int32)
    surplus = pair_sides(arrays.side_start, of_side, neighbours)
    if surplus >= 0:
        raise InputError(f"expected cells that meet face to face, got a facet with three cells: number {surplus}")
    owner = neighbours[:, 0]
    side = (first - arrays.side_start[owner]).astype(np.int32)
    start = np.concatenate([[0], np.cumsum(size[first])])
    corners = np.empty(int(start[-1]), np.int32)
    list_corners(arrays, owner, side, start, corners)
    label = np.asarray(made.side_label)[first]
    return Pairing(of_side=of_side, neighbours=neighbours, side=side, label=label, start=start, corners=corners)


def normals_of(made: "Polytopes") -> tuple[np.ndarray, np.ndarray]:
    """Planes of the facets, each from its d corners that lie best.

    Args:
        made: the complex.

    Returns:
        (F, d) unit normals that point away from the first neighbour, and (F,) values n · t on the facets.
    """
    found, d = made.facets, made.dimension
    normals, offsets = np.empty((len(found.side), d)), np.empty(len(found.side))
    planes = (np.ascontiguousarray(found.neighbours[:, 0]), found.start, found.corners)
    unit_normals(bodies(made), made.vertices, planes, np.zeros((d, d)), np.zeros(d), normals, offsets)
    return normals, offsets
