"""Complexes of polytopes made by hand, and slow independent answers about them."""

from collections.abc import Sequence
from itertools import combinations, pairwise, product

import numpy as np

from inscape._errors import InputError
from inscape.geometry import Box, Polytopes


def cubes(shape: Sequence[int]) -> Polytopes:
    """A box of unit cubes; cell (i, j, ...) in C order fills i ≤ x ≤ i + 1, j ≤ y ≤ j + 1, ...

    Args:
        shape: (d,) number of cubes along each axis, d ≥ 3.

    Returns:
        The complex; the inner hyperplanes of all axes are its predicates.

    Raises:
        InputError: if there are fewer than three axes.

    Example:
        >>> round(float(cubes((3, 2, 2)).volumes.sum()), 9)
        12.0
    """
    d = len(shape)
    if d < 3:
        raise InputError(f"expected at least three axes, got shape {tuple(shape)}")
    corner = np.array(list(product((0, 1), repeat=d)))
    cell = np.array(list(product(*map(range, shape))))
    grid = np.array(shape) + 1
    vertices = np.array(list(product(*map(range, grid))), dtype=float)
    corners = np.ravel_multi_index(tuple((cell[:, None] + corner).reshape(-1, d).T), tuple(grid)).astype(np.int32)
    on_side = np.concatenate([corner == 0, corner == 1], axis=1)
    masks = np.tile((on_side * (1 << np.arange(2 * d))).sum(1), len(cell)).astype(np.uint64)[:, None]
    base = np.concatenate([[0], np.cumsum(np.array(shape) - 1)[:-1]])
    low = np.where(cell == 0, -1 - 2 * np.arange(d), base + cell - 1)
    high = np.where(cell == np.array(shape) - 1, -2 - 2 * np.arange(d), base + cell)
    return Polytopes(
        vertices=vertices,
        start=np.arange(0, len(corners) + 1, 2**d),
        corners=corners,
        masks=masks,
        side_start=np.arange(0, 2 * d * len(cell) + 1, 2 * d),
        side_label=np.concatenate([low, high], axis=1).ravel().astype(np.int32),
        doubt=np.zeros(len(cell), np.bool_),
        levels=(),
    )


def polytope(points: np.ndarray) -> Polytopes:
    """The convex hull of points in general enough position as a complex of one cell.

    Args:
        points: (n, d) points, d ≥ 3, each a corner of their hull.

    Returns:
        The complex; its sides have the labels -1, -2, ...

    Example:
        >>> octahedron = polytope(np.concatenate([np.eye(3), -np.eye(3)]))
        >>> octahedron.volumes  # 2³ / 3!
        array([1.33333333])
    """
    from scipy.spatial import ConvexHull

    points = np.asarray(points, dtype=np.float64)
    planes = np.unique(np.round(ConvexHull(points).equations, 9), axis=0)
    on_side = np.abs(points @ planes[:, :-1].T + planes[:, -1]) < 1e-7
    sides = [(side, -1 - k) for k, side in enumerate(on_side.T)]
    return _assembled(points, [(np.arange(len(points)), sides)])


def arranged(hyperplanes: np.ndarray, box: Box) -> Polytopes:
    """A box cut by a few hyperplanes, by brute force over all intersection points.

    Args:
        hyperplanes: (n, d + 1) rows [a, b] of the hyperplanes a · t + b = 0.
        box: the box, of dimension d ≥ 3.

    Returns:
        The complex; predicate i is hyperplane i. Cells thinner than 1e-7 are lost.
    """
    d = box.dimension
    rows = np.asarray(hyperplanes, dtype=np.float64)
    rows = rows / np.linalg.norm(rows[:, :-1], axis=1, keepdims=True)
    walls = np.zeros((2 * d, d + 1))
    for a in range(d):
        walls[2 * a, [a, d]] = 1.0, -box.low[a]
        walls[2 * a + 1, [a, d]] = -1.0, box.high[a]
    every = np.vstack([rows, walls])
    labels = [*range(len(rows)), *(-1 - np.arange(2 * d)).tolist()]
    points = []
    for chosen in combinations(range(len(every)), d):
        normal = every[list(chosen), :-1]
        if abs(np.linalg.det(normal)) > 1e-9:
            point = np.linalg.solve(normal, -every[list(chosen), -1])
            if (point > box.low - 1e-9).all() and (point < box.high + 1e-9).all():
                points.append(point)
    vertices = np.array(points)
    vertices = vertices[np.sort(np.unique(np.round(vertices, 7), axis=0, return_index=True)[1])]
    signs = np.sign(np.where(np.abs(v := vertices @ every[:, :-1].T + every[:, -1]) < 1e-7, 0.0, v)).astype(int)
    cells = []
    for cell in _cells_of_signs(rows, signs[:, : len(rows)], vertices, d):
        sides = [(signs[cell, k] == 0, labels[k]) for k in range(len(every))]
        cells.append((cell, [side for side in sides if _rank(vertices[cell[side[0]]]) == d - 1]))
    return _assembled(vertices, cells)


def _rank(points: np.ndarray) -> int:
    """Dimension of what points span."""
    return int(np.linalg.matrix_rank(points[1:] - points[0], tol=1e-7)) if len(points) > 1 else len(points) - 1


def _cells_of_signs(rows: np.ndarray, signs: np.ndarray, vertices: np.ndarray, d: int) -> list[np.ndarray]:
    """Corners of all full-dimensional cells, from the signs of the vertices."""
    cells = [np.arange(len(vertices))]
    for i in range(len(rows)):
        halves = [cell[side * signs[cell, i] >= 0] for cell in cells for side in (-1, 1)]
        cells = [half for half in halves if _rank(vertices[half]) == d]
        cells = [np.array(cell) for cell in dict.fromkeys(tuple(cell.tolist()) for cell in cells)]
    return cells


def _assembled(vertices: np.ndarray, cells: list[tuple[np.ndarray, list[tuple[np.ndarray, int]]]]) -> Polytopes:
    """A complex from the corners of each cell, and for each of its sides which corners lie on it and its label."""
    words = max(1 + (len(sides) - 1) // 64 for _, sides in cells)
    masks = []
    for corners, sides in cells:
        mask = np.zeros((len(corners), words), np.uint64)
        for k, (on, _) in enumerate(sides):
            mask[on, k // 64] |= np.uint64(1 << (k % 64))
        masks.append(mask)
    return Polytopes(
        vertices=vertices,
        start=np.concatenate([[0], np.cumsum([len(corners) for corners, _ in cells])]),
        corners=np.concatenate([corners for corners, _ in cells]).astype(np.int32),
        masks=np.concatenate(masks),
        side_start=np.concatenate([[0], np.cumsum([len(sides) for _, sides in cells])]),
        side_label=np.array([label for _, sides in cells for _, label in sides], np.int32),
        doubt=np.zeros(len(cells), np.bool_),
        levels=(),
    )


def faces_by_sets(made: Polytopes) -> list[set[frozenset[int]]]:
    """All faces of a complex, each as the set of its vertices, in plain Python.

    A face of a cell is an intersection of its sides; its dimension is the rank of its corners.

    Args:
        made: a small complex.

    Returns:
        For each dimension from 0 to d the set of faces.
    """
    d = made.dimension
    found: list[set[frozenset[int]]] = [set() for _ in range(d + 1)]
    for c in range(made.cell_count):
        corners = made.corners[made.start[c] : made.start[c + 1]]
        masks = made.masks[made.start[c] : made.start[c + 1]]
        sides = []
        for k in range(int(made.side_start[c + 1] - made.side_start[c])):
            on = (masks[:, k // 64] >> np.uint64(k % 64)) & np.uint64(1) != 0
            sides.append(frozenset(corners[on].tolist()))
        closed = {frozenset(corners.tolist())}
        waiting = list(closed)
        while waiting:
            face = waiting.pop()
            for smaller in {face & side for side in sides} - closed:
                closed.add(smaller)
                waiting.append(smaller)
        for face in closed - {frozenset()}:
            found[_rank(made.vertices[sorted(face)])].add(face)
    return found


def betti_by_sets(found: Sequence[set[frozenset[int]]]) -> tuple[int, ...]:
    """Betti numbers over the two-element field from the ranks of the whole boundary matrices.

    Args:
        found: for each dimension the set of faces, as from :func:`faces_by_sets`; all faces of a face must be there.

    Returns:
        The numbers for each dimension.

    Example:
        >>> triangle = [{frozenset({v}) for v in range(3)}, {frozenset(e) for e in ((0, 1), (1, 2), (0, 2))}]
        >>> betti_by_sets(triangle)
        (1, 1)
    """
    ranks = [0]
    for lower, upper in pairwise(found):
        number = {face: i for i, face in enumerate(lower)}
        pivots: dict[int, int] = {}
        for face in upper:
            column = sum(1 << i for facet, i in number.items() if facet < face)
            while column and column.bit_length() in pivots:
                column ^= pivots[column.bit_length()]
            if column:
                pivots[column.bit_length()] = column
        ranks.append(len(pivots))
    return tuple(len(part) - rank - later for part, rank, later in zip(found, ranks, [*ranks[1:], 0], strict=True))
