"""The face lattice of a complex: faces of every dimension, and the facets of each face."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inscape.geometry._complex import Complex
from inscape.geometry._kernels_faces import Bodies, list_faces
from inscape.geometry._pairing import bodies, numbered, random_words
from inscape.geometry._polytopes import Polytopes


@dataclass(frozen=True, kw_only=True, eq=False)
class Faces:
    """A closed part of a complex: some cells or facets, and all faces under them.

    Attributes:
        start: for each dimension j from 1 up, (n_j + 1,): face i of dimension j has the facets
            below[start[i]:start[i + 1]], which are numbers of faces of dimension j - 1.
        below: for each dimension from 1 up, these facets.
        vertices: (n_0,) vertices of the complex that are the faces of dimension 0.
    """

    start: Sequence[np.ndarray]
    below: Sequence[np.ndarray]
    vertices: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Numbers n_0, n_1, ... of faces of each dimension."""
        return np.array([len(self.vertices), *(len(start) - 1 for start in self.start)])

    @property
    def euler(self) -> int:
        """Euler characteristic n_0 - n_1 + n_2 - ..."""
        counts = self.counts
        return int(counts[::2].sum() - counts[1::2].sum())

    def corners(self, dimension: int) -> tuple[np.ndarray, np.ndarray]:
        """Vertices of all faces of one dimension.

        Args:
            dimension: from 0 to that of the top faces.

        Returns:
            (n + 1,) offsets and positions in ``vertices``, ascending in each face.
        """
        from scipy.sparse import csr_array, eye_array

        found: Any = eye_array(len(self.vertices), format="csr")
        for start, below in zip(self.start[:dimension], self.below[:dimension], strict=True):
            width = found.shape[0]
            step = csr_array((np.ones(len(below)), below, start), shape=(len(start) - 1, width))
            found = step @ found
            found.data[:] = 1
        found.sort_indices()
        return found.indptr, found.indices


def faces(made: Complex | Polytopes, *, cells: np.ndarray | None = None, facets: np.ndarray | None = None) -> Faces:
    """List the faces of a complex, or of a part of it.

    Args:
        made: the complex.
        cells: (c,) cells of the part, all by default.
        facets: (f,) facets of the part, instead of cells.

    Returns:
        The top faces in the order given, and all faces under them.

    Example:
        >>> from inscape.testing import cubes
        >>> faces(cubes((2, 1, 1))).counts  # two cubes that share a square
        array([12, 20, 11,  2])
    """
    if isinstance(made, Complex):
        return _polygon_faces(made, cells, facets)
    arrays = bodies(made)
    words = arrays.masks.shape[1]
    if facets is None:
        top = made.dimension
        owner = np.arange(made.cell_count) if cells is None else np.asarray(cells, np.int64)
        mask = np.zeros((len(owner), words), np.uint64)
    else:
        top, chosen, rows = made.dimension - 1, np.asarray(facets, np.int64), np.arange(len(facets))
        owner, side = made.neighbours[chosen, 0].astype(np.int64), made.facets.side[chosen]
        mask = np.zeros((len(owner), words), np.uint64)
        mask[rows, side >> 6] = np.uint64(1) << (side & 63).astype(np.uint64)
    return _descend(arrays, len(made.vertices), top, owner, mask)


def _descend(arrays: Bodies, vertex_count: int, top: int, owner: np.ndarray, mask: np.ndarray) -> Faces:
    """From the top faces down to the vertices, with equal faces of different cells taken once."""
    word = random_words(vertex_count)
    starts, belows, used = [], [], np.zeros(0, np.int64)
    for m in range(top, 0, -1):
        start, cell, closed, key, size = _facets_of_faces(arrays, owner, mask, m, word)
        if m == 1:
            used, number = np.unique(cell, return_inverse=True)
        else:
            number, first = numbered(key, size)
            owner, mask = cell[first], closed[first]
        starts.append(start)
        belows.append(number)
    return Faces(start=tuple(starts[::-1]), below=tuple(belows[::-1]), vertices=used)


def _facets_of_faces(arrays: Bodies, owner: np.ndarray, mask: np.ndarray, m: int, word: np.ndarray) -> tuple:
    corners = int(np.diff(arrays.start).max(initial=0))
    sides = int(np.diff(arrays.side_start).max(initial=0))
    words = arrays.masks.shape[1]
    room = (np.zeros(corners, np.int64), np.zeros(corners, np.int64), np.zeros(sides, np.int64))
    scratch = (*room, np.zeros(words, np.uint64))
    start = np.zeros(len(owner) + 1, np.int64)
    out: tuple = ()
    for count in (0, None):  # count first, then list
        n = int(start[-1]) if count is None else 0
        out = (np.empty(n, np.int64), np.empty((n, words), np.uint64), np.empty(n, np.uint64), np.empty(n, np.int32))
        list_faces(arrays, (owner, mask), m, word, scratch, (start, *out))
    return (start, *out)


def _polygon_faces(made: Complex, cells: np.ndarray | None, facets: np.ndarray | None) -> Faces:
    """The same for dimensions 1 and 2, where edges and vertices are numbered already."""
    starts, belows = [], []
    if made.dimension == 1 and facets is not None:
        return Faces(start=(), below=(), vertices=np.asarray(facets, np.int64))
    if made.dimension == 2 and facets is None:
        chosen = np.arange(made.cell_count) if cells is None else np.asarray(cells, np.int64)
        sizes = np.diff(made.start)[chosen]
        start = np.concatenate([[0], np.cumsum(sizes)])
        place = np.arange(start[-1]) + np.repeat(made.start[chosen] - start[:-1], sizes)
        edges, below = np.unique(made.half[place] >> 1, return_inverse=True)
        starts, belows = [start], [below]
    elif facets is None:
        edges = np.arange(made.cell_count) if cells is None else np.asarray(cells, np.int64)
    else:
        edges = np.asarray(facets, np.int64)
    used, below = np.unique(made.ends[edges], return_inverse=True)
    starts.insert(0, np.arange(0, 2 * len(edges) + 1, 2))
    belows.insert(0, below.ravel())
    return Faces(start=tuple(starts), below=tuple(belows), vertices=used)


def f_vector(made: Complex | Polytopes) -> np.ndarray:
    """Number of faces of each dimension of a complex.

    Args:
        made: the complex.

    Returns:
        (d + 1,) numbers of vertices, edges, ..., facets, cells; their alternating sum is 1 for a full box.

    Example:
        >>> from inscape.testing import cubes
        >>> f_vector(cubes((1, 1, 1, 1)))  # the tesseract
        array([16, 32, 24,  8,  1])
    """
    return faces(made).counts
