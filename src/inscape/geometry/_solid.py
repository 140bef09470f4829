"""A part of a complex of dimension 3 or more on its way through the network."""

from dataclasses import dataclass, field

import numpy as np

from inscape.geometry._block import TOTAL_WORK, Level
from inscape.geometry._bounds import Bound
from inscape.geometry._exact import Allowance, ExactNet
from inscape.geometry._kernels_corner import scramble_all
from inscape.geometry._plan import Plan
from inscape.geometry._polytopes import Polytopes


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a block was taken from.

    Attributes:
        solid: the block from which it was taken.
        members: a cell there for each cell that the block began with.
    """

    solid: "Solid"
    members: np.ndarray


@dataclass(kw_only=True, slots=True)
class Solid:
    """Working state of the engine: convex cells with the values at their corners.

    Attributes:
        xy: (V, d) chart coordinates.
        radius: (V,) bound on the distance from the exact vertices.
        name: (V,) 64-bit names of the vertices, by which blocks find what they share.
        start: (C + 1,) cell i owns corners[start[i]:start[i + 1]].
        corners: (H,) vertices of the cells.
        masks: (H, words) which of its cell's sides a corner lies on.
        side_start: (C + 1,) cell i owns side_label[side_start[i]:side_start[i + 1]].
        side_label: (S,) predicate on which a side lies, counted over all steps; walls are negative.
        normals: (S, d) unit normals of the sides, of either direction.
        fuzz: (S,) bound on the distance between a side's exact hyperplane and the computed one.
        doubt: (C,) cells of which some decision lay below the rounding bound.
        levels: the steps done.
        live: node → (V, width) values that are still needed.
        slopes: node → (C, d, width) slopes of these on each cell; one row where they are the same on all.
        bounds: node → bounds of these values.
        exact: the program in whole numbers, for decisions below the rounding bound.
        allowance: exact work that may still be done on the block.
        past: where the block was taken from.
    """

    xy: np.ndarray
    radius: np.ndarray
    name: np.ndarray
    start: np.ndarray
    corners: np.ndarray
    masks: np.ndarray
    side_start: np.ndarray
    side_label: np.ndarray
    normals: np.ndarray
    fuzz: np.ndarray
    doubt: np.ndarray
    levels: list[Level] = field(default_factory=list)
    live: dict[int, np.ndarray] = field(default_factory=dict)
    slopes: dict[int, np.ndarray] = field(default_factory=dict)
    bounds: dict[int, Bound] = field(default_factory=dict)
    exact: ExactNet
    allowance: Allowance
    past: Origin | None = None

    @property
    def dimension(self) -> int:
        """Dimension d of the chart."""
        return self.xy.shape[1]

    @property
    def cell_count(self) -> int:
        """Number of cells."""
        return len(self.start) - 1

    def closed(self, most: int) -> Polytopes:
        """The finished complex.

        Args:
            most: how many cells are wanted at most.

        Returns:
            The complex; its vertices are in the order of their names, so that it does not depend on blocks.
        """
        solid = self if self.cell_count <= most else chosen(self, np.arange(most))
        order = np.argsort(solid.name)
        number = np.empty(len(order), np.int32)
        number[order] = np.arange(len(order), dtype=np.int32)
        return Polytopes(
            vertices=solid.xy[order],
            start=solid.start,
            corners=number[solid.corners],
            masks=solid.masks,
            side_start=solid.side_start,
            side_label=solid.side_label,
            doubt=solid.doubt,
            levels=tuple(solid.levels),
        )


def first_solid(plan: Plan) -> Solid:
    """The whole window as one cell.

    Args:
        plan: the plan.

    Returns:
        A box.
    """
    low, high, d = plan.chart.low, plan.chart.high, plan.chart.dimension
    ends = (np.arange(1 << d)[:, None] >> np.arange(d)) & 1
    masks = (np.uint64(1) << (2 * np.arange(d) + ends).astype(np.uint64)).sum(1, dtype=np.uint64)
    return Solid(
        xy=np.where(ends, high, low).astype(np.float64),
        radius=np.zeros(1 << d),
        name=scramble_all(np.arange(1, (1 << d) + 1, dtype=np.uint64) << np.uint64(32)),  # no predicate's number
        start=np.array([0, 1 << d]),
        corners=np.arange(1 << d, dtype=np.int32),
        masks=masks[:, None],
        side_start=np.array([0, 2 * d]),
        side_label=-1 - np.arange(2 * d, dtype=np.int32),
        normals=np.repeat(np.eye(d), 2, axis=0),
        fuzz=np.zeros(2 * d),
        doubt=np.zeros(1, np.bool_),
        exact=ExactNet(plan=plan),
        allowance=Allowance(left=TOTAL_WORK),
    )


def part_of(solid: Solid, group: np.ndarray) -> Solid:
    """Some cells as a block of their own, which remembers where it was taken from.

    Args:
        solid: the block.
        group: cells in ascending order.

    Returns:
        The block of these cells, with the vertices that they use.
    """
    made = chosen(solid, group)
    made.levels, made.past = [], Origin(solid=solid, members=group)
    made.allowance = Allowance(left=solid.allowance.left * len(group) // solid.cell_count)
    return made


def chosen(solid: Solid, group: np.ndarray) -> Solid:
    """A block of some cells only.

    Args:
        solid: the block.
        group: cells, in the order in which they are wanted.

    Returns:
        The block of these cells, with the vertices that they use.
    """
    rows, start = _ranges(solid.start, group)
    sides, side_start = _ranges(solid.side_start, group)
    used = np.unique(solid.corners[rows])
    number = np.empty(len(solid.xy), np.int32)
    number[used] = np.arange(len(used), dtype=np.int32)
    return Solid(
        xy=solid.xy[used],
        radius=solid.radius[used],
        name=solid.name[used],
        start=start,
        corners=number[solid.corners[rows]],
        masks=solid.masks[rows],
        side_start=side_start,
        side_label=solid.side_label[sides],
        normals=solid.normals[sides],
        fuzz=solid.fuzz[sides],
        doubt=solid.doubt[group],
        live={j: values[used] for j, values in solid.live.items()},
        slopes={j: table if len(table) == 1 else table[group] for j, table in solid.slopes.items()},
        bounds=dict(solid.bounds),
        levels=[*solid.levels[:-1], *(_rows(level, group) for level in solid.levels[-1:])],
        exact=solid.exact,
        allowance=solid.allowance,
        past=solid.past,
    )


def _rows(level: Level, group: np.ndarray) -> Level:
    return Level(step=level.step, parent=level.parent[group], bits=level.bits[group])


def _ranges(start: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entries of some cells in a ragged array, and where each cell begins among them."""
    sizes = np.diff(start)[group]
    begin = np.concatenate([[0], np.cumsum(sizes)])
    return np.repeat(start[group] - begin[:-1], sizes) + np.arange(begin[-1]), begin


def join_solids(whole: Solid, parts: list[Solid], levels: list[Level]) -> Solid:
    """Put finished blocks together again: vertices of the same name are one.

    Args:
        whole: the block from which they were taken.
        parts: the finished blocks, at least one.
        levels: the joined levels of the blocks.

    Returns:
        One block; its cells are in the order that they would have without blocks.
    """
    names, first, number = np.unique(np.concatenate([p.name for p in parts]), return_index=True, return_inverse=True)
    shift = np.cumsum([0, *(len(p.xy) for p in parts)])
    corners = [number[p.corners + s] for p, s in zip(parts, shift[:-1], strict=True)]
    wide = max(p.masks.shape[1] for p in parts)
    masks = [np.pad(p.masks, ((0, 0), (0, wide - p.masks.shape[1]))) for p in parts]
    made = Solid(
        xy=np.concatenate([p.xy for p in parts])[first],
        radius=np.concatenate([p.radius for p in parts])[first],
        name=names,
        start=_stacked([p.start for p in parts]),
        corners=np.concatenate(corners).astype(np.int32),
        masks=np.concatenate(masks),
        side_start=_stacked([p.side_start for p in parts]),
        side_label=np.concatenate([p.side_label for p in parts]),
        normals=np.concatenate([p.normals for p in parts]),
        fuzz=np.concatenate([p.fuzz for p in parts]),
        doubt=np.concatenate([p.doubt for p in parts]),
        exact=whole.exact,
        allowance=whole.allowance,
        past=whole.past,
    )
    if levels:
        made = chosen(made, _in_order(levels))
    made.levels = [*whole.levels, *levels]
    return made


def _in_order(levels: list[Level]) -> np.ndarray:
    """Sort the cells of each level by their parents, in place; returns the order of the last level."""
    number = np.zeros(0, np.int32)
    order = np.zeros(0, np.int64)
    for level in levels:
        parent = level.parent if not len(number) else number[level.parent]
        order = np.argsort(parent, kind="stable")
        level.parent, level.bits = parent[order].astype(np.int32), level.bits[order]
        number = np.empty(len(order), np.int32)
        number[order] = np.arange(len(order), dtype=np.int32)
    return order


def _stacked(starts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.concatenate([np.diff(start) for start in starts]))])
