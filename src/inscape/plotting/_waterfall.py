"""A drawing kind for sums: a start, signed steps that each float on the running total, and totals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from inscape._errors import InputError
from inscape.plotting._checks import array, freeze, require_shape

if TYPE_CHECKING:
    Array: TypeAlias = np.ndarray
else:  # what is given is read and checked when the object is made
    Array = Any


@dataclass(frozen=True, kw_only=True, eq=False)
class Waterfall:
    r"""Bars of a sum, one below the other, each beginning where the one above it ended.

    With start :math:`v_0` and steps :math:`v_1, \dots, v_{n-1}`, bar :math:`i` goes from :math:`e_{i-1}` to

    .. math:: e_i = v_0 + \sum_{1 \le k \le i,\ k \text{ no total}} v_k .

    The first bar and totals go from zero. A value of :math:`-\infty` blocks: the running total stays :math:`-\infty`
    below it, steps there have no place, and totals go down without end. A value of NaN is unknown, and so is every
    total below it, unless a step blocks.

    Attributes:
        names: (n,) names of the bars, the first on top.
        values: (n,) start value, then the change by each step; ignored where a later bar is a total.
        kinds: (n,) categories of the bars, for the colours and the legend.
        totals: (n,) whether a bar shows the running total; empty for none.
        label: name and unit of the axis.
        title: a few words above the figure.
        hover: name → (n,) array of numbers or texts that the page shows under the pointer.
        reference: (n,) a change (for the first bar and totals: a level) that would be normal, NaN for none; or None.
        highlight: positions of bars that are marked by outline, hatching and a bold name.

    Raises:
        InputError: if there is no bar, a length differs, a value is infinite where it may not be, or a position in
            ``highlight`` does not exist.

    Example:
        >>> bars = Waterfall(
        ...     names=["loss", "layer 2", "layer 1", "first layer"],
        ...     values=[1.0, -3.0, 0.5, np.nan],
        ...     kinds=["residual", "gain", "gain", "total"],
        ...     totals=[False, False, False, True],
        ... )
        >>> bars.ends.tolist()
        [1.0, -2.0, -1.5, -1.5]
        >>> bars.running.tolist()
        [[0.0, 1.0], [-2.0, 1.0], [-2.0, -1.5], [-1.5, 0.0]]
    """

    names: Sequence[str]
    values: Array
    kinds: Sequence[str]
    totals: Array = field(default_factory=lambda: np.zeros(0, dtype=bool))
    label: str = ""
    title: str = ""
    hover: Mapping[str, Array] = field(default_factory=dict)
    reference: Array | None = None
    highlight: Sequence[int] = ()

    def __post_init__(self) -> None:
        names, kinds = tuple(map(str, self.names)), tuple(map(str, self.kinds))
        if not names:
            raise InputError("expected at least one bar in Waterfall.names, got none")
        shape = (len(names),)
        if len(kinds) != len(names):
            raise InputError(f"expected Waterfall.kinds to be {len(names)} long, got {len(kinds)}")
        values = array("Waterfall.values", self.values, np.float64)
        require_shape("Waterfall.values", values, shape)
        totals = _flags(self.totals, len(names))
        if np.isposinf(np.where(_levels(totals)[0], values, 0.0)).any():
            raise InputError("expected Waterfall.values to be finite, NaN (unknown) or -inf (blocked), got infinity")
        hover = {str(key): np.asarray(item) for key, item in self.hover.items()}
        for key, item in hover.items():
            require_shape(f"Waterfall.hover[{key!r}]", item, shape)
        highlight = _positions(self.highlight, len(names))
        freeze(self, names=names, values=values, kinds=kinds, totals=totals, hover=hover, highlight=highlight)
        freeze(self, reference=_reference(self.reference, len(names)))

    @property
    def ends(self) -> np.ndarray:
        """(n,) running total at the end of each bar; -inf from a blocked step on, NaN where it is unknown."""
        steps = np.where(_levels(self.totals)[0], self.values, 0.0)
        blocked = np.logical_or.accumulate(np.isneginf(steps))
        return np.where(blocked, -np.inf, np.cumsum(np.where(blocked, 0.0, steps)))

    @property
    def starts(self) -> np.ndarray:
        """(n,) where each bar begins: zero for the first bar and for totals, else the end of the bar above."""
        ends = self.ends
        return np.where(_levels(self.totals)[1], 0.0, np.concatenate([[0.0], ends[:-1]]))

    @property
    def running(self) -> np.ndarray:
        """(n, 2) lower and upper end of each bar; NaN where it has no place, -inf below for one without end."""
        starts = np.where(np.isneginf(self.starts), np.nan, self.starts)
        placed = np.isfinite(starts) & ~np.isnan(self.ends)
        ends = np.stack([np.fmin(starts, self.ends), np.fmax(starts, self.ends)], axis=1)
        return np.where(placed[:, None], ends, np.nan)

    @property
    def normal(self) -> np.ndarray:
        """(n,) where each bar would end if its value were the reference; NaN where either is unknown."""
        if self.reference is None:
            return np.full(len(self.names), np.nan)
        return np.where(np.isfinite(self.starts), self.starts, np.nan) + self.reference

    @property
    def categories(self) -> tuple[str, ...]:
        """Kinds in the order in which they first occur: the order of the colours and of the legend."""
        return tuple(dict.fromkeys(self.kinds))


def _levels(totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which bars bring a value of their own, and which go from zero."""
    first = np.arange(len(totals)) == 0
    return first | ~totals, first | totals


def _flags(given: Any, bars: int) -> np.ndarray:
    totals = array("Waterfall.totals", given, None)
    if totals.shape == (0,):
        return np.zeros(bars, dtype=bool)
    require_shape("Waterfall.totals", totals, (bars,))
    if not np.isin(totals, (0, 1)).all():
        raise InputError("expected Waterfall.totals to be true or false for each bar, got other numbers")
    return totals.astype(bool)


def _positions(given: Sequence[int], bars: int) -> tuple[int, ...]:
    positions = sorted({int(position) for position in given})
    for position in positions:
        if not 0 <= position < bars:
            raise InputError(f"expected Waterfall.highlight to be positions from 0 to {bars - 1}, got {position}")
    return tuple(positions)


def _reference(given: Any, bars: int) -> np.ndarray | None:
    if given is None:
        return None
    reference = array("Waterfall.reference", given, np.float64)
    require_shape("Waterfall.reference", reference, (bars,))
    if np.isinf(reference).any():
        raise InputError("expected Waterfall.reference to be finite or NaN (none), got infinity")
    return reference
