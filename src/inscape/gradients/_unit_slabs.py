"""The answer of :func:`inscape.gradients.slabs`: one row for each unit."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from inscape._errors import InputError
from inscape.gradients._unit_views import by_layer, ranked_curves
from inscape.results import Provenance, Result, Status

_CURVES = {
    "kappa": ("κ = std(z) / z*", "Spread of the data in units of the transition's half-width"),
    "occupancy": ("share of the data where the unit responds", "Occupancy of the units"),
    "kink_distance": ("distance of the kink from the data's mean (standard deviations)", "Kinks and the data"),
}
_SHOWN = 20


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class UnitSlabs(Result):
    r"""Where the data lie in the slab of every unit; all arrays but ``layers`` and ``activations`` have a row a unit.

    A unit is a channel of a layer that feeds an elementwise activation :math:`ν`; the values of a convolution's channel
    are those of all samples and positions. The unit answers to its input where the derivative is at least the share
    ``delta`` of its largest value: in a slab around its hyperplane, or beside its kink.

    Attributes:
        layers: (L,) name of the layer behind each activation; of the activation itself where a sum of branches or
            another function feeds it.
        activations: (L,) names of the activations.
        layer: (U,) index into these two.
        unit: (U,) number of the unit in its layer.
        norm: (U,) length ‖w‖ of the unit's weights as they stand; NaN where no linear layer or convolution is known.
        steepness: (U,) change of z per unit of length along w, ‖w‖ times the slope of the normalisations between layer
            and activation. Batch normalisation with fixed statistics is folded in exactly; for other normalisations
            the slope is measured as std(z) / std(w · x).
        offset: (U,) signed place c of the hyperplane along w / ‖w‖, in units of the layer's input: :math:`-b / ‖w‖`
            for a plain layer whose transition is at 0; NaN where a normalisation is no fixed affine map.
        centre: (U,) middle of the transition, in units of z.
        halfwidth: (U,) z*, half the width of the transition; 0 for a kink.
        thickness: (U,) thickness 2 z* / steepness of the slab, in units of the layer's input.
        spread: (U,) standard deviation std(z) / steepness of the data along w / ‖w‖.
        mean: (U,) mean of z.
        deviation: (U,) standard deviation of z.
        kappa: (U,) κ = std(z) / z*; NaN for a kink.
        kink_distance: (U,) \|mean z − kink\| / std(z); NaN where there is no kink.
        smaller_side: (U,) share of the values on the smaller side of the hyperplane, where z is the transition's centre
            or the kink; 0 if all data lie on one side.
        occupancy: (U,) share of the values with \|ν'(z)\| ≥ δ max \|ν'\|.
        low: (U,) share of the values below the transition, or at or below the kink.
        high: (U,) share of the values above it.
        dead: (U,) whether ν' is 0 on all data.
        always_on: (U,) whether the data lie on one side of the kink and pass: the unit is linear on the data.
        constant: (U,) whether z is the same for all data.
        samples: number of samples.
        delta: level of the derivative.
        status: measured; says what was not fixed in the pass.
        provenance: how it was made.
    """

    kind: ClassVar[str] = "unit-slabs"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016",)

    layers: tuple[str, ...]
    activations: tuple[str, ...]
    layer: np.ndarray
    unit: np.ndarray
    norm: np.ndarray
    steepness: np.ndarray
    offset: np.ndarray
    centre: np.ndarray
    halfwidth: np.ndarray
    thickness: np.ndarray
    spread: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    kappa: np.ndarray
    kink_distance: np.ndarray
    smaller_side: np.ndarray
    occupancy: np.ndarray
    low: np.ndarray
    high: np.ndarray
    dead: np.ndarray
    always_on: np.ndarray
    constant: np.ndarray
    samples: int
    delta: float
    status: Status
    provenance: Provenance

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.unit)

    @property
    def ranking(self) -> np.ndarray:
        """(U,) rows from the largest κ to the smallest; units without κ follow, the farthest kinks first."""
        kinks = -np.where(np.isnan(self.kink_distance), -np.inf, self.kink_distance)
        return np.lexsort((kinks, -np.where(np.isnan(self.kappa), -np.inf, self.kappa)))

    def facts(self) -> dict[str, object]:
        """What the summary shows: name → value, in order."""
        found: dict[str, object] = {
            "units": f"{self.units} behind {len(self.layers)} activations",
            "samples": self.samples,
            "median occupancy": f"{np.median(self.occupancy):.3g} at level {self.delta:g}",
        }
        known = self.kappa[np.isfinite(self.kappa)]
        if known.size:
            found["κ"] = f"median {np.median(known):.3g}, largest {known.max():.3g}"
        kinks = self.kink_distance[np.isfinite(self.kink_distance)]
        if kinks.size:
            found["distance of kinks"] = f"median {np.median(kinks):.3g}, largest {kinks.max():.3g} deviations"
        return found | {
            "dead": int(self.dead.sum()),
            "linear on the data": int(self.always_on.sum()),
            "constant": int(self.constant.sum()),
        }

    def columns(self) -> dict[str, Any]:
        """Column name → one-dimensional array, all of one length: one row for every unit."""
        names = [field.name for field in fields(self) if field.name not in _OTHERS]
        found = {
            "layer": np.array(self.layers)[self.layer],
            "activation": np.array(self.activations)[self.layer],
        }
        return found | {name: getattr(self, name) for name in names}

    def info(self, which: str = "occupancy") -> Any:
        """Curves of the units of each layer, sorted, or tables.

        Args:
            which: ``"occupancy"``, ``"kappa"``, ``"kink_distance"``, ``"layers"`` for a table of the layers, or
                ``"units"`` for a table of the units of largest κ.

        Returns:
            An ``inscape.plotting.Lines`` or ``Table``.

        Raises:
            InputError: if there is no such view, or no unit has the quantity.
        """
        if which == "layers":
            return self._table_of_layers()
        if which == "units":
            return self._table_of_units()
        if which not in _CURVES:
            raise InputError(f"expected which to be one of {', '.join([*_CURVES, 'layers', 'units'])}, got {which!r}")
        label, title = _CURVES[which]
        return ranked_curves(
            getattr(self, which), self.layer, self.layers, ylabel=label, title=title, logy=which != "occupancy"
        )

    def _table_of_layers(self) -> Any:
        from inscape.plotting import Table

        middle = by_layer(self.layer, len(self.layers))
        columns: dict[str, Any] = {
            "layer": self.layers,
            "activation": self.activations,
            "units": np.bincount(self.layer, minlength=len(self.layers)).tolist(),
        }
        for name, title in (("kappa", "κ"), ("kink_distance", "kink distance"), ("occupancy", "occupancy")):
            if not np.isnan(getattr(self, name)).all():
                columns[f"median {title}"] = [_rounded(value) for value in middle(getattr(self, name))]
        for name, title in (("dead", "dead"), ("always_on", "linear"), ("constant", "constant")):
            columns[title] = np.bincount(self.layer[getattr(self, name)], minlength=len(self.layers)).tolist()
        return Table(columns=columns, caption=f"Units of each layer, on {self.samples} samples.")

    def _table_of_units(self) -> Any:
        from inscape.plotting import Table

        rows = self.ranking[:_SHOWN]
        columns: dict[str, Any] = {
            "layer": [self.layers[i] for i in self.layer[rows]],
            "unit": self.unit[rows].tolist(),
            "activation": [self.activations[i] for i in self.layer[rows]],
        }
        shown = {
            "κ": self.kappa,
            "kink distance": self.kink_distance,
            "occupancy": self.occupancy,
            "below": self.low,
            "above": self.high,
            "‖w‖": self.norm,
            "thickness": self.thickness,
            "spread": self.spread,
        }
        known = {title: values[rows] for title, values in shown.items() if not np.isnan(values[rows]).all()}
        columns |= {title: [_rounded(value) for value in values] for title, values in known.items()}
        return Table(columns=columns, caption=f"The {len(rows)} units of largest κ, or of the farthest kink.")


_OTHERS = {"layers", "activations", "layer", "samples", "delta", "status", "provenance"}


def _rounded(value: float) -> object:
    return "–" if np.isnan(value) else float(f"{value:.3g}")
