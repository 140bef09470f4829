"""The verb: cut a domain into the cells on which a model is affine."""

from time import perf_counter
from typing import Any

import numpy as np
from torch import nn

from inscape._errors import DomainError
from inscape._progress import Meter, meter
from inscape.geometry import Box, Chart, Rule, Subdivision, subdivide
from inscape.network import Network, model_fingerprint, read
from inscape.regions._everywhere import Everywhere
from inscape.regions._partition import Partition
from inscape.regions._read import program, words
from inscape.results import EXACT, Provenance, Status, Verdict


def partition(
    model: nn.Module | Network,
    domain: Chart | Everywhere,
    *,
    example: Any = None,
    max_cells: int = 1_000_000,
    threads: int | None = None,
    progress: Meter | bool | None = None,
) -> Partition:
    """Cut a domain of dimension 1 to 6 into the cells on which a piecewise-linear model is affine.

    The cells are found exactly: layer by layer, each cell is cut along the hyperplanes where a unit changes its sign.
    Decisions that rounding leaves open are counted and marked, and the status says so. In dimension 3 and more the
    bounds on positions, and so *exact*, are of first order (see the pages on the maths).

    Args:
        model: a model, or a network read from it; it is not changed.
        domain: a box, a segment, plane or slice in a larger input space, or :class:`Everywhere`.
        example: (n, *shape) example input for models that are read by ``torch.export``; by default a point of the
            domain.
        max_cells: stop when this many cells are finished; the partition then covers a part of the domain.
        threads: how many threads share the work, by default one for each processor that this process may use; the
            cells do not depend on it.
        progress: None shows a bar on a terminal; True, False or a meter of the caller's own.

    Returns:
        The partition; its status is *exact*, *uncertain(n)*, *stable* or *limit(n)*.

    Raises:
        DomainError: if the domain lies in another space than the model's input.
        UnsupportedLayerError: if a smooth operation lies before the output.
        ModelError: if the model cannot be read.
        BudgetError: if one layer alone could cut the domain into far more than ``max_cells`` cells.

    Example:
        >>> from torch import nn
        >>> from inscape.geometry import Box
        >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        >>> cells = partition(net, Box(low=(-1e3, -1e3), high=(1e3, 1e3)))
        >>> cells.count("activation")  # three lines in the plane, in general position
        7

    Source:
        van den Berg (2016); the linear regions are those of Zhang, Naitzat and Lim (2018).
    """
    if isinstance(domain, Everywhere):
        return _everywhere(model, domain, example, max_cells=max_cells, threads=threads, progress=progress)
    begin = perf_counter()
    network = program(model, domain, example)
    with meter(progress, "cutting cells") as shown:
        made = subdivide(network, domain, max_cells=max_cells, threads=threads, meter=shown)
    return Partition(
        domain=domain,
        complex=made.complex,
        steps=tuple(made.plan.steps.values()),
        head=network.head or "",
        output_shape=tuple(network.output_shape),
        status=status(made),
        provenance=provenance("partition", model, domain, max_cells, perf_counter() - begin),
        subdivision=made,
    )


def status(made: Subdivision, offset: int = 0) -> Status:
    """What a subdivision is worth; ``offset`` cells came before it."""
    if not made.complete:
        detail = "max_cells reached, the cells cover a part of the domain"
        return Status(verdict=Verdict.LIMIT, count=offset + made.complex.cell_count, detail=detail)
    doubt = int(made.complex.doubt.sum())
    return Status(verdict=Verdict.UNCERTAIN, count=doubt) if doubt else EXACT


def provenance(
    verb: str, model: nn.Module | Network, domain: Chart, max_cells: int | None, seconds: float
) -> Provenance:
    """Where a result of this package comes from."""
    return Provenance(
        function=f"inscape.regions.{verb}",
        options={"domain": words(domain), "max_cells": max_cells},
        model=model_fingerprint(model) if isinstance(model, nn.Module) else "",
        seconds=seconds,
    )


def _everywhere(
    model: nn.Module | Network,
    domain: Everywhere,
    example: Any,
    *,
    max_cells: int,
    threads: int | None,
    progress: Meter | bool | None,
) -> Partition:
    network = read(model, example)
    size = int(np.prod(network.input_shape))
    counts: list[int] = []
    half = domain.start
    for _ in range(domain.doublings):
        box = Box(low=np.full(size, -half), high=np.full(size, half))
        found = partition(network, box, max_cells=max_cells, threads=threads, progress=progress)
        if found.status.verdict is Verdict.LIMIT:
            return found
        counts.append(found.cell_count)
        if len(counts) > 2 and counts[-1] == counts[-2] == counts[-3]:
            from dataclasses import replace

            detail = f"box of half side {half:g}, the same count as at half side {half / 4:g}"
            if found.status.verdict is Verdict.UNCERTAIN:
                detail += f"; {found.status.count} cells uncertain"
            return replace(found, status=Status(verdict=Verdict.STABLE, detail=detail))
        half *= 2
    raise DomainError(
        f"the number of cells did not settle in {domain.doublings} doublings (last counts {counts[-3:]}); "
        "give a Box instead"
    )


def head_rule(outputs: int, level: float = 0.0, between: tuple[int, int] | None = None) -> Rule:
    """The rule that cuts the output where the class changes.

    Args:
        outputs: number of outputs.
        level: threshold of a single output.
        between: two classes, or None for all.

    Returns:
        A threshold for one output, the difference of two, or the maximum over all.
    """
    from inscape.geometry import Elementwise, Maximum

    if outputs == 1:
        return Elementwise(
            thresholds=np.array([float(level)]), slopes=np.array([0.0, 1.0]), intercepts=np.array([0.0, -float(level)])
        )
    chosen = np.arange(outputs) if between is None else np.array(between)
    return Maximum(groups=chosen[None].astype(np.int64))
