"""Edge subdivision of generic networks: only vertices and edges are kept, and 2-faces are found by hashing.

In a generic complex every vertex lies on exactly d hyperplanes (bent, or walls) and every edge on d - 1, so that an
edge has a 2-face on either side of each of its hyperplanes. A predicate cuts an edge in a vertex, and a 2-face in an
edge between two such vertices. Faces are named by random words; a name that does not come up exactly twice shows that
the complex is not generic.

Source:
    Berzins (2023), Polyhedral complex extraction from ReLU networks using edge subdivision, for the idea of edges
    alone; the names of 2-faces are Zobrist's (1970).
"""

from dataclasses import dataclass, field

import numpy as np

from inscape._progress import Meter, SilentMeter
from inscape.geometry import _kernels_hashed_types as types
from inscape.geometry._bounds import UNIT_ROUNDOFF, Bound, affine_bound, gamma, piecewise_bound
from inscape.geometry._hashed_window import places, uphill, window
from inscape.geometry._kernels_edges import bend, interpolate, pin
from inscape.geometry._kernels_hashed import cut_batch
from inscape.geometry._kernels_hashed_signs import close_batch, open_batch, settle
from inscape.geometry._kernels_hashed_types import Batch, Lines, Names, Points
from inscape.geometry._levels import per_unit
from inscape.geometry._plan import Plan, Step
from inscape.geometry._program import Elementwise
from inscape.geometry._skeleton import MAX_BYTES, Skeleton, count_cells

SUSPECTS = 4096
"""Signs within rounding of zero that are looked at again."""

_SEED = 0x1A5C
_FIRST_ROOM = 1024


def eligible(plan: Plan) -> bool:
    """Whether edge subdivision can handle a plan: dimension 3 to 6, and only functions of single units.

    Args:
        plan: the plan.

    Returns:
        True if it can be tried.
    """
    return 3 <= plan.chart.dimension <= 6 and all(isinstance(step.rule, Elementwise) for step in plan.steps.values())


def subdivide_edges(
    plan: Plan, *, max_cells: int | None = None, max_bytes: int = MAX_BYTES, meter: Meter | None = None
) -> Skeleton | None:
    """Cut a chart by a generic network, keeping vertices and edges alone.

    Args:
        plan: the plan.
        max_cells: give up when an inner layer has made more cells; ``plan.max_cells`` by default.
        max_bytes: memory that the complex and its values may take.
        meter: where new vertices are reported.

    Returns:
        The skeleton, from which cells are counted and made; None if the plan is not eligible, the network is not
        generic or some sign not certain, or a limit is passed.
    """
    if not eligible(plan):
        return None
    limit = plan.max_cells if max_cells is None else max_cells
    run = _Run(plan=plan, max_cells=limit, max_bytes=max_bytes, meter=meter or SilentMeter())
    return run.finish()


@dataclass(kw_only=True)
class _Run:
    """One pass through the plan's order."""

    plan: Plan
    max_cells: int
    max_bytes: int
    meter: Meter
    points: Points = field(init=False)
    lines: Lines = field(init=False)
    names: Names = field(init=False)
    words: np.ndarray = field(init=False)
    state: np.ndarray = field(init=False)
    error: np.ndarray = field(init=False)
    drift: np.ndarray = field(init=False)
    slope: np.ndarray = field(init=False)
    live: dict[int, np.ndarray] = field(default_factory=dict)
    bounds: dict[int, Bound] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.words, count = places(self.plan)
        labels = len(self.words) + 2 * self.plan.chart.dimension
        self.names = Names(
            word=np.random.default_rng(_SEED).integers(0, 2**64, (labels, 2), np.uint64),
            slots=np.zeros((_FIRST_ROOM, 2), np.uint64),
            suspects=np.zeros((SUSPECTS, 2), np.int64),
        )
        self.points, self.lines = window(self.plan, count, self.names.word)
        self.state = np.zeros(types.STATES, np.int64)
        self.state[types.VERTICES], self.state[types.EDGES] = len(self.points.t), len(self.lines.ends)
        self.error, self.drift, self.slope = np.zeros((3, len(self.words)))

    @property
    def vertices(self) -> int:
        return int(self.state[types.VERTICES])

    def finish(self) -> Skeleton | None:
        """Go through the order; None if edges alone do not do."""
        for place, i in enumerate(self.plan.order):
            if i in self.plan.steps:
                if not self._split(place, self.plan.steps[i]):
                    return None
            elif i not in self.plan.affine and not self._apply(i):
                return None
            for j in [j for j in self.live if self.plan.last_use.get(j, -1) <= place]:
                del self.live[j], self.bounds[j]
        return self._skeleton()

    def _skeleton(self) -> Skeleton:
        vertices, edges = self.vertices, int(self.state[types.EDGES])
        return Skeleton(
            plan=self.plan,
            points=Points(*(array[:vertices] for array in self.points)),
            lines=Lines(*(array[:edges] for array in self.lines)),
            words=self.words,
        )

    def _too_many(self) -> bool:
        """Whether the limit on cells is passed before the last step; they are counted only if there may be so many."""
        if self.vertices <= self.max_cells:
            return False
        count = count_cells(self._skeleton())
        return count is None or count > self.max_cells

    def _values(self, j: int) -> np.ndarray:
        return self.plan.affine[j].at(self.points.t[: self.vertices]) if j in self.plan.affine else self.live[j]

    def _bound(self, j: int) -> Bound:
        return self.plan.affine[j].bound if j in self.plan.affine else self.bounds[j]

    def _apply(self, i: int) -> bool:
        """Evaluate an affine node at all vertices, if there is room for its values."""
        node = self.plan.program.nodes[i]
        held = [*self.points, *self.lines, *self.live.values()]
        if sum(array.nbytes for array in held) + 8 * self.vertices * int(np.prod(node.shape)) > self.max_bytes:
            return False
        shapes = [self.plan.program.nodes[j].shape for j in node.inputs]
        shaped = [self._values(j).reshape(-1, *shape) for j, shape in zip(node.inputs, shapes, strict=True)]
        self.live[i] = np.ascontiguousarray(node.apply(*shaped)).reshape(self.vertices, -1)
        self.bounds[i] = affine_bound(node, shapes, [self._bound(j) for j in node.inputs])
        return True

    def _split(self, place: int, step: Step) -> bool:
        source = step.inputs[0]
        bound, before = self._bound(source), self.vertices
        final = place == len(self.plan.order) - 1
        for first in range(0, step.size, 64):
            chosen = np.arange(first, min(first + 64, step.size))
            last = final and first + 64 >= step.size
            if not self._cut(step, chosen, self._values(source), bound, last):
                return False
        if not final:
            if self._too_many() or not isinstance(step.rule, Elementwise):
                return False
            self.bounds = {j: self._drifted(known) for j, known in self.bounds.items()}
            self._bend(place, step, step.rule, before)
        return True

    def _cut(self, step: Step, chosen: np.ndarray, values: np.ndarray, bound: Bound, last: bool) -> bool:
        """Cut by a batch of predicates; carry the live values along unless they have had their last use."""
        batch, before = self._batch(step, chosen, values, bound), self.vertices
        self.state[types.SUSPECTS] = 0
        code = open_batch(self.points, self.lines, batch, self.names, self.state)
        while code != types.NOT_GENERIC:
            code = cut_batch(self.points, self.lines, batch, self.names, self.state)
            if code != types.GROW:
                break
            batch = self._grown(batch)
            if batch is None:
                return False
        if code == types.NOT_GENERIC or self.state[types.FLAT] or not self._settled(batch):
            return False
        made = slice(before, self.vertices)
        self.meter.advance(self.vertices - before)
        if not last:
            table = np.empty((2, 8, 256), np.uint64)
            close_batch(self.points, self.lines, batch, self.names, table, self.state)
            a, b = self.points.mix[made].T
            for j in self.live:
                self.live[j] = interpolate(self.live[j], a, b, self.points.s[made])
        return True

    def _settled(self, batch: Batch) -> bool:
        count = int(self.state[types.SUSPECTS])
        if count == 0 or count > SUSPECTS:
            return count == 0
        first, effect = np.full(self.vertices, -1, np.int32), np.zeros((count, self.plan.chart.dimension + 1))
        return bool(settle(self.points, self.lines, batch, self.names, self.state, first, effect))

    def _batch(self, step: Step, chosen: np.ndarray, values: np.ndarray, bound: Bound) -> Batch:
        left, offset = step.split.left[chosen], step.split.offset[chosen]
        z = np.empty((len(self.points.t), len(chosen)))
        np.subtract(values[:, left], offset, out=z[: self.vertices])
        size = np.maximum(bound.magnitude[left], np.abs(offset))
        labels = slice(step.base + int(chosen[0]), step.base + int(chosen[-1]) + 1)
        self.error[labels] = bound.error[left] + np.where(offset != 0, 2 * UNIT_ROUNDOFF * size, 0.0)
        self.drift[labels] = gamma(4) * (size + bound.slope[left] * self._extent)
        self.slope[labels] = bound.slope[left]
        return Batch(
            z=z,
            error=self.error,
            drift=self.drift,
            slope=self.slope,
            first=np.empty(len(chosen), np.int32),
            count=np.empty(len(chosen), np.int64),
            norm=float(np.linalg.norm(uphill(self.plan.chart.dimension))),
            base=labels.start,
            word=int(self.words[step.base + chosen[0]] >> 6),
        )

    @property
    def _extent(self) -> float:
        """Largest distance of a point of the window from the chart's origin."""
        return float(np.linalg.norm(np.maximum(np.abs(self.plan.chart.low), np.abs(self.plan.chart.high))))

    def _grown(self, batch: Batch) -> Batch | None:
        """Make room for the cuts of the next predicate, at least double; None if that is too much."""
        cuts, dimension = int(batch.count[self.state[types.NEXT]]), self.plan.chart.dimension
        vertices, edges = self.vertices, int(self.state[types.EDGES])
        needed = [vertices + cuts, edges + cuts * dimension, 4 * cuts * (dimension - 1)]
        held = (*self.points, batch.z), self.lines, (self.names.slots,)
        rows = [sum(array.nbytes // max(1, len(array)) for array in arrays) for arrays in held]
        free = self.max_bytes - sum(values.nbytes for values in self.live.values())
        rooms = _rooms([len(arrays[0]) for arrays in held], needed, rows, free)
        if rooms is None:
            return None
        self.points = Points(*(_resized(array, vertices, rooms[0]) for array in self.points))
        self.lines = Lines(*(_resized(array, edges, rooms[1]) for array in self.lines))
        if rooms[2] != len(self.names.slots):
            self.names = self.names._replace(slots=np.zeros((rooms[2], 2), np.uint64))
        return batch._replace(z=_resized(batch.z, vertices, rooms[0]))

    def _drifted(self, known: Bound) -> Bound:
        """Bound on values that were interpolated, at points that were, as often as any vertex was."""
        added = int(self.state[types.DEPTH]) * gamma(4) * (known.magnitude + known.slope * self._extent)
        return Bound(magnitude=known.magnitude, error=known.error + added, slope=known.slope)

    def _bend(self, place: int, step: Step, rule: Elementwise, before: int) -> None:
        """Evaluate a nonlinear node at all vertices; on their own hyperplanes units have exact values."""
        source, node = step.inputs[0], self.plan.program.nodes[step.node]
        values = self._values(source)
        if source in self.live and self.plan.last_use.get(source, -1) > place:
            values = values.copy()
        label = self.points.label[before : self.vertices] - step.base
        vertex, column = np.nonzero(label >= 0)
        predicate = label[vertex, column]
        pin(values, vertex + before, step.split.left[predicate], step.split.offset[predicate])
        width = values.shape[1]
        slopes, intercepts = per_unit(rule.slopes, width), per_unit(rule.intercepts, width)
        bend(values, np.asarray(rule.thresholds, dtype=np.float64), slopes, intercepts)
        known = self._bound(source) if source in self.bounds else self._drifted(self._bound(source))
        self.live[step.node] = values
        self.bounds[step.node] = piecewise_bound(node, [known])


def _rooms(now: list[int], needed: list[int], rows: list[int], free: int) -> list[int] | None:
    """Room for vertices, edges and slots: four times as much where there is too little, or as much as fits."""
    # the number of slots is a power of two
    rooms = [size if size >= least else max(4 * size, least) for size, least in zip(now, needed, strict=True)]
    rooms[-1] = 1 << (rooms[-1] - 1).bit_length()
    if _bytes(rooms, rows) <= free:
        return rooms
    least = [max(pair) for pair in zip(now, needed, strict=True)]
    least[-1] = 1 << (least[-1] - 1).bit_length()
    if _bytes(least, rows) > free:
        return None
    spare = (free - _bytes(least, rows)) / max(1, _bytes(least[:-1], rows[:-1]))
    return [int(size * (1 + spare)) for size in least[:-1]] + least[-1:]


def _bytes(rooms: list[int], rows: list[int]) -> int:
    return sum(room * row for room, row in zip(rooms, rows, strict=True))


def _resized(array: np.ndarray, filled: int, room: int) -> np.ndarray:
    if len(array) == room:
        return array
    out = np.empty((room, *array.shape[1:]), array.dtype)
    out[:filled] = array[:filled]
    return out
