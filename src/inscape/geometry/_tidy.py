"""From a finished block to a complex."""

import numpy as np

from inscape.geometry._block import Block, lineage
from inscape.geometry._complex import Complex
from inscape.geometry._kernels_merge import dissolve, straight_vertices
from inscape.geometry._merge import compact
from inscape.geometry._plan import Plan
from inscape.geometry._program import Maximum


def closed(laid: Plan, block: Block, max_cells: int) -> Complex:
    """Tidy up: no more cells than asked for, no edges or vertices without use, no vertices without purpose.

    What other blocks share stays as it is, so that the facets of both sides match.

    Args:
        laid: the plan.
        block: a finished block; it is used up.
        max_cells: how many cells are kept at most.

    Returns:
        The complex.
    """
    if block.cell_count > max_cells:
        _truncate(block, max_cells)
        compact(block)
    if block.dimension == 2 and any(isinstance(step.rule, Maximum) for step in laid.steps.values()):
        drop = straight_vertices(block.half, block.ends, block.label, len(block.xy)) & (block.shared_vertex < 0)
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
    block.levels = lineage(block.levels, np.arange(count))
