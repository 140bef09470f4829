"""Arrays that the cell-splitting kernels work on, and how they grow."""

from typing import NamedTuple

import numpy as np

CELL, TOP, CURRENT, POINTS, CELLS, CORNERS, SIDES = range(7)
"""Counters: next cell, pieces on the stack, cell at work, vertices, finished cells, their corners, their sides."""

FULL_POINTS, FULL_STACK, FULL_OUTPUT, WIDE = range(1, 5)
"""Codes: no room for vertices, for pieces, for finished cells, for the sides of one cell."""


class Solids(NamedTuple):
    """Cells before the cut."""

    start: np.ndarray
    """(C + 1,) cell i owns corners[start[i]:start[i + 1]]."""
    corners: np.ndarray
    """(H,) vertices."""
    masks: np.ndarray
    """(H, words) sides that a corner lies on."""
    side_start: np.ndarray
    """(C + 1,) cell i owns side_label[side_start[i]:side_start[i + 1]]."""
    side_label: np.ndarray
    """(S,) predicate on which a side lies."""
    normals: np.ndarray
    """(S, d) unit normals of the sides."""
    fuzz: np.ndarray
    """(S,) bound on the distance between a side's exact hyperplane and the computed one."""


class Output(NamedTuple):
    """Cells after the cut: ``Solids`` with parents and signs."""

    start: np.ndarray
    corners: np.ndarray
    masks: np.ndarray
    side_start: np.ndarray
    side_label: np.ndarray
    normals: np.ndarray
    fuzz: np.ndarray
    parent: np.ndarray
    """(C',) the cell it was cut from."""
    bits: np.ndarray
    """(C', words) bit p set where predicate p is positive."""


class Points(NamedTuple):
    """Vertices, with room for more."""

    t: np.ndarray
    """(V, d) chart coordinates."""
    values: np.ndarray
    """(V, width) values of the units."""
    radius: np.ndarray
    """(V,) bound on the distance from the exact vertex."""
    depth: np.ndarray
    """(V,) number of interpolations behind the values, in this round."""
    name: np.ndarray
    """(V,) 64-bit name that follows from how the vertex came about, the same in every block."""
    pos: np.ndarray
    """(V, words) bits of the positive predicates."""
    neg: np.ndarray
    """(V, words) bits of the negative ones."""
    close: np.ndarray
    """(V,) some sign is in doubt."""
    a: np.ndarray
    """(V,) a new vertex lies between a"""
    b: np.ndarray
    """(V,) and b"""
    s: np.ndarray
    """(V,) at this parameter,"""
    on: np.ndarray
    """(V,) where this predicate vanishes."""


class Table(NamedTuple):
    """Edges that are cut, by open addressing; the size is a power of two."""

    key: np.ndarray
    """(T,) both ends of an edge."""
    vertex: np.ndarray
    """(T,) the vertex on it, -1 for an empty place."""


class Stack(NamedTuple):
    """Pieces of the cell at work."""

    corner: np.ndarray
    """(room,) vertices."""
    mask: np.ndarray
    """(room, wide) sides that they lie on."""
    first: np.ndarray
    """(depth,) piece i owns corner[first[i]:first[i + 1]]."""
    sides: np.ndarray
    """(depth, wide) sides of the piece."""


class Local(NamedTuple):
    """Sides of the cell at work, candidates included."""

    label: np.ndarray
    """(64 wide,) their labels."""
    normal: np.ndarray
    """(64 wide, d) unit normals."""
    fuzz: np.ndarray
    """(64 wide,) offset errors."""
    slot: np.ndarray
    """(64 words,) side of a predicate."""


class Work(NamedTuple):
    """Scratch for one cut."""

    above: np.ndarray
    """(words,) predicates that are positive somewhere on the piece."""
    below: np.ndarray
    """(words,) negative somewhere."""
    up: np.ndarray
    """(wide,) sides of the positive part."""
    down: np.ndarray
    """(wide,) sides of the negative part."""
    common: np.ndarray
    """(wide,) sides that two corners share."""
    plus: np.ndarray
    """(room,) corners on the positive side."""
    minus: np.ndarray
    """(room,) corners on the negative side."""
    corner: np.ndarray
    """(room,) vertices on the cut"""
    mask: np.ndarray
    """(room, wide) and the sides that they lie on."""
    rest: np.ndarray
    """(64, d) normals, less what is spanned."""
    known: np.ndarray
    """(64,) their offset errors."""
    axis: np.ndarray
    """(d,) one direction."""


class Given(NamedTuple):
    """What exact arithmetic said of new vertices, in the order of their names: m signs and n places."""

    name: np.ndarray
    """(m,) name of the vertex."""
    predicate: np.ndarray
    """(m,) the predicate."""
    sign: np.ndarray
    """(m,) -1, 0 or +1."""
    placed: np.ndarray
    """(n,) name of a vertex"""
    s: np.ndarray
    """(n,) and its parameter along its edge, from a to b."""


def stack_room(corners: int, wide: int) -> Stack:
    """Room for the pieces of one cell.

    Args:
        corners: how many corners all pieces may have together.
        wide: words of sides.

    Returns:
        An empty stack.
    """
    deep = max(64, 64 * wide + 8)
    return Stack(
        corner=np.empty(corners, np.int32),
        mask=np.empty((corners, wide), np.uint64),
        first=np.zeros(deep, np.int64),
        sides=np.empty((deep, wide), np.uint64),
    )


def work_room(corners: int, wide: int, words: int, dimension: int) -> tuple[Local, Work]:
    """Scratch for cells of a size.

    Args:
        corners: most corners of a piece, new ones included.
        wide: words of sides.
        words: words of predicates.
        dimension: dimension d.

    Returns:
        The two groups of scratch arrays.
    """
    local = Local(
        label=np.empty(64 * wide, np.int32),
        normal=np.empty((64 * wide, dimension)),
        fuzz=np.empty(64 * wide),
        slot=np.empty(64 * words, np.int32),
    )
    work = Work(
        *(np.zeros(words, np.uint64) for _ in range(2)),
        *(np.zeros(wide, np.uint64) for _ in range(3)),
        *(np.empty(corners, np.int32) for _ in range(3)),
        mask=np.empty((corners, wide), np.uint64),
        rest=np.empty((64, dimension)),
        known=np.empty(64),
        axis=np.empty(dimension),
    )
    return local, work


def output_room(sizes: tuple[int, int, int], wide: int, words: int, dimension: int) -> Output:
    """Room for finished cells.

    Args:
        sizes: number of cells, of their corners, and of their sides.
        wide: words of sides.
        words: words of predicates.
        dimension: dimension d.

    Returns:
        Empty output.
    """
    cells, corners, sides = sizes
    return Output(
        start=np.zeros(cells + 1, np.int64),
        corners=np.empty(corners, np.int32),
        masks=np.empty((corners, wide), np.uint64),
        side_start=np.zeros(cells + 1, np.int64),
        side_label=np.empty(sides, np.int32),
        normals=np.empty((sides, dimension)),
        fuzz=np.empty(sides),
        parent=np.empty(cells, np.int32),
        bits=np.empty((cells, words), np.uint64),
    )


def longer(array: np.ndarray, size: int) -> np.ndarray:
    """The array with room for more rows.

    Args:
        array: (n, ...) array.
        size: new number of rows.

    Returns:
        (size, ...) array that begins with the old rows.
    """
    made = np.empty((size, *array.shape[1:]), array.dtype)
    made[: len(array)] = array
    return made


def table_room(vertices: int) -> Table:
    """An empty table for edges.

    Args:
        vertices: number of vertices that it must be able to hold.

    Returns:
        The table, at most half full.
    """
    size = 1 << max(6, int(4 * vertices - 1).bit_length())
    return Table(key=np.zeros(size, np.uint64), vertex=np.full(size, -1, np.int32))
