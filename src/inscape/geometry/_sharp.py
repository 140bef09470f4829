"""Running error bounds at single vertices, for signs that the bound of the whole chart leaves open."""

import numpy as np

from inscape.geometry._block import Block
from inscape.geometry._bounds import UNIT_ROUNDOFF, gamma
from inscape.geometry._kernels_signs import unpack
from inscape.geometry._plan import Plan, Step
from inscape.geometry._program import Elementwise, Kind


def sharp_errors(plan: Plan, block: Block, step: Step, rows: np.ndarray) -> np.ndarray:
    """Running error bounds of a step's predicates at some vertices, from the actual values there.

    A ReLU that is shut on some cell at the vertex passes an exact zero there; that a computed value is zero, or below,
    would not prove it.

    Args:
        plan: the plan.
        block: the block before the step.
        step: the step.
        rows: (m,) vertices.

    Returns:
        (m, n) bounds.
    """
    known: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for j in plan.roots[step.node]:
        value = _values_at(plan, block, j, rows)
        bound = plan.affine[j].bound if j in plan.affine else block.bounds[j]
        error = bound.error + bound.slope * block.radius[rows, None]
        known[j] = (np.abs(value), np.where((value == 0.0) & _shut(plan, block, j, rows), 0.0, error))
    magnitude, error = zip(*(_run(plan, j, known) for j in step.inputs), strict=True)
    errors = np.concatenate(error, axis=1)
    sizes = np.concatenate(magnitude, axis=1)
    split = step.split
    total = errors[:, split.left]
    paired = split.right >= 0
    if paired.any():
        size = np.maximum(sizes[:, split.left], sizes[:, np.where(paired, split.right, 0)])
        total = total + np.where(paired, errors[:, np.where(paired, split.right, 0)], 0.0)
        total = total + 2 * UNIT_ROUNDOFF * size
    elif split.offset.any():
        total = total + 2 * UNIT_ROUNDOFF * np.abs(split.offset)
    return total


def _values_at(plan: Plan, block: Block, j: int, rows: np.ndarray) -> np.ndarray:
    return plan.affine[j].at(block.xy[rows]) if j in plan.affine else block.live[j][rows]


def _shut(plan: Plan, block: Block, j: int, rows: np.ndarray) -> np.ndarray:
    """(m, width) units of node j that are zero on some cell at a vertex, by the cells' patterns."""
    rule, width = plan.program.nodes[j].rule, int(np.prod(plan.program.nodes[j].shape))
    shut = np.zeros((len(rows), width), np.bool_)
    if not isinstance(rule, Elementwise) or np.any(rule.slopes[0] != 0) or np.any(rule.intercepts[0] != 0):
        return shut
    vertex, locus = loci(block, rows)
    if not len(vertex):
        return shut
    bits, at = _level_of(block, j, locus)
    first = np.flatnonzero(np.diff(vertex, prepend=-1))
    everywhere = np.bitwise_and.reduceat(bits[at], first, axis=0)
    split = plan.steps[j].split
    lowest = np.flatnonzero(split.offset == rule.thresholds[0])
    on = unpack(everywhere, split.size)[:, lowest]
    shut[np.ix_(vertex[first], split.left[lowest])] = ~on
    return shut


def loci(block: Block, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells at vertices; in dimension 1 and in a block without cells, edges.

    Args:
        block: the block.
        rows: (m,) vertices.

    Returns:
        Positions in ``rows``, ascending, and the cells.
    """
    start, corner = block.corners()
    cell = np.repeat(np.arange(len(start) - 1), np.diff(start))
    number = np.full(len(block.xy), -1)
    number[rows] = np.arange(len(rows))
    here = np.flatnonzero(number[corner] >= 0)
    here = here[np.argsort(number[corner[here]], kind="stable")]
    return number[corner[here]], cell[here]


def _level_of(block: Block, node: int, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Patterns of an earlier step, and the rows among them that hold on some cells (or edges) of a block."""
    while True:
        for level in reversed(block.traces if block.bare else block.levels):
            if level.step == node:
                return level.bits, at
            at = level.parent[at]
        if block.past is None:
            raise KeyError(f"step {node} was not done on this block")
        block, at = block.past.block, block.past.members[at]


def _run(plan: Plan, j: int, known: dict[int, tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    if j in known:
        return known[j]
    node = plan.program.nodes[j]
    if node.kind is not Kind.AFFINE:
        raise KeyError(f"node {node.name} is no root")
    parts = [_run(plan, k, known) for k in node.inputs]
    shapes = [plan.program.nodes[k].shape for k in node.inputs]

    rows = len(parts[0][0])
    stacked = [np.concatenate([magnitude, error, np.zeros((1, magnitude.shape[1]))]) for magnitude, error in parts]
    shaped = [part.reshape(len(part), *shape) for part, shape in zip(stacked, shapes, strict=True)]
    carried = node.magnitude(*shaped).reshape(2 * rows + 1, -1)
    magnitude, error = carried[:rows], np.maximum(carried[rows:-1] - carried[-1], 0.0) * (1 + 1e-12)
    known[j] = (magnitude, error + (gamma(node.length + 2) if node.length else 0.0) * magnitude)
    return known[j]
