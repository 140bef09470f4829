"""One step of the engine in dimension 3 and more: evaluate the next node, and cut the cells where it bends."""

from dataclasses import dataclass

import numpy as np

from inscape._errors import BudgetError
from inscape.geometry import _kernels_edges as edges
from inscape.geometry import _kernels_signs as signs
from inscape.geometry._block import Level
from inscape.geometry._bounds import UNIT_ROUNDOFF, Bound, affine_bound, gamma, piecewise_bound
from inscape.geometry._kernels_signs import unpack
from inscape.geometry._levels import Stage, per_unit, pieces
from inscape.geometry._merge import leader_codes
from inscape.geometry._plan import Plan, Step
from inscape.geometry._program import Elementwise, Maximum
from inscape.geometry._solid import Solid
from inscape.geometry._solid_exact import Court
from inscape.geometry._solid_join import drop_unused, join_equal
from inscape.geometry._split import Answer, Question
from inscape.geometry._step import SPARE_CELLS, ZERO_SHARE


@dataclass(kw_only=True, slots=True)
class _Input:
    """What a round reads."""

    values: np.ndarray
    bound: Bound
    gradients: np.ndarray


def advance(plan: Plan, solid: Solid, place: int) -> bool:
    """Carry a block through one entry of the plan's order, in place.

    Args:
        plan: the plan.
        solid: the block, which has been through all entries before.
        place: which entry.

    Returns:
        False if the last step stopped at the limit of cells.
    """
    i = plan.order[place]
    complete = True
    if i in plan.steps:
        complete = _split(plan, solid, place, plan.steps[i])
    elif i not in plan.affine:
        _carry(plan, solid, i)
    for j in list(solid.live):
        if plan.last_use.get(j, -1) <= place:
            del solid.live[j], solid.bounds[j], solid.slopes[j]
    return complete


def _carry(plan: Plan, solid: Solid, i: int) -> None:
    """Values, slopes and bounds of an affine node."""
    nodes = plan.program.nodes
    node, shapes = nodes[i], [nodes[j].shape for j in nodes[i].inputs]
    inputs = [_input(plan, solid, j) for j in node.inputs]
    shaped = [x.values.reshape(-1, *shape) for x, shape in zip(inputs, shapes, strict=True)]
    solid.live[i] = np.ascontiguousarray(node.apply(*shaped)).reshape(len(solid.xy), -1)
    rows = max(len(x.gradients) for x in inputs)
    full = [np.broadcast_to(x.gradients, (rows, *x.gradients.shape[1:])) for x in inputs]
    tables = [np.ascontiguousarray(g).reshape(-1, *shape) for g, shape in zip(full, shapes, strict=True)]
    solid.slopes[i] = np.ascontiguousarray(node.linear(*tables)).reshape(rows, solid.dimension, -1)
    solid.bounds[i] = affine_bound(node, shapes, [x.bound for x in inputs])


def _input(plan: Plan, solid: Solid, j: int) -> _Input:
    if j in plan.affine:
        known = plan.affine[j]
        return _Input(values=known.at(solid.xy), bound=known.bound, gradients=known.table[None, 1:])
    return _Input(values=solid.live[j], bound=solid.bounds[j], gradients=solid.slopes[j])


def _read(plan: Plan, solid: Solid, step: Step) -> _Input:
    """All inputs of a step, side by side."""
    inputs = [_input(plan, solid, j) for j in step.inputs]
    if len(inputs) == 1:
        return inputs[0]
    rows = max(len(x.gradients) for x in inputs)
    bounds = [x.bound for x in inputs]
    return _Input(
        values=np.concatenate([x.values for x in inputs], axis=1),
        bound=Bound(
            magnitude=np.concatenate([b.magnitude for b in bounds]),
            error=np.concatenate([b.error for b in bounds]),
            slope=np.concatenate([b.slope for b in bounds]),
        ),
        gradients=np.concatenate([np.broadcast_to(x.gradients, (rows, *x.gradients.shape[1:])) for x in inputs], 2),
    )


def _split(plan: Plan, solid: Solid, place: int, step: Step) -> bool:
    final, complete = place == len(plan.order) - 1, True
    given = _read(plan, solid, step)
    base, parent, bits = step.base, np.arange(solid.cell_count, dtype=np.int32), []
    for number, stage in enumerate(step.stages):
        last = final and number == len(step.stages) - 1
        if stage.split.size:
            turn = _Round(step=step, stage=stage, base=base, last=last, place=place)
            made = _cut(solid, given, turn, Court(plan=plan, solid=solid, step=step, rounds=bits, origin=parent))
            complete = complete and made.complete
            parent, bits = parent[made.cells.parent], [rows[made.cells.parent] for rows in bits]
            bits.append(made.cells.bits)
            base += stage.split.size
        if isinstance(step.rule, Maximum) and not last:
            given = _winners(given, stage, step.rule.sign, bits[-1] if stage.split.size else None)
    rule = step.rule
    if isinstance(rule, Maximum):
        level = Level(step=step.node, parent=parent, bits=leader_codes(rule, step, bits, len(parent)))
        if len(bits) > 1:
            members = join_equal(solid, level)
            given.values = drop_unused(solid, given.values)
            given.gradients = given.gradients if len(given.gradients) == 1 else given.gradients[members]
    else:
        level = Level(step=step.node, parent=parent, bits=bits[0] if bits else np.zeros((len(parent), 0), np.uint64))
    solid.levels.append(level)
    if not final:
        _evaluate(plan, solid, step, given, level)
    return complete


@dataclass(frozen=True, kw_only=True, slots=True)
class _Round:
    step: Step
    stage: Stage
    base: int
    last: bool
    place: int

    @property
    def ties(self) -> bool:
        return isinstance(self.step.rule, Maximum) and self.step.rule.sign > 0


def _cut(solid: Solid, given: _Input, turn: _Round, court: Court) -> Answer:
    """Cut the cells in one round, and carry along what is still needed."""
    plan = court.plan
    predicates, grain = _predicates(turn.stage, given)
    plain = isinstance(turn.step.rule, Elementwise) and turn.stage.split.plain
    found = (signs.classify_plain if plain else signs.classify)(given.values, predicates, solid.radius)
    most = SPARE_CELLS + 2 * plan.max_cells + solid.cell_count
    question = Question(
        predicates=predicates, grain=grain, gradients=given.gradients, ties=turn.ties, base=turn.base, most=most
    )
    court.settle_corners(given.values, found, question)
    given.values = _pinned(given.values, found, turn)
    made = court.cut(given.values, found, question)
    if not made.complete and not turn.last:
        raise BudgetError(
            f"the layer {turn.step.name!r} cuts this domain into more than {most:,} cells, with "
            f"max_cells={plan.max_cells:,}; choose a smaller domain, or a larger max_cells"
        )
    _take(plan, solid, turn.place, made)
    deepest = int(made.points.depth.max(initial=0))
    given.values = made.points.values
    given.bound = _deeper(given.bound, deepest)
    if len(given.gradients) > 1:
        given.gradients = given.gradients[made.cells.parent]
    return made


def _predicates(stage: Stage, given: _Input) -> tuple[signs.Predicates, np.ndarray]:
    """Predicates with their bounds, and how much one more interpolation adds to the error."""
    chosen, bound = stage.split, given.bound
    reach = signs.column_reach(given.values)
    paired = chosen.right >= 0
    other = np.where(paired, chosen.right, 0)

    def both(row: np.ndarray) -> np.ndarray:
        return row[chosen.left] + np.where(paired, row[other], 0.0)

    size = np.maximum(np.maximum(reach[chosen.left], np.where(paired, reach[other], 0.0)), np.abs(chosen.offset))
    inexact = paired | (chosen.offset != 0)
    error = both(bound.error) + np.where(inexact, 2 * UNIT_ROUNDOFF * size, 0.0)
    made = signs.Predicates(chosen.left, chosen.right, chosen.offset, error, both(bound.slope), ZERO_SHARE * size)
    return made, gamma(4) * both(bound.magnitude)


def _pinned(values: np.ndarray, found: signs.Signs, turn: _Round) -> np.ndarray:
    """Units that vanish at an old vertex get their exact level there."""
    if not isinstance(turn.step.rule, Elementwise):
        return values
    n = turn.stage.split.size
    rows = np.flatnonzero(np.bitwise_count(found.pos | found.neg).sum(1) < n)
    if not len(rows):
        return values
    place, which = np.nonzero(~unpack((found.pos | found.neg)[rows], n))
    values = values.copy()
    values[rows[place], turn.stage.split.left[which]] = turn.stage.split.offset[which]
    return values


def _deeper(bound: Bound, depth: int) -> Bound:
    error = bound.error + depth * gamma(4) * bound.magnitude
    return Bound(magnitude=bound.magnitude, error=error, slope=bound.slope)


def _take(plan: Plan, solid: Solid, place: int, made: Answer) -> None:
    """Put what cutting made in place of what was there."""
    points, cells, old = made.points, made.cells, len(solid.xy)
    a, b, s = points.a[old:], points.b[old:], points.s[old:]
    deepest = int(points.depth.max(initial=0))
    for j in list(solid.live):
        if plan.last_use.get(j, -1) > place:
            solid.live[j] = edges.interpolate(solid.live[j], a, b, s)
            solid.bounds[j] = _deeper(solid.bounds[j], deepest)
            if len(solid.slopes[j]) > 1:
                solid.slopes[j] = solid.slopes[j][cells.parent]
        else:
            del solid.live[j], solid.bounds[j], solid.slopes[j]
    doubt = solid.doubt[cells.parent]
    if points.close.any():
        doubt = doubt | np.logical_or.reduceat(points.close[cells.corners], cells.start[:-1])
    solid.xy, solid.radius, solid.name, solid.doubt = points.t, points.radius, points.name, doubt
    for name in ("start", "corners", "masks", "side_start", "side_label", "normals", "fuzz"):
        setattr(solid, name, getattr(cells, name))


def _winners(given: _Input, stage: Stage, sign: int, bits: np.ndarray | None) -> _Input:
    """Winners of a round of a maximum: at all vertices, and their slopes on all cells."""
    left, right = stage.left, np.where(stage.right >= 0, stage.right, stage.left)
    best = np.maximum if sign > 0 else np.minimum
    bound = given.bound
    slopes = given.gradients[:, :, left]
    if bits is not None:
        contest = np.flatnonzero(stage.right >= 0)
        ahead = unpack(bits, stage.split.size)
        loses = np.zeros((len(bits), len(left)), np.bool_)
        loses[:, contest] = ~ahead if sign > 0 else ahead
        slopes = np.where(loses[:, None, :], given.gradients[:, :, right], slopes)
    return _Input(
        values=best(given.values[:, left], given.values[:, right]),
        bound=Bound(
            magnitude=np.maximum(bound.magnitude[left], bound.magnitude[right]),
            error=np.maximum(bound.error[left], bound.error[right]),
            slope=np.maximum(bound.slope[left], bound.slope[right]),
        ),
        gradients=slopes,
    )


def _evaluate(plan: Plan, solid: Solid, step: Step, given: _Input, level: Level) -> None:
    """Values, slopes and bounds of a nonlinear node on the cells that it has cut."""
    node, rule = plan.program.nodes[step.node], step.rule
    shapes = [plan.program.nodes[j].shape for j in step.inputs]
    if isinstance(rule, Maximum):
        solid.live[step.node], solid.slopes[step.node] = given.values, given.gradients
        solid.bounds[step.node] = given.bound
        return
    width = given.values.shape[1]
    found = pieces(rule, width, unpack(level.bits, step.size))
    if isinstance(rule, Elementwise):
        values = given.values.copy()
        slopes, intercepts = (np.ascontiguousarray(per_unit(x, width)) for x in (rule.slopes, rule.intercepts))
        edges.bend(values, np.asarray(rule.thresholds, dtype=np.float64), slopes, intercepts)
        table = given.gradients * found.scale[:, None, :]
    else:
        values = node.apply(given.values.reshape(-1, *shapes[0])).reshape(len(solid.xy), -1)
        rows = np.broadcast_to(given.gradients, (solid.cell_count, *given.gradients.shape[1:]))
        index = np.broadcast_to(found.source[:, None, :], (*rows.shape[:2], found.source.shape[1]))
        table = np.take_along_axis(rows, index, axis=2)
    known = piecewise_bound(node, [given.bound])
    reach = signs.column_reach(values) + known.error
    solid.live[step.node], solid.slopes[step.node] = np.ascontiguousarray(values), table
    solid.bounds[step.node] = Bound(magnitude=np.minimum(known.magnitude, reach), error=known.error, slope=known.slope)
