"""Find where a share falls below a limit: first on a coarse grid, then by halving the gap."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, kw_only=True)
class Search:
    """Where the limit is kept.

    Attributes:
        places: all places that were looked at, in order of size.
        shares: the share at each of them.
        found: the smallest place known to keep the limit behind one that does not; the first place if that keeps it;
            None if none does.
        monotone: whether the share never rises from a place to the next.
    """

    places: tuple[float, ...]
    shares: tuple[float, ...]
    found: float | None
    monotone: bool


def search(
    shares: Callable[[Sequence[float]], Sequence[float]],
    grid: Sequence[float],
    *,
    allowed: float,
    halvings: int,
) -> Search:
    """Look for the least place from which on a falling share keeps a limit.

    Args:
        shares: gives the share at each of several places.
        grid: places of the coarse look, rising.
        allowed: the limit.
        halvings: how often the gap between the last place above the limit and the first below it is halved.

    Returns:
        All that was seen. Where the share is not monotone, the first crossing on the grid is taken.

    Example:
        >>> search(lambda places: [1 - p for p in places], [0.0, 1.0], allowed=0.25, halvings=3).found
        0.75
    """
    known = dict(zip(grid, shares(grid), strict=True))
    kept = [place for place in grid if known[place] <= allowed]
    if kept and kept[0] != grid[0]:
        high = kept[0]
        low = max(place for place in grid if place < high)
        for _ in range(halvings):
            middle = (low + high) / 2
            (known[middle],) = shares([middle])
            low, high = (low, middle) if known[middle] <= allowed else (middle, high)
        kept = [high]
    places = tuple(sorted(known))
    values = tuple(known[place] for place in places)
    monotone = all(after <= before for before, after in pairwise(values))
    return Search(places=places, shares=values, found=kept[0] if kept else None, monotone=monotone)
