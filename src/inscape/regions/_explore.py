"""The verb: find regions from some points outwards, in an input space of any dimension."""

from collections.abc import Callable
from math import isfinite
from time import perf_counter
from typing import Any, Literal

import numpy as np
from torch import nn

from inscape._errors import DomainError, InputError, InputTypeError
from inscape._progress import Meter, meter
from inscape._rng import RandomState, draw_seed
from inscape.geometry import Box, Chart, Plane, Segment, local_plan
from inscape.network import Network, model_fingerprint, read
from inscape.regions._exploration import Exploration
from inscape.regions._frontier import Frontier, Journal, Order
from inscape.regions._read import embed, words
from inscape.regions._sample import sample_regions
from inscape.results import EXACT, Provenance, Status, Verdict

_SAMPLES = 1000
_TRIES = 8
_PRIORITY = {"best-first": "distance from the nearest start (input units)", "breadth-first": "steps from a start"}


def explore(
    model: nn.Module | Network,
    start: Any,
    *,
    domain: Chart | None = None,
    order: Literal["best-first", "breadth-first"] | Callable[[np.ndarray], float] = "best-first",
    max_cells: int = 1000,
    timeout: float | None = None,
    progress: Meter | bool | None = None,
    rng: RandomState = None,
) -> Exploration:
    """Find linear regions from given points outwards, through the facets of each region to its neighbours.

    This works in any dimension and without walls. Where the search ends by itself, the regions found are all that there
    are. It may be interrupted (Ctrl-C); what was found is then returned with status *limit*.

    Args:
        model: a model, or a network read from it; it is not changed.
        start: (n, *shape) points of input space; for a flat input also one point (D,).
        domain: a box, segment or plane whose walls hold; by default the whole input space.
        order: which region comes next: ``"best-first"``, the one that is nearest to a start in the Euclidean norm;
            ``"breadth-first"``, the one with fewest steps; or a function that is called with a point (*shape) of the
            facet through which a region was seen, smallest value first.
        max_cells: stop when this many regions were found.
        timeout: stop after this many seconds.
        progress: None shows a bar on a terminal; True, False or a meter of the caller's own.
        rng: seed of the random points that estimate how many regions a box, segment or plane has in all, where the
            search is partial.

    Returns:
        The exploration; its status is *exact* (complete and certain), *uncertain(n)* (complete, n decisions below the
        tolerance) or *limit(n)* (n regions found, there are more).

    Raises:
        DomainError: if a start lies outside the domain, or the domain in another space than the model's input.
        InputError: if there is no start, a start is not finite, or a limit or the order makes no sense.
        UnsupportedLayerError: if a smooth operation lies before the output.
        ModelError: if the model cannot be read.

    Example:
        >>> from torch import nn
        >>> net = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 1))
        >>> found = explore(net, np.zeros(6))  # four hyperplanes in general position cut R^6 into 2^4 regions
        >>> found.cell_count, found.complete
        (16, True)

    Source:
        van den Berg (2016) for the regions; Clarkson (1994) for their facets.
    """
    begin = perf_counter()
    _check(domain, order, max_cells, timeout)
    points, network = _read(model, start)
    plan = local_plan(network, domain)
    starts = _coordinates(points, domain)
    frontier = Frontier(plan, _walls(domain), starts, _ranked(order, domain, network.input_shape))
    _begin(frontier, domain)
    until = np.inf if timeout is None else begin + timeout
    with meter(progress, "exploring regions", max_cells) as shown:
        reason = _search(frontier, max_cells, until, shown)
    remaining = frontier.remaining()
    seed = draw_seed(rng)
    edges, labels, one_sided = _edges(frontier.journal)
    return Exploration(
        domain=domain,
        starts=starts,
        code=frontier.code,
        **_arrays(frontier.journal, one_sided, plan.dimension),
        edges=edges,
        edge_labels=labels,
        frontier=remaining,
        flat=len(frontier.journal.empty),
        estimate=sample_regions(plan, domain, samples=_SAMPLES, rng=seed) if domain is not None and remaining else None,
        head=network.head or "",
        output_shape=tuple(network.output_shape),
        status=_status(frontier.journal, remaining, reason, one_sided),
        provenance=Provenance(
            function="inscape.regions.explore",
            options=_options(domain, order, max_cells),
            model=model_fingerprint(model) if isinstance(model, nn.Module) else "",
            seed=seed,
            seconds=perf_counter() - begin,
        ),
        plan=plan,
    )


def _check(domain: object, order: object, max_cells: int, timeout: float | None) -> None:
    if domain is not None and not isinstance(domain, Box | Segment | Plane):
        raise InputTypeError(
            f"expected a domain: Box(low=, high=), Segment(p, q), Plane.through(...) or None, "
            f"got {type(domain).__name__}"
        )
    if not (callable(order) or order in _PRIORITY):
        raise InputError(f"expected order to be 'best-first', 'breadth-first' or a function of a point, got {order!r}")
    if max_cells < 1:
        raise InputError(f"expected max_cells ≥ 1, got {max_cells}")
    if timeout is not None and not (isfinite(timeout) and timeout > 0):
        raise InputError(f"expected timeout to be a number of seconds > 0 or None, got {timeout}")


def _read(model: nn.Module | Network, start: Any) -> tuple[np.ndarray, Network]:
    """Starting points (n, *shape) and the network with float64 constants of this moment."""
    given = start.detach().cpu() if hasattr(start, "detach") else start
    points = np.asarray(given, dtype=np.float64)
    if not points.size or not np.isfinite(points).all():
        raise InputError(f"expected at least one finite point to start from, got an array of shape {points.shape}")
    points = points if points.ndim > 1 else points[None]
    network = read(model, points[:1].astype(np.float32))
    network.require_piecewise_linear()
    if points.shape[1:] != tuple(network.input_shape):
        raise InputError(f"expected starting points of shape (n, *{network.input_shape}), got shape {points.shape}")
    return points, network.frozen()


def _coordinates(points: np.ndarray, domain: Chart | None) -> np.ndarray:
    """(n, d) coordinates of the starts, which must lie in the domain."""
    flat = points.reshape(len(points), -1)
    if domain is None:
        return flat
    if flat.shape[1] != domain.origin.size:
        raise DomainError(
            f"expected a domain in the network's input space of shape {points.shape[1:]} ({flat.shape[1]} numbers), "
            f"got one of shape {tuple(domain.shape)} ({domain.origin.size} numbers)"
        )
    t = flat if isinstance(domain, Box) else domain.project(points)
    away = np.linalg.norm(embed(domain, t).reshape(len(flat), -1) - flat, axis=1)
    outside = ((t < domain.low) | (t > domain.high)).any(1) | (away > 1e-6 * (1 + np.linalg.norm(flat, axis=1)))
    if outside.any():
        raise DomainError(
            f"expected starting points inside the domain {words(domain)}, "
            f"got point {int(np.argmax(outside))} outside; move it or enlarge the domain"
        )
    return t


def _walls(domain: Chart | None) -> tuple[np.ndarray, np.ndarray] | None:
    return None if domain is None else (np.asarray(domain.low), np.asarray(domain.high))


def _ranked(order: Order, domain: Chart | None, shape: tuple[int, ...]) -> Order:
    """The caller's function, called with points of input space."""
    if not callable(order):
        return order
    if domain is None:
        return lambda t: float(order(t.reshape(shape)))
    return lambda t: float(order(embed(domain, t[None])[0]))


def _begin(frontier: Frontier, domain: Chart | None) -> None:
    """Put the regions of the starts on the frontier; on a hyperplane or wall, one that has an interior there."""
    draw = np.random.default_rng(0x5EED)
    for number, point in enumerate(frontier.starts):
        towards = np.zeros(len(point)) if domain is None else (domain.low + domain.high) / 2 - point
        size = 0.1 * (float(np.linalg.norm(towards)) or 1.0)
        for attempt in range(_TRIES):
            ahead = towards + size * attempt * draw.standard_normal(len(point))
            if frontier.enter(point, ahead if ahead.any() else None):
                break
        else:
            raise DomainError(
                f"expected starting points in or beside a region with an interior, got point {number}, around which "
                "rounding hides all of them; move it"
            )


def _search(frontier: Frontier, max_cells: int, until: float, shown: Meter) -> str:
    """Look at regions until a limit is reached; the reason is empty if there is no more."""
    item = None
    try:
        while (item := frontier.next()) is not None:
            if len(frontier.journal.radii) >= max_cells:
                frontier.restore(item)
                return "max_cells reached"
            if perf_counter() >= until or not frontier.look(item, until):
                frontier.restore(item)
                return "timeout reached"
            shown.advance(1)
    except KeyboardInterrupt:
        if item is not None:
            frontier.restore(item)
        return "interrupted"
    return ""


def _edges(journal: Journal) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of regions that share a facet, its label, and regions of which a facet was seen from one side only."""
    seen: dict[tuple[int, int], list[int]] = {}
    for i, (keys, labels) in enumerate(zip(journal.beyond, journal.labels, strict=True)):
        for key, label in zip(keys, labels.tolist(), strict=True):
            j = journal.index.get(key)
            if j is not None:
                seen.setdefault((min(i, j), max(i, j)), []).append(label)
    pairs = sorted(pair for pair in seen if pair[0] != pair[1])
    odd = np.array([i for pair, sides in seen.items() if len(sides) != 2 or len({*pair}) < 2 for i in pair], np.int64)
    edges = np.array(pairs, np.int64).reshape(-1, 2)
    return edges, np.array([seen[pair][0] for pair in pairs], np.int64), np.unique(odd)


def _arrays(journal: Journal, one_sided: np.ndarray, dimension: int) -> dict[str, np.ndarray]:
    uncertain = np.array(journal.uncertain, np.int64)
    uncertain[one_sided] += 1
    keys = [np.frombuffer(key, np.uint8) for key in journal.index]
    return {
        "packed": np.stack(keys) if keys else np.zeros((0, 0), np.uint8),
        "priorities": np.array(journal.priorities, np.float64),
        "centres": np.array(journal.centres, np.float64).reshape(-1, dimension),
        "radii": np.array(journal.radii, np.float64),
        "facet_counts": np.array([len(keys) for keys in journal.beyond], np.int64),
        "uncertain": uncertain,
    }


def _status(journal: Journal, remaining: int, reason: str, one_sided: np.ndarray) -> Status:
    done = len(journal.radii)
    if remaining:
        return Status(verdict=Verdict.LIMIT, count=done, detail=f"{reason}, {remaining} more regions were seen")
    doubt = sum(journal.uncertain) + len(one_sided) + len(journal.empty)
    return Status(verdict=Verdict.UNCERTAIN, count=doubt) if doubt else EXACT


def _options(domain: Chart | None, order: Any, max_cells: int) -> dict[str, object]:
    name = order if isinstance(order, str) else getattr(order, "__name__", "function")
    return {
        "domain": "everywhere" if domain is None else words(domain),
        "order": name,
        "priority": _PRIORITY.get(name, f"value of {name}"),
        "max_cells": max_cells,
    }
