"""A part of the complex on its way through the network, and one step of cutting it."""

from dataclasses import dataclass, field

import numpy as np

from inscape.geometry import _kernels_cells as cells
from inscape.geometry import _kernels_edges as edges
from inscape.geometry import _kernels_signs as signs
from inscape.geometry._bounds import UNIT_ROUNDOFF, Bound, affine_bound, gamma, piecewise_bound
from inscape.geometry._plan import Plan, Step
from inscape.geometry._program import Elementwise, Kind, Maximum

ZERO_SHARE = 1e-11
"""Largest share of a unit's range that may be taken for zero."""


@dataclass(kw_only=True, slots=True)
class Level:
    """How the cells of one step follow from those of the step before.

    Attributes:
        step: position of the node in the program, -1 for the head.
        parent: (c,) cell of the level before.
        bits: (c, words) packed signs of the step's predicates.
    """

    step: int
    parent: np.ndarray
    bits: np.ndarray


@dataclass(kw_only=True, slots=True)
class Block:
    """Working state of the engine: a complex of cells with the values at its vertices.

    In dimension 1 the edges are the cells; ``start`` and ``half`` are empty.

    Attributes:
        xy: (V, d) chart coordinates.
        radius: (V,) bound on the distance from the exact vertices.
        ends: (E, 2) vertices of the edges.
        label: (E,) predicate on which an edge lies, counted over all steps; walls are -1, -2, ...
        edge_radius: (E,) bound on the distance from the exact line.
        start: (C + 1,) cell i owns half[start[i]:start[i + 1]].
        half: (H,) half-edges 2e + flip, counter-clockwise.
        doubt: (C,) cells of which some decision lay below the rounding bound.
        levels: the steps done.
        live: node → (V, width) values that are still needed.
        bounds: node → bounds of these.
    """

    xy: np.ndarray
    radius: np.ndarray
    ends: np.ndarray
    label: np.ndarray
    edge_radius: np.ndarray
    start: np.ndarray
    half: np.ndarray
    doubt: np.ndarray
    levels: list[Level] = field(default_factory=list)
    live: dict[int, np.ndarray] = field(default_factory=dict)
    bounds: dict[int, Bound] = field(default_factory=dict)

    @property
    def dimension(self) -> int:
        """Dimension d of the chart."""
        return self.xy.shape[1]

    @property
    def cell_count(self) -> int:
        """Number of cells."""
        return len(self.ends) if self.dimension == 1 else len(self.start) - 1


def first_block(plan: Plan) -> Block:
    """The whole window as one cell.

    Args:
        plan: the plan.

    Returns:
        A segment or a rectangle.
    """
    low, high = plan.chart.low, plan.chart.high
    if plan.chart.dimension == 1:
        xy = np.array([low, high])
        ends = np.array([[0, 1]], np.int32)
        label = np.array([0], np.int32)
        start, half = np.zeros(1, np.int64), np.zeros(0, np.int32)
    else:
        xy = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
        ends = np.array([[0, 1], [1, 2], [2, 3], [3, 0]], np.int32)
        label = np.array([-1, -2, -3, -4], np.int32)
        start, half = np.array([0, 4]), np.array([0, 2, 4, 6], np.int32)
    return Block(
        xy=xy,
        radius=np.zeros(len(xy)),
        ends=ends,
        label=label,
        edge_radius=np.zeros(len(ends)),
        start=start,
        half=half,
        doubt=np.zeros(1, np.bool_),
    )


def advance(plan: Plan, block: Block, place: int) -> None:
    """Carry a block through one entry of the plan's order, in place.

    Args:
        plan: the plan.
        block: the block, which has been through all entries before.
        place: which entry.
    """
    i = plan.order[place]
    if i in plan.steps:
        _split(plan, block, place, plan.steps[i])
    elif i not in plan.affine:
        node = plan.program.nodes[i]
        inputs = [_values(plan, block, j) for j in node.inputs]
        shapes = [plan.program.nodes[j].shape for j in node.inputs]
        shaped = [x.reshape(len(x), *shape) for x, shape in zip(inputs, shapes, strict=True)]
        block.live[i] = np.ascontiguousarray(node.apply(*shaped)).reshape(len(block.xy), -1)
        block.bounds[i] = affine_bound(node, shapes, [_bound(plan, block, j) for j in node.inputs])
    _release(plan, block, place)


def _release(plan: Plan, block: Block, place: int) -> None:
    """Drop values that nothing reads any more; roots stay until their step has seen them."""
    waiting = [plan.roots[i] for i in plan.order[place + 1 :] if i in plan.steps][:1]
    kept = {j for roots in waiting for j in roots}
    for j in list(block.live):
        if plan.last_use.get(j, -1) <= place and j not in kept:
            del block.live[j], block.bounds[j]


def _values(plan: Plan, block: Block, j: int) -> np.ndarray:
    return plan.affine[j].at(block.xy) if j in plan.affine else block.live[j]


def _bound(plan: Plan, block: Block, j: int) -> Bound:
    return plan.affine[j].bound if j in plan.affine else block.bounds[j]


def _predicates(step: Step, bound: Bound, values: np.ndarray) -> signs.Predicates:
    split = step.split
    reach = signs.column_reach(values)
    other = np.where(split.right >= 0, split.right, 0)
    paired = split.right >= 0
    error = bound.error[split.left] + np.where(paired, bound.error[other], 0.0)
    slope = bound.slope[split.left] + np.where(paired, bound.slope[other], 0.0)
    size = np.maximum(np.maximum(reach[split.left], np.where(paired, reach[other], 0.0)), np.abs(split.offset))
    inexact = paired | (split.offset != 0)
    error = error + np.where(inexact, 2 * UNIT_ROUNDOFF * size, 0.0)
    return signs.Predicates(split.left, split.right, split.offset, error, slope, ZERO_SHARE * size)


def _split(plan: Plan, block: Block, place: int, step: Step) -> None:
    inputs = [_values(plan, block, j) for j in step.inputs]
    values = inputs[0] if len(inputs) == 1 else np.concatenate(inputs, axis=1)
    bound = _joined([_bound(plan, block, j) for j in step.inputs])
    predicates = _predicates(step, bound, values)
    plain = isinstance(step.rule, Elementwise) and step.split.plain
    classify = signs.classify_plain if plain else signs.classify
    found = classify(values, predicates, block.radius)
    if found.marks.any():
        rows = np.flatnonzero(found.marks)
        signs.resolve(values, rows, _sharp_errors(plan, block, step, rows), predicates, found)
    crossings = edges.cross_edges(block.ends, block.edge_radius, block.xy, values, predicates, found)
    ties = isinstance(step.rule, Maximum) and step.rule.sign > 0
    cut = _cut(block, values, predicates, found, crossings, ties)
    _grow(plan, block, place, step, crossings, cut)
    if step.node >= 0 and place < len(plan.order) - 1:
        _apply(plan, block, step, bound, crossings, cut, len(values))


def _joined(bounds: list[Bound]) -> Bound:
    if len(bounds) == 1:
        return bounds[0]
    return Bound(
        magnitude=np.concatenate([b.magnitude for b in bounds]),
        error=np.concatenate([b.error for b in bounds]),
        slope=np.concatenate([b.slope for b in bounds]),
    )


def _cut(
    block: Block,
    values: np.ndarray,
    predicates: signs.Predicates,
    found: signs.Signs,
    crossings: edges.Crossings,
    ties: bool,
) -> cells.Cut:
    words = found.pos.shape[1]
    if block.dimension == 1:
        parent, bits, doubt = cells.cut_segments(block.ends, found, crossings, ties)
        return cells.output(0, 0, 0, 0, words)._replace(parent=parent, bits=bits, doubt=doubt)
    given = cells.Cells(block.start, block.half, block.ends, block.xy, block.radius, values)
    most, total, count = np.zeros(2, np.int64), np.zeros(4, np.int64), np.zeros(4, np.int64)
    cells.measure(given, found, crossings, np.zeros((4, words), np.uint64), most, total)
    space = cells.room(int(most[0]), int(most[1]), words)
    out = cells.output(*(int(size) for size in total), words)
    cells.cut_cells(given, predicates, found, crossings, ties, *space, count, out)
    return _trimmed(out, count)


def _trimmed(out: cells.Cut, count: np.ndarray) -> cells.Cut:
    made = {
        "start": count[cells.CELLS] + 1,
        "half": count[cells.HALVES],
        **dict.fromkeys(("parent", "bits", "doubt"), count[cells.CELLS]),
        **dict.fromkeys(("ends", "label", "radius"), count[cells.EDGES]),
        **dict.fromkeys(("mix_a", "mix_b", "mix_s", "mix_radius", "mix_on"), count[cells.MIXED]),
    }
    return cells.Cut(**{name: getattr(out, name)[:size].copy() for name, size in made.items()})


def _grow(plan: Plan, block: Block, place: int, step: Step, crossings: edges.Crossings, cut: cells.Cut) -> None:
    """Put the new vertices, edges and cells in place of the old ones, and carry the live values along."""
    old = len(block.xy)
    a = np.concatenate([block.ends[crossings.edge, 0], cut.mix_a])
    b = np.concatenate([block.ends[crossings.edge, 1], cut.mix_b])
    s = np.concatenate([crossings.s, cut.mix_s])
    sub_ends, sub_label, sub_radius = edges.cut_edges(block.ends, block.label, block.edge_radius, crossings, old)
    block.xy = edges.interpolate(block.xy, a, b, s)
    block.radius = np.concatenate([block.radius, crossings.radius, cut.mix_radius])
    block.ends = np.concatenate([sub_ends, cut.ends])
    block.label = np.concatenate([sub_label, cut.label + np.int32(step.base)])
    block.edge_radius = np.concatenate([sub_radius, cut.radius])
    block.start, block.half = cut.start, cut.half
    block.doubt = block.doubt[cut.parent] | cut.doubt
    block.levels.append(Level(step=step.node, parent=cut.parent, bits=cut.bits))
    for j in list(block.live):
        if plan.last_use.get(j, -1) > place or (j in step.inputs and place < len(plan.order) - 1):
            block.live[j] = edges.interpolate(block.live[j], a, b, s)
        else:
            del block.live[j], block.bounds[j]


def _apply(
    plan: Plan,
    block: Block,
    step: Step,
    bound: Bound,
    crossings: edges.Crossings,
    cut: cells.Cut,
    old: int,
) -> None:
    """Evaluate the nonlinear node at all vertices; on their own hyperplanes units have exact values."""
    node = plan.program.nodes[step.node]
    shapes = [plan.program.nodes[j].shape for j in step.inputs]
    inputs = [_values(plan, block, j) for j in step.inputs]
    if isinstance(step.rule, Elementwise):
        vertex = np.concatenate([crossings.vertex + old, np.repeat(np.arange(len(cut.mix_a)), 2) + old + len(crossings.s)])
        which = np.concatenate([crossings.predicate, cut.mix_on.ravel()])
        edges.pin(inputs[0], vertex, step.split.left[which], step.split.offset[which])
    shaped = [x.reshape(len(x), *shape) for x, shape in zip(inputs, shapes, strict=True)]
    block.live[step.node] = np.ascontiguousarray(node.apply(*shaped)).reshape(len(block.xy), -1)
    block.bounds[step.node] = piecewise_bound(node, [bound])
    reach = signs.column_reach(block.live[step.node]) + block.bounds[step.node].error
    known = block.bounds[step.node]
    block.bounds[step.node] = Bound(
        magnitude=np.minimum(known.magnitude, reach), error=known.error, slope=known.slope
    )


def _sharp_errors(plan: Plan, block: Block, step: Step, rows: np.ndarray) -> np.ndarray:
    """Running error bounds of a step's predicates at some vertices, from the actual values there.

    A ReLU that is shut, or that vanishes because the vertex lies on its hyperplane, passes an exact zero.
    """
    known: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for j in plan.roots[step.node]:
        value = _values_at(plan, block, j, rows)
        bound = _bound(plan, block, j)
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


def _run(
    plan: Plan, j: int, known: dict[int, tuple[np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    if j in known:
        return known[j]
    node = plan.program.nodes[j]
    if node.kind is not Kind.AFFINE:
        raise KeyError(f"node {node.name} is no root")
    parts = [_run(plan, k, known) for k in node.inputs]
    shapes = [plan.program.nodes[k].shape for k in node.inputs]

    def carried(which: int, zero: bool = False) -> np.ndarray:
        shaped = [
            (np.zeros_like(p[which]) if zero else p[which]).reshape(-1, *shape)
            for p, shape in zip(parts, shapes, strict=True)
        ]
        return node.magnitude(*shaped).reshape(len(parts[0][0]), -1)

    magnitude = carried(0)
    error = np.maximum(carried(1) - carried(1, zero=True), 0.0) * (1 + 1e-12)
    known[j] = (magnitude, error + (gamma(node.length + 2) if node.length else 0.0) * magnitude)
    return known[j]
