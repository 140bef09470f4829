"""The facets of a region: which of its half-spaces are needed to describe it."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from inscape.geometry._facet_search import Search
from inscape.geometry._halfspaces import distinct_halfspaces
from inscape.geometry._largest_ball import ball_inside
from inscape.geometry._local import LocalRegion


@dataclass(frozen=True, kw_only=True, eq=False)
class Facets:
    """The facets of one region inside walls.

    Attributes:
        rows: (f,) half-spaces of the region that carry a facet, positions in its arrays; walls are not among them.
        points: (f, d) a point of each facet, not on any other.
        centre: (d,) centre of the largest ball inside the region and the walls.
        radius: its radius; infinite if balls of any size fit, not positive if the region has no interior.
        uncertain: half-spaces about which a linear program did not decide beyond its tolerance.
        finished: whether all half-spaces were settled before the time was over.
    """

    rows: np.ndarray
    points: np.ndarray
    centre: np.ndarray
    radius: float
    uncertain: int
    finished: bool = True

    @property
    def empty(self) -> bool:
        """Whether the region has no interior inside the walls, as far as rounding can tell."""
        return self.finished and not self.radius > 0


def facets(
    region: LocalRegion,
    low: np.ndarray | None = None,
    high: np.ndarray | None = None,
    *,
    near: np.ndarray | None = None,
    until: float = np.inf,
) -> Facets:
    """Find the facets of a region.

    Args:
        region: the region.
        low: (d,) lower walls, none by default.
        high: (d,) upper walls, none by default.
        near: (d,) a point in the region or near it, which makes the numbers well scaled; by default the origin.
        until: reading of ``time.perf_counter`` at which to stop.

    Returns:
        The facets; there are none if the region has no interior.

    Example:
        >>> from inscape.geometry import region_at
        >>> from inscape.network import read
        >>> from torch import nn
        >>> net = read(nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1)))
        >>> len(facets(region_at(net, np.zeros(3))).rows)  # a corner of space between two planes
        2

    Source:
        Clarkson (1994), More output-sensitive geometric algorithms.
    """
    system = distinct_halfspaces(region, low, high)
    centre, radius, scale = ball_inside(region, system, near, until)
    if not radius > 0:
        return Facets(
            rows=np.zeros(0, np.int64),
            points=np.zeros((0, region.dimension)),
            centre=centre,
            radius=radius,
            uncertain=0,
            finished=perf_counter() < until,
        )
    search = Search(system, centre, scale)
    if system.small:
        search.settle()
    else:
        search.shoot()
    search.decide(until)
    hit = np.flatnonzero(search.facet & (system.source >= 0))
    return Facets(
        rows=system.source[hit],
        points=centre + scale * search.points[hit],
        centre=centre,
        radius=radius,
        uncertain=search.uncertain,
        finished=perf_counter() < until,
    )
