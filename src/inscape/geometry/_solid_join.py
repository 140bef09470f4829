"""Maxima in dimension 3 and more: cells that the rounds cut apart are joined where the same members lead in the end."""

import numpy as np

from inscape.geometry import _split_room as room
from inscape.geometry._block import Level
from inscape.geometry._kernels_join import join_cells
from inscape.geometry._merge import code_keys
from inscape.geometry._solid import Solid


def join_equal(solid: Solid, level: Level) -> np.ndarray:
    """Join the cells of one parent that have the same leaders, in place.

    Args:
        solid: the block after the last round.
        level: the step's level, as yet one row for each piece; it is joined, too.

    Returns:
        (C',) one old cell of each new one, ascending; all cells if nothing was to be joined.
    """
    rows = np.stack([level.parent.astype(np.uint64), code_keys(level.bits)])
    _, first, number = np.unique(rows, axis=1, return_index=True, return_inverse=True)
    if len(first) == solid.cell_count:
        return np.arange(solid.cell_count)
    leader = first[number.ravel()]
    member = np.argsort(leader, kind="stable")
    members = np.sort(first)
    group_start = np.searchsorted(leader[member], np.append(members, len(leader)))
    cells = room.Solids(
        solid.start, solid.corners, solid.masks, solid.side_start, solid.side_label, solid.normals, solid.fuzz
    )
    wide = solid.masks.shape[1]
    made = join_cells(cells, solid.name, group_start, member, wide)
    while not len(made[2]):
        wide *= 2
        made = join_cells(cells, solid.name, group_start, member, wide)
    solid.start, solid.corners, solid.masks, solid.side_start, kept = made
    solid.side_label, solid.normals, solid.fuzz = solid.side_label[kept], solid.normals[kept], solid.fuzz[kept]
    doubt = np.zeros(len(leader), np.bool_)
    np.logical_or.at(doubt, leader, solid.doubt)
    solid.doubt = doubt[members]
    level.parent, level.bits = level.parent[members], level.bits[members]
    solid.slopes = {j: table if len(table) == 1 else table[members] for j, table in solid.slopes.items()}
    return members


def drop_unused(solid: Solid, values: np.ndarray) -> np.ndarray:
    """Forget vertices that are no corner any more, in place.

    Args:
        solid: the block.
        values: (V, width) further values at the vertices.

    Returns:
        The values at those that stay.
    """
    used = np.zeros(len(solid.xy), np.bool_)
    used[solid.corners] = True
    if used.all():
        return values
    number = (np.cumsum(used) - 1).astype(np.int32)
    solid.corners = number[solid.corners]
    for name in ("xy", "radius", "name"):
        setattr(solid, name, getattr(solid, name)[used])
    solid.live = {j: rows[used] for j, rows in solid.live.items()}
    return values[used]
