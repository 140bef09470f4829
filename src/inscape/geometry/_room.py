"""Arrays that the kernels work on: what is given, room for the work, and what comes out."""

from typing import NamedTuple

import numpy as np

from inscape.geometry._kernels_arrange import Boundary, Chords, Mesh
from inscape.geometry._kernels_edges import Crossings
from inscape.geometry._kernels_signs import Predicates, Signs

QUESTIONS = 4096
"""Questions that a cell may ask before it is cut again with the answers."""

CELLS, HALVES, EDGES, MIXED = range(4)
"""Places of the counters of cells, half-edges, chord edges and interior vertices."""


class Cut(NamedTuple):
    """What cutting made: C' cells, chord edges numbered after the sub-edges, interior vertices after all others."""

    start: np.ndarray
    """(C' + 1,) cell i owns half[start[i]:start[i + 1]]."""
    half: np.ndarray
    """(H,) half-edges 2e + flip of the cells, counter-clockwise."""
    parent: np.ndarray
    """(C',) the cell it was cut from."""
    bits: np.ndarray
    """(C', words) bit p set where predicate p is positive."""
    doubt: np.ndarray
    """(C',) True where a decision lay below the rounding bound."""
    ends: np.ndarray
    """(N, 2) vertices of the chord edges."""
    label: np.ndarray
    """(N,) predicate on which a chord edge lies."""
    radius: np.ndarray
    """(N,) bound on the distance to the exact line."""
    mix_a: np.ndarray
    """(I,) the interior vertices lie between vertex mix_a"""
    mix_b: np.ndarray
    """(I,) and vertex mix_b"""
    mix_s: np.ndarray
    """(I,) at this parameter."""
    mix_radius: np.ndarray
    """(I,) their position error."""
    mix_on: np.ndarray
    """(I, 2) two predicates that vanish there."""


class Cells(NamedTuple):
    """A planar complex before the cut, with all that is known about it."""

    start: np.ndarray
    """(C + 1,) cell i owns half[start[i]:start[i + 1]]."""
    half: np.ndarray
    """(H,) half-edges 2e + flip, counter-clockwise."""
    ends: np.ndarray
    """(E, 2) vertices of the edges."""
    xy: np.ndarray
    """(V, 2) chart coordinates."""
    radius: np.ndarray
    """(V,) position error of the vertices."""
    values: np.ndarray
    """(V, width) values at the vertices."""


class Given(NamedTuple):
    """What a step found out before the cut: values, ``Predicates``, ``Signs`` and ``Crossings``."""

    values: np.ndarray
    predicates: Predicates
    signs: Signs
    crossings: Crossings


class Scratch(NamedTuple):
    """Room for the work on one cell."""

    slot: np.ndarray
    """(64 words,) chord of a predicate, -1 for none."""
    masks: np.ndarray
    """(4, words) positive somewhere, negative somewhere, both, and one for passing use."""
    head: np.ndarray
    """(m,) first chord that ends at a boundary position, all -1 between cells."""
    chain: np.ndarray
    """(k,) next such chord."""
    flips: np.ndarray
    """(k, words) bits that change across a chord."""
    steep: np.ndarray
    """(k,) offset error of a chord."""
    stack: np.ndarray
    """(faces,) faces still to do,"""
    seen: np.ndarray
    """(faces,) faces reached, and"""
    entry: np.ndarray
    """(faces,) one half-edge of each face."""


def room(positions: int, chords: int, words: int) -> tuple[Boundary, Chords, Mesh, Scratch]:
    """Allocate for the largest cell.

    Args:
        positions: largest number of boundary positions.
        chords: largest number of chords in one cell.
        words: words of 64 predicates.

    Returns:
        The four groups of scratch arrays.
    """
    m, k = positions, max(chords, 1)
    interior = k * (k - 1) // 2
    edges, faces = m + k + 2 * interior + 1, 1 + k + interior
    boundary = Boundary(
        *(np.empty(m, np.int32) for _ in range(4)), s=np.empty(m, np.float64), radius=np.empty(m, np.float64)
    )
    mesh = Mesh(
        half=np.empty((2 * edges, 4), np.int32),
        chord=np.empty(edges, np.int32),
        out=np.empty(m + interior, np.int32),
        on=np.empty(interior, np.int32),
        by=np.empty(interior, np.int32),
        s=np.empty(interior),
        doubt=np.empty(interior, np.bool_),
        point=np.empty((m + interior, 3)),
        known=np.empty(0, np.int64),
        answer=np.empty(0, np.int8),
        asked=np.empty(QUESTIONS, np.int64),
        tally=np.zeros(1, np.int64),
    )
    scratch = Scratch(
        slot=np.full(64 * words, -1, np.int32),
        masks=np.zeros((4, words), np.uint64),
        head=np.full(m, -1, np.int32),
        chain=np.empty(k, np.int32),
        flips=np.zeros((k, words), np.uint64),
        steep=np.empty(k),
        stack=np.empty(faces, np.int32),
        seen=np.empty(faces, np.bool_),
        entry=np.empty(faces, np.int32),
    )
    return boundary, Chords(*(np.empty(k, np.int32) for _ in range(7))), mesh, scratch


def output(cells: int, halves: int, edges: int, interior: int, words: int) -> Cut:
    """Allocate for the largest possible outcome; pages that stay unused cost nothing.

    Args:
        cells: number of cells.
        halves: number of half-edges.
        edges: number of chord edges.
        interior: number of interior vertices.
        words: words of 64 predicates.

    Returns:
        An empty ``Cut``.
    """
    return Cut(
        start=np.zeros(cells + 1, np.int64),
        half=np.empty(halves, np.int32),
        parent=np.empty(cells, np.int32),
        bits=np.empty((cells, words), np.uint64),
        doubt=np.empty(cells, np.bool_),
        ends=np.empty((edges, 2), np.int32),
        label=np.empty(edges, np.int32),
        radius=np.empty(edges),
        mix_a=np.empty(interior, np.int32),
        mix_b=np.empty(interior, np.int32),
        mix_s=np.empty(interior),
        mix_radius=np.empty(interior),
        mix_on=np.empty((interior, 2), np.int32),
    )


NOTHING = output(0, 0, 0, 0, 0)
"""A cut without polygons, to which a cut on a line adds its parents, bits and doubts."""
