"""The answer of :func:`inscape.gradients.support`: how many samples hold each hyperplane in place."""

from dataclasses import dataclass
from math import erf, sqrt
from typing import Any, ClassVar

import numpy as np

from inscape._errors import InputError
from inscape.gradients._unit_views import by_layer, ranked_curves
from inscape.results import Provenance, Result, Status

_VIEWS = ("effective", "histogram", "critical", "kappa", "layers", "units")
_SHOWN = 20
_BINS = 32


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Support(Result):
    r"""How many samples support the hyperplane of every unit; arrays have a row for each unit.

    Attributes:
        layers: (L,) name of the layer behind each activation, or of the activation itself.
        activations: (L,) names of the activations.
        layer: (U,) index into these two.
        unit: (U,) number of the unit in its layer.
        effective: (U,) Kish's number N_eff of values; for a ReLU the number of values where it is on.
        participants: (U,) samples with \|ν'\| ≥ δ max \|ν'\| at one position at least; NaN where samples are not kept
            apart. Positions of one sample are not independent, so that in a convolution this is the honest number.
        values: (U,) values N of the unit: samples times positions.
        density: (U,) density p_z of the pre-activations at the middle of the transition; NaN for constant units.
        asymptote: (U,) what N_eff approaches for κ ≫ 1: 6 N p_z(0) for a sigmoid, 3 N p_z(0) for tanh; NaN for
            activations that do not saturate on both sides.
        critical: (U,) critical scale γ_c: the largest factor on weights and bias at which ``needed`` values still
            support the hyperplane. Infinite where the number does not fall below, as for a rectifier that is on often
            enough; 0 where it is below at every factor; NaN for constant units, and with fewer than ``needed`` values.
        kappa: (U,) κ = std(z) / z*; NaN for a kink.
        occupancy: (U,) share of the values with \|ν'\| ≥ δ max \|ν'\|.
        samples: number of samples.
        needed: values that a hyperplane needs.
        delta: level of the derivative.
        status: measured; says where only a sample of the values was used.
        provenance: how it was made.
    """

    kind: ClassVar[str] = "support"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016", "kish1965")

    layers: tuple[str, ...]
    activations: tuple[str, ...]
    layer: np.ndarray
    unit: np.ndarray
    effective: np.ndarray
    participants: np.ndarray
    values: np.ndarray
    density: np.ndarray
    asymptote: np.ndarray
    critical: np.ndarray
    kappa: np.ndarray
    occupancy: np.ndarray
    samples: int
    needed: int
    delta: float
    status: Status
    provenance: Provenance

    @property
    def unsupported(self) -> np.ndarray:
        """(U,) whether fewer than ``needed`` values support the hyperplane."""
        return self.effective < self.needed

    def facts(self) -> dict[str, object]:
        """What the summary shows: name → value, in order."""
        count = len(self.unit)
        found: dict[str, object] = {
            "units": f"{count} behind {len(self.layers)} activations",
            "samples": self.samples,
            "effective samples": f"median {np.median(self.effective):.4g}, least {self.effective.min():.4g}",
            "unsupported": f"{np.count_nonzero(self.unsupported)} of {count} (fewer than {self.needed})",
        }
        known = self.critical[np.isfinite(self.critical) & (self.critical > 0)]
        if known.size:
            found["critical scale"] = f"median {np.median(known):.3g}, least {known.min():.3g}"
        return found

    def columns(self) -> dict[str, Any]:
        """Column name → one-dimensional array, all of one length: one row for every unit."""
        found: dict[str, Any] = {
            "layer": np.array(self.layers)[self.layer],
            "activation": np.array(self.activations)[self.layer],
            "unit": self.unit,
        }
        names = "effective participants values density asymptote critical kappa occupancy unsupported"
        return found | {name: getattr(self, name) for name in names.split()}

    def info(self, which: str = "effective") -> Any:
        """Figures and tables.

        Args:
            which: ``"effective"`` for N_eff of the units of each layer, sorted; ``"histogram"`` of it;
                ``"critical"`` for γ_c likewise; ``"kappa"`` for the units over κ and occupancy; ``"layers"`` or
                ``"units"`` (those of least support) for tables.

        Returns:
            An ``inscape.plotting.Lines``, ``Heatmap`` or ``Table``.

        Raises:
            InputError: if there is no such view, or no unit has the quantity.
        """
        if which not in _VIEWS:
            raise InputError(f"expected which to be one of {', '.join(_VIEWS)}, got {which!r}")
        return getattr(self, f"_{which}")()

    def _effective(self) -> Any:
        return self._with_level(
            self.effective, self.needed, f"{self.needed} needed", "effective samples", "Samples that support each unit"
        )

    def _critical(self) -> Any:
        return self._with_level(
            self.critical, 1.0, "as it is", "critical scale γ_c", "How far the weights may grow until samples lack"
        )

    def _with_level(self, values: np.ndarray, level: float, name: str, label: str, title: str) -> Any:
        from dataclasses import replace

        from inscape.plotting import Series

        info = ranked_curves(values, self.layer, self.layers, ylabel=label, title=title, logy=True)
        line = Series(x=np.array([0.0, 100.0]), y=np.array([level, level]), name=name)
        return replace(info, series=(*info.series, line))

    def _histogram(self) -> Any:
        from inscape.plotting import Lines, Series

        found = np.maximum(self.effective, 0.5)
        low, high = np.log10(found.min()), np.log10(found.max())
        edges = np.linspace(low - 0.05, high + 0.05, _BINS + 1)
        series = []
        for index, name in enumerate(self.layers):
            counts = np.histogram(np.log10(found[self.layer == index]), edges)[0]
            series.append(Series(x=10 ** np.repeat(edges, 2)[1:-1], y=np.repeat(counts, 2), name=name))
        top = max(float(np.max(part.y)) for part in series)
        series.append(Series(x=np.full(2, float(self.needed)), y=np.array([0, top]), name=f"{self.needed} needed"))
        return Lines(
            series=tuple(series),
            xlabel="effective samples (fewer than ½ drawn there)",
            ylabel="units",
            title="Samples that support the units of each layer",
            logx=True,
        )

    def _kappa(self) -> Any:
        from inscape.plotting import Heatmap, Polyline

        known = np.isfinite(self.kappa) & (self.kappa > 0)
        if not known.any():
            raise InputError("no unit has a κ: rectifiers have no transition; see info(which='effective')")
        size = np.log10(self.kappa[known])
        low, high = np.floor(size.min() * 2) / 2, np.ceil(size.max() * 2) / 2
        high = max(high, low + 0.5)
        edges = (np.linspace(low, high, _BINS + 1), np.linspace(0.0, 1.0, _BINS + 1))
        counts = np.histogram2d(size, self.occupancy[known], bins=edges)[0].T
        at = np.linspace(low, high, 200)
        share = np.array([erf(10.0**-x / sqrt(2.0)) for x in at])
        return Heatmap(
            values=np.where(counts > 0, counts, np.nan),
            low=np.array([low, 0.0]),
            high=np.array([high, 1.0]),
            label="units",
            lines=(Polyline(points=np.stack([at, share], axis=1), name="centred Gaussian pre-activations"),),
            xlabel="log₁₀ κ",
            ylabel="occupancy (share of the data)",
            title="Occupancy of the units over κ",
            vmin=0.0,
            equal=False,
        )

    def _layers(self) -> Any:
        from inscape.plotting import Table

        middle, count = by_layer(self.layer, len(self.layers)), len(self.layers)
        return Table(
            columns={
                "layer": self.layers,
                "activation": self.activations,
                "units": np.bincount(self.layer, minlength=count).tolist(),
                "values": [int(self.values[self.layer == index].max()) for index in range(count)],
                "median N_eff": [_rounded(value) for value in middle(self.effective)],
                "median samples": [_rounded(value) for value in middle(self.participants)],
                "unsupported": np.bincount(self.layer[self.unsupported], minlength=count).tolist(),
                "median γ_c": [_rounded(value) for value in middle(self.critical)],
            },
            caption=f"Support of the units of each layer, on {self.samples} samples; {self.needed} are needed.",
        )

    def _units(self) -> Any:
        from inscape.plotting import Table

        rows = np.argsort(self.effective, kind="stable")[:_SHOWN]
        columns: dict[str, Any] = {
            "layer": [self.layers[i] for i in self.layer[rows]],
            "unit": self.unit[rows].tolist(),
            "activation": [self.activations[i] for i in self.layer[rows]],
        }
        shown = {"N_eff": self.effective, "samples": self.participants, "asymptote": self.asymptote}
        shown |= {"γ_c": self.critical, "κ": self.kappa, "occupancy": self.occupancy}
        columns |= {title: [_rounded(value) for value in values[rows]] for title, values in shown.items()}
        return Table(columns=columns, caption=f"The {len(rows)} units with the least support.")


def _rounded(value: float) -> object:
    return "–" if np.isnan(value) else "∞" if np.isinf(value) else float(f"{value:.4g}")
