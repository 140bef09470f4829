"""One step of the engine: evaluate the next node at all vertices, and cut the cells where it bends."""

from dataclasses import dataclass

import numpy as np

from inscape._errors import BudgetError
from inscape.geometry import _kernels_cells as cells
from inscape.geometry import _kernels_edges as edges
from inscape.geometry import _kernels_signs as signs
from inscape.geometry import _room as room
from inscape.geometry._block import Block, Decision, Level, Pending
from inscape.geometry._bounds import UNIT_ROUNDOFF, Bound, affine_bound, interpolated_bound, piecewise_bound
from inscape.geometry._desk import Desk
from inscape.geometry._kernels_trace import measure
from inscape.geometry._levels import Stage, per_unit
from inscape.geometry._merge import join_equal_leaders
from inscape.geometry._plan import Plan, Step
from inscape.geometry._program import Elementwise, Maximum
from inscape.geometry._settle import open_signs, settle_chords, settle_crossings, settle_signs
from inscape.geometry._sharp import sharp_errors

ZERO_SHARE = 1e-11
"""Largest share of a unit's range that may be taken for zero."""

SPARE_CELLS = 100_000
"""Cells for which there is always room, whatever ``max_cells`` says."""

CONTEST = -2
"""Key of the values between two rounds of a maximum."""


def advance(plan: Plan, block: Block, place: int) -> None:
    """Carry a block through one entry of the plan's order, in place.

    Args:
        plan: the plan.
        block: the block, which has been through all entries before.
        place: which entry.
    """
    if block.pending is not None:
        _bend(plan, block, block.pending)
        _release(plan, block, place - 1)
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
    if block.pending is not None:
        kept.update(block.pending.step.inputs)
    for j in list(block.live):
        if plan.last_use.get(j, -1) <= place and j not in kept:
            del block.live[j], block.bounds[j]


def _values(plan: Plan, block: Block, j: int) -> np.ndarray:
    return plan.affine[j].at(block.xy) if j in plan.affine else block.live[j]


def _bound(plan: Plan, block: Block, j: int) -> Bound:
    return plan.affine[j].bound if j in plan.affine else block.bounds[j]


def _predicates(turn: "_Round", bound: Bound, values: np.ndarray) -> signs.Predicates:
    split, reach = turn.stage.split, signs.column_reach(values)
    if turn.plain:
        return signs.Predicates(split.left, split.right, split.offset, bound.error, bound.slope, ZERO_SHARE * reach)
    other = np.where(split.right >= 0, split.right, 0)
    paired = split.right >= 0
    error = bound.error[split.left] + np.where(paired, bound.error[other], 0.0)
    slope = bound.slope[split.left] + np.where(paired, bound.slope[other], 0.0)
    size = np.maximum(np.maximum(reach[split.left], np.where(paired, reach[other], 0.0)), np.abs(split.offset))
    inexact = paired | (split.offset != 0)
    error = error + np.where(inexact, 2 * UNIT_ROUNDOFF * size, 0.0)
    return signs.Predicates(split.left, split.right, split.offset, error, slope, ZERO_SHARE * size)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Round:
    """One round of a step on a block."""

    step: Step
    number: int
    place: int
    """Place of the step in the plan's order."""
    reads: tuple[int, ...]
    """Keys of the values that it reads."""
    final: bool
    """True if nothing is evaluated afterwards."""
    plain: bool
    """True if the predicates are the values themselves."""

    @property
    def stage(self) -> Stage:
        return self.step.stages[self.number]

    @property
    def key(self) -> tuple[int, int]:
        return (self.step.node, self.number)

    @property
    def base(self) -> int:
        """First label of the round's predicates."""
        return self.step.base + sum(stage.split.size for stage in self.step.stages[: self.number])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Change:
    """What one round does to a block."""

    crossings: edges.Crossings
    cut: room.Cut
    vertices: int
    """Number of vertices before the round."""
    traced: Level | None
    """Pieces of the edges, of a block without cells."""


def _split(plan: Plan, block: Block, place: int, step: Step) -> None:
    for number in range(len(step.stages)):
        turn = _Round(
            step=step,
            number=number,
            place=place,
            reads=step.inputs if number == 0 else (CONTEST,),
            final=place == len(plan.order) - 1 and number == len(step.stages) - 1,
            plain=step.node in plan.plain,
        )
        if turn.stage.split.size or not isinstance(step.rule, Maximum):
            _cut_round(plan, block, turn)
        if isinstance(step.rule, Maximum) and not turn.final:
            _reduce(plan, block, turn)
    if CONTEST in block.live:
        block.live[step.node], block.bounds[step.node] = block.live.pop(CONTEST), block.bounds.pop(CONTEST)
    join_equal_leaders(block, step)


def _cut_round(plan: Plan, block: Block, turn: _Round) -> None:
    values, bound = _read(plan, block, turn.reads)
    predicates = _predicates(turn, bound, values)
    desk = Desk(
        plan=plan,
        block=block,
        step=turn.step,
        number=turn.number,
        base=turn.base,
        values=values,
        predicates=predicates,
    )
    found = _classify(desk, turn)
    record = None
    if turn.key in block.reads:
        decision = block.reads[turn.key]
        record = edges.Record(block.shared_edge, len(decision.signs.pos), decision.crossings)
    crossings = edges.cross_edges(
        block.ends, block.edge_radius, block.xy, block.radius, values, predicates, found, record
    )
    if crossings.doubt.any():
        crossings = settle_crossings(desk, found, crossings)
    if block.writes is not None:
        block.writes[turn.key] = Decision(signs=found, crossings=crossings)
    cut = _cut(desk, room.Given(values, predicates, found, crossings))
    change = _Change(
        crossings=crossings, cut=cut, vertices=len(block.xy), traced=_traced(block, turn, found, crossings)
    )
    _grow(plan, block, turn, change)
    if not turn.final and not isinstance(turn.step.rule, Maximum):
        block.pending = _pending(bound, turn.step, change)


def _traced(block: Block, turn: _Round, found: signs.Signs, crossings: edges.Crossings) -> Level | None:
    if not block.bare:
        return None
    parent, bits, _ = cells.cut_segments(block.ends, found, crossings, _ties(turn.step))
    return Level(step=turn.step.node, parent=parent, bits=bits)


def _ties(step: Step) -> bool:
    """Sign bit of a predicate that vanishes identically: among equals the lowest index leads."""
    return isinstance(step.rule, Maximum) and step.rule.sign > 0


def _read(plan: Plan, block: Block, keys: tuple[int, ...]) -> tuple[np.ndarray, Bound]:
    inputs = [_values(plan, block, j) for j in keys]
    values = inputs[0] if len(inputs) == 1 else np.concatenate(inputs, axis=1)
    return values, _joined([_bound(plan, block, j) for j in keys])


def _reduce(plan: Plan, block: Block, turn: _Round) -> None:
    """Winners of a round at all vertices."""
    values, bound = _read(plan, block, turn.reads)
    left = turn.stage.left
    right = np.where(turn.stage.right >= 0, turn.stage.right, left)
    best = np.maximum if getattr(turn.step.rule, "sign", 1) > 0 else np.minimum
    block.live[CONTEST] = best(values[:, left], values[:, right])
    block.bounds[CONTEST] = Bound(
        magnitude=np.maximum(bound.magnitude[left], bound.magnitude[right]),
        error=np.maximum(bound.error[left], bound.error[right]),
        slope=np.maximum(bound.slope[left], bound.slope[right]),
    )


def _classify(desk: Desk, turn: _Round) -> signs.Signs:
    plan, block, values, predicates = desk.plan, desk.block, desk.values, desk.predicates
    classify = signs.classify_plain if turn.plain else signs.classify
    found = classify(values, predicates, block.radius)
    rows = np.flatnonzero(found.marks)
    bounds = predicates.error + predicates.slope * block.radius[rows, None]
    if turn.number == 0 and len(rows):
        bounds = sharp_errors(plan, block, turn.step, rows)
        signs.resolve(values, rows, bounds, predicates, found)
    unsure = open_signs(desk, found, rows, bounds)
    own = (block.shared_vertex < 0) | (turn.key not in block.reads)
    settle_signs(desk, found, {v: wanted for v, wanted in unsure.items() if own[v]})
    if turn.key in block.reads:
        known = block.reads[turn.key].signs
        rows = np.flatnonzero(block.shared_vertex >= 0)
        for mine, theirs in zip(found, known, strict=True):
            mine[rows] = theirs[block.shared_vertex[rows]]
    return found


def _joined(bounds: list[Bound]) -> Bound:
    if len(bounds) == 1:
        return bounds[0]
    return Bound(
        magnitude=np.concatenate([b.magnitude for b in bounds]),
        error=np.concatenate([b.error for b in bounds]),
        slope=np.concatenate([b.slope for b in bounds]),
    )


def _cut(desk: Desk, given: room.Given) -> room.Cut:
    plan, block, step = desk.plan, desk.block, desk.step
    words = given.signs.pos.shape[1]
    ties = _ties(step)
    if block.dimension == 1:
        parent, bits, doubt = cells.cut_segments(block.ends, given.signs, given.crossings, ties)
        return room.NOTHING._replace(parent=parent, bits=bits, doubt=doubt)
    old = room.Cells(block.start, block.half, block.ends, block.xy, block.radius, given.values)
    most, total, count = np.zeros(2, np.int64), np.zeros(4, np.int64), np.zeros(4, np.int64)
    measure(old, given.signs, given.crossings, np.zeros((4, words), np.uint64), most, total)
    _check_room(plan, block, step, int(total[0]))
    boundary, chords, mesh, scratch = room.room(int(most[0]), int(most[1]), words)
    out = room.output(int(total[0]), int(total[1]), int(total[2]), int(total[3]), words)
    whole, cell, asking = (old, given.predicates, given.signs, given.crossings, ties), 0, mesh
    while True:
        before, cell = cell, cells.cut_cells(cell, *whole, boundary, chords, asking, scratch, count, out)
        if cell == block.cell_count:
            return _trimmed(out, count)
        asking = settle_chords(desk, cell, chords, asking if cell == before else mesh)


def _check_room(plan: Plan, block: Block, step: Step, cells: int) -> None:
    """Stop before memory is asked for that no machine has."""
    if cells > SPARE_CELLS + 2 * plan.max_cells + block.cell_count:
        raise BudgetError(
            f"the layer {step.name!r} alone could cut this domain into up to {cells:,} cells, with "
            f"max_cells={plan.max_cells:,}; choose a smaller domain, or max_cells of at least {cells // 2:,}"
        )


def _trimmed(out: room.Cut, count: np.ndarray) -> room.Cut:
    made = {
        "start": count[room.CELLS] + 1,
        "half": count[room.HALVES],
        **dict.fromkeys(("parent", "bits", "doubt"), count[room.CELLS]),
        **dict.fromkeys(("ends", "label", "radius"), count[room.EDGES]),
        **dict.fromkeys(("mix_a", "mix_b", "mix_s", "mix_radius", "mix_on"), count[room.MIXED]),
    }
    return room.Cut(**{name: getattr(out, name)[:size].copy() for name, size in made.items()})


def _grow(plan: Plan, block: Block, turn: _Round, change: _Change) -> None:
    """Put the new vertices, edges and cells in place of the old ones, and carry the live values along."""
    crossings, cut = change.crossings, change.cut
    a = np.concatenate([block.ends[crossings.edge, 0], cut.mix_a])
    b = np.concatenate([block.ends[crossings.edge, 1], cut.mix_b])
    s = np.concatenate([crossings.s, cut.mix_s])
    sub_ends, sub_label, sub_radius = edges.cut_edges(
        block.ends, block.label, block.edge_radius, crossings, change.vertices
    )
    block.xy = edges.interpolate(block.xy, a, b, s)
    block.radius = np.concatenate([block.radius, crossings.radius, cut.mix_radius])
    block.ends = np.concatenate([sub_ends, cut.ends])
    block.label = np.concatenate([sub_label, cut.label + np.int32(turn.base)])
    block.edge_radius = np.concatenate([sub_radius, cut.radius])
    _renumber_shared(block, turn, change)
    block.start, block.half = cut.start, cut.half
    block.doubt = block.doubt[cut.parent] | cut.doubt
    block.levels.append(Level(step=turn.step.node, parent=cut.parent, bits=cut.bits))
    if change.traced is not None:
        block.traces.append(change.traced)
    for j in list(block.live):
        if plan.last_use.get(j, -1) > turn.place or (j in turn.reads and not turn.final):
            block.live[j] = edges.interpolate(block.live[j], a, b, s)
            block.bounds[j] = interpolated_bound(block.bounds[j])
        else:
            del block.live[j], block.bounds[j]


def _renumber_shared(block: Block, turn: _Round, change: _Change) -> None:
    crossings, cut = change.crossings, change.cut
    pieces = np.diff(crossings.sub)
    shared = np.repeat(block.shared_edge, pieces)
    if turn.key in block.reads:
        place = np.arange(len(shared)) - np.repeat(crossings.sub[:-1], pieces)
        first = block.reads[turn.key].crossings.sub
        shared = np.where(shared >= 0, first[shared] + place, -1).astype(np.int32)
    block.shared_edge = np.concatenate([shared, np.full(len(cut.ends), -1, np.int32)])
    inner = np.full(len(cut.mix_a), -1, np.int32)
    block.shared_vertex = np.concatenate([block.shared_vertex, crossings.origin, inner])


def _pending(bound: Bound, step: Step, change: _Change) -> Pending:
    crossings, cut = change.crossings, change.cut
    interior = change.vertices + len(crossings.s) + np.repeat(np.arange(len(cut.mix_a)), 2)
    vertex = np.concatenate([crossings.vertex + change.vertices, interior])
    which = np.concatenate([crossings.predicate, cut.mix_on.ravel()])
    if not isinstance(step.rule, Elementwise):
        vertex, which = vertex[:0], which[:0]
    bound = interpolated_bound(bound)
    return Pending(step=step, bound=bound, vertex=vertex, unit=step.split.left[which], level=step.split.offset[which])


def _bend(plan: Plan, block: Block, waiting: Pending) -> None:
    """Evaluate a nonlinear node at all vertices; on their own hyperplanes units have exact values."""
    step = waiting.step
    node = plan.program.nodes[step.node]
    shapes = [plan.program.nodes[j].shape for j in step.inputs]
    inputs = [_values(plan, block, j) for j in step.inputs]
    if len(waiting.vertex):
        edges.pin(inputs[0], waiting.vertex, waiting.unit, waiting.level)
    if isinstance(step.rule, Elementwise):
        block.live[step.node], largest = _bent(plan, block, step, step.rule, inputs[0])
    else:
        shaped = [x.reshape(len(x), *shape) for x, shape in zip(inputs, shapes, strict=True)]
        block.live[step.node] = np.ascontiguousarray(node.apply(*shaped)).reshape(len(block.xy), -1)
        largest = signs.column_reach(block.live[step.node])
    known = piecewise_bound(node, [waiting.bound])
    reach = largest + known.error
    block.bounds[step.node] = Bound(magnitude=np.minimum(known.magnitude, reach), error=known.error, slope=known.slope)
    block.pending = None


def _bent(plan: Plan, block: Block, step: Step, rule: Elementwise, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An elementwise function of the values, written over them if nothing else will read them, and its reach."""
    source = step.inputs[0]
    if source in block.live:
        if plan.last_use.get(source, -1) > plan.order.index(step.node):
            values = values.copy()
        else:
            del block.live[source], block.bounds[source]
    tables = (np.ascontiguousarray(per_unit(table, values.shape[1])) for table in (rule.slopes, rule.intercepts))
    return values, edges.bend(values, np.asarray(rule.thresholds, dtype=np.float64), *tables)
