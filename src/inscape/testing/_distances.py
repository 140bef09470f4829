"""Slow distances to a decision boundary: a mixed-integer program, and a quadratic program for every pattern."""

from itertools import pairwise, product
from math import inf
from typing import Any

import numpy as np

from inscape._errors import InputError
from inscape.testing._constructions import Layer
from inscape.testing._oracles import Model, layers_of

Pair = tuple[int, int]


def _forward(layers: list[Layer], x: np.ndarray) -> np.ndarray:
    for weight, bias in layers[:-1]:
        x = np.maximum(weight @ x + bias, 0.0)
    return layers[-1][0] @ x + layers[-1][1]


def _conditions(layers: list[Layer], x: np.ndarray, between: Pair | None) -> list[tuple[np.ndarray, float]]:
    """Rows (w, b) over the last hidden layer: the point lies beyond the boundary where w · h + b ≤ 0 for one row."""
    weight, bias = layers[-1]
    outputs = _forward(layers, x)
    if len(outputs) == 1:
        sign = 1.0 if outputs[0] >= 0 else -1.0
        return [(sign * weight[0], float(sign * bias[0]))]
    if between is not None:
        i, j = between
        sign = 1.0 if outputs[i] >= outputs[j] else -1.0
        return [(sign * (weight[i] - weight[j]), float(sign * (bias[i] - bias[j])))]
    top = int(outputs.argmax())
    return [(weight[top] - weight[j], float(bias[top] - bias[j])) for j in range(len(outputs)) if j != top]


def distance_by_milp(
    model: Model,
    x: np.ndarray,
    norm: float,
    *,
    between: Pair | None = None,
    low: np.ndarray | None = None,
    high: np.ndarray | None = None,
) -> float:
    """Distance from a point to the decision boundary of a ReLU network by mixed-integer programs of HiGHS.

    Each hidden unit is one binary variable, with big-M bounds from intervals on a box that grows until it holds the
    answer. One program for each class that can take over.

    Args:
        model: an ``nn.Sequential`` of Linear and ReLU, or its weights, with a few dozen hidden units at most.
        x: (D,) point.
        norm: 1 or infinity.
        between: two outputs whose tie is the boundary; by default the largest output's, or the sign of a single one.
        low: (D,) least values that the point may take, none by default.
        high: (D,) largest values.

    Returns:
        The distance, infinity if no point within 1e4 is beyond the boundary.

    Raises:
        InputError: if the norm is neither 1 nor infinity.

    Example:
        >>> float(round(distance_by_milp([(np.array([[3.0, 4.0]]), np.zeros(1))], np.array([1.0, 1.0]), 1), 9))
        1.75
    """
    if norm not in (1, inf):
        raise InputError(f"expected norm to be 1 or inf, got {norm!r}; see distance_by_patterns for 2")
    layers = layers_of(model)
    floor = np.full(x.size, -inf) if low is None else low
    ceiling = np.full(x.size, inf) if high is None else high
    conditions = _conditions(layers, x, between)
    reach = 1.0
    while True:
        box = np.maximum(floor, x - reach), np.minimum(ceiling, x + reach)
        found = min(_one_program(layers[:-1], condition, x, norm, box) for condition in conditions)
        if found <= reach:
            return found
        if reach >= 1e4:
            return inf
        reach = min(4 * reach, 1e4) if found == inf else found


def _one_program(
    hidden: list[Layer],
    condition: tuple[np.ndarray, float],
    x: np.ndarray,
    norm: float,
    box: tuple[np.ndarray, np.ndarray],
) -> float:
    """Variables: the point, its distance in each coordinate (or one for all), then h and a for every unit."""
    from scipy import optimize

    tools: Any = optimize  # its stubs know no arrays as bounds

    size, bounds = x.size, [box]
    for weight, bias in hidden:
        low, high = (np.maximum(part, 0.0) if len(bounds) > 1 else part for part in bounds[-1])
        rising, falling = np.maximum(weight, 0.0), np.minimum(weight, 0.0)
        bounds.append((rising @ low + falling @ high + bias, rising @ high + falling @ low + bias))
    parts = size if norm == 1 else 1
    units = sum(len(bias) for _, bias in hidden)
    total = size + parts + 2 * units
    rows: list[np.ndarray] = []
    right: list[float] = []

    def add(entries: dict[int, float], most: float) -> None:
        row = np.zeros(total)
        for place, value in entries.items():
            row[place] = value
        rows.append(row)
        right.append(most)

    for k in range(size):
        t = size + (k if norm == 1 else 0)
        add({k: 1.0, t: -1.0}, float(x[k]))
        add({k: -1.0, t: -1.0}, -float(x[k]))
    before, start = range(size), size + parts
    for (weight, bias), (low, high) in zip(hidden, bounds[1:], strict=True):
        for u in range(len(bias)):
            h, a = start + u, start + units + u
            inputs = dict(zip(before, weight[u].tolist(), strict=True))
            least, most = min(float(low[u]), 0.0), max(float(high[u]), 0.0)
            add({**inputs, h: -1.0}, -float(bias[u]))  # h ≥ z
            add({**{k: -v for k, v in inputs.items()}, h: 1.0, a: -least}, float(bias[u]) - least)  # h ≤ z - l(1 - a)
            add({h: 1.0, a: -most}, 0.0)  # h ≤ u a
        before, start = range(start, start + len(bias)), start + len(bias)
    add(dict(zip(before, condition[0].tolist(), strict=True)), -condition[1])
    binary = np.zeros(total)
    binary[size + parts + units :] = 1
    lower, upper = np.zeros(total), np.full(total, inf)
    lower[:size], upper[:size] = box
    upper[size + parts + units :] = 1
    costs = np.zeros(total)
    costs[size : size + parts] = 1
    answer = tools.milp(
        costs,
        integrality=binary,
        bounds=tools.Bounds(lower, upper),
        constraints=tools.LinearConstraint(np.array(rows), ub=np.array(right)),
        options={"mip_rel_gap": 0.0},
    )
    return inf if answer.x is None else float(answer.fun)


def distance_by_patterns(model: Model, x: np.ndarray, *, between: Pair | None = None) -> float:
    """Euclidean distance from a point to the decision boundary of a tiny ReLU network, by trying every pattern.

    For each of the 2^N patterns the nearest point of its region beyond the boundary is a least-distance problem,
    which non-negative least squares solves (Lawson and Hanson, 1974, chapter 23).

    Args:
        model: an ``nn.Sequential`` of Linear and ReLU, or its weights, with a dozen hidden units at most.
        x: (D,) point.
        between: two outputs whose tie is the boundary, as in :func:`distance_by_milp`.

    Returns:
        The distance, infinity if there is no boundary.

    Example:
        >>> float(round(distance_by_patterns([(np.array([[3.0, 4.0]]), np.zeros(1))], np.array([1.0, 1.0])), 9))
        1.4
    """
    layers = layers_of(model)
    best = inf
    conditions = _conditions(layers, x, between)
    units = sum(len(bias) for _, bias in layers[:-1])
    cuts = np.cumsum([0, *(len(bias) for _, bias in layers[:-1])])
    for pattern in product((False, True), repeat=units):
        table, constant = np.eye(x.size), x.copy()
        rows, right = [], []
        for (weight, bias), (first, last) in zip(layers[:-1], pairwise(cuts), strict=True):
            on = np.array(pattern[first:last])
            slope, value = weight @ table, weight @ constant + bias
            rows.append(np.where(on[:, None], slope, -slope))
            right.append(np.where(on, -value, value))
            table, constant = slope * on[:, None], value * on
        for weight, offset in conditions:
            found = _least_distance(
                np.vstack([*rows, -(weight @ table)[None]]),
                np.concatenate([*right, [float(weight @ constant) + offset]]),
            )
            best = min(best, found)
    return best


def _least_distance(table: np.ndarray, right: np.ndarray) -> float:
    """Smallest ‖v‖ with table · v ≥ right."""
    from scipy.optimize import nnls

    system = np.vstack([table.T, right])
    target = np.append(np.zeros(table.shape[1]), 1.0)
    weights, residual = nnls(system, target, maxiter=1000)
    if residual < 1e-7:
        return inf
    rest = target - system @ weights
    return float(np.linalg.norm(rest[:-1] / rest[-1]))
