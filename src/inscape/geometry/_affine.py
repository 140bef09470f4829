"""The affine map of a network on each cell, composed from the cell's sign pattern."""

from collections.abc import Iterator

import numpy as np

from inscape.geometry._complex import Complex
from inscape.geometry._levels import pieces
from inscape.geometry._plan import Plan, Step
from inscape.geometry._polytopes import Polytopes
from inscape.geometry._program import Kind, Node
from inscape.geometry._subdivide import Subdivision

_CHUNK_NUMBERS = 1 << 24


def affine_maps(
    subdivision: Subdivision, cells: np.ndarray | None = None, directions: np.ndarray | None = None
) -> np.ndarray:
    """Constant and slopes of the output on each cell.

    Only the products of weights and gates are composed; nothing is read off values at vertices, so that tiny cells
    are as accurate as large ones.

    Args:
        subdivision: the cells.
        cells: (c,) cells, all by default.
        directions: (k, D) directions in input space; the chart's basis by default.

    Returns:
        (c, outputs, k + 1): the value at chart coordinate 0, then the derivative along each direction.
    """
    plan, made = subdivision.plan, subdivision.complex
    chosen = np.arange(made.cell_count) if cells is None else np.asarray(cells)
    rows = plan.chart.basis if directions is None else np.asarray(directions, dtype=np.float64)
    widest = max(int(np.prod(plan.program.nodes[i].shape)) for i in plan.order if i >= 0)
    size = max(1, _CHUNK_NUMBERS // (widest * (len(rows) + 1)))
    outputs = int(np.prod(plan.program.nodes[plan.program.output].shape))
    out = np.empty((len(chosen), outputs, len(rows) + 1))
    for start in range(0, len(chosen), size):
        part = chosen[start : start + size]
        out[start : start + size] = _push(plan, made, part, rows)
    return out


def _push(plan: Plan, made: Complex | Polytopes, cells: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Carry (constant, slopes) of a group of cells through the nodes, once for each distinct ancestor."""
    nodes, output = plan.program.nodes, plan.program.output
    tables: dict[int, np.ndarray] = {}
    level, members = -1, np.zeros(1, np.int64)
    for i in _needed(plan):
        node = nodes[i]
        if node.kind is Kind.INPUT:
            tables[i] = np.vstack([plan.chart.origin[None], directions])[None]
        elif i in plan.steps:
            level += 1
            ancestors = np.unique(made.ancestors(level, cells))
            back = np.searchsorted(members, made.levels[level].parent[ancestors]) if level else np.zeros_like(ancestors)
            tables = {j: table if len(table) == 1 else table[back] for j, table in tables.items()}
            members = ancestors
            tables[i] = _bend(plan.steps[i], made, level, ancestors, [tables[j] for j in node.inputs])
        else:
            tables[i] = _carry(node, [tables[j] for j in node.inputs], [nodes[j].shape for j in node.inputs])
    result = np.moveaxis(tables[output], 1, 2)
    if len(result) == 1:
        return np.broadcast_to(result, (len(cells), *result.shape[1:]))
    return result[np.searchsorted(members, made.ancestors(level, cells))]


def _needed(plan: Plan) -> Iterator[int]:
    found, stack = set(), [plan.program.output]
    while stack:
        i = stack.pop()
        if i not in found:
            found.add(i)
            stack.extend(plan.program.nodes[i].inputs)
    return iter(sorted(found))


def _bend(
    step: Step, made: Complex | Polytopes, level: int, ancestors: np.ndarray, inputs: list[np.ndarray]
) -> np.ndarray:
    """Apply the piece of a nonlinear node that holds on each ancestor: (c, k + 1, outputs)."""
    count = max(len(table) for table in inputs)
    table = (
        inputs[0]
        if len(inputs) == 1
        else np.concatenate([np.broadcast_to(t, (count, *t.shape[1:])) for t in inputs], axis=2)
    )
    found = pieces(step.rule, table.shape[2], made.pattern(level, step, ancestors))
    if len(found.source) == 1 and np.array_equal(found.source[0], np.arange(table.shape[2])):
        picked = table
    else:
        index = np.broadcast_to(found.source[:, None, :], (len(ancestors), table.shape[1], found.source.shape[1]))
        picked = np.take_along_axis(np.broadcast_to(table, (len(ancestors), *table.shape[1:])), index, axis=2)
    out = picked * found.scale[:, None, :]
    out[:, 0, :] += found.shift
    return out


def _carry(node: Node, inputs: list[np.ndarray], shapes: list[tuple[int, ...]]) -> np.ndarray:
    count, rows = max(len(table) for table in inputs), inputs[0].shape[1]
    inputs = [np.broadcast_to(table, (count, *table.shape[1:])) for table in inputs]
    base = [np.ascontiguousarray(t[:, 0]).reshape(count, *shape) for t, shape in zip(inputs, shapes, strict=True)]
    slopes = [
        np.ascontiguousarray(t[:, 1:]).reshape(count * (rows - 1), *shape)
        for t, shape in zip(inputs, shapes, strict=True)
    ]
    constant = node.apply(*base).reshape(count, 1, -1)
    return np.concatenate([constant, node.linear(*slopes).reshape(count, rows - 1, -1)], axis=1)
