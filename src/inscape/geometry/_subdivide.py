"""Cut a chart into the cells on which a network is affine: layer by layer, depth first over blocks of cells."""

from dataclasses import dataclass
from math import ceil
from numbers import Integral

import numpy as np

from inscape._errors import InputError
from inscape._progress import Meter, SilentMeter
from inscape.geometry._block import Block, first_block
from inscape.geometry._complex import Complex
from inscape.geometry._domains import Chart
from inscape.geometry._groups import interfaces, join_groups, part, spatial_groups
from inscape.geometry._kernels_merge import dissolve, straight_vertices
from inscape.geometry._merge import compact
from inscape.geometry._plan import Plan, plan
from inscape.geometry._polytopes import Polytopes
from inscape.geometry._program import Maximum, Program, Rule
from inscape.geometry._solid_run import subdivide_solid
from inscape.geometry._step import advance

BLOCK_BYTES = 1 << 26
"""Layer values that one block may hold at a time."""

LARGEST_DIMENSION = 6
"""Dimension up to which the whole complex is computed."""

SMALLEST_GROUP = 32
"""Cells below which a group is not divided further."""

GROWTH = 2.0
"""Room that is left for the vertices of the next cut."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subdivision:
    """A complex with the plan that made it.

    Attributes:
        complex: the cells.
        plan: the order of evaluation, with the steps that made the levels.
        complete: False if ``max_cells`` was reached, so that the cells cover a part of the window only.
    """

    complex: Complex | Polytopes
    plan: Plan
    complete: bool


def subdivide(
    program: Program,
    chart: Chart,
    *,
    head: Rule | None = None,
    max_cells: int = 1_000_000,
    block_bytes: int = BLOCK_BYTES,
    meter: Meter | None = None,
) -> Subdivision:
    """Cut a chart of dimension 1 to 6 into the cells on which a network is affine.

    Values are carried at the vertices; a nonlinear node cuts the cells on which one of its predicates changes sign,
    and values at new vertices follow by linear interpolation. When the values of a layer outgrow ``block_bytes``,
    the cells are taken in groups, one after the other; what happens on the edges between groups is decided once,
    beforehand, and read by both sides.

    Args:
        program: the network.
        chart: the domain, of dimension 1 to 6.
        head: a rule that cuts the output at the end, such as the maximum over classes.
        max_cells: stop when this many cells are finished.
        block_bytes: memory for the layer values of one block.
        meter: where finished cells are reported.

    Returns:
        The subdivision.

    Raises:
        InputError: if the dimension is above 6, or a limit is not positive.
        BudgetError: if one layer alone could cut a block into far more than ``max_cells`` cells.
    """
    if chart.dimension > LARGEST_DIMENSION:
        raise InputError(
            f"expected a domain of dimension 1 to {LARGEST_DIMENSION}, got dimension {chart.dimension}; "
            "look at a plane through it, or explore it from points (regions.explore)"
        )
    if not isinstance(max_cells, Integral) or max_cells < 1:
        raise InputError(f"expected max_cells ≥ 1, a whole number, got {max_cells!r}")
    laid = plan(program, chart, head, max_cells=max_cells)
    if chart.dimension > 2:
        solid, complete = subdivide_solid(laid, block_bytes=block_bytes, meter=meter or SilentMeter())
        complete = complete and solid.cell_count <= max_cells
        return Subdivision(complex=solid.closed(max_cells), plan=laid, complete=complete)
    run = _Run(plan=laid, limit=max_cells, block_bytes=block_bytes, meter=meter or SilentMeter())
    block = run.finish(first_block(laid), 0)
    return Subdivision(complex=_closed(laid, block, max_cells), plan=laid, complete=run.done <= max_cells)


@dataclass(kw_only=True)
class _Run:
    """One depth-first pass: how many cells are finished, and when to stop."""

    plan: Plan
    limit: int
    block_bytes: int
    meter: Meter
    done: int = 0

    def finish(self, block: Block, place: int) -> Block:
        """Carry a block through the rest of the order, in groups where it grows too large."""
        for at in range(place, len(self.plan.order)):
            parts = self._parts(block, at)
            if parts > 1:
                return self._finish_groups(block, at, spatial_groups(block, parts))
            advance(self.plan, block, at)
        if block.writes is None:
            self.done += block.cell_count
            self.meter.advance(block.cell_count)
        return block

    def _parts(self, block: Block, place: int) -> int:
        """In how many groups the cells have to be taken, so that the values of the next node fit."""
        if block.dimension == 1 or block.cell_count < 2 * SMALLEST_GROUP:
            return 1
        nodes, i = self.plan.program.nodes, self.plan.order[place]
        width = sum(values.shape[1] for values in block.live.values())
        if block.pending is not None:
            width += int(np.prod(nodes[block.pending.step.node].shape))
        if i >= 0 and i not in self.plan.affine:
            width += int(np.prod(nodes[i].shape))
        wanted = ceil(GROWTH * 8 * width * len(block.xy) / self.block_bytes)
        return min(wanted, block.cell_count // SMALLEST_GROUP)

    def _finish_groups(self, block: Block, place: int, groups: list[np.ndarray]) -> Block:
        owner = np.empty(block.cell_count, np.int64)
        for number, group in enumerate(groups):
            owner[group] = number
        skeleton = interfaces(block, owner)
        self.finish(skeleton, place)
        finished = []
        for group in groups:
            if self.done > self.limit:
                break
            finished.append(self.finish(part(block, skeleton, group), place))
        return join_groups(block, skeleton, finished, groups)


def _closed(laid: Plan, block: Block, max_cells: int) -> Complex:
    """Tidy up: no more cells than asked for, no edges or vertices without use, no vertices without purpose."""
    if block.cell_count > max_cells:
        _truncate(block, max_cells)
        compact(block)
    if block.dimension == 2 and any(isinstance(step.rule, Maximum) for step in laid.steps.values()):
        drop = straight_vertices(block.half, block.ends, block.label, len(block.xy))
        if drop.any():
            block.start, block.half, block.ends, origin = dissolve(block.start, block.half, block.ends, drop)
            block.label, block.edge_radius = block.label[origin], block.edge_radius[origin]
            block.shared_edge = block.shared_edge[origin]
            compact(block)
    return Complex(
        vertices=block.xy,
        ends=block.ends,
        label=block.label,
        start=block.start,
        half=block.half,
        doubt=block.doubt,
        levels=tuple(block.levels),
    )


def _truncate(block: Block, count: int) -> None:
    if block.dimension == 1:
        for name in ("ends", "label", "edge_radius", "shared_edge"):
            setattr(block, name, getattr(block, name)[:count])
    else:
        block.half = block.half[: block.start[count]]
        block.start = block.start[: count + 1]
    block.doubt = block.doubt[:count]
    last = block.levels[-1]
    last.parent, last.bits = last.parent[:count], last.bits[:count]
