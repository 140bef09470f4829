"""Carry a block of cells through the network, until it is finished or has to be divided into groups."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from inscape.geometry._block import Block, first_block
from inscape.geometry._complex import Complex
from inscape.geometry._groups import interfaces, join_groups, part, spatial_groups
from inscape.geometry._plan import Plan
from inscape.geometry._step import advance
from inscape.geometry._tidy import closed

SMALLEST_GROUP = 32
"""Cells below which a group is not divided further."""

GROWTH = 2.0
"""Room that is left for the vertices of the next cut."""

SHARE = 1 << 21
"""Bytes of layer values, all layers ahead together, that make a group worth a thread's while."""

FEWEST_SHARES, MOST_SHARES = 8, 16
"""Groups that are made for threads: enough that all threads stay busy to the end, and each worth its fixed cost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """A block that goes on in groups.

    Attributes:
        block: the block.
        place: entry of the order that comes next.
        skeleton: the finished edges between the groups.
        groups: cells of each group.
    """

    block: Block
    place: int
    skeleton: Block
    groups: list[np.ndarray]

    def part(self, number: int) -> Block:
        """One group as a block of its own."""
        return part(self.block, self.skeleton, self.groups[number])

    def joined(self, ended: list[Block | None], do: Callable[..., list[Any]]) -> Block:
        """The finished groups as one block; None stands for those that were not wanted to the end."""
        return join_groups(self.block, self.skeleton, ended, self.groups, do)


@dataclass(frozen=True, kw_only=True)
class Descent:
    """How blocks go down through a plan; what is divided depends on the work alone, never on the threads.

    Attributes:
        plan: the plan.
        block_bytes: memory for the layer values of one block.
    """

    plan: Plan
    block_bytes: int

    def first(self) -> Block:
        """The whole window."""
        return first_block(self.plan)

    def closed(self, block: Block, most: int) -> Complex:
        """The complex of a finished block, with so many cells at most; the block is used up."""
        return closed(self.plan, block, most)

    def carry(self, block: Block, place: int, check: Callable[[], None], *, share: bool) -> Split | None:
        """Carry a block on, in place.

        Args:
            block: the block.
            place: entry of the order that comes next.
            check: called before each entry; may raise.
            share: divide it for threads, too; once is enough, and each division has its cost.

        Returns:
            How it has to be divided, None if it is finished.
        """
        for at in range(place, len(self.plan.order)):
            check()
            parts = self._parts(block, at, self._for_threads(block, at) if share else 1)
            if parts > 1:
                return self._divide(block, at, spatial_groups(block, parts))
            advance(self.plan, block, at)
        block.reads = {}  # decisions on the borders are used up
        return None

    def _divide(self, block: Block, place: int, groups: list[np.ndarray]) -> Split:
        owner = np.empty(block.cell_count, np.int64)
        for number, group in enumerate(groups):
            owner[group] = number
        skeleton = interfaces(block, owner)
        for at in range(place, len(self.plan.order)):
            advance(self.plan, skeleton, at)
        return Split(block=block, place=place, skeleton=skeleton, groups=groups)

    def _parts(self, block: Block, place: int, wanted: int) -> int:
        """In how many groups to go on: as many as are wanted, or more if the next values would not fit."""
        if block.dimension == 1 or block.cell_count < 2 * SMALLEST_GROUP:
            return 1
        vertices, fitting = len(block.xy), self._fitting(block, place)
        # About 2 √(groups · vertices) vertices lie between groups, and their values have to fit, too.
        at_once = max(2, int(fitting * fitting / (4 * vertices)))
        return min(max(wanted, ceil(vertices / fitting)), at_once, block.cell_count // SMALLEST_GROUP)

    def _fitting(self, block: Block, place: int) -> float:
        """Number of vertices whose next values fit."""
        plan, i = self.plan, self.plan.order[place]
        width = sum(values.shape[1] for values in block.live.values())
        if block.pending is not None:
            width += plan.widths[block.pending.step.node]
        if i >= 0 and i not in plan.affine:
            width += plan.widths[i]
        return self.block_bytes / (GROWTH * 8 * max(width, 1))

    def _for_threads(self, block: Block, place: int) -> int:
        shares = min(
            8 * len(block.xy) * self.plan.units_ahead[place] // SHARE, MOST_SHARES, block.cell_count // SMALLEST_GROUP
        )
        return shares if shares >= FEWEST_SHARES else 1
