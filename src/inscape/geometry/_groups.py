"""Groups of cells that are finished one after the other, and the edges between them, decided beforehand."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from inscape.geometry._block import Block, Level, Past
from inscape.geometry._exact import Allowance


def interfaces(block: Block, owner: np.ndarray) -> Block:
    """The edges between groups, and those that the block itself shares with others, as a block without cells.

    Args:
        block: the block.
        owner: (C,) group of each cell.

    Returns:
        A block that puts down its decisions for the groups to read.
    """
    cells = np.full((len(block.ends), 2), -1)
    cells[block.half >> 1, block.half & 1] = np.repeat(np.arange(block.cell_count), np.diff(block.start))
    sides = np.where(cells >= 0, owner[cells], -1)
    between = (sides[:, 0] != sides[:, 1]) & (sides >= 0).all(1)
    skeleton = _selected(block, np.flatnonzero(between | (block.shared_edge >= 0)), block.shared_vertex >= 0)
    skeleton.writes = {}
    skeleton.past = Past(block=block, members=cells[skeleton.source_edge].max(1))
    skeleton.allowance = Allowance(left=block.allowance.left // 8)
    block.allowance.charge(skeleton.allowance.left)
    return skeleton


def spatial_groups(block: Block, parts: int) -> list[np.ndarray]:
    """Cells in groups of neighbours, by halving along the longer side until there are enough groups.

    Args:
        block: a block of dimension 2.
        parts: number of groups wanted; rounded up to a power of two.

    Returns:
        For each group its cells in ascending order.
    """
    corners = block.xy[block.ends[block.half >> 1, block.half & 1]]
    centres = np.add.reduceat(corners, block.start[:-1]) / np.diff(block.start)[:, None]
    groups = [np.arange(block.cell_count)]
    while len(groups) < parts:
        groups = [half for group in groups for half in halves(group, centres[group])]
    return [np.sort(group) for group in groups]


def halves(group: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Halve a group of cells along its longest side.

    Args:
        group: (c,) cells.
        centres: (c, d) points inside them.

    Returns:
        The two halves.
    """
    axis = int(np.argmax(np.ptp(centres, axis=0)))
    order = np.argpartition(centres[:, axis], len(group) // 2)
    return group[order[: len(group) // 2]], group[order[len(group) // 2 :]]


def part(block: Block, skeleton: Block, group: np.ndarray) -> Block:
    """Some cells as a block of their own, which reads what the skeleton wrote.

    Args:
        block: the block, at the state from which the skeleton was taken.
        skeleton: from :func:`interfaces`, finished.
        group: cells in ascending order.

    Returns:
        The block.
    """
    sizes = np.diff(block.start)[group]
    start = np.concatenate([[0], np.cumsum(sizes)])
    half = block.half[np.repeat(block.start[group] - start[:-1], sizes) + np.arange(start[-1])]
    used = np.zeros(len(block.ends), np.bool_)
    used[half >> 1] = True
    edges = np.flatnonzero(used)
    made = _selected(block, edges, np.zeros(len(block.xy), np.bool_))
    made.start = start
    made.half = 2 * _numbered(len(block.ends), edges)[half >> 1] + (half & 1)
    made.doubt = block.doubt[group]
    made.past = Past(block=block, members=group)
    made.allowance = Allowance(left=block.allowance.left * len(group) // block.cell_count)
    made.reads = skeleton.writes or {}
    made.shared_vertex = _numbered(len(block.xy), skeleton.source_vertex)[made.source_vertex]
    made.shared_edge = _numbered(len(block.ends), skeleton.source_edge)[edges]
    return made


def _numbered(size: int, chosen: np.ndarray | None) -> np.ndarray:
    number = np.full(size, -1, np.int32)
    if chosen is not None:
        number[chosen] = np.arange(len(chosen), dtype=np.int32)
    return number


def _selected(block: Block, edges: np.ndarray, extra: np.ndarray) -> Block:
    """A block of some edges, their ends and extra vertices, without cells."""
    used = extra.copy()
    used[np.take(block.ends, edges, axis=0)] = True
    rows = np.flatnonzero(used)
    number = _numbered(len(block.xy), rows)
    return Block(
        xy=np.take(block.xy, rows, axis=0),
        radius=block.radius[rows],
        ends=number[np.take(block.ends, edges, axis=0)],
        label=block.label[edges],
        edge_radius=block.edge_radius[edges],
        start=np.zeros(1, np.int64),
        half=np.zeros(0, np.int32),
        doubt=np.zeros(0, np.bool_),
        shared_vertex=block.shared_vertex[rows],
        shared_edge=block.shared_edge[edges],
        live={j: np.take(values, rows, axis=0) for j, values in block.live.items()},
        bounds=dict(block.bounds),
        pending=None if block.pending is None else block.pending.at(number),
        reads=block.reads,
        exact=block.exact,
        allowance=Allowance(left=0),
        source_vertex=rows,
        source_edge=edges,
    )


Do = Callable[[Sequence[Callable[[], Any]]], list[Any]]
"""Something that does several jobs and returns what they return, in their order."""


def join_groups(
    block: Block, skeleton: Block, ended: list[Block | None], groups: list[np.ndarray], do: Do | None = None
) -> Block:
    """Put finished groups together again.

    Args:
        block: the block from which they were taken; its levels are the earlier ones.
        skeleton: the finished edges between them; its vertices and edges come first.
        ended: the finished groups, None for those that were not wanted to the end; they are used up.
        groups: cells of ``block`` in each group.
        do: does the copying in several jobs, such as ``Crew.do``; one after the other by default.

    Returns:
        One block.
    """
    finished = [group for group in ended if group is not None]
    groups = [cells for cells, group in zip(groups, ended, strict=True) if group is not None]
    vertices, edges = _stacked(skeleton, finished, "vertex"), _stacked(skeleton, finished, "edge")
    parts = [skeleton, *finished]
    fresh = [np.ones(len(skeleton.xy), np.bool_), *(g.shared_vertex < 0 for g in finished)]
    fresh_edge = [np.ones(len(skeleton.ends), np.bool_), *(g.shared_edge < 0 for g in finished)]
    jobs = {
        "exact": lambda: block.exact,
        "allowance": lambda: block.allowance,
        "levels": lambda: [*block.levels, *joined_levels(finished, groups)],
        "half": lambda: _joined_halves(finished, edges[1:]),
        "ends": lambda: _kept([number[g.ends] for number, g in zip(vertices, parts, strict=True)], fresh_edge),
        "xy": lambda: _kept([g.xy for g in parts], fresh),
        "radius": lambda: _kept([g.radius for g in parts], fresh),
        "label": lambda: _kept([g.label for g in parts], fresh_edge),
        "edge_radius": lambda: _kept([g.edge_radius for g in parts], fresh_edge),
        "start": lambda: np.cumsum(np.concatenate([[0], *(np.diff(g.start) for g in finished)])).astype(np.int64),
        "doubt": lambda: np.concatenate([np.zeros(0, np.bool_), *(g.doubt for g in finished)]),
        "shared_vertex": lambda: _inherited(skeleton.shared_vertex, fresh),
        "shared_edge": lambda: _inherited(skeleton.shared_edge, fresh_edge),
    }
    made = list(jobs.values())
    return Block(**dict(zip(jobs, do(made) if do else [job() for job in made], strict=True)))


def _joined_halves(finished: list[Block], numbers: list[np.ndarray]) -> np.ndarray:
    halves = [2 * n[g.half >> 1] + (g.half & 1) for n, g in zip(numbers, finished, strict=True)]
    return np.concatenate([np.zeros(0, np.int32), *halves])


def _inherited(shared: np.ndarray, fresh: list[np.ndarray]) -> np.ndarray:
    """What the skeleton shares with blocks further out; what is new in the groups is nobody else's."""
    new = sum(int(mask.sum()) for mask in fresh[1:])
    return np.concatenate([shared, np.full(new, -1, np.int32)])


def _kept(arrays: list[np.ndarray], masks: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([array[mask] for array, mask in zip(arrays, masks, strict=True)])


def _stacked(skeleton: Block, finished: list[Block], what: str) -> list[np.ndarray]:
    """New number of every vertex or edge of the skeleton and the groups."""
    size = len(skeleton.xy) if what == "vertex" else len(skeleton.ends)
    numbers = [np.arange(size, dtype=np.int32)]
    for group in finished:
        shared = group.shared_vertex if what == "vertex" else group.shared_edge
        fresh = shared < 0
        numbers.append(np.where(fresh, size - 1 + np.cumsum(fresh), shared).astype(np.int32))
        size += int(fresh.sum())
    return numbers


def joined_levels(finished: Sequence[Any], groups: list[np.ndarray]) -> list[Level]:
    """Levels of finished groups, put together.

    Args:
        finished: the groups, each with the levels since it was taken.
        groups: cells of the whole in each group.

    Returns:
        The joined levels.
    """
    numbers, levels = groups, []
    for same in zip(*(group.levels for group in finished), strict=True):
        parents = [number[level.parent] for level, number in zip(same, numbers, strict=True)]
        bits = np.concatenate([level.bits for level in same])
        levels.append(Level(step=same[0].step, parent=np.concatenate(parents).astype(np.int32), bits=bits))
        for level in same:
            level.bits = level.bits[:0]  # the groups are used up, and two copies of the widest level need not fit
        stops = np.cumsum([len(level.parent) for level in same])
        numbers = [np.arange(stop - len(level.parent), stop) for level, stop in zip(same, stops, strict=True)]
    return levels
