"""Exact counts beside the bounds and the expected scale of a network of the same shape."""

from collections.abc import Mapping, Sequence
from math import log10
from typing import Any

import numpy as np

from inscape.geometry import Kind, Program
from inscape.regions import counting
from inscape.regions._counting_unseen import Richness


def known_bounds(network: Program, dimension: int) -> tuple[list[tuple[str, str, int]], list[str]]:
    """Every bound that holds for a network on a domain, and the scale of random networks.

    Args:
        network: the network.
        dimension: dimension of the domain.

    Returns:
        Rows (name, relation, value), and sentences about what is left out.
    """
    bending = [node for node in network.nodes if node.kind is Kind.PIECEWISE]
    if not bending:
        return [], ["The network has no unit that bends: it is one affine function everywhere, one region."]
    planes = [_hyperplanes(node) for node in bending]
    rows: list[tuple[str, str, int]] = []
    notes = []
    plain = _plain_relu(network, bending)
    if plain:
        rows.append(("Montúfar et al. 2014, best weights", "at least", counting.montufar_lower(planes, dimension)))
    scale = counting.expected_scale(sum(planes), dimension)
    rows.append(("all units as one generic arrangement", "about", scale))
    if plain:
        rows.append(("Serra et al. 2018", "at most", counting.serra_upper(planes, dimension)))
        rows.append(("Montúfar 2017", "at most", counting.montufar_upper(planes, dimension)))
    else:
        notes.append(
            "The bounds that follow a plain chain of ReLU layers (Montúfar et al. 2014, Serra et al. 2018, Montúfar "
            "2017) are left out: this network has pooling, other activations or skip connections. Units of pooling "
            "count one hyperplane for every pair they compare."
        )
    rows.append(("Raghu et al. 2017", "at most", counting.raghu_upper(planes, dimension)))
    rows.append(("all sign patterns", "at most", counting.pattern_upper(planes)))
    return rows, notes


def comparison(
    network: Program, cells: Any, sample: Richness | None = None
) -> tuple[Mapping[str, Sequence[object]], list[str]]:
    """The table of an exact count beside all that is known beforehand.

    Args:
        network: the network.
        cells: its partition.
        sample: an estimate from random points of the same domain, for a row of its own.

    Returns:
        Columns quantity, says, regions, log10, and gap (log10 of the quantity over the count); and sentences about what
        is left out.
    """
    count = max(1, int(cells.count("activation")))
    rows, notes = known_bounds(network, cells.dimension)
    if sample is not None:
        rows.append((f"estimate from {sample.samples:,} random points (Chao1)", "about", round(sample.estimate)))
        notes.append(_sampled(sample))
    rows = [*rows, ("counted", "at least" if cells.status.verdict.name == "LIMIT" else "exactly", count)]
    return {
        "quantity": [name for name, _, _ in rows],
        "says": [relation for _, relation, _ in rows],
        "regions": [value for _, _, value in rows],
        "log10": [round(log10(value), 2) for _, _, value in rows],
        "gap": [round(log10(value) - log10(count), 2) for _, _, value in rows],
    }, notes


def _sampled(sample: Richness) -> str:
    """What the random points saw."""
    return (
        f"The {sample.samples:,} random points met {sample.observed:,} activation regions, which fill about "
        f"{sample.coverage:.1%} of the domain (95 %: {sample.coverage_low:.1%} to {sample.coverage_high:.1%}). The "
        f"estimate's 95 % interval is {sample.low:,.0f} to {sample.high:,.0f}; where tiny regions are many, it is too "
        "small."
    )


def _hyperplanes(node: Any) -> int:
    """How many hyperplanes one region can be cut by in this layer."""
    rule, outputs = node.rule, int(np.prod(node.shape))
    if hasattr(rule, "thresholds"):
        return outputs * len(rule.thresholds)
    members = (np.asarray(rule.groups) >= 0).sum(1)
    return int((members * (members - 1) // 2).sum())


def _plain_relu(network: Program, bending: Sequence[Any]) -> bool:
    chain = all(tuple(node.inputs) == (i - 1,) for i, node in enumerate(network.nodes) if i)
    return chain and all(node.operation.lower() == "relu" for node in bending)
