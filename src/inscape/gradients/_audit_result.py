"""The answer of :func:`inscape.gradients.audit`."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from inscape._errors import InputError
from inscape.gradients._budget_result import Budget
from inscape.gradients._causes import Cause
from inscape.results import Provenance, Result, Status

_VIEWS = ("layers", "outside", "budget")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class InitialAudit(Result):
    """A network at step 0; one row for each layer that feeds an activation.

    Attributes:
        layers: (L,) module path of the layer behind each activation.
        activations: (L,) names of the activations.
        units: (L,) number of units.
        kappa: (L,) median of κ = std(z) / z*; NaN for kinks.
        deviation: (L,) median of std(z).
        occupancy: (L,) median share of the values that the unit answers to.
        outside: (L,) share of the units whose hyperplane has all data on one side.
        dead: (L,) share of the units whose derivative is zero on all data.
        budget: the budget of the gradient.
        cause: what the rule of :func:`inscape.gradients.diagnose` says of it.
        where: path of the layer that it names, or None.
        detail: its numbers in words.
        after: the same for a copy whose layers were scaled to the data, or None.
        status: that of the budget.
        provenance: how it was made.
    """

    kind: ClassVar[str] = "gradient-audit"
    works: ClassVar[tuple[str, ...]] = ("vandenberg2016",)

    layers: tuple[str, ...]
    activations: tuple[str, ...]
    units: np.ndarray
    kappa: np.ndarray
    deviation: np.ndarray
    occupancy: np.ndarray
    outside: np.ndarray
    dead: np.ndarray
    budget: Budget
    cause: Cause
    where: str | None
    detail: str
    after: "InitialAudit | None"
    status: Status
    provenance: Provenance

    def facts(self) -> dict[str, object]:
        """What the summary shows: name → value, in order."""
        total = int(self.units.sum())
        facts: dict[str, object] = {
            "units": f"{total} behind {len(self.layers)} activations",
            "hyperplanes outside the data": f"{float(self.outside @ self.units) / total:.1%}",
            "dead units": f"{float(self.dead @ self.units) / total:.1%}",
            "change to the first layer": f"{self.budget.change:+.2f} nats",
            "verdict": f"{self.cause.value}: {self.detail}",
        }
        if self.after is not None:
            facts["after rescaling"] = (
                f"{float(self.after.outside @ self.after.units) / total:.1%} outside, "
                f"{self.after.budget.change:+.2f} nats"
            )
        return facts

    def columns(self) -> dict[str, Any]:
        """Column name → one-dimensional array: one row for every layer that feeds an activation."""
        names = ("units", "kappa", "deviation", "occupancy", "outside", "dead")
        found: dict[str, Any] = {"layer": np.array(self.layers), "activation": np.array(self.activations)}
        found |= {name: getattr(self, name) for name in names}
        if self.after is not None:
            found |= {f"{name}_after": getattr(self.after, name) for name in names[1:]}
        return found

    def info(self, which: str = "layers") -> Any:
        """A table of the layers, a curve of the share outside the data, or the budget.

        Args:
            which: ``"layers"``, ``"outside"`` or ``"budget"``.

        Returns:
            An ``inscape.plotting.Table``, ``Lines`` or ``Waterfall``.

        Raises:
            InputError: if there is no such view.
        """
        if which not in _VIEWS:
            raise InputError(f"expected which to be one of {', '.join(_VIEWS)}, got {which!r}")
        if which == "budget":
            return self.budget.info()
        return self._table() if which == "layers" else self._curve()

    def _table(self) -> Any:
        from inscape.plotting import Table

        columns: dict[str, Any] = {"layer": self.layers, "activation": self.activations, "units": self.units.tolist()}
        for part, words in ((self, ""), (self.after, ", rescaled")):
            if part is not None:
                columns[f"κ{words}"] = _numbers(part.kappa)
                columns[f"std(z){words}"] = _numbers(part.deviation)
                columns[f"occupancy{words}"] = _numbers(part.occupancy)
                columns[f"outside{words}"] = [f"{share:.1%}" for share in part.outside]
        return Table(columns=columns, caption="Medians over the units of each layer, before the first step.")

    def _curve(self) -> Any:
        from inscape.plotting import Lines, Series

        places = np.arange(1, len(self.layers) + 1, dtype=np.float64)
        series = [Series(x=places, y=100 * self.outside, name="as initialised")]
        if self.after is not None:
            series.append(Series(x=places, y=100 * self.after.outside, name="scaled to the data"))
        return Lines(
            series=tuple(series),
            xlabel="layer, in the order of the forward pass",
            ylabel="hyperplanes outside the data (%)",
            title="Units that all samples lie on one side of",
        )


def _numbers(values: np.ndarray) -> list[object]:
    return ["–" if np.isnan(value) else float(f"{value:.3g}") for value in values.tolist()]
