"""Maxima: cells are cut in rounds of pairwise contests, then joined where the same members lead in the end."""

import numpy as np

from inscape.geometry._block import Block, Level
from inscape.geometry._codes import packed_codes
from inscape.geometry._kernels_merge import dissolve, merge_cells, straight_vertices
from inscape.geometry._kernels_signs import unpack
from inscape.geometry._levels import leaders
from inscape.geometry._plan import Step
from inscape.geometry._program import Maximum

_CHUNK = 1 << 22


def join_equal_leaders(block: Block, step: Step) -> None:
    """Put the rounds of a maximum together as one level, and join cells with the same leaders, in place.

    Args:
        block: the block, cut by all rounds of the step.
        step: a step whose rule is a maximum.
    """
    rule = step.rule
    if not isinstance(rule, Maximum):
        return
    if block.bare:
        _join_rounds(block.traces, rule, step, len(block.ends))
    codes = _join_rounds(block.levels, rule, step, block.cell_count)
    parent, rounds = block.levels[-1].parent, [stage for stage in step.stages if stage.split.size]
    if len(rounds) < 2 or not len(parent):
        return
    siblings = np.flatnonzero(np.bincount(parent)[parent] > 1)
    _, first, inverse = np.unique(
        np.stack([parent[siblings].astype(np.uint64), code_keys(codes[siblings])]),
        axis=1,
        return_index=True,
        return_inverse=True,
    )
    group = np.arange(len(parent))
    group[siblings] = siblings[first][inverse.ravel()]
    if block.dimension == 1:
        _join_segments(block, group)
    else:
        _join_polygons(block, group)


def _join_rounds(levels: list[Level], rule: Maximum, step: Step, count: int) -> np.ndarray:
    """Replace the rounds of a maximum by one level with the leaders of the ``count`` present cells."""
    rounds = [levels.pop() for stage in step.stages if stage.split.size][::-1]
    parent, bits = _ancestry(rounds, count)
    codes = leader_codes(rule, step, bits, count)
    levels.append(Level(step=step.node, parent=parent, bits=codes))
    return codes


def _ancestry(rounds: list[Level], count: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Parents of the present cells before the first round, and their bits in each round."""
    if not rounds:
        return np.arange(count, dtype=np.int32), []
    at = np.arange(len(rounds[-1].parent))
    bits = []
    for level in reversed(rounds):
        bits.append(level.bits[at])
        at = level.parent[at]
    return at.astype(np.int32), bits[::-1]


def leader_codes(rule: Maximum, step: Step, bits: list[np.ndarray], count: int) -> np.ndarray:
    """Leaders of a maximum on cells.

    Args:
        rule: the groups.
        step: the step of the rule.
        bits: for each round with contests (count, words) packed signs.
        count: number of cells.

    Returns:
        (count, bytes) packed positions of the leaders in their groups.
    """
    found = []
    size = max(1, _CHUNK // max(step.size, 1))
    for start in range(0, max(count, 1), size):
        stop = min(start + size, count)
        given = iter(bits)
        signs = [
            unpack(next(given)[start:stop], stage.split.size) if stage.split.size else np.zeros((stop - start, 0), bool)
            for stage in step.stages
        ]
        found.append(packed_codes(leaders(rule, step.stages, signs), rule.groups.shape[1]))
    return np.concatenate(found)


def code_keys(codes: np.ndarray) -> np.ndarray:
    """64-bit sums of random words over packed leaders: equal rows have equal sums.

    Args:
        codes: (c, bytes) packed leaders.

    Returns:
        (c,) sums.
    """
    words = np.random.default_rng(0x1EADE7).integers(0, 2**63, size=codes.shape[1], dtype=np.uint64)
    size = max(1, _CHUNK // max(codes.shape[1], 1))
    parts = [codes[at : at + size].astype(np.uint64) @ words for at in range(0, len(codes), size)]
    return np.concatenate([np.zeros(0, np.uint64), *parts])


def _join_polygons(block: Block, group: np.ndarray) -> None:
    level = block.levels[-1]
    doubt = np.zeros(len(group), np.bool_)
    np.logical_or.at(doubt, group, block.doubt)
    start, half, member = merge_cells(
        block.start, block.half, block.ends, len(block.xy), level.parent, group.astype(np.int64)
    )
    block.start, block.half = start, half
    block.doubt = doubt[group[member]]
    level.parent, level.bits = level.parent[member], level.bits[member]
    compact(block)
    straighten(block)


def straighten(block: Block) -> None:
    """Drop vertices at which nothing bends or branches any more, in place; what other blocks share stays.

    Args:
        block: a block of dimension 2.
    """
    drop = straight_vertices(block.half, block.ends, block.label, len(block.xy)) & (block.shared_vertex < 0)
    if not drop.any():
        return
    wide = np.zeros(len(block.ends))
    joined = np.flatnonzero(drop[block.ends].any(1))
    _, line = np.unique(block.label[joined], return_inverse=True)
    np.maximum.at(wide, line, block.edge_radius[joined])  # the pieces of a line have bounds of their own
    block.edge_radius[joined] = wide[line]
    before = block.ends
    block.start, block.half, block.ends, origin = dissolve(block.start, block.half, before, drop)
    turned = (block.shared_edge[origin] >= 0) & (block.ends != before[origin]).any(1)  # others know its direction
    block.ends[turned] = block.ends[turned, ::-1]
    block.half ^= turned[block.half >> 1].astype(block.half.dtype)
    for name in ("label", "edge_radius", "shared_edge"):
        setattr(block, name, getattr(block, name)[origin])
    compact(block)


def _join_segments(block: Block, group: np.ndarray) -> None:
    """On a line the cells follow each other, so equal neighbours join by dropping the vertex between them."""
    level = block.levels[-1]
    first = np.ones(len(group), np.bool_)
    first[1:] = (group[1:] != group[:-1]) | (block.ends[1:, 0] != block.ends[:-1, 1])
    head = np.flatnonzero(first)
    tail = np.append(head[1:], len(group)) - 1
    block.doubt = np.logical_or.reduceat(block.doubt, head)
    block.ends = np.stack([block.ends[head, 0], block.ends[tail, 1]], axis=1)
    for name in ("label", "edge_radius", "shared_edge"):
        setattr(block, name, getattr(block, name)[head])
    level.parent, level.bits = level.parent[head], level.bits[head]
    compact(block)


def compact(block: Block) -> None:
    """Drop edges and vertices that no cell uses, in place; what other blocks share stays.

    Args:
        block: the block.
    """
    if block.dimension > 1:
        used = block.shared_edge >= 0
        used[block.half >> 1] = True
        number = np.cumsum(used, dtype=np.int64) - 1
        block.half = (2 * number[block.half >> 1] + (block.half & 1)).astype(np.int32)
        for name in ("ends", "label", "edge_radius", "shared_edge"):
            setattr(block, name, getattr(block, name)[used])
    used = block.shared_vertex >= 0
    used[block.ends.ravel()] = True
    if used.all():
        return
    number = (np.cumsum(used) - 1).astype(np.int32)
    block.ends = number[block.ends]
    for name in ("xy", "radius", "shared_vertex"):
        setattr(block, name, getattr(block, name)[used])
    for j in block.live:
        block.live[j] = block.live[j][used]
    if block.pending is not None:
        block.pending = block.pending.at(np.where(used, number, -1))
