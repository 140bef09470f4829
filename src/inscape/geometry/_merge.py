"""Maxima: cells are first cut by all differences of competitors, then joined where the same ones lead."""

from collections.abc import Iterator

import numpy as np

from inscape.geometry._block import Block
from inscape.geometry._kernels_merge import merge_cells
from inscape.geometry._kernels_signs import unpack
from inscape.geometry._levels import leaders
from inscape.geometry._plan import Step
from inscape.geometry._program import Maximum

_CHUNK = 1 << 24


def join_equal_leaders(block: Block, step: Step) -> None:
    """Join the cells of one parent on which every group has the same leader, in place.

    Args:
        block: the block, just cut by the step.
        step: a step whose rule is a maximum over groups of three or more.
    """
    rule, level = step.rule, block.levels[-1]
    if not isinstance(rule, Maximum) or rule.groups.shape[1] < 3 or len(level.parent) == 0:
        return
    siblings = np.bincount(level.parent)[level.parent] > 1
    if not siblings.any():
        return
    key = _leader_keys(rule, level.bits, np.flatnonzero(siblings), step.split.size)
    group = np.arange(len(level.parent))
    rows = np.flatnonzero(siblings)
    _, first, inverse = np.unique(
        np.stack([level.parent[rows].astype(np.uint64), key]), axis=1, return_index=True, return_inverse=True
    )
    group[rows] = rows[first][inverse.ravel()]
    if block.dimension == 1:
        _join_segments(block, group)
    else:
        _join_polygons(block, group)


def _leader_keys(rule: Maximum, bits: np.ndarray, rows: np.ndarray, predicates: int) -> np.ndarray:
    """(rows,) 64-bit sums of random words, one for each group and leader: equal leaders, equal key."""
    words = np.random.default_rng(0x1EADE7).integers(0, 2**64, size=rule.groups.shape, dtype=np.uint64)
    columns = np.arange(rule.groups.shape[0])
    parts = [
        words[columns, leaders(rule, unpack(bits[part], predicates))].sum(1, dtype=np.uint64)
        for part in _parts(rows, max(1, _CHUNK // max(predicates, 1)))
    ]
    return np.concatenate(parts)


def _parts(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for i in range(0, len(rows), size):
        yield rows[i : i + size]


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
