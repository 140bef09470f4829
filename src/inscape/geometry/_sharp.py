"""Running error bounds at single vertices, for signs that the bound of the whole chart leaves open."""

import numpy as np

from inscape.geometry._block import Block
from inscape.geometry._bounds import UNIT_ROUNDOFF, gamma
from inscape.geometry._plan import Plan, Step
from inscape.geometry._program import Elementwise, Kind


def sharp_errors(plan: Plan, block: Block, step: Step, rows: np.ndarray) -> np.ndarray:
    """Running error bounds of a step's predicates at some vertices, from the actual values there.

    A ReLU that is shut, or that vanishes because the vertex lies on its hyperplane, passes an exact zero.

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
        known[j] = (np.abs(value), np.where((value == 0.0) & _shuts(plan, j), 0.0, error))
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


def _shuts(plan: Plan, j: int) -> bool:
    rule = plan.program.nodes[j].rule
    return isinstance(rule, Elementwise) and bool(np.all(rule.slopes[0] == 0) and np.all(rule.intercepts[0] == 0))


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
