"""Cut a chart of dimension 3 and more: layer by layer, depth first over blocks of cells."""

from dataclasses import dataclass
from math import ceil

import numpy as np

from inscape._progress import Meter
from inscape.geometry._groups import halves, joined_levels
from inscape.geometry._plan import Plan
from inscape.geometry._solid import Solid, first_solid, join_solids, part_of
from inscape.geometry._solid_step import advance

SMALLEST_GROUP = 256
"""Cells below which a group is not divided further: small blocks share too many of their corners."""

GROWTH = 2.0
"""Room that is left for the vertices of the next cut."""


def subdivide_solid(plan: Plan, *, block_bytes: int, meter: Meter) -> tuple[Solid, bool]:
    """Cut the window of a plan.

    Args:
        plan: the plan, of a chart of dimension 3 or more.
        block_bytes: memory for the layer values of one block.
        meter: where finished cells are reported.

    Returns:
        The finished cells, and False if the limit of cells was reached.
    """
    run = _Run(plan=plan, block_bytes=block_bytes, meter=meter)
    made = run.finish(first_solid(plan), 0)
    return made, run.complete


@dataclass(kw_only=True)
class _Run:
    """One depth-first pass: how many cells are finished, and whether the limit was reached."""

    plan: Plan
    block_bytes: int
    meter: Meter
    done: int = 0
    complete: bool = True

    def finish(self, solid: Solid, place: int) -> Solid:
        """Carry a block through the rest of the order, in groups where it grows too large."""
        for at in range(place, len(self.plan.order)):
            parts = self._parts(solid, at)
            if parts > 1:
                return self._finish_groups(solid, at, parts)
            self.complete &= advance(self.plan, solid, at)
        self.done += solid.cell_count
        self.meter.advance(solid.cell_count)
        return solid

    def _parts(self, solid: Solid, place: int) -> int:
        """In how many groups the cells have to be taken, so that the values of the next node fit."""
        if solid.cell_count < 2 * SMALLEST_GROUP:
            return 1
        nodes, i = self.plan.program.nodes, self.plan.order[place]
        width = sum(values.shape[1] for values in solid.live.values())
        if i >= 0 and i not in self.plan.affine:
            width += int(np.prod(nodes[i].shape))
        rows = len(solid.xy) + solid.cell_count * solid.dimension
        wanted = ceil(GROWTH * 8 * width * rows / self.block_bytes)
        return min(wanted, solid.cell_count // SMALLEST_GROUP)

    def _finish_groups(self, solid: Solid, place: int, parts: int) -> Solid:
        centres = np.add.reduceat(solid.xy[solid.corners], solid.start[:-1]) / np.diff(solid.start)[:, None]
        groups = [np.arange(solid.cell_count)]
        while len(groups) < parts:
            groups = [half for group in groups for half in halves(group, centres[group])]
        finished = []
        for group in groups:
            if self.done > self.plan.max_cells:
                self.complete = False
                break
            finished.append(self.finish(part_of(solid, np.sort(group)), place))
        return join_solids(solid, finished, joined_levels(finished, [np.sort(group) for group in groups]))
