"""The answer of :func:`inscape.maps.predict`: grids on a plane."""

from dataclasses import dataclass
from math import sqrt
from typing import Any, ClassVar, cast

import numpy as np

from inscape._errors import InputError
from inscape.geometry import Box, Plane
from inscape.results import Provenance, Result, Status

_LABELS = {
    "label": "predicted class",
    "confidence": "confidence (largest probability)",
    "margin": "margin (output units)",
    "distance": "first-order distance to the boundary (input units)",
    "plane_distance": "first-order distance to the boundary within the plane (input units)",
}
_FAR = 98.0


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PredictionMap(Result):
    """What a model predicts on a grid of a plane, and how sure it is.

    Grids have the shape (h, w), row 0 at the low end of the second axis; values belong to the centres of the pixels.

    Attributes:
        domain: the plane.
        names: names of the classes.
        label: index of the predicted class.
        confidence: largest class probability.
        margin: largest output minus the second largest, before a softmax or sigmoid head, ≥ 0.
        distance: first-order distance to the decision boundary in input space; infinite where the slope is zero.
        plane_distance: the same among the directions of the plane.
        head: ``"Softmax"``, ``"LogSoftmax"`` or ``"Sigmoid"`` where the model ends in one, else ``""``.
        status: measured on this grid.
        provenance: how it was made.
    """

    kind: ClassVar[str] = "prediction-map"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016",)

    domain: Plane | Box
    names: tuple[str, ...]
    label: np.ndarray
    confidence: np.ndarray
    margin: np.ndarray
    distance: np.ndarray
    plane_distance: np.ndarray
    head: str
    status: Status
    provenance: Provenance

    @property
    def window_area(self) -> float:
        """Area of the window in square input units."""
        gram = self.domain.basis @ self.domain.basis.T
        return float(np.prod(self.domain.high - self.domain.low)) * sqrt(abs(float(np.linalg.det(gram))))

    @property
    def class_fractions(self) -> np.ndarray:
        """(k,) share of the window where each class is predicted."""
        return np.bincount(self.label.ravel(), minlength=len(self.names)) / self.label.size

    @property
    def class_areas(self) -> np.ndarray:
        """(k,) area where each class is predicted, in square input units."""
        return self.class_fractions * self.window_area

    @property
    def components(self) -> np.ndarray:
        """(k,) number of connected pieces of each class on the grid; pixels that touch at a side are connected."""
        from scipy.ndimage import label

        return np.array([cast(tuple[Any, int], label(self.label == index))[1] for index in range(len(self.names))])

    def fraction_below(self, confidence: float) -> float:
        """Share of the window where the confidence is less than a level.

        Args:
            confidence: the level, a probability.

        Returns:
            A number between 0 and 1.

        Raises:
            InputError: if the level is no probability.
        """
        if not 0.0 <= confidence <= 1.0:
            raise InputError(f"expected a confidence between 0 and 1, got {confidence}")
        return float((self.confidence < confidence).mean())

    def area_below(self, confidence: float) -> float:
        """Area where the confidence is less than a level, in square input units.

        Args:
            confidence: the level, a probability.

        Returns:
            The area.
        """
        return self.fraction_below(confidence) * self.window_area

    def facts(self) -> dict[str, object]:
        """What the summary shows: name → value, in order."""
        rows, columns = self.label.shape
        width, height = self.domain.high - self.domain.low
        facts: dict[str, object] = {
            "window": f"{width:.4g} × {height:.4g} input units",
            "grid": f"{columns} × {rows} points",
            "classes seen": f"{np.count_nonzero(self.class_fractions)} of {len(self.names)}",
            "pieces": int(self.components.sum()),
            "median confidence": f"{np.median(self.confidence):.3g}",
            "area below confidence 0.9": f"{self.fraction_below(0.9):.1%}",
            "median distance to the boundary": f"{np.median(self.distance):.3g} input units",
        }
        return facts | ({"head": self.head} if self.head else {})

    def info(self, which: str = "label") -> Any:
        """One of the grids as a drawing kind.

        Args:
            which: ``"label"``, ``"confidence"``, ``"margin"``, ``"distance"`` or ``"plane_distance"``. Distances are
                drawn up to their 98th percentile; infinite ones are grey.

        Returns:
            An ``inscape.plotting.Heatmap``.

        Raises:
            InputError: if there is no such grid.
        """
        from inscape.plotting import Heatmap

        if which not in _LABELS:
            raise InputError(f"expected which to be one of {', '.join(_LABELS)}, got {which!r}")
        values = getattr(self, which)
        limits: dict[str, Any] = {}
        if which.endswith("distance"):
            values = np.where(np.isfinite(values), values, np.nan)
            far = float(np.nanpercentile(values, _FAR)) if np.isfinite(values).any() else 0.0
            limits = {"vmin": 0.0, "vmax": far} if far > 0 else {}
        hover = {_LABELS[name]: getattr(self, name) for name in ("confidence", "margin") if name != which}
        predicted = np.array(self.names)[self.label]
        return Heatmap(
            values=values,
            low=self.domain.low,
            high=self.domain.high,
            label=_LABELS[which],
            categorical=which == "label",
            names=self.names if which == "label" else (),
            hover=hover if which == "label" else {_LABELS["label"]: predicted} | hover,
            xlabel="first axis of the plane (input units)",
            ylabel="second axis of the plane (input units)",
            **limits,
        )

    def columns(self) -> dict[str, Any]:
        """Column name → one-dimensional array, all of one length: one row for every grid point."""
        rows, columns = self.label.shape
        x, y = (
            low + (np.arange(count) + 0.5) * (high - low) / count
            for low, high, count in zip(self.domain.low, self.domain.high, (columns, rows), strict=True)
        )
        grids = {name: getattr(self, name).ravel() for name in _LABELS}
        return {"x": np.tile(x, rows), "y": np.repeat(y, columns)} | grids
