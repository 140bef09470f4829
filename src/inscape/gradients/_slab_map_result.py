"""The answer of :func:`inscape.gradients.slab_map`: level sets of units on a plane."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from inscape._errors import InputError
from inscape.geometry import Box, Plane
from inscape.results import Provenance, Result, Status

_VIEWS = ("regions", "density")
_SHOWN = 300
"""Most data points that are drawn; of more an even choice."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SlabMap(Result):
    """Slabs of units on a plane, with decision regions and data.

    Attributes:
        domain: the plane.
        layer: name of the layer.
        activation: name of its activation.
        units: (u,) numbers of the units.
        delta: level of the derivative.
        centre: middle of the transition, in units of the pre-activation z.
        halfwidth: half its width z*; 0 for a kink.
        values: (u, h + 1, w + 1) z at the corners of the grid's rectangles, row 0 at the low end of the second axis.
        label: (h, w) index of the predicted class at the centres of the rectangles.
        names: names of the classes.
        density: (h, w) density of the projected data there, per square input unit; (0, 0) without data.
        points: (m, 2) chart coordinates of the projected data.
        classes: (m,) class of each point, or empty.
        status: measured on this grid.
        provenance: how it was made.
    """

    kind: ClassVar[str] = "slab-map"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016",)

    domain: Plane | Box
    layer: str
    activation: str
    units: np.ndarray
    delta: float
    centre: float
    halfwidth: float
    values: np.ndarray
    label: np.ndarray
    names: tuple[str, ...]
    density: np.ndarray
    points: np.ndarray
    classes: np.ndarray
    status: Status
    provenance: Provenance

    def level(self, index: int, z: float) -> list[np.ndarray]:
        """The level set of one unit's pre-activation.

        Args:
            index: place of the unit in ``units``.
            z: the level.

        Returns:
            (k, 2) lines in chart coordinates, one for each piece; none if the level is not met in the window.
        """
        from contourpy import contour_generator

        values = self.values[index]
        x, y = (
            np.linspace(low, high, count)
            for low, high, count in zip(self.domain.low, self.domain.high, values.shape[::-1], strict=True)
        )
        found = contour_generator(x, y, values, name="serial").lines(z)
        return [np.asarray(line) for line in found]

    def lines(self, index: int) -> list[np.ndarray]:
        """The borders of one unit's slab, or its kink.

        Args:
            index: place of the unit in ``units``.

        Returns:
            (k, 2) lines in chart coordinates.
        """
        levels = [self.centre] if self.halfwidth == 0 else [self.centre + s * self.halfwidth for s in (-1, 1)]
        return [line for z in levels for line in self.level(index, z)]

    def shares(self) -> np.ndarray:
        """(u,) share of the window that is inside each slab; 0 for kinks."""
        corners = np.abs(self.values - self.centre) < self.halfwidth
        return corners.reshape(len(self.units), -1).mean(1)

    def facts(self) -> dict[str, object]:
        """What the summary shows: name → value, in order."""
        rows, columns = self.label.shape
        crossing = sum(bool(self.level(i, self.centre)) for i in range(len(self.units)))
        found: dict[str, object] = {
            "layer": f"{self.layer} before {self.activation}",
            "units": ", ".join(map(str, self.units.tolist())),
            "middle inside the window": f"{crossing} of {len(self.units)}",
            "grid": f"{columns} × {rows} points",
            "data": f"{len(self.points)} points",
        }
        if self.halfwidth > 0:
            found["share of the window in a slab"] = f"median {np.median(self.shares()):.3g} at level {self.delta:g}"
        return found

    def columns(self) -> dict[str, Any]:
        """One row for each unit."""
        return {"unit": self.units, "least z": self.values.min((1, 2)), "largest z": self.values.max((1, 2))} | {
            "share of the window": self.shares()
        }

    def info(self, which: str = "regions") -> Any:
        """The slabs as lines: the middle bold and named by the unit's number, the borders thin.

        Args:
            which: ``"regions"`` to lay them over the decision regions and the data, ``"density"`` over the density of
                the data.

        Returns:
            An ``inscape.plotting.Heatmap``.

        Raises:
            InputError: if there is no such view, or no data for it.
        """
        from inscape.plotting import Heatmap

        if which not in _VIEWS:
            raise InputError(f"expected which to be one of {', '.join(_VIEWS)}, got {which!r}")
        if which == "density" and not self.density.size:
            raise InputError("no data were given, so that there is no density; call slab_map(model, plane, data)")
        regions = which == "regions"
        kind = "Kinks" if self.halfwidth == 0 else "Slabs"
        return Heatmap(
            values=self.label if regions else self.density,
            low=self.domain.low,
            high=self.domain.high,
            label="predicted class" if regions else "density of the data (per square input unit)",
            categorical=regions,
            names=self.names if regions else (),
            lines=self._polylines(),
            markers=(*self._data(regions), *self._numbers()),
            xlabel="first axis of the plane (input units)",
            ylabel="second axis of the plane (input units)",
            title=f"{kind} of units before the {self.activation} of {self.layer}",
            vmin=None if regions else 0.0,
        )

    def _polylines(self) -> tuple[Any, ...]:
        from inscape.plotting import Polyline

        middle = [line for i in range(len(self.units)) for line in self.level(i, self.centre)]
        borders = [line for i in range(len(self.units)) for line in self.lines(i)] if self.halfwidth > 0 else []
        name = "kink" if self.halfwidth == 0 else "middle of a slab"
        found = []
        for pieces, title, width in ((middle, name, 1.6), (borders, f"border, level {self.delta:g}", 0.7)):
            if pieces:
                broken = [part for line in pieces for part in (line, np.full((1, 2), np.nan))]
                found.append(Polyline(points=np.concatenate(broken[:-1]), name=title, width=width))
        return tuple(found)

    def _data(self, regions: bool) -> tuple[Any, ...]:
        from inscape.plotting import Markers

        inside = ((self.points >= self.domain.low) & (self.points <= self.domain.high)).all(1)
        rows = np.flatnonzero(inside)
        if not regions or not len(rows):
            return ()
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _SHOWN)).round().astype(np.int64))]
        return (Markers(points=self.points[rows], values=self.classes[rows] if len(self.classes) else None),)

    def _numbers(self) -> tuple[Any, ...]:
        """The unit's number at a point of its middle, each at another share of its length."""
        from inscape.plotting import Markers

        places, names = [], []
        for index, unit in enumerate(self.units):
            pieces = self.level(index, self.centre)
            if pieces:
                longest = max(pieces, key=lambda line: np.linalg.norm(np.diff(line, axis=0), axis=1).sum())
                places.append(_along(longest, (index + 1) / (len(self.units) + 1)))
                names.append(str(unit))
        return (Markers(points=np.array(places), names=tuple(names)),) if places else ()


def _along(line: np.ndarray, share: float) -> np.ndarray:
    """The point of a line at a share of its length."""
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    return np.array([np.interp(share * length[-1], length, line[:, axis]) for axis in range(2)])
