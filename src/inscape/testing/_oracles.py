"""Slow, independent answers: linear programs with rational witnesses, dense sampling, bisection."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import torch
from scipy.optimize import linprog
from torch import nn

from inscape._errors import InputError, UnsupportedLayerError
from inscape.geometry import Chart
from inscape.testing._constructions import Layer

Model = nn.Module | Sequence[Layer]
_SLIVER = 1e-13
"""Inradius below which the linear program's answer is taken as empty."""


def layers_of(model: Model) -> list[Layer]:
    """Weights of a plain ReLU network, read without the library's own front end.

    Args:
        model: an ``nn.Sequential`` of Linear and ReLU in turn (Identity, Flatten and Dropout are passed over), or
            pairs of weight and bias with a ReLU between any two.

    Returns:
        Pairs of float64 weight (out, in) and bias (out,).

    Raises:
        UnsupportedLayerError: if the model is anything else.
    """
    if not isinstance(model, nn.Module):
        return [(np.asarray(w, dtype=np.float64), np.asarray(b, dtype=np.float64)) for w, b in model]
    layers: list[Layer] = []
    modules = [m for m in model.modules() if not isinstance(m, nn.Sequential | nn.Identity | nn.Flatten | nn.Dropout)]
    for position, module in enumerate(modules):
        if isinstance(module, nn.Linear) and position % 2 == 0:
            weight = module.weight.detach().to(torch.float64).numpy()
            bias = np.zeros(len(weight)) if module.bias is None else module.bias.detach().to(torch.float64).numpy()
            layers.append((weight, bias))
        elif not (isinstance(module, nn.ReLU) and position % 2 == 1):
            raise UnsupportedLayerError(f"expected Linear and ReLU in turn, got {type(module).__name__} at {position}")
    return layers


def _lift(values: np.ndarray) -> np.ndarray:
    lifted = np.empty(values.shape, dtype=object)
    lifted.ravel()[:] = [Fraction(value) for value in np.asarray(values, dtype=np.float64).ravel().tolist()]
    return lifted


def _hidden(model: Model, chart: Chart) -> tuple[list[Layer], np.ndarray, np.ndarray]:
    """Exact hidden layers on the chart, and its exact walls, as rows [a, b] with a · t + b > 0 inside."""
    layers = [(_lift(weight), _lift(bias)) for weight, bias in layers_of(model)]
    if not layers or layers[0][0].shape[1] != chart.origin.size:
        raise InputError(f"expected a model with {chart.origin.size} inputs, like its chart")
    weight, bias = layers[0]
    layers[0] = (weight @ _lift(chart.basis).T, weight @ _lift(chart.origin) + bias)
    eye = _lift(np.eye(chart.dimension))
    walls = np.vstack([np.column_stack([eye, -_lift(chart.low)]), np.column_stack([-eye, _lift(chart.high)])])
    return layers[:-1] if len(layers) > 1 else [], walls, _lift((chart.low + chart.high) / 2)


def _witness(rows: np.ndarray) -> np.ndarray | None:
    """A rational point with ``a · t + b > 0`` in all rows, or None: a linear program proposes it, fractions confirm."""
    scale = np.array([max(abs(value) for value in row[:-1]) for row in rows], dtype=object)
    system = (rows / scale[:, None]).astype(np.float64)
    norms = np.linalg.norm(system[:, :-1], axis=1)
    dimension = system.shape[1] - 1
    answer = linprog(
        np.r_[np.zeros(dimension), -1.0],
        A_ub=np.column_stack([-system[:, :-1], norms]),
        b_ub=system[:, -1],
        bounds=[(None, None)] * dimension + [(None, 1.0)],
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if answer.x is None or answer.x[-1] < _SLIVER:
        return None
    point = _lift(answer.x[:-1])
    return point if (rows[:, :-1] @ point + rows[:, -1] > 0).all() else None


def _split(cells: list[tuple[np.ndarray, np.ndarray]], row: np.ndarray, inside: np.ndarray, walls: np.ndarray) -> None:
    """Cut one cell, given by its walls and a point, by a hyperplane; append what is there, first the off side."""
    if not any(row[:-1]):
        cells.append((walls, inside))
        return
    value = row[:-1] @ inside + row[-1]
    for sign in (-1, 1):
        side = np.vstack([walls, sign * row])
        point = inside if sign * value > 0 else _witness(side)
        if point is not None:
            cells.append((side, point))


def cells_by_lp(model: Model, chart: Chart) -> np.ndarray:
    """Every full-dimensional activation pattern of a small ReLU network on a chart, layer by layer.

    Each unit cuts each cell; the affine map inside a cell is composed in rational arithmetic, a linear program
    looks for a point on either side, and a cell counts only if a rational point is proven to lie strictly inside.
    A unit that vanishes identically on a cell does not cut it and counts as off.

    Args:
        model: up to a dozen or two of hidden units: an ``nn.Sequential`` of Linear and ReLU, or its weights.
        chart: box, segment or plane, of dimension up to 4 or so.

    Returns:
        (cells, units) patterns, True for on, one row for each cell, sorted.
    """
    hidden, walls, centre = _hidden(model, chart)
    identity = np.column_stack([_lift(np.eye(chart.dimension)), _lift(np.zeros(chart.dimension))])
    found = [(walls, centre, identity, ())]
    for weight, bias in hidden:
        following = []
        for own, inside, values, pattern in found:
            rows = weight @ values
            rows[:, -1] = rows[:, -1] + bias
            cells = [(own, inside)]
            for row in rows:
                children: list[tuple[np.ndarray, np.ndarray]] = []
                for cell in cells:
                    _split(children, row, cell[1], cell[0])
                cells = children
            for around, point in cells:
                on = rows[:, :-1] @ point + rows[:, -1] > 0
                following.append((around, point, rows * on[:, None], (*pattern, *on.tolist())))
        found = following
    units = sum(len(weight) for weight, _ in hidden)
    return np.array(sorted(pattern for *_, pattern in found), dtype=bool).reshape(len(found), units)


def count_by_lp(model: Model, chart: Chart) -> int:
    """Number of full-dimensional activation patterns of a small ReLU network on a chart, see :func:`cells_by_lp`.

    Args:
        model: up to a dozen or two of hidden units: an ``nn.Sequential`` of Linear and ReLU, or its weights.
        chart: box, segment or plane, of dimension up to 4 or so.

    Returns:
        The exact count, but for cells with an inradius below 1e-13.

    Example:
        >>> from inscape.geometry import Box
        >>> three_lines = [([[1, 0], [0, 1], [1, 1]], [0, 0, -0.5]), ([[1, 1, 1]], [0])]
        >>> count_by_lp([(np.array(w), np.array(b)) for w, b in three_lines], Box(low=(-1, -1), high=(1, 1)))
        7
    """
    return len(cells_by_lp(model, chart))


def cells_by_dense_sampling(model: Model, chart: Chart, *, resolution: int = 200) -> np.ndarray:
    """The activation patterns that a regular grid of points meets: each is a cell, small cells are missed.

    Args:
        model: an ``nn.Sequential`` of Linear and ReLU, or its weights.
        chart: box, segment or plane.
        resolution: points along each coordinate, inside the walls.

    Returns:
        (patterns, units) patterns, True for on, sorted; a unit that is 0 but for rounding is off.
    """
    share = (np.arange(resolution) + 0.41421) / resolution
    axes = [low + (high - low) * share for low, high in zip(chart.low, chart.high, strict=True)]
    t = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, chart.dimension)
    value = t @ chart.basis + chart.origin
    before = []
    for weight, bias in layers_of(model)[:-1]:
        before.append(value @ weight.T + bias)
        value = np.maximum(before[-1], 0.0)
    signs = np.concatenate(before, axis=1)
    return np.unique(signs > 1e-12 * (1.0 + np.abs(signs).max()), axis=0)


def _kink(f: Callable[[np.ndarray], np.ndarray], low: float, high: float, tolerance: float) -> float | bool | None:
    """None if f is affine on [low, high], the place of its only kink if it has one, else False."""
    t = low + (high - low) * np.array([0.0, 0.03, 0.21, 0.37, 0.5, 0.61, 0.83, 0.97, 1.0])
    y = f(t)
    chord = y[:1] + (y[-1:] - y[:1]) * ((t - low) / (high - low))[:, None]
    bend = np.abs(y - chord)
    size = tolerance * (1.0 + np.abs(y).max())
    if bend.max() <= size:
        return None
    output = int(bend.max(axis=0).argmax())
    left = (y[1, output] - y[0, output]) / (t[1] - t[0])
    right = (y[-1, output] - y[-2, output]) / (t[-1] - t[-2])
    if abs(left - right) * (high - low) <= size:
        return False
    place = (y[-1, output] - y[0, output] + left * low - right * high) / (left - right)
    if not 0.04 < (place - low) / (high - low) < 0.96:  # a kink beside an end spoils that slope and shows up at 0.03
        return False
    at = f(np.array([place]))
    before = y[:1] + (at - y[:1]) * ((t - low) / (place - low))[:, None]
    after = at + (y[-1:] - at) * ((t - place) / (high - place))[:, None]
    fits = np.abs(y - np.where(t[:, None] <= place, before, after)).max() <= size
    return float(place) if fits else False


def breakpoints_by_bisection(
    f: Callable[[np.ndarray], np.ndarray], chart: Chart, *, pieces: int = 97, tolerance: float = 1e-11
) -> np.ndarray:
    """Where a piecewise-linear function bends along a segment, from its values alone.

    The segment is halved until every part is affine or bends once; the kink is where the two lines meet. Kinks closer
    than about 1e-7 of the length, or that change no output, are not told apart.

    Args:
        f: float64 (n, *shape) points of input space to (n, outputs) values.
        chart: a chart of dimension 1.
        pieces: equal parts to begin with.
        tolerance: relative size of a bend that counts.

    Returns:
        (k,) increasing chart coordinates of the kinks inside the segment.

    Raises:
        InputError: if the chart is not of dimension 1.
    """
    if chart.dimension != 1:
        raise InputError(f"expected a chart of dimension 1, got {chart.dimension}")

    def along(t: np.ndarray) -> np.ndarray:
        return np.asarray(f((t[:, None] @ chart.basis + chart.origin).reshape(-1, *chart.shape))).reshape(len(t), -1)

    low, high = float(chart.low[0]), float(chart.high[0])
    ends = np.linspace(low, high, pieces + 1)
    waiting, found = list(pairwise(ends.tolist())), []
    while waiting:
        left, right = waiting.pop()
        place = _kink(along, left, right, tolerance)
        if place is None:
            continue
        if place is not False:
            found.append(place)
        elif right - left > 1e-7 * (high - low):
            middle = left + 0.47 * (right - left)
            waiting += [(left, middle), (middle, right)]
        else:
            found.append((left + right) / 2)
    return np.array(sorted(found))


def facets_by_lp(normals: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Which half-spaces of a polytope are needed: for each a linear program over all others.

    Args:
        normals: (m, d) outward normals, none of them zero, no two half-spaces equal.
        offsets: (m,) right-hand sides.

    Returns:
        Positions of the half-spaces that carry a facet, ascending.

    Example:
        >>> facets_by_lp(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), np.array([1.0, 1.0, 5.0])).tolist()
        [0, 1]
    """
    found = []
    for i in range(len(offsets)):
        relaxed = offsets + (np.arange(len(offsets)) == i)
        best = linprog(-normals[i], normals, relaxed, bounds=[(None, None)] * normals.shape[1], method="highs")
        if best.x is None or normals[i] @ best.x > offsets[i] + 1e-8:
            found.append(i)
    return np.array(found, dtype=np.int64)
