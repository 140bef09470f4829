"""The answer of :func:`inscape.gradients.field`."""

from dataclasses import dataclass
from math import sqrt
from typing import Any, ClassVar

import numpy as np

from inscape._errors import InputError
from inscape.geometry import Box, Plane
from inscape.results import Provenance, Result, Status


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Field(Result):
    """How far a new sample would move each layer, on a grid of a plane, and the factors of that.

    Grids have the shape (h, w), row 0 at the low end of the second axis; values belong to the centres of the pixels.
    All are natural logarithms: minus infinity where nothing is left, NaN for a factor behind the one that lost it.

    Attributes:
        domain: the plane.
        layers: (l,) module path of every layer with a gradient of single samples.
        operations: (l,) function that uses its weight.
        values: (l, h, w) norm of the gradient of one sample's loss with respect to the layer's weight.
        misfit: (h, w) norm of that loss's gradient at the output.
        names: (s,) what each step passes, from the output on.
        categories: (s,) ``"weight gain"``, ``"activation gate"``, ``"normalisation"``, ``"attention"``, ``"block"`` or
            ``"other"``.
        steps: (s, h, w) change of the gradient's norm at each step.
        depths: (l,) number of steps between the output and the layer.
        branch: (l, h, w) change from the last step to the layer's output; 0 for a layer on the path.
        inputs: (l, h, w) norm of what the layer is fed.
        alignment: (l, h, w) what positions that share the weight lose; 0 for a layer with one position.
        predicted: (h, w) predicted class, -1 where the output is no choice between classes.
        margin: (h, w) difference of the two largest outputs.
        label: what the new sample is, in words.
        refused: (layer, reason) for layers without a map.
        points: (m, 2) data points in chart coordinates.
        labels: (m,) their classes, or empty.
        mode: mode of the model.
        status: measured on this grid.
        provenance: how it was made.
    """

    kind: ClassVar[str] = "gradient-field"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016", "kish1965")

    domain: Plane | Box
    layers: tuple[str, ...]
    operations: tuple[str, ...]
    values: np.ndarray
    misfit: np.ndarray
    names: tuple[str, ...]
    categories: tuple[str, ...]
    steps: np.ndarray
    depths: np.ndarray
    branch: np.ndarray
    inputs: np.ndarray
    alignment: np.ndarray
    predicted: np.ndarray
    margin: np.ndarray
    label: str
    refused: tuple[tuple[str, str], ...]
    points: np.ndarray
    labels: np.ndarray
    mode: str
    status: Status
    provenance: Provenance

    @property
    def window_area(self) -> float:
        """Area of the window in square input units."""
        gram = self.domain.basis @ self.domain.basis.T
        return float(np.prod(self.domain.high - self.domain.low)) * sqrt(abs(float(np.linalg.det(gram))))

    @property
    def still(self) -> np.ndarray:
        """(l,) share of the window where a new sample would not move the layer at all."""
        return np.isneginf(self.values).mean((1, 2))

    @property
    def effective_share(self) -> np.ndarray:
        r"""(l,) share of the window that the field fills, 0 for none.

        With f the field at the n grid points, :math:`(\sum f)^2 / (n \sum f^2)`: 1 for a field that is the same
        everywhere, 1/n for one that sits in a single pixel.
        """
        top = self.values.max((1, 2), keepdims=True)
        scaled = np.exp(self.values - np.where(np.isfinite(top), top, 0.0))
        squares = (scaled**2).mean((1, 2))
        return scaled.mean((1, 2)) ** 2 / np.where(squares > 0, squares, 1.0)

    @property
    def effective_area(self) -> np.ndarray:
        """(l,) area that the field fills, in square input units."""
        return self.effective_share * self.window_area

    def layer(self, name: str | int) -> int:
        """Place of a layer.

        Args:
            name: module path, or the place itself.

        Returns:
            The place among ``layers``.

        Raises:
            InputError: if there is no such layer, or it has no map.
        """
        if isinstance(name, int) and -len(self.layers) <= name < len(self.layers):
            return name % len(self.layers)
        if name in dict(self.refused):
            raise InputError(f"layer {name} has no map: {dict(self.refused)[str(name)]}")
        if name not in self.layers:
            raise InputError(f"expected a layer among {', '.join(self.layers[:12])}, got {name!r}")
        return self.layers.index(str(name))

    def factors(self, layer: str | int = 0) -> dict[str, np.ndarray]:
        """The maps whose sum is the map of a layer, as they are named in :meth:`info`.

        Args:
            layer: module path or place; the first layer by default.

        Returns:
            Name → (h, w) logarithms, from the output on; NaN behind a factor of minus infinity.
        """
        place = self.layer(layer)
        kept = range(int(self.depths[place]))
        made = {"misfit": self.misfit} | {self._step(j): self.steps[j] for j in kept}
        for name, grids in (("branch", self.branch), ("input", self.inputs), ("alignment", self.alignment)):
            if name == "input" or (np.nan_to_num(grids[place]) != 0).any():
                made[name] = grids[place]
        return made

    def _step(self, j: int) -> str:
        named = ("gate:" if self.categories[j] == "activation gate" else "gain:") + self.names[j]
        same = [i for i in range(j) if self.names[i] == self.names[j]]
        return f"{named} ({len(same) + 1})" if same else named

    def facts(self) -> dict[str, object]:
        """What the summary shows: name → value, in order."""
        rows, columns = self.misfit.shape
        width, height = self.domain.high - self.domain.low
        first, last = 0, len(self.layers) - 1
        facts: dict[str, object] = {
            "window": f"{width:.4g} × {height:.4g} input units",
            "grid": f"{columns} × {rows} points",
            "new sample": self.label,
            "layers": len(self.layers),
        }
        for place in dict.fromkeys((first, last)):
            name = self.layers[place]
            facts[f"window that moves layer {name}"] = f"{1 - self.still[place]:.1%}"
            facts[f"filled by the field of layer {name}"] = f"{self.effective_share[place]:.1%} of the window"
        if self.refused:
            facts["layers without a map"] = ", ".join(name for name, _ in self.refused[:6])
        return facts

    def info(self, which: str = "field", layer: str | int = 0) -> Any:
        """One map as a drawing kind, or the summary of all layers.

        Args:
            which: ``"field"``; a factor of it as :meth:`factors` names them, such as ``"misfit"``, ``"input"`` or
                ``"gate:tanh after 0"``; or ``"summary"`` for a table. Maps have the decadic logarithm; the decision
                boundary and the data are drawn on top, and what is grey has no gradient at all.
            layer: module path or place; the first layer by default.

        Returns:
            An ``inscape.plotting.Heatmap`` or ``Table``.
        """
        from inscape.gradients._field_draw import heatmap, table

        return table(self) if which == "summary" else heatmap(self, which, self.layer(layer))

    def columns(self) -> dict[str, Any]:
        """Column name → one-dimensional array, all of one length: one row for every grid point."""
        rows, columns = self.misfit.shape
        x, y = (
            low + (np.arange(count) + 0.5) * (high - low) / count
            for low, high, count in zip(self.domain.low, self.domain.high, (columns, rows), strict=True)
        )
        made = {"x": np.tile(x, rows), "y": np.repeat(y, columns), "predicted": self.predicted.ravel()}
        made |= {"misfit": self.misfit.ravel()}
        return made | {f"field {name}": grid.ravel() for name, grid in zip(self.layers, self.values, strict=True)}
