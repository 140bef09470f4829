"""A part of the complex on its way through the network."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from inscape.geometry._bounds import Bound
from inscape.geometry._exact import Allowance, ExactNet
from inscape.geometry._kernels_edges import Crossings
from inscape.geometry._kernels_signs import Signs
from inscape.geometry._plan import Plan, Step

TOTAL_WORK = 200_000_000
"""Products of machine words that exact decisions may cost in all; they are shared out among blocks."""


@dataclass(kw_only=True, slots=True)
class Level:
    """How the cells of one step follow from those of the step before.

    Attributes:
        step: position of the node in the program, -1 for the head.
        parent: (c,) cell of the level before.
        bits: (c, words) packed signs of the step's predicates; for maxima (c, bytes) positions of the leaders, packed
            where groups are small (``_codes``).
    """

    step: int
    parent: np.ndarray
    bits: np.ndarray


def lineage(levels: Sequence[Level], cells: np.ndarray) -> list[Level]:
    """The levels with nothing but the ancestors of some cells.

    Args:
        levels: the levels in order.
        cells: (c,) cells of the last level.

    Returns:
        New levels; the last one holds the cells in the order given.
    """
    found: list[Level] = []
    for level in reversed(levels):
        parents, place = np.unique(level.parent[cells], return_inverse=True)
        found.append(Level(step=level.step, parent=place.astype(np.int32), bits=level.bits[cells]))
        cells = parents
    return found[::-1]


@dataclass(kw_only=True, slots=True)
class Past:
    """Where a block was taken from.

    Attributes:
        block: the block from which it was taken, in the state of that moment.
        members: a cell there for each cell that the block began with; if it has none, for each edge.
    """

    block: "Block"
    members: np.ndarray


@dataclass(kw_only=True, slots=True)
class Decision:
    """What one step decided on the edges that several blocks share."""

    signs: Signs
    crossings: Crossings


@dataclass(kw_only=True, slots=True)
class Pending:
    """A nonlinear node whose cells are cut, and that is still to be evaluated at the vertices.

    Attributes:
        step: the step.
        bound: bounds of its input.
        vertex: (m,) vertices where
        unit: (m,) a unit of the input has the known value
        level: (m,) of its threshold.
    """

    step: Step
    bound: Bound
    vertex: np.ndarray
    unit: np.ndarray
    level: np.ndarray

    def at(self, number: np.ndarray) -> "Pending":
        """The same for a part of the vertices.

        Args:
            number: (V,) new number of each vertex, -1 for those that are left out.

        Returns:
            What is pending there.
        """
        kept = number[self.vertex] >= 0
        return Pending(
            step=self.step,
            bound=self.bound,
            vertex=number[self.vertex[kept]],
            unit=self.unit[kept],
            level=self.level[kept],
        )


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
        exact: the program in whole numbers, for decisions below the rounding bound.
        allowance: exact work that may still be done on the block.
        levels: the steps done.
        shared_vertex: (V,) number of the vertex among those that several blocks share, -1 for none.
        shared_edge: (E,) the same for the edges.
        live: node → (V, width) values that are still needed.
        bounds: node → bounds of these.
        pending: a node that is cut but not evaluated yet.
        reads: step and round → what was decided on the shared edges; both sides of an interface read the same.
        writes: where this block's own decisions are put down for others to read, None if nobody will.
        source_vertex: (V,) vertices of the block from which this one was taken, None if it was not.
        source_edge: (E,) the same for the edges.
        traces: like ``levels`` for the edges of a block without cells.
        past: where it was taken from, None for the first block.
    """

    xy: np.ndarray
    radius: np.ndarray
    ends: np.ndarray
    label: np.ndarray
    edge_radius: np.ndarray
    start: np.ndarray
    half: np.ndarray
    doubt: np.ndarray
    shared_vertex: np.ndarray
    shared_edge: np.ndarray
    exact: ExactNet
    allowance: Allowance
    levels: list[Level] = field(default_factory=list)
    live: dict[int, np.ndarray] = field(default_factory=dict)
    bounds: dict[int, Bound] = field(default_factory=dict)
    pending: Pending | None = None
    reads: dict[tuple[int, int], Decision] = field(default_factory=dict)
    writes: dict[tuple[int, int], Decision] | None = None
    source_vertex: np.ndarray | None = None
    source_edge: np.ndarray | None = None
    traces: list[Level] = field(default_factory=list)
    past: Past | None = None

    @property
    def dimension(self) -> int:
        """Dimension d of the chart."""
        return self.xy.shape[1]

    @property
    def cell_count(self) -> int:
        """Number of cells."""
        return len(self.ends) if self.dimension == 1 else len(self.start) - 1

    def corners(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices of the cells, cell i has corners[start[i]:start[i + 1]]; where edges take their place, of these."""
        if self.dimension == 1 or self.bare:
            return np.arange(0, 2 * len(self.ends) + 1, 2), self.ends.ravel()
        return self.start, self.ends[self.half >> 1, self.half & 1]

    @property
    def bare(self) -> bool:
        """Whether there are edges only, in dimension 2."""
        return self.dimension > 1 and self.cell_count == 0


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
        shared_vertex=np.full(len(xy), -1, np.int32),
        shared_edge=np.full(len(ends), -1, np.int32),
        exact=ExactNet(plan=plan),
        allowance=Allowance(left=TOTAL_WORK),
    )
