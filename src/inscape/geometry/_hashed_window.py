"""Where edge subdivision begins: the corners and edges of the window."""

import numpy as np

from inscape.geometry._kernels_hashed_types import Lines, Points
from inscape.geometry._plan import Plan

_SEED = 0x5EED


def places(plan: Plan) -> tuple[np.ndarray, int]:
    """Place of each predicate among the packed bits, every step in words of its own.

    Args:
        plan: the plan.

    Returns:
        (labels,) places 64 · word + bit, and the number of words.
    """
    total = max((step.base + step.size for step in plan.steps.values()), default=0)
    places, words = np.zeros(total, np.int32), 0
    for i in plan.order:
        if i in plan.steps:
            step = plan.steps[i]
            places[step.base : step.base + step.size] = 64 * words + np.arange(step.size)
            words += -(-step.size // 64)
    return places, words


def uphill(dimension: int) -> np.ndarray:
    """A direction without symmetry, along which hardly any edge is level; all its components are positive.

    Args:
        dimension: dimension d of the chart.

    Returns:
        (d,) the direction.
    """
    return np.random.default_rng(_SEED).uniform(0.5, 1.0, dimension)


def window(plan: Plan, words: int, names: np.ndarray) -> tuple[Points, Lines]:
    """Corners and edges of the box; at its low (high) end along axis a is the wall -1 - 2 a (-2 - 2 a).

    Args:
        plan: the plan.
        words: number of words of signs.
        names: (labels + 2 d, 2) random words of each predicate and sign, the walls first.

    Returns:
        The vertices and edges.
    """
    dimension, low, high = plan.chart.dimension, plan.chart.low, plan.chart.high
    axes = np.arange(dimension)
    corner = np.arange(1 << dimension)
    upper = (corner[:, None] >> axes) & 1
    label = np.sort(-1 - 2 * axes - upper, axis=1).astype(np.int32)
    count = len(corner)
    t = np.where(upper == 1, high, low)
    points = Points(
        t=t,
        height=t @ uphill(dimension),
        radius=np.zeros(count),
        label=label,
        pos=np.zeros((count, words), np.uint64),
        neg=np.zeros(count, np.uint64),
        mix=np.zeros((count, 2), np.int32),
        s=np.zeros(count),
        depth=np.zeros(count, np.int32),
        past=np.zeros((count, len(names) - 2 * dimension), np.float32),
        crossed=np.zeros(count, np.uint64),
    )
    below = [corner[upper[:, a] == 0] for a in axes]
    ends = np.concatenate([np.stack([at, at | (1 << a)], axis=1) for a, at in zip(axes, below, strict=True)])
    axis = np.repeat(axes, count // 2)
    shared = (label[ends[:, 0], :, None] == label[ends[:, 1], None, :]).any(2)
    label = label[ends[:, 0]][shared].reshape(len(axis), dimension - 1)
    inside = names[: 2 * dimension, 0]  # an edge of the window lies inside all walls but its own
    return points, Lines(
        ends=ends.astype(np.int32),
        label=label,
        name=np.bitwise_xor.reduce(inside) ^ np.bitwise_xor.reduce(inside[label + 2 * dimension], axis=1),
        following=np.zeros(len(axis), np.int32),
    )
