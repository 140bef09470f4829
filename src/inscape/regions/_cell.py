"""Facts about a single cell."""

from collections.abc import Sequence

import numpy as np

from inscape.geometry import Complex, Polytopes, Step, cell_facets, half_spaces


def facets(made: Complex | Polytopes, steps: Sequence[Step], cell: int) -> list[dict[str, object]]:
    """The facets of one cell, in dimension 2 counter-clockwise.

    Args:
        made: the complex.
        steps: the steps that made it.
        cell: number of the cell.

    Returns:
        For each facet its corners, ``neighbour``, ``normal``, ``offset``, ``module`` and ``predicate``, see
        ``Partition.facets``.
    """
    rows = []
    normals, offsets, labels = half_spaces(made, cell)
    for place, f in enumerate(cell_facets(made, cell)):
        sides = made.neighbours[f]
        module, predicate = origin(steps, int(labels[place])) if made.dimension > 1 else ("", -1)
        rows.append(
            {
                "ends": made.vertices[_corners(made, cell, place, int(f))],
                "neighbour": int(sides[1] if sides[0] == cell else sides[0]),
                "normal": normals[place],
                "offset": float(offsets[place]),
                "area": float(made.areas[f]),
                "module": module,
                "predicate": predicate,
            }
        )
    return rows


def _corners(made: Complex | Polytopes, cell: int, place: int, facet: int) -> np.ndarray:
    if isinstance(made, Polytopes):
        return made.facets.corners[made.facets.start[facet] : made.facets.start[facet + 1]]
    if made.dimension == 1:
        return np.array([facet])
    return made.ends[facet][::-1] if made.half[made.start[cell] + place] & 1 else made.ends[facet]


def origin(steps: Sequence[Step], label: int) -> tuple[str, int]:
    """Where a facet comes from.

    Args:
        steps: the steps that made the complex.
        label: predicate counted over all steps; walls are negative.

    Returns:
        Module and predicate; the sides of the domain are "wall" and their number.
    """
    if label < 0:
        return "wall", -1 - label
    step = [step for step in steps if step.base <= label][-1]
    return step.name, label - step.base


def largest_ball(made: Complex | Polytopes, cell: int) -> tuple[np.ndarray, float]:
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

    normals, offsets, _ = half_spaces(made, cell)
    solid = np.abs(normals).any(1)  # an edge of length 0 has no normal
    table = np.column_stack([normals, np.ones(len(normals))])[solid]
    goal = np.append(np.zeros(made.dimension), -1.0)
    bounds = [(None, None)] * made.dimension + [(0, None)]
    found = linprog(goal, A_ub=table, b_ub=offsets[solid], bounds=bounds)
    if found.x is None:  # rounding leaves no point inside a sliver
        return made.centroids[cell], 0.0
    return found.x[:-1], float(found.x[-1])
