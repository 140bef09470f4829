"""The verb: how far a point is from the decision boundary."""

from collections.abc import Sequence
from math import inf, isfinite
from time import perf_counter
from typing import Any

import numpy as np
from torch import nn

from inscape._errors import InputError, InputTypeError
from inscape._progress import Meter, meter
from inscape.geometry import Ball, Box, Bracket, Limits, Target, bracket
from inscape.network import Network, model_fingerprint, read
from inscape.regions._boundary import Boundary
from inscape.regions._distance_pieces import distance_to_pieces
from inscape.regions._distance_result import Distance, worth
from inscape.regions._read import words
from inscape.results import Provenance, fingerprint

NORMS = (1, 2, inf)


def distance(
    model: nn.Module | Network | Boundary,
    x: Any,
    norm: float = 2,
    *,
    between: tuple[int, int] | float | None = None,
    domain: Box | None = None,
    max_cells: int = 100_000,
    timeout: float | None = None,
    progress: Meter | bool | None = None,
) -> Distance:
    r"""Distance from points to the decision boundary of a piecewise-linear model, enclosed from both sides.

    .. math:: \min \{\|y - x\| : f_j(y) \ge f_c(y) \text{ for some } j \ne c\}, \qquad c = \arg\max f(x)

    Works in any dimension. Families of linear regions, on which some units are decided, wait in a queue with a
    certified lower bound of their distance; the nearest is divided by deciding one more unit. A point beyond the
    boundary that was found by linearisation, and improved by every family, is the upper bound. The search ends when
    both agree to a relative gap of 1e-6, or at a limit; the bounds hold in any case, rounding included.

    Args:
        model: a model, or a network read from it; it is not changed. A :class:`Boundary` that was found before serves
            as well: then the distances are along its chart, to its pieces, and exact where they are not larger than
            the distance to the wall of its domain.
        x: (n, *shape) points or one point of shape (*shape,); with a boundary (n, d) chart coordinates.
        norm: 1, 2 or ``math.inf``.
        between: two outputs i and j: the boundary is where output i equals output j, whatever the others do. For one
            output a number: the level, 0 by default. None: the boundary of the largest output.
        domain: a box in which the nearest point has to lie, such as pixels from 0 to 1.
        max_cells: how many families are examined at most, for each point.
        timeout: seconds for each point.
        progress: None shows a bar on a terminal; True, False or a meter of the caller's own. Ctrl-C ends the search;
            the bounds so far are returned.

    Returns:
        The distances; their status is *certified*, or *limit* with both bounds.

    Raises:
        InputError: if the norm, the points, the outputs, the box or a limit do not fit.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> line = nn.Linear(2, 1)
        >>> with torch.no_grad():
        ...     _ = line.weight.copy_(torch.tensor([[3.0, 4.0]])), line.bias.fill_(-2.0)
        >>> found = [distance(nn.Sequential(line), (1.0, 1.0), norm).upper[0] for norm in (1, 2, float("inf"))]
        >>> [float(value.round(9)) for value in found]  # |f| = 5 over the dual norms 4, 5 and 7
        [1.25, 1.0, 0.714285714]

    Source:
        Jordan, Lewis and Dimakis (2019) for the search among regions in the order of their distance; Wong and Kolter
        (2018) for affine bounds of undecided units; Moosavi-Dezfooli, Fawzi and Frossard (2016) for the upper bound.
    """
    if norm not in NORMS:
        raise InputError(f"expected norm to be 1, 2 or inf, got {norm!r}")
    if isinstance(model, Boundary):
        if between is not None or domain is not None:
            raise InputError("expected no between and no domain beside a boundary, which has its own")
        return distance_to_pieces(model, _array(x), float(norm))
    begin = perf_counter()
    samples = _array(x)
    network = _network(model, samples)
    points = _points(network, samples)
    box = _offsets(domain, points)
    _check_limits(max_cells, timeout)
    outputs = network.evaluate(points.reshape(-1, *network.input_shape)).reshape(len(points), -1)
    targets = [_targets(row, between) for row in outputs]
    found: list[Bracket] = []
    with meter(progress, "measuring distances", None) as shown:
        for i, point in enumerate(points):
            ball = Ball(centre=point, norm=float(norm), radius=inf, low=box[0][i], high=box[1][i])
            limits = Limits(families=max_cells, deadline=inf if timeout is None else perf_counter() + timeout)
            found.append(bracket(network, ball, targets[i], limits=limits, meter=shown))
            if found[-1].interrupted:
                break
    options: dict[str, object] = {"norm": float(norm), "between": between, "max_cells": max_cells, "timeout": timeout}
    if domain is not None:
        options["domain"] = words(domain)
    origin = Provenance(
        function="inscape.regions.distance",
        options=options,
        model=model_fingerprint(model) if isinstance(model, nn.Module) else "",
        data=fingerprint(points),
        seconds=perf_counter() - begin,
    )
    return _result(network, points, targets, found, (float(norm), origin))


def _array(x: Any) -> np.ndarray:
    if hasattr(x, "detach"):
        x = x.detach().cpu().numpy()
    try:
        return np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputTypeError(f"expected x to be an array of numbers, got {type(x).__name__}") from error


def _network(model: nn.Module | Network, samples: np.ndarray) -> Network:
    """The network, with the points as example where one is needed: a batch or, if that does not fit, one point."""
    example = samples.astype(np.float32)
    try:
        network = read(model, example if example.ndim > 1 else None)
    except (ValueError, TypeError):
        network = read(model, example[None])
    network.require_piecewise_linear()
    return network.frozen()


def _points(network: Network, samples: np.ndarray) -> np.ndarray:
    """(n, D) flattened points."""
    shape = tuple(network.input_shape)
    batch = samples[None] if samples.shape == shape else samples
    if batch.shape[1:] != shape or batch.ndim != len(shape) + 1 or not len(batch):
        inner = ", ".join(str(side) for side in shape)
        raise InputError(f"expected x of shape ({inner}) or (n, {inner}) with n ≥ 1, got {samples.shape}")
    if not np.isfinite(batch).all():
        raise InputError("expected finite points, got NaN or infinity in x")
    return np.ascontiguousarray(batch).reshape(len(batch), -1)


def _offsets(domain: Box | None, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, D) least and largest offsets from the points inside the domain."""
    if domain is None:
        return np.full(points.shape, -inf), np.full(points.shape, inf)
    if domain.dimension != points.shape[1]:
        raise InputError(f"expected a box of {points.shape[1]} numbers, got one of {domain.dimension}")
    low, high = domain.low - points, domain.high - points
    if (low > 0).any() or (high < 0).any():
        raise InputError(f"expected points inside the domain {words(domain)[:80]}, got one outside")
    return low, high


def _check_limits(max_cells: int, timeout: float | None) -> None:
    if max_cells < 1:
        raise InputError(f"expected max_cells ≥ 1, got {max_cells}")
    if timeout is not None and not timeout > 0:
        raise InputError(f"expected timeout > 0 seconds or None, got {timeout}")


def _targets(outputs: np.ndarray, between: tuple[int, int] | float | None) -> Sequence[Target]:
    """The conditions on the output, of which one has to be met beyond the boundary."""
    count = len(outputs)
    if isinstance(between, tuple | list):
        if len(between) != 2 or between[0] == between[1] or not all(0 <= k < count for k in between):
            raise InputError(f"expected between to name two different outputs of 0 to {count - 1}, got {between}")
        i, j = between
        return (Target(left=i, right=j, sign=1 if outputs[i] >= outputs[j] else -1),)
    if count == 1:
        level = 0.0 if between is None else float(between)
        if not isfinite(level):
            raise InputError(f"expected a finite level, got {between}")
        return (Target(left=0, offset=level, sign=1 if outputs[0] > level else -1),)
    if between is not None:
        raise InputError(f"expected between to be a pair of outputs such as (0, 1), got {between!r}; a level needs one")
    top = int(outputs.argmax())
    return tuple(Target(left=top, right=j) for j in range(count) if j != top)


def _pair(target: Target, *, one: bool) -> tuple[int, int]:
    """Class at the point and class that meets it."""
    if one:
        return (1, 0) if target.sign > 0 else (0, 1)
    return (target.left, target.right) if target.sign > 0 else (target.right, target.left)


def _result(
    network: Network,
    points: np.ndarray,
    targets: Sequence[Sequence[Target]],
    found: list[Bracket],
    rest: tuple[float, Provenance],
) -> Distance:
    """Gather what was found; points that an interruption left out keep the bounds 0 and infinity."""
    count, done = len(points), len(found)
    lower, upper = np.zeros(count), np.full(count, inf)
    nearest, pairs = np.full(points.shape, np.nan), np.full((count, 2), -1)
    cells = np.zeros(count, np.int64)
    lower[:done], upper[:done] = [one.lower for one in found], [one.upper for one in found]
    cells[:done] = [one.families for one in found]
    for i, one in enumerate(found):
        nearest[i] = points[i] + one.offset
        if one.target >= 0:
            target = targets[i][one.target]
            pairs[i] = _pair(target, one=target.right < 0)
    norm, provenance = rest
    return Distance(
        points=points.reshape(-1, *network.input_shape),
        norm=norm,
        lower=lower,
        upper=upper,
        nearest=nearest.reshape(-1, *network.input_shape),
        pairs=pairs,
        cells=cells,
        status=worth(lower, upper, interrupted=any(one.interrupted for one in found)),
        provenance=provenance,
    )
