"""Carry convex cells of dimension 3 and more through the network, until they are finished or have to be divided."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from inscape.geometry._groups import halves, joined_levels
from inscape.geometry._plan import Plan
from inscape.geometry._polytopes import Polytopes
from inscape.geometry._solid import Solid, first_solid, join_solids, part_of
from inscape.geometry._solid_step import advance

SMALLEST_GROUP = 256
"""Cells below which a group is not divided further: small blocks share too many of their corners."""

GROWTH = 2.0
"""Room that is left for the vertices of the next cut."""

SHARE = 1 << 23
"""Bytes of values, all layers ahead together, that make a group worth a thread's while."""

MOST_SHARES = 4
"""Groups that are made for threads; neighbours make their common corners twice, so they are few."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SolidSplit:
    """A block that goes on in groups.

    Attributes:
        block: the block.
        place: entry of the order that comes next.
        groups: cells of each group.
    """

    block: Solid
    place: int
    groups: list[np.ndarray]

    def part(self, number: int) -> Solid:
        """One group as a block of its own."""
        return part_of(self.block, self.groups[number])

    def joined(self, ended: list[Solid | None], do: Callable[..., list[Any]]) -> Solid:
        """The finished groups as one block; None stands for those that were not wanted to the end."""
        finished = [group for group in ended if group is not None]
        cells = [cells for cells, group in zip(self.groups, ended, strict=True) if group is not None]
        return join_solids(self.block, finished, joined_levels(finished, cells))


@dataclass(frozen=True, kw_only=True)
class SolidDescent:
    """How blocks go down through a plan; what is divided depends on the work alone, never on the threads.

    Attributes:
        plan: the plan.
        block_bytes: memory for the layer values of one block.
    """

    plan: Plan
    block_bytes: int

    def first(self) -> Solid:
        """The whole window."""
        return first_solid(self.plan)

    def closed(self, block: Solid, most: int) -> Polytopes:
        """The complex of a finished block, with so many cells at most."""
        return block.closed(most)

    def carry(self, block: Solid, place: int, check: Callable[[], None], *, share: bool) -> SolidSplit | None:
        """Carry a block on, in place.

        Args:
            block: the block.
            place: entry of the order that comes next.
            check: called before each entry; may raise.
            share: whether to divide large work for threads, too.

        Returns:
            How it has to be divided, None if it is finished.
        """
        for at in range(place, len(self.plan.order)):
            check()
            parts = self._parts(block, at, share=share)
            if parts > 1:
                return SolidSplit(block=block, place=at, groups=_spatial(block, parts))
            advance(self.plan, block, at)
        return None

    def _parts(self, block: Solid, place: int, *, share: bool) -> int:
        """In how many groups to go on: so many that the next values fit, and that threads can share large work."""
        if block.cell_count < 2 * SMALLEST_GROUP:
            return 1
        plan, i = self.plan, self.plan.order[place]
        rows = len(block.xy) + block.cell_count * block.dimension
        width = sum(values.shape[1] for values in block.live.values())
        if i >= 0 and i not in plan.affine:
            width += plan.widths[i]
        for_memory = ceil(GROWTH * 8 * width * rows / self.block_bytes)
        shares = 8 * len(block.xy) * share * self.plan.units_ahead[place] // SHARE
        return min(max(for_memory, min(shares, MOST_SHARES)), block.cell_count // SMALLEST_GROUP)


def _spatial(solid: Solid, parts: int) -> list[np.ndarray]:
    """Cells in groups of neighbours, by halving along the longest side until there are enough groups."""
    centres = np.add.reduceat(solid.xy[solid.corners], solid.start[:-1]) / np.diff(solid.start)[:, None]
    groups = [np.arange(solid.cell_count)]
    while len(groups) < parts:
        groups = [half for group in groups for half in halves(group, centres[group])]
    return [np.sort(group) for group in groups]
