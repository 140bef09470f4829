"""Run the cell-splitting kernel: make room, call, make more room where it asks, and take what came out."""

from dataclasses import dataclass

import numpy as np

from inscape.geometry import _split_room as room
from inscape.geometry._kernels_corner import enter_table
from inscape.geometry._kernels_signs import Predicates, Signs
from inscape.geometry._kernels_split import measure_cells, split_cells
from inscape.geometry._solid import Solid

NOTHING_GIVEN = room.Given(
    name=np.empty(0, np.uint64),
    predicate=np.empty(0, np.int64),
    sign=np.empty(0, np.int64),
    placed=np.empty(0, np.uint64),
    s=np.empty(0),
)
"""Nothing is known from exact arithmetic."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What one round cuts by.

    Attributes:
        predicates: the predicates.
        grain: (n,) growth of their evaluation error with each interpolation.
        gradients: (C or 1, d, width) slopes of the values on each cell.
        ties: bit of a predicate that vanishes identically on a cell.
        base: label of the first predicate.
        most: stop when there are more finished cells than this.
    """

    predicates: Predicates
    grain: np.ndarray
    gradients: np.ndarray
    ties: bool
    base: int
    most: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What cutting made.

    Attributes:
        points: all vertices, the old ones first.
        cells: the finished cells.
        complete: False if it stopped at the limit.
    """

    points: room.Points
    cells: room.Output
    complete: bool


def split(
    solid: Solid, values: np.ndarray, signs: Signs, question: Question, given: room.Given = NOTHING_GIVEN
) -> Answer:
    """Cut all cells of a block.

    Args:
        solid: the block.
        values: (V, width) values at its vertices.
        signs: signs of the predicates at its vertices.
        question: what to cut by.
        given: signs at new vertices that are known beforehand.

    Returns:
        The vertices and cells after the cut.
    """
    cells = room.Solids(
        solid.start, solid.corners, solid.masks, solid.side_start, solid.side_label, solid.normals, solid.fuzz
    )
    words, d, old = signs.pos.shape[1], solid.dimension, len(solid.xy)
    most = np.zeros(2, np.int64)
    measure_cells(cells, signs, np.zeros((2, words), np.uint64), most)
    wide = int(most[1] - 1) // 64 + 1
    points = _points(solid, values, signs, 2 * old + 1024)
    table = room.table_room(len(points.t))
    stack = room.stack_room(max(1024, 16 * int(most[0])), wide)
    local, work = room.work_room(max(256, 4 * int(most[0])), wide, words, d)
    count = solid.cell_count
    sizes = 2 * count + 64, 2 * len(solid.corners) + 1024, 2 * len(solid.side_label) + 512
    out = room.output_room(sizes, solid.masks.shape[1], words, d)
    state = np.zeros(7, np.int64)
    state[room.POINTS] = old
    asked = question.predicates, question.grain, question.gradients, given, question.ties, question.base
    complete = True
    while True:
        code = split_cells(cells, *asked, points, table, stack, local, work, out, state)
        if code == 0:
            break
        if state[room.CELLS] > question.most:
            complete = False
            break
        if code == room.FULL_POINTS:
            points = room.Points(*(room.longer(array, 2 * len(array)) for array in points))
            table = room.table_room(len(points.t))
            enter_table(table, points, old, int(state[room.POINTS]))
        elif code == room.FULL_STACK:
            stack = stack._replace(
                **{n: room.longer(getattr(stack, n), 2 * len(stack.corner)) for n in ("corner", "mask")}
            )
            work = room.work_room(2 * len(work.corner), wide, words, d)[1]
        elif code == room.FULL_OUTPUT:
            out = _more(out)
        else:
            out = out._replace(masks=np.pad(out.masks, ((0, 0), (0, out.masks.shape[1]))))
    made, cells_made = state[room.POINTS], state[room.CELLS]
    return Answer(
        points=room.Points(*(array[:made] for array in points)),
        cells=_trimmed(out, int(cells_made), int(state[room.CORNERS]), int(state[room.SIDES])),
        complete=complete,
    )


def _points(solid: Solid, values: np.ndarray, signs: Signs, size: int) -> room.Points:
    old = len(solid.xy)
    zero = np.zeros(old, np.int32)
    given = room.Points(
        solid.xy,
        values,
        solid.radius,
        zero,
        solid.name,
        signs.pos,
        signs.neg,
        signs.marks,
        zero,
        zero,
        np.zeros(old),
        zero,
    )
    return room.Points(*(room.longer(np.ascontiguousarray(array), size) for array in given))


_PER_CELL = ("parent", "bits")
_PER_CORNER = ("corners", "masks")
_PER_SIDE = ("side_label", "normals", "fuzz")


def _more(out: room.Output) -> room.Output:
    longer = {n: room.longer(getattr(out, n), 2 * len(getattr(out, n))) for n in (*_PER_CELL, *_PER_CORNER, *_PER_SIDE)}
    cells = len(longer["parent"])
    return out._replace(
        start=room.longer(out.start, cells + 1), side_start=room.longer(out.side_start, cells + 1), **longer
    )


def _trimmed(out: room.Output, cells: int, corners: int, sides: int) -> room.Output:
    sizes = {"start": cells + 1, "side_start": cells + 1}
    sizes |= dict.fromkeys(_PER_CELL, cells) | dict.fromkeys(_PER_CORNER, corners) | dict.fromkeys(_PER_SIDE, sides)
    return room.Output(**{name: getattr(out, name)[:size].copy() for name, size in sizes.items()})
