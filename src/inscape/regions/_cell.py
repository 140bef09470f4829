"""Facts about a single cell."""

from collections.abc import Sequence

import numpy as np

from inscape.geometry import Complex, Step


def facets(made: Complex, steps: Sequence[Step], cell: int) -> list[dict[str, object]]:
    """The facets of one cell, counter-clockwise.

    Args:
        made: the complex.
        steps: the steps that made it.
        cell: number of the cell.

    Returns:
        For each facet ``ends``, ``neighbour``, ``module`` and ``predicate``, see ``Partition.facets``.
    """
    return _points(made, cell) if made.dimension == 1 else _edges(made, steps, cell)


def _points(made: Complex, cell: int) -> list[dict[str, object]]:
    rows = []
    for v in made.ends[cell]:
        sides = made.neighbours[v]
        other = int(sides[sides != cell].max(initial=-1))
        rows.append({"ends": made.vertices[[v]], "neighbour": other, "module": "", "predicate": -1})
    return rows


def _edges(made: Complex, steps: Sequence[Step], cell: int) -> list[dict[str, object]]:
    rows = []
    for h in made.half[made.start[cell] : made.start[cell + 1]]:
        edge, flip = h >> 1, h & 1
        ends = made.ends[edge][::-1] if flip else made.ends[edge]
        module, predicate = _origin(steps, int(made.label[edge]))
        rows.append(
            {
                "ends": made.vertices[ends],
                "neighbour": int(made.neighbours[edge, 1 - flip]),
                "module": module,
                "predicate": predicate,
            }
        )
    return rows


def _origin(steps: Sequence[Step], label: int) -> tuple[str, int]:
    """Module and predicate of a label; the sides of the domain are "wall"."""
    if label < 0:
        return "wall", -1 - label
    step = [step for step in steps if step.base <= label][-1]
    return step.name, label - step.base


def largest_ball(made: Complex, cell: int) -> tuple[np.ndarray, float]:
    """The largest ball inside one cell.

    Args:
        made: the complex.
        cell: number of the cell.

    Returns:
        (d,) centre in chart coordinates, and its radius.
    """
    if made.dimension == 1:
        return made.centroids[cell], float(made.volumes[cell]) / 2
    from scipy.optimize import linprog

    normals, offsets = _half_planes(made, cell)
    table = np.column_stack([normals, np.ones(len(normals))])
    found = linprog([0, 0, -1], A_ub=table, b_ub=offsets, bounds=[(None, None), (None, None), (0, None)])
    return found.x[:2], float(found.x[2])


def _half_planes(made: Complex, cell: int) -> tuple[np.ndarray, np.ndarray]:
    """Unit outer normals and offsets of a polygon's sides."""
    corners = made.vertices[made.corners[made.start[cell] : made.start[cell + 1]]]
    edge = np.roll(corners, -1, axis=0) - corners
    length = np.linalg.norm(edge, axis=1)
    edge, corners = edge[length > 0] / length[length > 0, None], corners[length > 0]
    normals = np.stack([edge[:, 1], -edge[:, 0]], axis=1)
    return normals, (normals * corners).sum(1)
