"""The cells of a domain in blocks, one after the other, where all of them together would not fit into memory."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from torch import nn

from inscape._errors import InputError
from inscape._progress import Meter, meter
from inscape.geometry import Chart, Subdivision, subdivide_blocks
from inscape.network import Network
from inscape.regions._divide import provenance, status
from inscape.regions._partition import Partition
from inscape.regions._read import program
from inscape.results import Provenance


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PartitionBlock(Partition):
    """Some of the cells of a domain; together the blocks of :func:`partition_blocks` fill it.

    Everything that a :class:`Partition` says is said of this block's cells alone: they are numbered from 0, and counts
    are counts within the block. A facet on the border to another block shows no neighbour (-1); the other block has
    it too, with the same predicate and bit-identical ends. Behind pooling such a facet can be in several pieces.

    Attributes:
        index: number of the block, from 0.
        offset: number of cells in all earlier blocks: cell i of this block is cell offset + i of the domain.
        domain: the whole domain.
        complex: cells, edges, vertices and sign patterns of this block.
        steps: the nonlinear nodes in order, with their predicates.
        head: name of the smooth head that was peeled off the output, or "".
        output_shape: shape of one sample's output, before the head.
        status: exact or uncertain(n) for this block; limit(n) for the last one if ``max_cells`` was reached.
        provenance: versions, options, fingerprint of the model; seconds since the first block was asked for.
        table: (C, outputs, d + 1) affine maps, None if they are still to be composed.
        subdivision: the plan that made the cells; None for a block that was loaded from a file.
    """

    kind: ClassVar[str] = "partition-block"

    index: int
    offset: int

    @property
    def running_count(self) -> int:
        """Number of cells in this and all earlier blocks; after the last block, in the whole domain."""
        return self.offset + self.cell_count

    @property
    def border(self) -> np.ndarray:
        """(E,) True for facets between this block and others (in dimension 1 there is one block and no border)."""
        made = self.complex
        return (made.label >= 0) & (made.neighbours < 0).any(1) if self.dimension == 2 else np.zeros(0, np.bool_)

    def verify(self, *, points: int = 1000, rng: int = 0) -> Any:
        """Not defined for a part of a domain.

        Args:
            points: not used.
            rng: not used.

        Raises:
            InputError: always, and says what can be checked instead.
        """
        raise InputError(
            f"verify audits a whole partition, got block {self.index}; over all blocks the volumes must sum to that of "
            "the domain, or call partition on a smaller domain"
        )

    def facts(self) -> dict[str, object]:
        """Name → value for the summary."""
        last = self.running_count - 1
        return {"block": self.index, "cell numbers": f"{self.offset:,} to {last:,}"} | super().facts()


def partition_blocks(
    model: nn.Module | Network,
    domain: Chart,
    *,
    example: Any = None,
    max_cells: int | None = None,
    block_bytes: int = 1 << 26,
    threads: int | None = None,
    progress: Meter | bool | None = None,
) -> Generator[PartitionBlock, None, None]:
    """Cut a domain as :func:`partition` does, and yield the cells in blocks that are not kept.

    Memory stays at some blocks, whatever the number of cells, as long as the caller keeps none: the block that was
    yielded, and for each thread the one that it works on and what it was divided from. The model is read when this
    function is called; what happens to it between two blocks does not matter.

    Args:
        model: a model, or a network read from it; it is not changed.
        domain: a box of dimension 1 or 2, a segment or a plane; in dimension 1 there is one block.
        example: (n, *shape) example input, see :func:`partition`.
        max_cells: stop when this many cells are yielded; None for all.
        block_bytes: memory in bytes for the layer values of a block. It decides how the domain is divided; much
            smaller blocks take much longer.
        threads: how many threads work, by default one for each processor that this process may use; the blocks do
            not depend on it.
        progress: None shows a bar on a terminal; True, False or a meter of the caller's own.

    Returns:
        A generator of the blocks, in a fixed order; ``close()`` ends the work early. It raises BudgetError if one
        layer alone could cut a block into far more than a million cells.

    Example:
        >>> from torch import nn
        >>> from inscape.geometry import Box
        >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> for block in partition_blocks(net, Box(low=(-1e3, -1e3), high=(1e3, 1e3))):
        ...     print(block.index, block.running_count, round(block.volumes.sum()))
        0 7 4000000
    """
    network = program(model, domain, example)
    made = subdivide_blocks(network, domain, max_cells=max_cells, block_bytes=block_bytes, threads=threads)
    origin = provenance("partition_blocks", model, domain, max_cells, 0.0)
    return _blocks(made, network, origin, progress)


def _blocks(
    made: Iterator[Subdivision], network: Network, origin: Provenance, progress: Meter | bool | None
) -> Generator[PartitionBlock, None, None]:
    begin, offset = perf_counter(), 0
    with meter(progress, "cutting cells") as shown:
        for index, found in enumerate(made):
            count = found.complex.cell_count
            shown.advance(count)
            yield PartitionBlock(
                index=index,
                offset=offset,
                domain=found.plan.chart,
                complex=found.complex,
                steps=tuple(found.plan.steps.values()),
                head=network.head or "",
                output_shape=tuple(network.output_shape),
                status=status(found, offset),
                provenance=replace(origin, seconds=perf_counter() - begin),
                subdivision=found,
            )
            offset += count
